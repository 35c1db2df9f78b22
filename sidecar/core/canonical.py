"""JSON in one form, whoever has written it: what is the same question must read the same."""

import json
from collections.abc import Callable
from typing import Any

# Bytes that are put into canonical form; what is larger stands for itself.
_IN_ORDER_MOST = 8192


class _Number(str):
    """A number as it is written: 1 is not 1.0, and neither is rounded."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """The members of a JSON object by name; of those with the same name, the order stays."""


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    return _Object(sorted(pairs, key=lambda pair: pair[0]))


def canonical(body: bytes) -> bytes:
    """Return JSON with sorted names and no blanks; what is no JSON, or large, as it is."""
    if len(body) > _IN_ORDER_MOST:
        return body
    try:
        value = json.loads(
            body,
            object_pairs_hook=_object,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
        )
        written: list[str] = []
        _write(value, written.append)
        return b"json " + "".join(written).encode()
    except (ValueError, RecursionError):
        return b"raw " + body


def _write(value: Any, out: Callable[[str], None]) -> None:
    if isinstance(value, _Object):
        out("{")
        for name, inner in value:
            out(json.dumps(name))
            out(":")
            _write(inner, out)
            out(",")
        out("}")
    elif isinstance(value, list):
        out("[")
        for inner in value:
            _write(inner, out)
            out(",")
        out("]")
    else:
        out(value if isinstance(value, _Number) else json.dumps(value))
