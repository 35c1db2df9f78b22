"""Phone numbers."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.redact.finder import Finder
from sidecar.redact.phone_chain import chains, digit_groups
from sidecar.redact.policy import Policy
from tests.redact.samples import DEFAULT, left_over, matches, redact, rejects


@pytest.mark.parametrize("value", matches("phone"))
def test_finds_the_whole_number(value: str) -> None:
    """Every example is found whole, as a phone number."""
    (span,) = DEFAULT.find(f"tel {value} !")
    assert span.type == "phone"
    assert left_over(f"tel {value} !").removeprefix("tel") in ("", "call", "telefonum")


@pytest.mark.parametrize("value", rejects("phone"))
def test_leaves_alone(value: str) -> None:
    """Orders, dates, versions, prices, cards and other digits stay."""
    assert DEFAULT.find(value) == []


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_finds_international_numbers_of_every_region(region: str) -> None:
    """The library's example of each region is found in both international formats."""
    number = phonenumbers.example_number(region)
    assert number is not None
    for style in (
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.E164,
    ):
        assert left_over(phonenumbers.format_number(number, style)) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0532 123 45 67 / 0533 123 45 67", "[PHONE] / [PHONE]"),
        ("085 175 7641-Office", "[PHONE]-Office"),
        ("no message on my registered 212-555-0143", "no message on my registered [PHONE]"),
        ("order 2024/9494 0532 123 45 67", "order 2024/9494 [PHONE]"),
        ("order ref 2125550143, call 212-555-0143", "order ref 2125550143, call [PHONE]"),
        ("sipariş numaram 5321234567", "sipariş numaram 5321234567"),
        ("Phone:\n212-555-0143\n", "Phone:\n[PHONE]\n"),
        ("+90 212 345 42 83 / 501 059 78 25", "[PHONE] / [PHONE]"),
        ("was kostet ein Anruf bei 0180 5 334871?", "was kostet ein Anruf bei [PHONE]?"),
        ("kargo şubesi 444 1 552", "kargo şubesi [PHONE]"),
        ("4440871 tuşlayınca bekletiyor", "[PHONE] tuşlayınca bekletiyor"),
        ("last message from 07851 906 337", "last message from [PHONE]"),
        ("fax pages 1-14 to (504) 555-0131 now", "fax pages 1-14 to [PHONE] now"),
        ("urgence véto 09 72 44 13 60 24h/24", "urgence véto [PHONE] 24h/24"),
        ("Hotline 09 72 44 13 60 7j/7", "Hotline [PHONE] 7j/7"),
        (
            "Dial failed SIP/+442079460958@trunk2 cause 34",
            "Dial failed SIP/[PHONE]@trunk2 cause 34",
        ),
        ("Bei Problemen 0341 9713-0 App. 44 hilft", "Bei Problemen [PHONE] hilft"),
        ("in ein Format: 0351/4596612", "in ein Format: [PHONE]"),
        ("teléfono del cliente: 612 48 30 97", "teléfono del cliente: [PHONE]"),
        ("https://wa.me/905321234567", "https://wa.me/[PHONE]"),
        ("https://x.org/u/905321234567", "https://x.org/u/905321234567"),
        ("öğrenci: 0532 123 45 67", "öğrenci: [PHONE]"),
        ("student 612 34 56 78 and 612345678", "student [PHONE] and [PHONE]"),
        ("Tel. 612345678, Ref. 612345678", "Tel. [PHONE], Ref. 612345678"),
        ("\\u0131 532 123 45 67", "\\u0131 [PHONE]"),
        ("٠٥٣٢ ١٢٣ ٤٥ ٦٧", "[PHONE]"),
        ("0532\u200b 123–45–67", "[PHONE]"),
        ("📞0532 123 45 67, ☎ 0212 555 12 34", "📞[PHONE], ☎ [PHONE]"),
        ("Mein Code kam an die 0049 152 2345 6789", "Mein Code kam an die [PHONE]"),
        ("Festnetz ohne Vorwahl 555 08 99", "Festnetz ohne Vorwahl [PHONE]"),
        ("0 5 3 2 1 2 3 4 5 6 7. 2 gün", "[PHONE]. 2 gün"),
        ("0 5 3 2 1 2 3 4 5 6 7 / 0 5 3 3 1 2 3 4 5 6 7", "[PHONE] / [PHONE]"),
        ("O2 0532 123 45 67", "O2 [PHONE]"),
        ("o 0532 123 45 67", "o [PHONE]"),
        ("0532 123 45 67, 612 345 678 €", "[PHONE], 612 345 678 €"),
        ("tel 05 12 23 31 38", "tel [PHONE]"),
        ("it, 06 12 34 56 78 , maybe", "it, [PHONE] , maybe"),
        ("new # 212.555.0143, order # 212.555.0143", "new # [PHONE], order # 212.555.0143"),
        ("key's stuck so: 07700 900 512", "key's stuck so: [PHONE]"),
        ("the order desk in Leeds, 0113 496 0733", "the order desk in Leeds, [PHONE]"),
        ("tax office 0300 200 3300", "tax office [PHONE]"),
        ("Mi cel es 55 4182 9036, güey", "Mi cel es [PHONE], güey"),
        ("el celu de Guille es 11 5823-4471", "el celu de Guille es [PHONE]"),
        ("solo el fijo 011 4832-7719", "solo el fijo [PHONE]"),
        ("sabit hat 555 27 81, tel no bu", "sabit hat [PHONE], tel no bu"),
        ("numaram O542 555 17 O3", "numaram [PHONE]"),
        ("06 12 34 56 78 06 98 76 54 32", "[PHONE] [PHONE]"),
        ("bis 03:48:55 und hat 418.220 Dateien", "bis 03:48:55 und hat 418.220 Dateien"),
        ("VALUES (745150689, 812)", "VALUES (745150689, 812)"),
        ("call 2125550143, 2125550144", "call [PHONE], [PHONE]"),
    ],
)
def test_context(text: str, expected: str) -> None:
    """The words beside digits decide what they are."""
    assert redact(text) == expected


