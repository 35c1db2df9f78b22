"""The operator's side: HTTP over a unix socket that only the sidecar's own user can open."""

import asyncio
import errno
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sidecar.core.control import Force, parse_force, parse_invalidate, parse_nothing
from sidecar.core.errors import BODY_TIMEOUT, INTERNAL, Refusal
from sidecar.runtime.logs import Log
from sidecar.runtime.server import JSON, Listener, Reply, Request, refuse, reply

MAX_BODY = 4096
BODY_SILENCE = 5.0
_NOT_FOUND = Refusal(
    404,
    "not_found",
    "Known are GET /status and POST /force, /clear, /invalidate, /reset-failures.",
)


class NoDirectory(OSError):
    """There is no directory that we may write in where the socket should be."""


class Control(Protocol):
    """What the admin socket acts on. Every call is short, and complete when it returns."""

    def status(self) -> dict[str, Any]:
        """Return the status, as JSON shows it."""

    def force(self, force: Force) -> None:
        """Limit the mode; the last call wins."""

    def clear(self) -> list[str]:
        """End the force and every hold; return the sources that still limit the mode."""

    def invalidate(self, id: str) -> int | None:  # noqa: A002
        """Drop what is cached of a thread or user; return how much, or None without a cache."""

    def reset_failures(self) -> None:
        """Set the failure streaks to zero."""

    async def saved(self) -> None:
        """Return when all that was decided will survive a restart."""


_Parser = Callable[[bytes], Any]
_Action = Callable[[Any], dict[str, Any]]


class Admin:
    """Serves the operator's command on a unix socket."""

    def __init__(self, control: Control, log: Log) -> None:
        self._control = control
        self._log = log
        self._listener = Listener(self.handle)
        self._bound: tuple[Path, int | None] | None = None
        self._actions: dict[tuple[str, str], tuple[_Parser, _Action]] = {
            ("GET", "/status"): (parse_nothing, lambda _: control.status()),
            ("POST", "/force"): (parse_force, self._force),
            ("POST", "/clear"): (parse_nothing, self._clear),
            ("POST", "/invalidate"): (parse_invalidate, self._invalidate),
            ("POST", "/reset-failures"): (parse_nothing, self._reset_failures),
        }

    async def start(self, path: str) -> None:
        """Serve at `path`, with file mode 0600.

        Raises NoDirectory when its directory does not exist or may not be written, and another
        OSError for anything else in the way, a live sidecar among it; `strerror` and `filename`
        say what.
        """
        listening = bind(path)
        self._bound = (Path(path), _inode(path))
        await self._listener.start_unix(listening)

    async def stop(self) -> None:
        """End every connection and remove the socket, unless it is another's by now."""
        await self._listener.stop_accepting()
        await self._listener.close()
        if self._bound:
            path, inode = self._bound
            if _inode(path) == inode:
                path.unlink()
            self._bound = None

    async def handle(self, request: Request) -> Reply:
        """Serve one request."""
        known = self._actions.get((request.method, request.raw_path))
        if known is None:
            return refuse(request, _NOT_FOUND)
        parse, act = known
        try:
            body = await _body(request)
            arguments = parse(body)
        except TimeoutError:
            return refuse(request, BODY_TIMEOUT, close=True)
        except ValueError as error:
            return refuse(request, Refusal(400, "admin_request", str(error)), close=True)
        try:
            done = act(arguments)
            if request.method == "POST":
                await self._control.saved()  # nothing that was acknowledged is lost
            answer = json.dumps(done).encode()
        except Exception as error:  # noqa: BLE001  said without the message, which could quote data
            self._log("internal_error", "error", reason=type(error).__name__, where="admin")
            return refuse(request, INTERNAL, close=True)
        return reply(request, 200, JSON, answer)

    def _force(self, force: Force) -> dict[str, Any]:
        self._control.force(force)
        return {"status": self._control.status()}

    def _clear(self, _: None) -> dict[str, Any]:
        limits = self._control.clear()
        return {"limited_by": limits, "status": self._control.status()}

    def _invalidate(self, id_: str) -> dict[str, Any]:
        return {"invalidated": self._control.invalidate(id_)}

    def _reset_failures(self, _: None) -> dict[str, Any]:
        self._control.reset_failures()
        return {"status": self._control.status()}


async def _body(request: Request) -> bytes:
    """Return the body; raises ValueError if it is too large, TimeoutError if it does not end."""
    body = b""
    async with asyncio.timeout(BODY_SILENCE):
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > MAX_BODY:
                raise ValueError(f"the body is over {MAX_BODY} bytes")
    return body


def bind(path: str) -> socket.socket:
    """Return a socket that listens at `path`, where what a dead process has left is replaced.

    Raises OSError, with `strerror` and `filename`: NoDirectory for a directory that does not exist
    or may not be written, others for a socket that somebody listens on, and a file that is none.
    """
    if not os.access(Path(path).parent, os.W_OK | os.X_OK, effective_ids=True):
        why = "the directory of listen.admin does not exist, or is not writable"
        raise NoDirectory(errno.EACCES, why, path)
    _check_free(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    # Made under another name and moved: nobody can meet it before it has its mode and listens, and
    # there is no moment without a socket between an old one and ours.
    temporary = Path(f"{path}.new")
    umask = os.umask(0o177)
    try:
        temporary.unlink(missing_ok=True)
        listening.bind(str(temporary))
        listening.listen()
        temporary.rename(path)
    except OSError as error:
        listening.close()
        # "AF_UNIX path too long" comes without a number.
        why = error.strerror or str(error)
        raise OSError(error.errno or errno.ENAMETOOLONG, f"listen.admin: {why}", path) from None
    finally:
        os.umask(umask)
    return listening


def _inode(path: str | Path) -> int | None:
    try:
        return Path(path).lstat().st_ino
    except OSError:
        return None


def _check_free(path: str) -> None:
    try:
        mode = Path(path).lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "listen.admin is taken by a file", path)
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(1.0)  # a full queue is a sign of life
        try:
            other.connect(path)
        except ConnectionRefusedError:
            return
        except (TimeoutError, BlockingIOError):
            pass
        except OSError as error:  # another user's
            raise OSError(error.errno, f"listen.admin is taken: {error.strerror}", path) from None
    raise OSError(errno.EADDRINUSE, "another sidecar listens on listen.admin", path)
