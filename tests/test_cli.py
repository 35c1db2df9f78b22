"""The command line as a person uses it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sidecar import __version__
from tests.process import spawn


async def run(*arguments: str, stdin: bytes = b"", **environ: str) -> tuple[int, str, str]:
    """Run a command to its end; return exit code, output and error output."""
    process = await spawn(*arguments, **environ)
    async with asyncio.timeout(30):
        out, error = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


async def test_version_and_usage() -> None:
    """`--version` prints it; no command, or a wrong one, is a usage error."""
    assert await run("--version") == (0, f"{__version__}\n", "")
    assert (await run())[0] == 2
    assert (await run("frobnicate"))[0] == 2


async def test_check_good(tmp_path: Path) -> None:
    """Exit 0; the base URLs on request, made from the configured address."""
    path = tmp_path / "c.yaml"
    path.write_text("listen: {proxy: '127.0.0.1:9999'}\nreads: {stale_after: 5}")
    code, out, error = await run("check", "--config", str(path))
    assert (code, out) == (0, "configuration is valid\n")
    assert error.splitlines()[0] == (
        "warning: reads.stale_after: is not less than timeouts.read: it has no effect"
    )
    code, out, _ = await run("check", "--config", str(path), "--print-urls")
    assert code == 0
    assert 'zep-cloud 4.x: base_url="http://127.0.0.1:9999/api/v4"' in out.splitlines()
    assert len(out.splitlines()) == 5


async def test_check_override(tmp_path: Path) -> None:
    """An override file is validated with the same exit codes."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("mode: write_only\nreason: INC-1")
    bad.write_text("mode: on\n")
    code, out, _ = await run("check", "--override", str(good))
    assert code == 0
    assert out.splitlines() == ["override is valid: write_only", "configuration is valid"]
    code, out, _ = await run("check", "--override", str(bad))
    assert code == 2
    assert out.startswith(f"{bad}:1: mode: must be one of ")


async def test_check_bad(tmp_path: Path) -> None:
    """Exit 2 and every problem with its line and key."""
    path = tmp_path / "c.yaml"
    path.write_text("upstream:\n  url: nope\ntimeouts:\n  read: soon\n")
    code, out, error = await run("check", "--config", str(path), FLAG_ZEP_READ="perhaps")
    assert (code, error) == (2, "")
    lines = out.splitlines()
    assert lines[0].startswith("FLAG_ZEP_READ: flags.read: ")
    assert lines[1].startswith(f"{path}:2: upstream.url: ")
    assert lines[2].startswith(f"{path}:4: timeouts.read: ")


@pytest.mark.parametrize(
    ("document", "environ", "problem"),
    [
        ("upstream: {ca_file: /does/not/exist.pem}", {}, "upstream.ca_file: /does/not/exist.pem: "),
        ("upstream: {ca_file: /dev/null}", {}, "upstream.ca_file: /dev/null: "),
        ("upstream: {proxy_from_env: true}", {"HTTPS_PROXY": "socks5://x:1"}, "HTTPS_PROXY: "),
        ("upstream: {proxy_from_env: true}", {"HTTPS_PROXY": "http://x:99999"}, "HTTPS_PROXY: "),
    ],
)
async def test_what_the_host_lacks(
    tmp_path: Path, document: str, environ: dict[str, Any], problem: str
) -> None:
    """`check` and `run` say the same, with the same exit code and without a traceback."""
    path = tmp_path / "c.yaml"
    path.write_text(document)
    for command in ("check", "run"):
        code, out, error = await run(command, "--config", str(path), **environ)
        assert code == 2
        assert (out + error).startswith(problem)


async def test_run_with_a_bad_configuration(tmp_path: Path) -> None:
    """The same problems, the same exit code; a file that is not there is named."""
    missing = tmp_path / "missing.yaml"
    code, _, error = await run("run", ZEP_SIDECAR_CONFIG=str(missing))
    assert code == 2
    assert str(missing) in error


async def test_redact_lines() -> None:
    """A line in, a line out."""
    text = "Ayşe: x@y.com\n\n0532 123 45 67\r\nno end"
    code, out, _ = await run("redact", stdin=text.encode())
    assert (code, out) == (0, "Ayşe: [EMAIL]\n\n[PHONE]\r\nno end")


