"""What we use of aiohttp: its parser, and what that works with; see docs/adr/0008.

`import aiohttp` would load its client and its server too, and the CA bundle twice: eight megabytes
and a quarter of the time to start, of which nothing is used here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from typing import Any


@contextmanager
def modules_only(library: str) -> Iterator[None]:
    """Let modules of a library be imported without its `__init__`, unless that has run already.

    It runs later if anybody asks the library for more than these modules.
    """
    spec = None if library in sys.modules else find_spec(library)
    if spec is None or spec.loader is None:
        yield
        return
    package = sys.modules[library] = module_from_spec(spec)
    try:
        yield
    except BaseException:
        del sys.modules[library]
        raise
    run = spec.loader.exec_module

    def more(name: str) -> Any:
        del package.__dict__["__getattr__"]
        run(package)
        return getattr(package, name)

    package.__dict__["__getattr__"] = more


with modules_only("aiohttp"):
    from aiohttp.client_exceptions import ClientError, ClientPayloadError
    from aiohttp.http_exceptions import HttpProcessingError
    from aiohttp.http_parser import (
        HttpRequestParser,
        HttpResponseParser,
        RawRequestMessage,
        RawResponseMessage,
    )
    from aiohttp.http_writer import HttpVersion
    from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

__all__ = [
    "EMPTY_PAYLOAD",
    "ClientError",
    "ClientPayloadError",
    "HttpProcessingError",
    "HttpRequestParser",
    "HttpResponseParser",
    "HttpVersion",
    "RawRequestMessage",
    "RawResponseMessage",
    "StreamReader",
]
