"""Parts of libraries."""

import sys
from pathlib import Path

import pytest

from sidecar.modules import modules_only, put_off


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A library of two modules, with an `__init__` that needs one of them."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text("from .one import ONE\nMORE = [ONE]\n")
    (tmp_path / "heavy" / "one.py").write_text("ONE = object()\n")
    (tmp_path / "heavy" / "two.py").write_text("from .one import ONE\nfrom . import three\n")
    (tmp_path / "heavy" / "three.py").write_text("from . import one\nfrom . import MORE\n")
    (tmp_path / "heavy" / "four.py").write_text(
        "OTHER = 'other'\ndef double(number):\n    return 2 * number\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("heavy", *(f"heavy.{part}" for part in ("one", "two", "three", "four"))):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    return "heavy"


def test_init_runs_when_it_is_wanted(library: str) -> None:
    """Once, with what has been imported before in place; what does not exist is not there."""
    with modules_only(library):
        from heavy.one import ONE  # type: ignore[import-not-found]
    import heavy  # type: ignore[import-not-found]

    assert "MORE" not in vars(heavy)
    more = heavy.MORE
    assert more == [ONE]
    assert not hasattr(heavy, "nothing")
    from heavy.three import MORE  # type: ignore[import-not-found]

    assert MORE is more


def test_module_that_needs_init(library: str) -> None:
    """It fails at once, and leaves the library as if nobody had asked."""
    with pytest.raises(ImportError, match="MORE"), modules_only(library):
        import heavy.two  # type: ignore[import-not-found]
    import heavy

    assert "MORE" in vars(heavy)


def test_library_that_is_loaded_already(library: str) -> None:
    """It stays what it is."""
    import heavy

    with modules_only(library):
        from heavy.two import ONE
    assert heavy.MORE == [ONE]
    assert sys.modules[library] is heavy


def test_function_that_is_put_off(library: str) -> None:
    """Its module loads when it is called, and whoever imports the module itself gets all of it."""
    with put_off("heavy.four", "double"):
        from heavy.four import double  # type: ignore[import-not-found]
    assert "heavy.four" not in sys.modules
    assert double(21) == 42
    import heavy.four

    assert heavy.four.OTHER == "other"
    with put_off("heavy.four", "double"):
        from heavy.four import double as loaded
    assert loaded is heavy.four.double
