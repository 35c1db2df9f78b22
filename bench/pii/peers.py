"""The redactors under comparison, and the process that runs one of them.

`python -m bench.pii.peers NAME OUT` reads messages (JSON: `[[text, lang], ...]`) from standard
input and writes to OUT what NAME finds in them and how long each took (JSON: `{"version",
"found", "ms"}`). Every peer is installed in an environment of its own, so this module imports
nothing but the standard library until a peer is made.
"""

import importlib.metadata
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.pii.score import DEFAULT, SCORED

Find = Callable[[str, str], list[tuple[int, int, str]]]
"""From a text and its language (en, tr, uk, de, fr, es) to ranges with types."""

REGIONS = ("TR", "US", "GB", "DE", "FR", "ES")


@dataclass(frozen=True, slots=True)
class Peer:
    """A redactor: how it is shown, how it is installed and made, and what it looks for."""

    title: str
    make: Callable[[], Find]
    package: str = ""
    """Whose version is shown, and which file in `requirements` installs it."""
    types: tuple[str, ...] = SCORED
    """What it was made for; of other types nothing is expected, so nothing is shown."""


def ours(types: tuple[str, ...]) -> Find:
    """Return our redactor under a policy with these types."""
    from sidecar.redact import Policy, Redactor

    redactor = Redactor(Policy(types=frozenset(types)))
    names = {"national_id": "ID"}
    return lambda text, _: [
        (start, end, names.get(type_, type_.upper())) for start, end, type_ in redactor.spans(text)
    ]


def ours_default() -> Find:
    """Return our redactor under the default policy."""
    return ours(import_module("sidecar.redact").DEFAULT_TYPES)


def ours_all() -> Find:
    """Return our redactor with every extra type switched on."""
    redact = import_module("sidecar.redact")
    return ours(redact.DEFAULT_TYPES + redact.EXTRA_TYPES)


PRESIDIO_TYPES = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "LOCATION": "ADDRESS",
    "UK_POSTCODE": "ADDRESS", "IBAN_CODE": "IBAN", "CREDIT_CARD": "CARD", "IP_ADDRESS": "IP",
    "US_SSN": "SSN", "TR_NATIONAL_ID": "ID", "ES_NIF": "ID", "ES_NIE": "ID", "UK_NINO": "ID",
    "UK_NHS": "ID", "DE_TAX_ID": "ID",
}  # fmt: skip


def presidio_default() -> Find:
    """Return presidio with the recognizers it loads by itself, but for the one of a model."""
    registry = import_module("presidio_analyzer").RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.recognizers = [r for r in registry.recognizers if "Spacy" not in type(r).__name__]
    return presidio(registry)


def presidio_tuned() -> Find:
    """Return presidio with only the recognizers that suit the six regions."""
    recognizers = import_module("presidio_analyzer.predefined_recognizers")
    registry = import_module("presidio_analyzer").RecognizerRegistry(supported_languages=["en"])
    registry.add_recognizer(recognizers.PhoneRecognizer(supported_regions=REGIONS))
    for name in (
        "Email Iban CreditCard Ip UsSsn TrNationalId EsNif EsNie UkNino UkPostcode DeTaxId"
    ).split():
        registry.add_recognizer(getattr(recognizers, name + "Recognizer")(supported_language="en"))
    return presidio(registry)


def presidio(registry: Any) -> Find:
    """Return presidio's analyzer over these recognizers, with a tokenizer in place of a model."""
    # Both would otherwise be downloaded: the list of public suffixes, and a language model.
    tldextract = import_module("tldextract")
    vars(tldextract)["extract"] = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine = import_module("presidio_analyzer.nlp_engine").SpacyNlpEngine()
    engine.nlp = {"en": import_module("spacy").blank("en")}
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    analyzer = import_module("presidio_analyzer").AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=["en"]
    )
    return lambda text, _: [
        (r.start, r.end, PRESIDIO_TYPES.get(r.entity_type, "OTHER"))
        for r in analyzer.analyze(text=text, language="en")
    ]


SCRUBADUB_TYPES = {
    "email": "EMAIL", "phone": "PHONE", "address": "ADDRESS", "postalcode": "ADDRESS",
    "credit_card": "CARD", "social_security_number": "SSN", "national_insurance_number": "ID",
    "credential": "SECRET",
}  # fmt: skip
LOCALES = {
    "en": "en_US", "tr": "tr_TR", "uk": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES",
}  # fmt: skip


