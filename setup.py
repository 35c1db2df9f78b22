"""Compiles the request path with mypyc; see docs/adr/0008. All else is in pyproject.toml.

Without a C compiler, or with ZEP_SIDECAR_PURE=1, the same modules run as Python: slower, not
otherwise.
"""

import os
from pathlib import Path

from setuptools import setup

# The request path, but for what mypyc cannot compile: classes that are tuples, lists or strings.
NATIVE = ["sidecar/core/*.py", *(f"sidecar/runtime/{name}.py" for name in """
    account attempts cache case connection flights flow governor inbound metrics proxy reads relay
    series server upstream
""".split())]  # fmt: skip
PURE = ("__init__", "canonical", "control")


def extensions() -> list[object]:
    """Return the extension modules, in C already."""
    if os.environ.get("ZEP_SIDECAR_PURE"):
        return []
    from mypyc.build import mypycify

    found = [path for pattern in NATIVE for path in sorted(Path().glob(pattern))]
    sources = [str(path) for path in found if path.stem not in PURE]
    # Third-party types are not looked at: what is compiled must not depend on what is installed.
    options = ["--config-file=", "--no-site-packages", "--ignore-missing-imports"]
    made = mypycify(
        [*options, *sources],
        opt_level="2",
        debug_level="0",
        multi_file=True,
        group_name="zep_sidecar",
    )
    for extension in made:
        extension.optional = True
    return list(made)


setup(ext_modules=extensions())
