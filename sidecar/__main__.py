"""The command `zep-sidecar`, also as `python -m sidecar`."""

import os
import signal
import sys

from sidecar import patterns


def main() -> int:
    """Run it. A SIGTERM that comes while `run` still loads ends it at once."""
    if sys.argv[1:2] == ["run"]:
        # As the first process of a container we would not get signals that nobody handles.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    patterns.reuse()
    from sidecar.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