def scrubadub() -> Find:
    """Return scrubadub, told each message's locale."""
    make = import_module("scrubadub").Scrubber
    scrubbers = {lang: make(locale=locale) for lang, locale in LOCALES.items()}

    def find(text: str, lang: str) -> list[tuple[int, int, str]]:
        return [
            (part.beg, part.end, SCRUBADUB_TYPES.get(part.type, "OTHER"))
            for filth in scrubbers[lang].iter_filth(text)
            for part in getattr(filth, "filths", None) or [filth]  # what it merged
        ]

    return find


def phonenumbers() -> Find:
    """Return libphonenumber's own matcher, once for each of the six regions."""
    matcher = import_module("phonenumbers").PhoneNumberMatcher
    return lambda text, _: [
        (match.start, match.end, "PHONE") for region in REGIONS for match in matcher(text, region)
    ]


def pyap() -> Find:
    """Return pyap for Britain or, in all other languages, for both countries that it knows best."""
    make = import_module("pyap.parser").AddressParser
    parsers = [make(country="GB"), make(country="US")]

    def find(text: str, lang: str) -> list[tuple[int, int, str]]:
        return [
            (*in_original(text, parser.clean_text, address), "ADDRESS")
            for parser in parsers[: 1 if lang == "uk" else 2]
            for address in parser.parse(text)
        ]

    return find


def in_original(text: str, cleaned: str, address: Any) -> tuple[int, int]:
    """Return where a match in pyap's cleaned text stands in the original.

    Cleaning changes blanks, line ends and commas only, so the other characters can be counted.
    """
    at = [i for i, char in enumerate(text) if not (char.isspace() or char == ",")]
    before = list(accumulate((not (c.isspace() or c == ",") for c in cleaned), initial=0))
    return at[before[address.match_start]], at[before[address.match_end] - 1] + 1


def three_regexes() -> Find:
    """Return what one writes in ten minutes."""
    patterns = {
        "EMAIL": r"\b[\w.%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
        "PHONE": r"(?:\+?\d{1,3}[-. ]?)?\(?\d{3}\)?[-. ]?\d{3}[-. ]?\d{2}[-. ]?\d{2}\b",
        "ADDRESS": r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive"
        r"|Dr|Boulevard|Blvd|Court|Ct)\b|\b(?:[A-ZÇĞİÖŞÜ]\w+ ){1,3}(?:Mahallesi|Mah|Caddesi|Cad"
        r"|Sokak|Sokağı|Sok)\b\.?(?: No:? ?\d+)?",
    }
    compiled = {type_: re.compile(pattern) for type_, pattern in patterns.items()}
    return lambda text, _: [
        (*match.span(), type_)
        for type_, pattern in compiled.items()
        for match in pattern.finditer(text)
    ]


PEERS = {
    "ours_default": Peer("zep-sidecar", ours_default, types=DEFAULT),
    "ours_all": Peer("zep-sidecar, all types", ours_all),
    "presidio_default": Peer("presidio", presidio_default, "presidio-analyzer"),
    "presidio_tuned": Peer("presidio, tuned", presidio_tuned, "presidio-analyzer"),
    "scrubadub": Peer("scrubadub", scrubadub, "scrubadub"),
    "phonenumbers": Peer("phonenumbers", phonenumbers, "phonenumbers", ("PHONE",)),
    "pyap": Peer("pyap", pyap, "pyap", ("ADDRESS",)),
    "three_regexes": Peer("three plain regexes", three_regexes, types=DEFAULT),
}


def offline(event: str, _: tuple[Any, ...]) -> None:
    """Refuse connections: a peer that needs a download must fail, not hang or differ by day."""
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError("peers run without network")


def timed(find: Find, messages: list[tuple[str, str]]) -> Iterator[tuple[list[Any], float]]:
    """Yield what is found in each message, and the milliseconds it took."""
    for text, lang in messages:
        start = time.perf_counter()
        found = find(text, lang)
        yield found, 1000 * (time.perf_counter() - start)


def main(name: str, out: str) -> None:
    """Run one peer over the messages on standard input, on one core."""
    sys.addaudithook(offline)
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peer = PEERS[name]
    messages = json.load(sys.stdin)
    found, ms = zip(*timed(peer.make(), messages), strict=True)
    version = importlib.metadata.version(peer.package) if peer.package else ""
    Path(out).write_text(json.dumps({"version": version, "found": found, "ms": ms}))


if __name__ == "__main__":
    main(*sys.argv[1:])
