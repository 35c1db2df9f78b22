"""Every rule with its own examples: what it must find, and what it must leave alone."""

import pytest

from sidecar.redact.engine import PatternSet
from sidecar.redact.finder import Finder
from sidecar.redact.fold import Fold
from sidecar.redact.policy import DEFAULT_TYPES, EXTRA_TYPES, Policy
from sidecar.redact.rule import Rule
from tests.redact.samples import RULES

FINDERS = {t: Finder(Policy(types=frozenset({t}))) for t in DEFAULT_TYPES + EXTRA_TYPES}
VIEW = Fold()


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        pytest.param(rule, text, found, id=f"{rule.type}{n}:{text}")
        for n, rule in enumerate(RULES)
        for found, texts in ((True, rule.matches), (False, rule.rejects))
        for text in texts
    ],
)
def test_example(rule: Rule, text: str, found: bool) -> None:
    """A rule needs no other for its examples; its gate opens for them; they are of its type."""
    if found:
        # A phone number may need a word that says so.
        data = VIEW(f"tel {text} !" if rule.type == "phone" else text).data
        assert list(rule.find(data))
        assert PatternSet(rule.gates).matches(data)
        assert {span.type for span in FINDERS[rule.type].find(data.decode("latin-1"))} == {
            rule.type
        }
    else:
        assert FINDERS[rule.type].find(text) == []


def test_every_rule_has_examples() -> None:
    """No type, and no rule, is without an example of either kind but for those that share them."""
    assert all(rule.matches for rule in RULES)
    for type_ in DEFAULT_TYPES + EXTRA_TYPES:
        assert any(rule.rejects for rule in RULES if rule.type == type_)
