"""For which pods an override counts, and until when: the override file's state for this pod."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sidecar.config import Problem
from sidecar.override import Override


class State(StrEnum):
    """What the override file amounts to for this pod. The values are metric label values."""

    NONE = "none"  # absent, empty or `mode: inherit`
    ACTIVE = "active"
    NOT_SELECTED = "not_selected"
    EXPIRED = "expired"
    INVALID = "invalid"
    UNREADABLE = "unreadable"


class Pod(NamedTuple):
    """Who we are, as far as an override can tell pods apart."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OverrideState:
    """The override file as this pod sees it at one moment.

    `state` is about the file on disk; it is INVALID or UNREADABLE while `standing` still says what
    the last good one, `override`, amounts to: NONE, ACTIVE, NOT_SELECTED or EXPIRED.
    """

    state: State = State.NONE
    override: Override | None = None
    standing: State = State.NONE
    problems: tuple[Problem, ...] = ()
    hash: str = "none"  # of the bytes last read, good or not; "none" without a file
    last_success: datetime | None = None  # when the last good file, or its absence, was taken over

    @property
    def mode(self) -> str | None:
        """The mode that this pod is asked to take now, or None."""
        return self.override.mode if self.override and self.standing is State.ACTIVE else None

    @property
    def unknown(self) -> bool:
        """Whether operators have written something, and nothing of theirs could ever be read."""
        return self.state in (State.INVALID, State.UNREADABLE) and self.last_success is None


def standing(override: Override | None, pod: Pod, now: datetime) -> State:
    """Return NONE, NOT_SELECTED, EXPIRED or ACTIVE. `now` has its zone.

    It expires at the very instant of `expires_at`. Not being selected goes first: what was never
    meant for this pod does not expire here.
    """
    if override is None:
        return State.NONE
    if not selected(override, pod):
        return State.NOT_SELECTED
    if override.expires_at is not None and now >= override.expires_at:
        return State.EXPIRED
    return State.ACTIVE


def selected(override: Override, pod: Pod) -> bool:
    """Tell whether `percent` and `match` both mean this pod."""
    wanted = (pair.partition("=") for pair in override.match)
    return share(override.salt, pod.name) < override.percent and all(
        pod.labels.get(key) == value for key, _, value in wanted
    )


def share(salt: str, name: str) -> float:
    """Return where a pod stands between 0 and 100 (exclusive), the same on every machine.

    A pod below `percent` is selected, so that raising it only ever adds pods.
    """
    digest = hashlib.sha256(f"{salt}:{name}".encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 * 100


_LABEL = re.compile(r'([^=\s"]+)="([\w.-]*)"', re.ASCII)


def parse_labels(data: bytes) -> dict[str, str]:
    """Parse a file of the downward API: lines of `key="value"`; other lines are passed over.

    The kubelet escapes values as Go's %q does, but a label's value has nothing to escape
    (kubernetes pkg/fieldpath, FormatMap; labels are of A-Z, a-z, 0-9, `_`, `.` and `-`).
    """
    lines = data.decode("utf-8", "replace").split("\n")
    return {match[1]: match[2] for line in lines if (match := _LABEL.fullmatch(line))}