def test_equal_digits_are_decided_by_what_stands_around_them() -> None:
    """A number that repeats is decided anew where the words beside it are others."""
    order, call, bare = "order 5321234567; ", "call 5321234567; ", "2125550143, "
    text = "".join(order + call + bare * 9 + f"bird{i} " for i in range(400))
    changed = "".join(order + "call [PHONE]; " + "[PHONE], " * 9 + f"bird{i} " for i in range(400))
    assert redact(text) == changed


def test_regions_are_the_policy() -> None:
    """A national number of a region that is not in the policy needs a word for phone."""
    finder = Finder(Policy(regions=("TR",)))
    assert finder.find("612 34 56 78") == []
    assert finder.find("tel 612 34 56 78") != []


def test_unknown_region() -> None:
    """A region that does not exist is refused."""
    with pytest.raises(ValueError, match="XX"):
        Finder(Policy(regions=("XX",)))


CHAIN = re.compile(
    rb"(?:\b[oO][0-9]|(?:\[\+[0-9]{1,3}\] ?\(?|\(?\+ ?\(?|\()?[0-9])(?:[ ./()-]{0,3}[0-9]){5,39}"
)
chain_like = st.lists(
    st.sampled_from(["12", "0", "5", "(", ")", "+", "[+", "] ", " ", "-", "/ ", "o", "O", "x", "_"])
    | st.integers(0, 10**9).map(str)
)


@given(chain_like.map(lambda parts: "".join(parts).encode()))
def test_chains(data: bytes) -> None:
    """They are what a pattern would find, at a fifth of its price; and their groups are."""
    found = list(chains(data))
    assert found == [match.span() for match in CHAIN.finditer(data)]
    for start, end in found:
        groups = [match.span() for match in re.compile(b"[0-9]+").finditer(data, start, end)]
        assert digit_groups(data, start, end) == groups
