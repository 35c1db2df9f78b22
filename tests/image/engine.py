"""Builds the image with Buildah, runs it with Podman and runc; all storage in one directory."""

import asyncio
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".cache" / "image"
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
BASE, BUILDER = "localhost/base:test", "localhost/builder:test"
IMAGE, AGAIN = "localhost/zep-sidecar:test", "localhost/zep-sidecar:again"
SUITE = "trixie"
# What a pod allows: see k8s/. Without the ulimits, runc asks for more than root has in a container.
HARDENED = (
    *("--ulimit", "nofile=1024:4096", "--ulimit", "nproc=512:512", "--memory", "128m"),
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop", "all"),
    *("--security-opt", "no-new-privileges"),
)


class CannotRun(Exception):
    """No container can be run on this machine, and why."""


def run(*command: str | Path, cwd: Path = ROOT, timeout: float = 300) -> str:
    """Run a command and return what it wrote; raises AssertionError if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Engine:
    """Containers and images under one directory, which is temporary."""

    def __init__(self) -> None:
        """Raises CannotRun."""
        missing = [tool for tool in TOOLS if not shutil.which(tool)]
        if missing:
            raise CannotRun(f"not installed: {', '.join(missing)}")
        if os.geteuid() != 0:
            raise CannotRun("containers are run by root only")
        self.directory = directory = Path(tempfile.mkdtemp(prefix="image-test-"))
        self._storage = ("--root", str(directory / "storage"), "--runroot", str(directory / "run"))

    ids: list[str]

    def podman(self, *arguments: str | Path) -> str:
        """Run a podman command."""
        runtime = ("--cgroup-manager=cgroupfs", "--runtime", "runc")
        # conmon leaves a file where it stands when a container runs out of memory.
        return run("podman", *self._storage, *runtime, *arguments, cwd=self.directory).strip()

    async def podman_meanwhile(self, *arguments: str | Path) -> str:
        """Run a podman command while the event loop goes on."""
        return await asyncio.to_thread(self.podman, *arguments)

    def make_base(self) -> None:
        """Import images like the official ones: Debian's Python, slim and with a compiler."""
        for tag, tar in zip((BASE, BUILDER), tars(), strict=True):
            self.podman("import", "--quiet", tar, tag)
        try:
            self.podman("run", "--rm", *HARDENED, "--network", "none", BASE, "python3", "--version")
        except AssertionError as error:
            raise CannotRun(f"runc does not run here: {error}") from None

    def make_context(self) -> Path:
        """Copy what a checkout has, a secret and rubbish included, and add the wheels."""
        context = self.directory / "context"
        names = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard")
        for name in names.splitlines():
            if (ROOT / name).is_file():
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, context / name)
        (context / ".env").write_text("ZEP_API_KEY=planted\n")
        (context / "sidecar" / "__pycache__").mkdir()
        (context / "sidecar" / "__pycache__" / "planted.cpython-313.pyc").write_bytes(b"planted")
        compiled_here = "planted.cpython-313-x86_64-linux-gnu.so"
        (context / "sidecar" / "core" / compiled_here).write_bytes(b"planted")
        (context / "build").mkdir()
        (context / "build" / "planted.c").write_text("planted")
        shutil.copytree(self._wheels(), context / "wheels")
        return context

    def _wheels(self) -> Path:
        """Download what the image needs with this machine's pip, for a build without network."""
        locks = [ROOT / "requirements.txt", ROOT / "requirements-build.txt"]
        version = self.podman("run", "--rm", *HARDENED, "--network", "none", BASE, *PRINT_VERSION)
        digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:12]
        wheels = CACHE / f"wheels-{version}-{digest}"
        if not wheels.exists():
            machine, unfinished = platform.machine(), CACHE / f"wheels.{os.getpid()}"
            tags = [f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}"]
            tags += [f"manylinux2014_{machine}", "any"]
            run(
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--require-hashes", "--only-binary=:all:", "--python-version", version),
                *(word for tag in tags for word in ("--platform", tag)),
                *(word for lock in locks for word in ("-r", str(lock))),
                *("--dest", str(unfinished)),
            )
            unfinished.rename(wheels)
        return wheels

    def build_twice(self, context: Path) -> None:
        """Build the image, and once more beside it, as somebody else would."""
        with ThreadPoolExecutor() as pool:
            self.ids = list(pool.map(partial(self.build, context), (IMAGE, AGAIN)))

    def build(self, context: Path, tag: str) -> str:
        """Build from nothing, without a network, and return the image's id."""
        arguments = {"BASE": BASE, "BUILDER": BUILDER, "PIP_NO_INDEX": "1"}
        arguments |= {"VERSION": "1.2.3", "REVISION": "abc"}
        run(
            *("buildah", *self._storage, "bud", "--isolation", "chroot", "--pull-never"),
            *("--no-cache", "--timestamp", "0", "--tag", tag),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            str(context),
            timeout=900,
        )
        return str(self.image(tag)["Id"])

    def image(self, tag: str) -> dict[str, Any]:
        """Return what is known of an image."""
        [found] = json.loads(self.podman("image", "inspect", tag))
        assert isinstance(found, dict)
        return found

    def python(self, code: str) -> str:
        """Run Python code in a container of its own and return its output."""
        plain = ("run", "--rm", *HARDENED, "--network", "none", "--entrypoint", "python3", IMAGE)
        return self.podman(*plain, "-c", code)

    def close(self) -> None:
        """End and remove everything."""
        self.podman("rm", "--all", "--force", "--time", "0")
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            if (mounted := line.split()[4]).startswith(f"{self.directory}/"):
                run("umount", mounted)
        shutil.rmtree(self.directory)


