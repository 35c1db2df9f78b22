"""A worker on the real SDK: a conversation that it writes to Zep and reads context from.

ZEP_API_URL says where Zep is: the sidecar, or Zep itself. One JSON line on standard output for each
turn. It ends at SIGTERM, or after TURNS turns, if that is set; exit code 1 if any call raised.
"""

import json
import os
import signal
import threading
import uuid
from pathlib import Path

from zep_cloud import AddMessage
from zep_cloud.client import Zep
from zep_cloud.core.api_error import ApiError

TEXT = "Merhaba, ben Ayşe: ayse.yilmaz@example.com, 0532 123 45 67."


def main() -> int:
    """Talk until told to stop."""
    stopping = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stopping.set())
    url = os.environ.get("ZEP_API_URL", "https://api.getzep.com")
    zep = Zep(api_key=api_key(), base_url=f"{url}/api/v4", timeout=15)
    turns, pause = int(os.environ.get("TURNS", "0")), float(os.environ.get("PAUSE", "5"))
    failed, turn, thread = False, 0, None
    while not stopping.is_set() and (not turns or turn < turns):
        turn += 1
        try:
            thread = thread or begin(zep)
            message = AddMessage(role="user", name="Ayşe", content=TEXT)
            zep.thread.add_messages(thread, messages=[message])
            context = zep.thread.get_context(thread).context
            say(turn=turn, ok=True, context_characters=len(context or ""))
        except ApiError as error:  # what Zep, or the sidecar, answered
            failed = True
            say(turn=turn, ok=False, error=type(error).__name__, status=error.status_code)
        except Exception as error:
            failed = True
            say(turn=turn, ok=False, error=type(error).__name__)
        if turn != turns:
            stopping.wait(pause)
    return int(failed)


def begin(zep: Zep) -> str:
    """Create a user and a thread; return the thread's id."""
    user = zep.user.create(user_id=f"example-{uuid.uuid4()}", first_name="Ayşe")
    thread: str = zep.thread.create(user_uuid=user.uuid_).uuid_
    return thread


def api_key() -> str:
    """Return the key from the mounted Secret; Zep refuses the other one."""
    path = Path(os.environ.get("ZEP_API_KEY_FILE", "/etc/zep/api-key"))
    return path.read_text().strip() if path.exists() else "no-key-is-mounted"


def say(**fields: object) -> None:
    """Write one line."""
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
