"""Compiles the request path with mypyc; see docs/adr/0009. All else is in pyproject.toml.

Without a C compiler, or with ZEP_SIDECAR_PURE=1, the same modules run as Python: slower, not
otherwise.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

# The request path, but for what mypyc cannot compile: classes that are tuples, lists or strings.
NATIVE = {
    "core": "*",
    "redact": "address_* body email engine finder fold locate phone* rule spelled written",
    "runtime": "account attempts cache case connection flights flow governor inbound lag metrics "
    "proxy reads relay series server upstream",
}
PURE = ("__init__", "canonical", "control")


def extensions() -> list[object]:
    """Return the extension modules, in C already."""
    asked_only = {"egg_info", "dist_info"} & set(sys.argv)
    if asked_only or os.environ.get("ZEP_SIDECAR_PURE"):
        return []
    from mypyc.build import mypycify

    found = [
        path
        for package, names in NATIVE.items()
        for name in names.split()
        for path in sorted(Path("sidecar", package).glob(f"{name}.py"))
    ]
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
    for one in made:
        # Nothing in them is called by name from outside: less to look up, and to relocate at start.
        one.extra_compile_args.append("-fvisibility=hidden")
    return list(made)


class AllOrNothing(build_ext):
    """Builds every extension module, on all cores, or, where that cannot be done, none."""

    def run(self) -> None:
        """Build them, whatever there is from before."""
        self.force, inplace = True, self.inplace
        try:
            super().run()
        except (CCompilerError, ExecError, PlatformError, OSError) as error:
            print(f"not compiled, it will be slower: {error}", file=sys.stderr)  # noqa: T201
            for self.inplace in {bool(inplace), False}:
                for one in self.extensions:  # made before the one that failed, or earlier
                    Path(self.get_ext_fullpath(one.name)).unlink(missing_ok=True)
            self.extensions = []

    def build_extensions(self) -> None:
        """Compile the files of each side by side."""
        compile_all = self.compiler.compile

        def side_by_side(sources: list[str], *args: object, **more: object) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                parts = pool.map(lambda source: compile_all([source], *args, **more), sources)
                return [compiled for part in parts for compiled in part]

        self.compiler.compile = side_by_side
        super().build_extensions()


setup(ext_modules=extensions(), cmdclass={"build_ext": AllOrNothing})