def tars() -> list[Path]:
    """Make the base and the builder, side by side, where they are missing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = {"base": "", "builder": ",gcc,libc6-dev,python3-dev"}
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_tar, wanted, wanted.values()))


def _tar(name: str, packages: str) -> Path:
    tar = CACHE / f"{name}-{SUITE}.tar"
    if not tar.exists():
        unfinished = tar.with_suffix(f".{os.getpid()}.tar")
        run(
            "mmdebstrap",
            "--variant=minbase",
            f"--include=python3,python3-venv,ca-certificates{packages}",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            '--customize-hook=find "$1"/usr/lib/python3* -name "*.pyc" -delete',
            SUITE,
            unfinished,
        )
        unfinished.rename(tar)
    return tar


PRINT_VERSION = ("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")


class Container:
    """A sidecar in a container."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    @classmethod
    def start(
        cls, engine: Engine, name: str, options: Iterable[str], environ: dict[str, str]
    ) -> "Container":
        """Start it, hardened, with further options and settings."""
        settings = [f"--env={key}={value}" for key, value in environ.items()]
        engine.podman("run", "--detach", "--name", name, *HARDENED, *options, *settings, IMAGE)
        return cls(engine, name)

    async def ready(self) -> dict[str, Any]:
        """Wait for its line and return it; `port` and `ops_port` are set from then on."""
        line = await self.line("ready")
        self.port = int(line["proxy"].rpartition(":")[2])
        self.ops_port = int(line["ops"].rpartition(":")[2])
        return line

    port: int
    ops_port: int

    async def line(self, event: str, count: int = 1) -> dict[str, Any]:
        """Wait until there are so many log lines of an event, and return the last."""
        async with asyncio.timeout(20):
            while True:
                found = [line for line in await self.lines() if line["event"] == event]
                if len(found) >= count:
                    return found[-1]
                state = await self.state()
                assert state["Running"], f"exit code {state['ExitCode']}: {await self.output()}"
                await asyncio.sleep(0.05)

    async def lines(self) -> list[dict[str, Any]]:
        """Return its log."""
        output = (await self.output()).splitlines()
        return [json.loads(line) for line in output if line.startswith("{")]

    async def output(self) -> str:
        """Return all that it has written."""
        name = self.name
        return await self._engine.podman_meanwhile("logs", name)

    async def state(self) -> dict[str, Any]:
        """Return its state."""
        [found] = json.loads(await self._engine.podman_meanwhile("container", "inspect", self.name))
        state = found["State"]
        assert isinstance(state, dict)
        return state

    async def zep_mode(self, *arguments: str) -> Any:
        """Run the operator's command in it, as kubectl exec does; return the status as JSON."""
        if arguments:
            await self._engine.podman_meanwhile("exec", self.name, "zep_mode", *arguments)
        output = await self._engine.podman_meanwhile(
            "exec", self.name, "zep_mode", "--status", "--json"
        )
        return json.loads(output)

    async def signal(self, name: str) -> None:
        """Send a signal to its first process."""
        await self._engine.podman_meanwhile("kill", "--signal", name, self.name)

    async def end(self) -> tuple[int, float]:
        """Wait for its end; return the exit code and how long that took."""
        start = time.perf_counter()
        code = await self._engine.podman_meanwhile("wait", "--interval", "20ms", self.name)
        return int(code), time.perf_counter() - start

    async def process(self) -> dict[str, list[str]]:
        """Return what the kernel says of its first process: Uid, CapEff, VmRSS and more."""
        return proc_status((await self.state())["Pid"])

    async def computed(self) -> float:
        """Return the seconds for which its first process has had a core."""
        return computed((await self.state())["Pid"])

    async def memory(self) -> dict[str, float]:
        """Return megabytes of its first process: VmRSS, VmHWM, RssAnon and more."""
        fields = (await self.process()).items()
        return {key: int(words[0]) * 1024 / 1e6 for key, words in fields if words[1:] == ["kB"]}


def computed(pid: int) -> float:
    """Return the seconds for which a process has had a core."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def proc_status(pid: int) -> dict[str, list[str]]:
    """Return the fields of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}


if __name__ == "__main__":
    tars()  # ahead of the tests, which would otherwise wait for them
