"""Turkish postcodes with the places they belong to, which need no street."""

import re
from collections.abc import Iterator

from sidecar.redact.address_town import CODE_GATES
from sidecar.redact.address_tr_name import (
    RANKS,
    coded_end,
    institution_start,
    place_end,
    place_start,
    quarter_start,
)
from sidecar.redact.engine import scanner
from sidecar.redact.rule import NOTHING, Nearby, Range, Rule

_MATCHES = (
    "Beştepe 06560 Ankara", "Yeşilköy, 34149 Bakırköy/İstanbul", "Alsancak\n35230 Konak, İzmir",
    "Bahçelievler 06490 Çankaya / Ankara", "Bebek 34342 Beşiktaş/İST.", "Konak 35250 İzmir",
    "Sultanahmet, 34122 Fatih İstanbul", "KALEİÇİ 07100 MURATPAŞA/ANTALYA",
    "Sarıyer, 34467 İstanbul", "Cumhuriyet Üniversitesi Tıp Fakültesi, 58140 Sivas",
)  # fmt: skip
_REJECTS = (
    "Toplam 34500 İstanbul", "Konak 12500 İzmir", "Kadıköy 34000 İstanbul", "yılda 34450 Sarıyer",
    "nüfus 35000 Konak/İzmir", "fiyat 34500 Kadıköy/İstanbul arası", "ilk 12345 Konak/İzmir",
    "sipariş 06543 Ankara", "proje 35230 İzmir Körfez", "kampanya kodu 34122 Fatih, İstanbul",
    "referans 06420 Çankaya Ankara bayii", "ürün kodu 35100 Bornova, İzmir deposunda yok",
    "ilan 34710 Kadıköy/İstanbul yayında", "Tıp Fakültesi, 58140 Kayıt",
)  # fmt: skip
_SCAN = scanner(r"[0-9A-Za-z\xc0-\xff.)](?:,? |,?\n)[0-9]{5} [A-Z\xc0]")
_COUNTED = re.compile(
    "(?<![A-Za-z])(?i:fiyati?|ucreti?|tutari?|toplami?|nufusu?|koli|adet|bedeli?|no|numara|siparis"
    "|(?<!posta )kodu?|referans|ref|dosya|ilan)\\Z"
)
LOOK_BACK = 400  # as far as places before a name or a quarter are looked for


def pairs(data: bytes) -> Iterator[Range]:
    """Yield postcodes with an institution or a quarter before them, or a district behind them."""
    nearby = Nearby(data.decode("latin-1"), _pair, LOOK_BACK)
    for match in _SCAN.finditer(data):
        start, end = nearby.range(*match.span())
        if start < end:
            yield start, end


def _pair(text: str, start: int, end: int) -> Range:
    """Return the range of the address whose postcode and first capital end at `end`."""
    name_end = start + 1
    institution = institution_start(text, name_end)
    if institution < name_end:
        stop = place_end(text, name_end, capitals=True)
        if any(RANKS.get(name.lower(), 0) for name in _NAME.findall(text, name_end, stop)):
            return institution, stop
    stop, count = coded_end(text, name_end)
    if count == 0 or text.startswith("000", end - len("000 S")):
        return NOTHING  # "35000 Konak/Izmir"
    quarter = quarter_start(text, name_end)
    if quarter < start:
        return place_start(text, quarter), stop
    if count > 1 and not _COUNTED.search(text, max(0, start - 20), name_end):
        return end - len("34450 S"), stop
    return NOTHING


_NAME = re.compile("[A-Za-z]{2,}")
PAIRS = Rule("address", CODE_GATES, pairs, _MATCHES, _REJECTS)
