"""Parts of libraries, without all that the whole library would load; see docs/adr/0008."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
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


@contextmanager
def put_off(module: str, *functions: str) -> Iterator[None]:
    """Let functions be imported from a module that loads only once one of them is called."""
    if module in sys.modules:
        yield
        return
    stand_in = sys.modules[module] = ModuleType(module)
    for name in functions:
        setattr(stand_in, name, _late(module, name))
    try:
        yield
    finally:
        del sys.modules[module]


def _late(module: str, function: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(import_module(module), function)(*arguments, **named)

    return call
