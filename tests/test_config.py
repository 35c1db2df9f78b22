"""Configuration: every problem at once, with its key and line."""

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.config import SECTIONS, Config, ConfigError, load
from sidecar.values import Address


def problems(document: str, environ: dict[str, str] | None = None) -> list[str]:
    """Return the problems as they are printed."""
    with pytest.raises(ConfigError) as caught:
        load(document.encode(), environ or {}, "c.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_nothing_gives_the_defaults() -> None:
    """No file, an empty one, one of comments, and empty sections."""
    for document in (b"", b"# nothing\n", b"upstream:\nlog:\n", b"---\n"):
        assert load(document, {}) == Config()


def test_defaults_of_the_contract() -> None:
    """The values that operators rely on."""
    config = Config()
    assert config.upstream.url == "https://api.getzep.com"
    assert str(config.listen.proxy) == "127.0.0.1:8790"
    assert str(config.listen.ops) == "0.0.0.0:9464"
    assert (config.timeouts.connect, config.timeouts.read, config.timeouts.drain) == (
        1.0,
        2.0,
        20.0,
    )
    assert (config.limits.body_bytes, config.limits.concurrency) == (10485760, 1024)
    assert config.redaction.default_regions == ("TR", "US", "GB", "DE", "FR", "ES")
    assert config.redaction.policy().types == {"email", "phone", "address"}
    assert config.guard.hold == 300
    assert config.cache.max_bytes == 67108864


def test_every_kind_of_value() -> None:
    """From the file."""
    config = load(
        b"""
upstream: {url: "https://zep.example:8443/p/", ca_file: /ca.pem, proxy_from_env: yes}
listen: {proxy: "[::1]:0", ops: localhost:9}
flags: {write: ON, read: 0}
timeouts: {read: 2, write: 0.5}
guard: {forbidden: count}
redaction:
  address: off
  extra: [iban, card]
  custom:
    - {name: ticket, pattern: 'TCK-\\d+', placeholder: '[TICKET]'}
  placeholders: {email: "<mail>"}
  default_regions: [TR]
""",
        {},
    )
    assert config.upstream.url == "https://zep.example:8443/p"
    assert (config.upstream.ca_file, config.upstream.proxy_from_env) == ("/ca.pem", True)
    assert config.listen.proxy == Address("::1", 0)
    assert str(config.listen.proxy) == "[::1]:0"
    assert (config.flags.write, config.flags.read) == (True, False)
    assert (config.timeouts.read, config.timeouts.write) == (2.0, 0.5)
    policy = config.redaction.policy()
    assert policy.types == {"email", "phone", "iban", "card"}
    assert policy.custom[0].pattern == r"TCK-\d+"
    assert policy.placeholder("email") == "<mail>"


def test_environment_beats_the_file() -> None:
    """Scalars as they are, lists and mappings as YAML; the flags by their own names."""
    environ = {
        "ZEP_SIDECAR_UPSTREAM__URL": "http://env.example",
        "ZEP_SIDECAR_REDACTION__EXTRA": "[iban]",
        "ZEP_SIDECAR_REDACTION__CUSTOM": "[{name: t, pattern: T-1, placeholder: '[T]'}]",
        "ZEP_SIDECAR_FLAGS__WRITE": "false",
        "FLAG_ZEP_WRITE": "True",
        "FLAG_ZEP_READ": "NO",
        "ZEP_SIDECAR_CONFIG": "/elsewhere",
        "ZEP_SIDECAR_SERVICE_HOST": "10.0.0.1",
        "ZEP_SIDECAR_PORT_9464_TCP": "tcp://10.0.0.1:9464",
    }
    config = load(b"upstream: {url: 'http://file.example'}", environ)
    assert config.upstream.url == "http://env.example"
    assert config.redaction.extra == ("iban",)
    assert config.redaction.custom[0].name == "t"
    assert (config.flags.write, config.flags.read) == (True, False)


def test_every_problem_at_once_with_its_line() -> None:
    """File and environment, unknown and wrong, in one list."""
    document = """\
upstream:
  url: ftp://x
  uri: http://x
timeouts:
  read: 5m
  read: 2
nonsense: 1
limits: 7
redaction:
  placeholders:
    e-mail: x
"""
    environ = {"ZEP_SIDECAR_TIMEOUTS__REED": "1", "FLAG_ZEP_WRITE": "maybe"}
    found = problems(document, environ)
    for expected in (
        "c.yaml:2: upstream.url: must be http:// or https://",
        "c.yaml:3: upstream.uri: unknown key; known are url, ca_file, proxy_from_env",
        "c.yaml:6: timeouts.read: stands here a second time",
        "c.yaml:7: nonsense: unknown section",
        "c.yaml:8: limits: must be a mapping",
        "c.yaml:10: redaction.placeholders: unknown type 'e-mail'",
        "ZEP_SIDECAR_TIMEOUTS__REED: sets no known key",
        "FLAG_ZEP_WRITE: flags.write: must be true or false",
    ):
        assert any(expected in line for line in found), (expected, found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("upstream.url", "api.getzep.com"),
        ("upstream.url", "http://"),
        ("upstream.url", "http://u:p@x"),
        ("upstream.url", "http://x?y"),
        ("upstream.url", "http://x#y"),
        ("upstream.url", "http://x:99999"),
        ("upstream.url", "'http://x/ y'"),
        ("upstream.url", "http://[x"),
        ("upstream.url", "http://a..b"),
        ("upstream.url", f"https://{'a' * 64}.example"),
        ("upstream.url", "https://api.getzep.com/api/v2"),
        ("upstream.url", "https://gateway/zep/api/"),
        ("upstream.url", "''"),
        ("upstream.proxy_from_env", "2"),
        ("listen.proxy", "8790"),
        ("listen.proxy", "'127.0.0.1:65536'"),
        ("listen.proxy", "'::1:80'"),
        ("timeouts.read", "-1"),
        ("timeouts.read", "1e1"),
        ("timeouts.read", "2s"),
        ("timeouts.read", ".nan"),
        ("timeouts.read", "0"),
        ("timeouts.read", "[1]"),
        ("limits.body_bytes", "10MiB"),
        ("limits.body_bytes", "1.5"),
        ("limits.body_bytes", "1_0000"),
        ("guard.forbidden", "never"),
        ("cache.invalidate_on_write", "off-ish"),
        ("redaction.extra", "iban"),
        ("redaction.extra", "[email]"),
        ("redaction.default_regions", "[XX]"),
        ("redaction.custom", "[{name: x}]"),
        ("redaction.custom", "[{name: x, pattern: '(', placeholder: y}]"),
        ("redaction.custom", "[{name: x, pattern: 'a*', placeholder: y}]"),
        ("redaction.placeholders", "{email: 'a\"b'}"),
        ("log.level", "verbose"),
    ],
)
def test_bad_values(key: str, value: str) -> None:
    """Each is named by its key and line."""
    section, name = key.split(".")
    found = problems(f"{section}:\n  {name}: {value}\n")
    assert found[0].startswith(f"c.yaml:2: {key}: ")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "a: b: c",
        "- 1",
        "upstream",
        "\t",
        "!!python/object:os.system x: y",
        "a: &x [*x]",
        "[" * 3000,
    ],
)
def test_bad_documents(document: str) -> None:
    """Whatever PyYAML raises, it is one clear problem."""
    assert all(line.startswith("c.yaml") for line in problems(document))


def test_not_utf8() -> None:
    """Bytes that are no text."""
    with pytest.raises(ConfigError, match="not valid YAML"):
        load(b"\xff\xfe", {})


def test_problems_across_keys() -> None:
    """Each key by itself is sound."""
    assert "listen.ops" in problems("listen: {proxy: 'x:1', ops: 'x:1'}")[0]
    assert "guard.hold_max" in problems("guard: {hold: 900}")[0]


def test_warnings() -> None:
    """What is accepted but does not do what one may think."""
    config = load(b"flags: {write: false}\nreads: {stale_after: 5}", {})
    assert [warning.key for warning in config.warnings] == ["flags.write", "reads.stale_after"]
    assert load(b"timeouts: {read: 1}", {}).warnings == ()


def test_every_key_has_a_parser_and_a_meaning() -> None:
    """The documentation is generated from them."""
    for cls in SECTIONS.values():
        for field in dataclasses.fields(cls):
            assert field.metadata["parse"]
            assert field.metadata["doc"].endswith(".")


@given(st.text())
def test_any_document_is_loaded_or_refused(document: str) -> None:
    """Nothing but ConfigError escapes."""
    with contextlib.suppress(ConfigError):
        assert load(document.encode("utf-8", "surrogatepass"), {})
