"""The requests of the benchmark: what an SDK of Zep sends, clean or with personal data."""

import json
import re
from typing import NamedTuple

_PARAMETER = re.compile(r"\{[^}]*\}")
LEAK = b"@example.com"
"""What every e-mail address of a body contains: the stub counts bodies in which it survived."""
_HEADERS = {  # those of zep-cloud 3.30
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": "zep-cloud/3.30.0",
    "X-Fern-Language": "Python",
    "X-Fern-SDK-Name": "zep-cloud",
    "X-Fern-SDK-Version": "3.30.0",
}
_TALK = (
    "Hello, this is a follow-up on the booking that we discussed on Monday. ",
    "I would like to move the appointment to the afternoon, please. ",
    "Keep the window seat and the vegetarian meal, and let my colleague know. ",
    "Pazartesi konuştuğumuz rezervasyonu öğleden sonraya almak istiyorum. ",
)
_PERSONAL = "Write to user{n}-####@example.com or call +90 532 {n:03d} ## ## after lunch. "
"""The digits differ from request to request: nobody writes the same number again and again."""


class Work(NamedTuple):
    """One kind of request, about `threads` threads in turn, or a new one each time."""

    method: str
    threads: int = 0
    body: bytes = b""
    credentials: int = 1
    paths: tuple[str, ...] = ()
    """Templates of the paths to ask in turn; without any, those of a chat."""

    def numbered(self, tag: str, number: int) -> bytes:
        """Return the bytes of one request of many; `tag` belongs to all of them."""
        if self.threads:
            return self.request(f"t{number % self.threads}", number)
        return self.request(f"{tag}-{number}", number)

    def request(self, thread: str, number: int = 0) -> bytes:
        """Return the bytes of one request."""
        body = self.body.replace(b"####", b"%04d" % (number % 10000))
        body = body.replace(b"## ##", b"%02d %02d" % (number // 100 % 100, number % 100))
        what = "context" if self.method == "GET" else "messages"
        path = f"/api/v2/threads/{thread}/{what}"
        if self.paths:
            path = _PARAMETER.sub(thread, self.paths[number % len(self.paths)])
        credential = f"Api-Key z_bench_{number % self.credentials:048d}"
        headers = _HEADERS | {"Authorization": credential}
        if body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line = f"{self.method} {path} HTTP/1.1\r\n"
        return f"{line}Host: 127.0.0.1\r\n{lines}\r\n".encode() + body


def messages(size: int, personal: int = 0) -> bytes:
    """Return the body of a message-add of about `size` bytes.

    `personal`: the percentage of sentences that hold an e-mail address and a phone number.
    """
    count = 1 if size < 1500 else 4 if size < 16000 else 30
    room, written, added = max(60, size // count - 75), 0, []
    sentences: list[str] = []
    for number in range(count):
        sentences.clear()
        while len("".join(sentences)) < room:
            # Spread evenly: sentence k holds some where k * personal / 100 passes an integer.
            due = (written + 1) * personal // 100 > written * personal // 100
            sentences.append(_PERSONAL.format(n=written % 100) if due else _TALK[written % 4])
            written += 1
        role = "assistant" if number % 2 else "user"
        added.append({"role": role, "name": "Emily", "content": "".join(sentences)})
    return json.dumps({"messages": added}, ensure_ascii=False).encode()


WORKS = {
    "get": Work("GET"),
    "hit": Work("GET", threads=100),
    "post400": Work("POST", body=messages(400)),
    "post4k": Work("POST", body=messages(4096)),
    "post4k-pii": Work("POST", body=messages(4096, personal=20)),
    "post64k": Work("POST", body=messages(65536)),
}
