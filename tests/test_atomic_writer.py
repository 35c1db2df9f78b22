"""The emulation of the kubelet does what was seen on a real one (Kubernetes 1.36)."""

from pathlib import Path

import pytest

from tests.atomic_writer import AtomicWriter, ConfigMapVolume, Crash

ONE, TWO = {"a": b"1", "b": b"x"}, {"b": b"x", "c": b"3"}


def names(volume: Path) -> set[str]:
    """Return what is in a volume; directories with a time stamp all as one."""
    found = {path.name for path in volume.iterdir()}
    return {"..time" if name.startswith("..2") else name for name in found}


def test_layout(tmp_path: Path) -> None:
    """A directory with a time stamp, a link to it, and links through that."""
    AtomicWriter(tmp_path).write(ONE)
    target = (tmp_path / "..data").readlink()
    assert (tmp_path / target).is_dir()
    assert str(target).startswith("..2026_")
    assert (tmp_path / "a").readlink() == Path("..data/a")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_equal_bytes_change_nothing(tmp_path: Path) -> None:
    """Not even with another mode."""
    writer = AtomicWriter(tmp_path)
    writer.write(ONE, mode=0o644)
    before = (tmp_path / "..data").readlink()
    writer.write(ONE, mode=0o400)
    assert (tmp_path / "..data").readlink() == before
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("step", "data", "seen"),
    [
        ("directory", ONE, {"..data", "..time", "a", "b"}),
        ("symlink", ONE, {"..data", "..data_tmp", "..time", "a", "b"}),
        ("rename", TWO, {"..data", "..time", "a", "b"}),  # c is not visible yet, a leads nowhere
        ("visible", TWO, {"..data", "..time", "a", "b", "c"}),
        ("stale", TWO, {"..data", "..time", "b", "c"}),
        ("removed", TWO, {"..data", "..time", "b", "c"}),
    ],
)
def test_order(tmp_path: Path, step: str, data: dict[str, bytes], seen: set[str]) -> None:
    """What is there after each step of an update that removes a key and adds another."""
    writer = AtomicWriter(tmp_path)
    writer.write(ONE)
    old = (tmp_path / "..data").resolve()
    with pytest.raises(Crash):
        writer.write(TWO, crash_after=step)
    assert names(tmp_path) == seen
    assert {path.name for path in (tmp_path / "..data").iterdir()} == set(data)
    assert old.exists() == (step != "removed")


def test_leftover_of_a_crash(tmp_path: Path) -> None:
    """Every later write fails until somebody removes it."""
    writer = AtomicWriter(tmp_path)
    writer.write(ONE)
    with pytest.raises(Crash):
        writer.write(TWO, crash_after="symlink")
    for _ in range(2):
        with pytest.raises(FileExistsError):
            writer.write(TWO)
    writer.recover()
    writer.write(TWO)
    assert (tmp_path / "c").read_bytes() == b"3"


def test_optional_config_map(tmp_path: Path) -> None:
    """Without it, the volume is empty, but has its `..data`."""
    volume = ConfigMapVolume(tmp_path)
    volume.sync(None)
    assert names(tmp_path) == {"..data", "..time"}
    volume.sync({"a": "1"})
    assert (tmp_path / "a").read_text() == "1"
    volume.sync(None)
    assert names(tmp_path) == {"..data", "..time"}


def test_config_map_that_must_exist(tmp_path: Path) -> None:
    """Once it is deleted, the volume stays as it was."""
    volume = ConfigMapVolume(tmp_path, optional=False)
    volume.sync({"a": "1"})
    with pytest.raises(FileNotFoundError):
        volume.sync(None)
    assert (tmp_path / "a").read_text() == "1"


def test_sub_path(tmp_path: Path) -> None:
    """Leads to the file itself, past all links that will change."""
    volume = ConfigMapVolume(tmp_path)
    volume.sync({"a": "1"})
    file = volume.sub_path("a")
    assert file.parent.name.startswith("..2026_")
    with file.open() as mounted:  # as the kernel keeps it
        volume.sync({"a": "2"})
        assert not file.exists()
        assert mounted.read() == "1"