async def test_redact_jsonl() -> None:
    """Each line gets its spans, in characters of the input."""
    rows = [{"id": 7, "text": "🙂 x@y.com"}, {"id": "b", "text": "ş"}]
    stdin = "\n".join(json.dumps(row) for row in rows).encode()
    code, out, _ = await run("redact", "--jsonl", stdin=stdin)
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"id": 7, "text": "🙂 [EMAIL]", "spans": [{"start": 2, "end": 9, "type": "email"}]},
        {"id": "b", "text": "ş", "spans": []},
    ]


async def test_redact_json() -> None:
    """A whole body, untouched but for the match."""
    body = b'{"user_id": "x@y.com",\n "content": "x@y.com", "n": 1.50}'
    code, out, _ = await run("redact", "--json", stdin=body)
    assert (code, out) == (0, '{"user_id": "x@y.com",\n "content": "[EMAIL]", "n": 1.50}')


async def test_redact_as_configured() -> None:
    """With the policy that `run` would have."""
    given = {"ZEP_SIDECAR_REDACTION__EXTRA": "[ip]", "ZEP_SIDECAR_REDACTION__EMAIL": "false"}
    code, out, _ = await run("redact", stdin=b"10.0.0.1 x@y.com", **given)
    assert (code, out) == (0, "[IP] x@y.com")


@pytest.mark.parametrize(
    ("form", "stdin", "message"),
    [
        ("--json", b"{x@y.com", "The body is not valid JSON."),
        ("--jsonl", b'{"id":1,"text":"x"}\n{"id":1}\n', "line 2: must be a JSON object"),
        ("--jsonl", b'{"id":1,"text":5}\n', "line 1: must be a JSON object"),
        ("--jsonl", b"[]\n", "line 1: must be a JSON object"),
    ],
)
async def test_redact_bad_input(form: str, stdin: bytes, message: str) -> None:
    """Exit 1, the line's number, and none of its content."""
    code, _, error = await run("redact", form, stdin=stdin)
    assert code == 1
    assert error.startswith(message)
    assert "x@y.com" not in error


async def test_redact_what_is_no_utf8_once_decoded() -> None:
    """A lone surrogate stays the escape it was."""
    code, out, _ = await run("redact", "--jsonl", stdin=b'{"id":1,"text":"\\ud800 x@y.com"}\n')
    assert code == 0
    assert json.loads(out)["text"] == "\ud800 [EMAIL]"


@pytest.mark.parametrize("arguments", [("redact",), ("demo",)])
async def test_reader_that_goes_away(arguments: tuple[str, ...]) -> None:
    """As with `| head -1`: no traceback."""
    process = await spawn(*arguments)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"x@y.com\n" * 100_000)
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        _, error = await process.communicate()
    assert b"Traceback" not in error


async def test_redact_not_utf8() -> None:
    """What is not text is not guessed at."""
    code, _, error = await run("redact", stdin=b"ok\n\xff\n")
    assert (code, error) == (1, "line 2: must be UTF-8\n")


async def test_demo() -> None:
    """Shows what was sent and what arrived, and ends by itself."""
    code, out, error = await run("demo")
    assert (code, error) == (0, "")
    sent, _, rest = out.partition("Merhaba, ben Ayşe: ayse.yilmaz@example.com, 0532 123 45 67.")
    assert sent
    assert "Merhaba, ben Ayşe: [EMAIL], [PHONE]. Adresim [ADDRESS]." in rest
    assert "effective mode is now write_only, limited by guard" in rest
    assert "effective mode is now read_write" in rest
    assert 'memory_zep_redactions_total{field_type="phone"} 1.0' in rest


async def test_demo_serve() -> None:
    """Prints the URLs and ends at SIGTERM."""
    process = await spawn("demo", "--serve")
    assert process.stdout
    async with asyncio.timeout(30):
        while b"mend Zep" not in (line := await process.stdout.readline()):
            assert line
        process.terminate()
        await process.communicate()
    assert process.returncode == 0
