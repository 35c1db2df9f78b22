"""The stub in place of Zep: nginx with a few lines of Lua, which also counts what reached it."""

import json
from pathlib import Path

from bench.proxy.processes import STUB_CORE, Process, exchange, free_port

_CONF = r"""
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1; daemon off; pid {home}/stub.pid; error_log {home}/stub.err warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_timeout 3600s; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_buffer_size 16m; client_max_body_size 64m; default_type application/json;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  lua_package_path "/usr/share/lua/5.1/?.lua;;";
  init_by_lua_block {{
    local function context(n)
      return '{{"context": "' .. string.rep('The user prefers aisle seats. ', n) .. '"}}'
    end
    SMALL, BIG = context(33), context(217)
    TAKEN = '{{"message_uuids": ["0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"]}}'
    gets = 0; posts = 0; leaked = 0
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /stats {{ content_by_lua_block {{
      local s = string.format('{{"gets":%d,"posts":%d,"leaked":%d}}', gets, posts, leaked)
      ngx.header['Content-Length'] = #s
      ngx.print(s) }} }}
    location / {{ content_by_lua_block {{
      local answer = SMALL
      if ngx.req.get_method() == 'GET' then
        gets = gets + 1
        if string.find(ngx.var.uri, '/big', 1, true) then answer = BIG end
      else
        ngx.req.read_body()
        posts = posts + 1
        answer = TAKEN
        if string.find(ngx.req.get_body_data() or '', '@example.com', 1, true) then
          leaked = leaked + 1
        end
      end
      ngx.header['Content-Length'] = #answer
      ngx.print(answer) }} }}
  }}
}}
"""


class Stub:
    """A running stub. Contexts are 1 KB; those of threads called `big…` are 6.5 KB."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        conf = home / "stub.conf"
        conf.write_text(_CONF.format(home=home, port=self.port))
        command = ["nginx", "-p", str(home), "-c", str(conf)]
        self.process = Process(STUB_CORE, command, home / "stub.log")
        self.process.wait_for(self.port, b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")

    def counts(self) -> dict[str, int]:
        """Return how many requests came, and how many bodies with an address in them."""
        body = exchange(self.port, b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")[1]
        counts: dict[str, int] = json.loads(body)
        return counts
