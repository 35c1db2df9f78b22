"""Whether a policy makes sense."""

import pytest

from sidecar.redact import CustomRule, Policy, check_policy, supported_regions


def problems(policy: Policy) -> list[str]:
    """Return the keys that are wrong."""
    return [key for key, _ in check_policy(policy)]


def test_default_policy_is_sound() -> None:
    """Nothing to say."""
    assert problems(Policy()) == []


@pytest.mark.parametrize(
    "placeholder", ["", 'a"b', "a\\b", "a\nb", "a\0b", "mail@example.com", "+90 532 123 45 67"]
)
def test_bad_placeholders(placeholder: str) -> None:
    """They would break JSON, or be redacted themselves."""
    assert problems(Policy(placeholders={"email": placeholder})) == ["placeholders"]


def test_unknown_type() -> None:
    """A placeholder for a type that does not exist is a typing error."""
    assert problems(Policy(placeholders={"e-mail": "[X]"})) == ["placeholders"]


@pytest.mark.parametrize(
    "rule",
    [
        CustomRule("ticket", "(", "[TICKET]"),
        CustomRule("ticket", "x*", "[TICKET]"),
        CustomRule("ticket", r"(?=a)b", "[TICKET]"),
        CustomRule("email", "TCK-[0-9]+", "[TICKET]"),
        CustomRule("two words", "TCK-[0-9]+", "[TICKET]"),
        CustomRule("ticket", "TCK-[0-9]+", '"'),
        CustomRule("ticket", "TCK-[0-9]+", "TCK-1"),
    ],
)
def test_bad_custom_rules(rule: CustomRule) -> None:
    """Not RE2, matching nothing, a name that is taken, a placeholder that matches."""
    assert problems(Policy(custom=(rule,))) == ["custom"]


def test_custom_names_are_unique() -> None:
    """Counts would run together."""
    rule = CustomRule("ticket", "TCK-[0-9]+", "[TICKET]")
    assert problems(Policy(custom=(rule, rule)))[0] == "custom"
    assert problems(Policy(custom=(rule,))) == []


def test_regions() -> None:
    """The defaults are among them."""
    assert set(Policy().regions) <= set(supported_regions())
