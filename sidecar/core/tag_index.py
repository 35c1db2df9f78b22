"""Which keys carry a tag, and who owns what: small, because there are many of both."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from sidecar.core.cache_key import TAG_SIZE, Key, Lesson, Tag

# Things whose owners are remembered, and owners of one of them.
OWNED_MOST = 50_000
OWNERS_MOST = 8

V = TypeVar("V")


class TagIndex:
    """Keys by tag. Most tags have one key, and a set of one takes 200 bytes: they do without."""

    def __init__(self) -> None:
        self._keys: dict[Tag, Key | set[Key]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: Key, tags: Iterable[Tag]) -> None:
        """Note that a key carries tags that it did not carry."""
        for tag in tags:
            known = self._keys.get(tag)
            if known is None:
                self._keys[tag] = key
            elif isinstance(known, set):
                known.add(key)
            else:
                self._keys[tag] = {known, key}

    def remove(self, key: Key, tags: Iterable[Tag]) -> None:
        """Note that a key is gone; it has carried all of the tags."""
        for tag in tags:
            known = self._keys[tag]
            if not isinstance(known, set):
                del self._keys[tag]
                continue
            known.discard(key)
            if len(known) == 1:
                self._keys[tag] = known.pop()

    def keys(self, tags: Iterable[Tag]) -> set[Key]:
        """Return the keys that carry any of the tags."""
        found: set[Key] = set()
        for tag in tags:
            known = self._keys.get(tag)
            if isinstance(known, set):
                found |= known
            elif known is not None:
                found.add(known)
        return found

    def clear(self) -> None:
        """Forget every key."""
        self._keys.clear()


class Generations(Generic[V]):
    """A mapping that forgets what has not been of use for longest.

    What is of use moves to the younger generation; when that is full, the elder one goes. Under
    steady change this takes half the memory of an OrderedDict.
    """

    def __init__(self, most: int) -> None:
        """`most`: how many are kept at most; at least half as many are."""
        self._most = most
        self._young: dict[Tag, V] = {}
        self._old: dict[Tag, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, tag: Tag) -> V | None:
        """Return what is kept under a tag."""
        value = self._young.get(tag)
        if value is not None:
            return value
        if len(self._young) < self._most // 2 and (value := self._old.pop(tag, None)) is not None:
            self._young[tag] = value
            return value
        return self._old.get(tag)

    def put(self, tag: Tag, value: V) -> bool:
        """Keep a value; return whether a generation had to go for it."""
        self._old.pop(tag, None)
        full = tag not in self._young and len(self._young) >= self._most // 2
        if full:
            self._old, self._young = self._young, {}
        self._young[tag] = value
        return full

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = {}, {}


class Owners:
    """To whom things belong."""

    def __init__(self) -> None:
        self._owners: Generations[bytes] = Generations(OWNED_MOST)  # tags, one behind the other

    def __len__(self) -> int:
        return len(self._owners)

    def learn(self, lesson: Lesson) -> bool:
        """Remember a lesson; return whether it said anything new."""
        known = frozenset(_split(self._owners.get(lesson.owned) or b""))
        owners = known | lesson.owners
        if owners != known:
            kept = owners if len(owners) <= OWNERS_MOST else lesson.owners
            self._owners.put(lesson.owned, b"".join(kept))
        return owners != known

    def widen(self, tags: frozenset[Tag]) -> frozenset[Tag]:
        """Return the tags, and those of their owners as far as they are known."""
        known = [joined for tag in tags if (joined := self._owners.get(tag))]
        return tags.union(_split(b"".join(known))) if known else tags


def _split(joined: bytes) -> Iterable[Tag]:
    return (joined[at : at + TAG_SIZE] for at in range(0, len(joined), TAG_SIZE))
