"""Turkish addresses: neighbourhood, street, building and numbers in any order, then the place.

Each part has a key word ("Mah.", "Cad.", "No:"). Parts that stand together are an address when at
least two of them agree; one alone is ordinary Turkish ("Bağdat Caddesi'nde yürüdük").
"""

import re
from collections.abc import Iterator, Sequence

from sidecar.redact.address_tr_code import LOOK_BACK, PAIRS
from sidecar.redact.address_tr_name import (
    CASE_ENDING,
    MONTHS,
    PLACE,
    RANKS,
    Part,
    coded_end,
    following_word,
    name_start,
    place_end,
    place_start,
)
from sidecar.redact.engine import scanner
from sidecar.redact.rule import NOTHING, Decisions, Nearby, Range, Rule
from sidecar.redact.turns import in_turns
from sidecar.redact.words import alternatives, words

_TR_BREAK = words("tr.break")
_TR_STOP = words("tr.stop")
_TR_UNIT = words("tr.unit")
_COUNTED = _TR_UNIT | {"oda", "salon", "bin", "milyon", "katli", "arti", "bucuk", "yuz", "kata"}
_NO_VENUE = _TR_BREAK | _TR_STOP

MATCHES = (
    "Merkez Mah. Gül Sok. No:12 D:3 Kadıköy/İstanbul", "Papatya Sok. No: 7",
    "4562. Sokak No:209/34", "MÜSKEBİ MAHALLESİ KARANFİL SOKAK NO:207/5 BODRUM/MUĞLA",
    "Lale Cd. 196/D 33021 Sarıyer-İstanbul", "Avdan Köyü No:81 Kandıra/Kocaeli",
    "caferaga mah nergis cad no 98 kat 6 daire 37 kadikoy",
    "Huzur Sitesi C Blok Kat 2 D. 10 Ayaş", "Çarşı mahallesi mevlana sokak 24 numara",
    "Gül Mah. Lale Cad. No:4 K-3 Blok D:9 Maltepe/İst.", "Lale Cad. Gül Sitesi A1C Blok D:31",
    "Ihlamur Cad. No: 7 Beyaz Ofis Kat:6 34394 Şişli",
    "Ardıç Sok. Çınar Konutları 2/A Blok No:8 Meram/Konya", "Gül Sok. No:2 Kat:zemin Bolu",
    "Eryaman 4. Etap Selvi Sok. No:9", "Ihlamur cad. no 5 daire 3 etiler",
    "Gül Sk. No=3 D=4 Kartal",
    "fevzi çakmak cad. no:33", "Gül Bloklar No:28 Çankaya", "Bahçelievler 7. Cad. No:34/5 Çankaya",
    "lale cad. no:62 a ümraniye", "inönü cad. no:200/4 hatay izmir",
    "lale bulv. no 266 tepe prime a blok kat 7", "Yukarı Dudullu, Lale Cd. No:151, 34775 Ümraniye",
    "Levent Mahallesi, Lale Caddesi No:185, Kanyon AVM, 34394 Şişli/İstanbul",
    "izmir bornova akgün mah 372 sk no 10 d 3", "34734 Kadıköy İstanbul Gül Mah. Lale Cad. No:81",
    "Zorlu Center, Gül Mah. Lale Sok. No:2 Beşiktaş", "Ankara / Çankaya / Gül Mah. Lale Cad. No: 8",
    "Ataköy 9. Kısım B9 Blok Daire 44 Bakırköy", "Gökçeler Mevkii 123 ada 45 parsel Milas/Muğla",
    "Aşağı Çavundur Köyü, Çubuk, Ankara", "Ege Üniversitesi Kampüsü, 35100 Bornova/İzmir",
    "Emek 8. Cadde (Lale Cad.) 92/14 Çankaya", "Sanayi Sitesi 9. Blok No:22 Çorum",
    "Mersin Yolu Üzeri 7. km Tarsus", "Gazi Kemal Bul. No:64/A Maltepe Çankaya",
    "Beytepe, Kanuni Bulvarı Park Vadi 5/61", "Gül Cad. No: 14, 06420 Bakanlıklar",
    "Forum Bornova AVM Kat:1 No:112 Bornova İzmir", "Gül Cad. No:9, Bina 2, Salon 4, Mamak/Ankara",
    "Gül Mah. 4. Uygur Sok. Park Evleri A3/17 Atakum/SAMSUN", "4. levent gül mah. lale sok. no:3",
    "Lale Cad. No:2 / 5 Kartal", "Lale Cad. No:4/B 12 06530 Çankaya",
    "Yeni Mahalle Lale Sok. No:3 Kadıköy", "Çifte Havuzlar Sok. No:3", "Şehit Ali Sok. No:3",
    "Kuş Cenneti Mah. No:3 Bandırma", "Cami Arkası Sok. No:4", "Turan Güneş Bulvarı No:5 Çankaya",
    "Prof. Dr. Sadık Ahmet Cad. No:4", "Kıbrıs Şehitleri Cad. No:3", "Bahçe Sok. No:8",
    "yeni mah lale cad no 12 d 4 adana seyhan", "gül mah lale cad no 7 41100 izmit kocaeli",
    "yukari mah okul sok no 1 yaylakent 28100 giresun", "gül mah lale cad no 3 denizli merkez",
    "18 temmuz mah. nusret cad. 31 D.6", "eski foca mah lale sok no 3", "845. Sokak 12 numarada",
    "Mor Sümbül sok. 7/1B D.44", "Rumelifeneri Yolu, 34450 Sarıyer/İstanbul",
    "Dögol Caddesi 06100 Tandoğan/Ankara", "Tunus Caddesi, 06680 Çankaya / Ankara",
    "Lale Cad. Osman Bey Yokuşu Sk. 34122 Sultanahmet/Fatih/İstanbul",
    "Lale Bulvarı\n35210 Alsancak, İzmir", "Atatürk Caddesi, 38000 Melikgazi/Kayseri",
    "Maslak Mah. Saat Sokak Gül Tower No:5 İç Kapı No:19 Sarıyer", "Gül Mah. Sabah Cad. No:4",
    "GÜL MAH. 44. SOK. NO:2 K:ZEMİN CEYHAN/ADANA", "Gül Sok. No:4 Kt. Bodrum Daire 2 Kartal",
    "Lale Cad. No:9/1 Fuar içi 1 No'lu Hol 35230 Konak/İzmir",
    "Gül Mah. Lale Cad. No:8 Stat karşısı 34367 Şişli/İstanbul",
    "Gül Mah. Lale Cad. No:10 D:2 1. Levent", "Lale Sok. No:3, 4. Levent Beşiktaş",
    "Menekşe 2 Sokak 17/9 Kızılay", "Karanfil 2. Sokak No:19 Kızılay", "Konur 2 Sok. No:3",
    "carsi ici gumus sok no 4 safranbolu karabuk", "Çarşı İçi, Lale Sok. No:3 Safranbolu",
    "Adalet Sarayı karşısı, Gül Mah. Lale Cad. No:76 Mezitli", "PTT yanı Lale Cad. No:4 Sivas",
    "Gül Mah. K-14 Konteyner Kent 6. Sok. No:118 Antakya/Hatay",
    "Gül Mah. Lale Cad. No:69\nPark İstanbul C Blok D:54\nMaltepe / İSTANBUL",
    "Kazımdirik, Lale Cad. No:9, 35100 Bornova/İzmir", "Gül Mah. Lale Cad. No:2 Kartal, 4. kat",
    "Lale Cad. No:6 önü, Kayapınar/Diyarbakır", "Gül Sok. No:3 yanı, Konak/İzmir",
    "Yazır Mahallesi Lale Cad. üstü Gül Rezidans A Blok 41",
    "Meşrutiyet Caddesi yirmi dokuz numara daire üç", "lale sokak on iki numara",
    "Gülkent Mah. 12. Cad. No:15 A/2 Kartal", "Gül Mah. D12-4 blok D:8 Başakşehir",
    "Gül Mah/Lale Sk/No:7/D:3/Avcılar", "lale mah 36 sk 14/1 van edremit",
    "yildiz mh.lale cd.no 17kat 3", "gül sok no:8d:5 bursa", "Gül Sok. No:3 Bolu merkez",
    "Yaşamkent 3250. Sok. No:5/12 Çankaya", "Atatürk Caddesi 1905 Bolu",
    "G.O.P. Mah. Lale Cd. 88/15", "Lale Cad. No: 101, Lefkoşa, KKTC",
    "Gül Sokak numara yüz kırk iki kat üç", "Lale Cad. numara beş daire iki Kadıköy",
)  # fmt: skip
REJECTS = (
    "Bağdat Caddesi'nde yürüyüş yaptık", "sokak lezzetleri festivali 27.10.2025 günü",
    "blok zinciri", "1. sınıf 3. şube", "kat 5 daire var mı", "no 5", "site çöktü no 3",
    "bu sokak 5 dakika sürüyor", "B blok 3 kat", "levent 3 saat",
    "sokak: dar, mahalle: sessiz", "OSB 3 yeni firma aldı", "2 ada gezdik, 3 koy gördük",
    "Konya Yolu, Ankara, İstanbul arası yoğun", "Onu bul. No 5 olsun", "9. Kısım bitti",
    "Ege Üniversitesi 2 puan düştü", "AVM kat 2 çok kalabalıktı", "123 ada hakkında bilgi yok",
    "the viewing at apt 27", "visa 4525386674956744 cad 12/26", "coche 7 plaza 5A",
    "siparis no 48812 / 2 koli", "adana seyhan 12 derece", "eski belediye 3 dönem",
    "The Plaza, 768 rooms", "yaylakent 28100 giresun", "Bağdat Caddesi 34000 kişi ağırladı",
    "İstiklal Caddesi, 20000 Beyoğlu esnafı", "Konya Yolu 12500 Ankara plakalı araç",
    "K: Zemin hazır, D: hayır", "kışlık 3 lastik, yazlık 4 lastik", "4. Levent metro 3 çıkış",
    "1. Levent ve 4. Levent arası kaç durak", "Ankara 3. Cadde trafiği yoğun",
    "Etiler 2 sokak ötede", "çarşı içi esnaf 5 gün kapalı", "Kadıköy 2 Sokak köpeği sahiplendirdi",
    "PTT karşısı, metro yanı 5 dakika", "Ali Çıkmaz 5 Eylül'de işe başlıyor",
    "Lale Caddesi bir numara mekan", "Bu sokak iki oda daire iki salon",
    "Gül Mahallesi 12 Mayıs'ta", "Lale Caddesi on numara mekan", "The Plaza, no on site parking",
    "İstiklal Caddesi 1870 yangınında kül oldu", "Atatürk Bulvarı 2023 seçimlerinde kapalıydı",
    "845. Sokak 2018 model araba satılık", "blok 5 D/3 sınıfı", "Bu sokak no 2 A/3 ebat",
    "Bağdat Caddesi daire iki oda bir salon", "Lale Sokak 3 Ekim günü kapalı",
)  # fmt: skip

_NEIGHBOURHOOD = alternatives("tr.neighbourhood")
_STREET = alternatives("tr.street")
_SITE = alternatives("tr.site")
_ENDING = "(?:[dt][ae]n?|y[ae])"  # without an apostrophe: "46/2den", "118/6ya"
_SPELLED = rf"\b{alternatives('tr.spelled')}(?: {alternatives('tr.spelled')}){{0,2}}"
_GLUED = "[/-]?(?i:(?:kat|daire)[ .:]{0,2}|[dk][.:] ?)[0-9]{1,3}"  # in a hurry: "no 17kat 3"
_NUMBERED = (
    r"(?:\b(?:[A-Za-z][0-9]{0,3}(?:-[0-9]{1,2})?"
    r"|[0-9]{1,2}(?:[/-]?[A-Za-z]|[/-][0-9]|\.))[ -](?i:blok)\b"
    rf"|{alternatives('tr.number')}[ .:=]{{0,3}}"
    rf"[0-9]{{1,5}}(?:{_GLUED}|[/-][0-9A-Za-z]{{1,5}}| ?/ ?[0-9]{{1,5}}){{0,3}}"
    rf"(?:[A-Za-z]|{_ENDING}|[A-Za-z]? [A-Z]/[0-9]{{1,3}})?\b"
    r"|\b[nN][:.] ?[0-9]{1,4}(?:/[0-9]{1,3})?\b|\b[0-9]{1,3}\. (?i:ada)\b"
    r"|\b[0-9]{1,2} B(?i:lok)\b|\b[A-Z][0-9]{1,2}/[0-9]{1,3}\b"
    r"|\b[0-9]{1,5} (?i:ada)[ ,/]{1,2}[0-9]{1,5} (?i:parsel)\b"
    r"|\b(?i:ada)[ .:]{1,3}[0-9]{1,5}[ ,/]{1,2}(?i:parsel)[ .:]{1,3}[0-9]{1,5}\b"
    r"|\b[0-9]{1,3}\. ?(?i:km)\b|\b(?i:d|daire|kat):[A-Z]\b"
    r"|(?i:blok)[ .:]{1,2}[A-Za-z](?:[0-9]|[:.] ?[0-9]{1,4})?\b"
    r"|(?i:kat[ .:]{1,2}|kt?[.:] ?)(?i:zemin|giris|bodrum|cati)\b"
    r"|[0-9]{1,4} (?i:numara(?:da|dan|ya|daki|li|dayiz|dayim)?|nolu)\b|[0-9]{1,2}\. ?(?i:kat)\b"
    r"|(?i:zemin|giris|bodrum|cati) (?i:kat)\b"
    rf"|{_SPELLED} (?i:numara)\b|\b(?i:numara|daire|kat) {_SPELLED}\b)"
)
_STAGE = r"[0-9]{1,2}\. ?(?i:kisim|etap)"  # "Atakoy 9. Kisim"
_PART_PATTERN = (
    rf"\b(?:(?:{_NEIGHBOURHOOD}|{_STREET}|{_SITE})\b\.?|B(?i:ul)\. ?|{_STAGE}\b|{_NUMBERED})"
)
_KIND = re.compile(
    rf"(?P<number>(?:{_NUMBERED})$)|(?P<neighbourhood>{_NEIGHBOURHOOD}\b)"
    rf"|(?P<street>{_STREET}\b)|(?P<site>)"
)
# Possessive: a word must not be tried in other parts, which most gaps would be for nothing.
_GAP = re.compile(r"[ .,:;/()-]{0,3}\n?(?:[A-Za-z\xc0-\xff0-9'./-]{1,20}+[ ,]{0,2}+\n?+){0,6}+")
_WORDS = re.compile("[A-Za-z\xc0-\xff0-9]+")
_NAMES = re.compile("[A-Za-z\xc0-\xff]{2,}")
_BARE_NUMBER = re.compile(
    r"\)?[ .,:]{1,2}[0-9]{1,4}(?: ?[/-] ?[0-9A-Za-z]{1,4})?(?: [A-Z]/[0-9]{1,3}|[A-Za-z]?)"
    r"(?![0-9A-Za-z]|[.,:][0-9]|\. ?[a-z\xe0-\xff])"
)
# "Bulvari Park Vadi 5/61"
_NAMED_NUMBER = re.compile(
    r"(?: [A-Z\xc0][A-Za-z\xc0-\xff]*){1,3} [0-9]{1,4}/[0-9]{1,4}(?![0-9A-Za-z/]|[.,:][0-9])"
)


_BOX_PATTERN = r"\b(?i:p\.?k\.?|posta kutusu)[ .:]{1,3}[0-9]{1,6}\b"
# One of these stands in every address of parts.
_GATE = rf"\b(?:{_NEIGHBOURHOOD}|{_STREET}|{_SITE}|{_STAGE})\b|\bB(?i:ul)\."
_PART, _BOX = map(scanner, (_PART_PATTERN, _BOX_PATTERN))


def find(data: bytes) -> Iterator[Range]:
    """Yield the addresses of parts in a view."""
    text = data.decode("latin-1")
    nearby = Nearby(text, _address, LOOK_BACK)
    for group in _groups(data, text):
        if _facts(text, group) is None:
            continue
        origin, end = group[0].start, group[-1].end
        if len(group) > _FEW:
            start, end = _address(text, 0, end, group)
        else:
            parts = tuple([(a - origin, b - origin, kind) for a, b, kind in group])
            start, end = nearby.range(origin, end, parts)
        if start < end:
            yield start, end


_FEW = 8  # parts: more than that are no address that is met again


def _groups(data: bytes, text: str) -> Iterator[list[Part]]:
    """Yield the parts that stand together and are not all numbers."""
    kinds = Decisions(_kind)
    parts = []
    for match in _PART.finditer(data):
        start, end = match.span()
        parts.append(Part(start, end, kinds[(text[start:end],)]))
    group, named = list[Part](), False
    for part in in_turns(parts):
        if _is_idiom(text, part):
            continue
        number = part.kind == "number"
        order = number and _OF_ORDER.search(text, max(0, part.start - 12), part.start)
        if group and (order or not _together(text, group[-1], part)):
            if named:
                yield group
            group, named = [], False
        if not order:
            group.append(part)
            named = named or not number
    if named:
        yield group


_IDIOM = re.compile("(?i:bir|on) (?i:numara)")
_ONLY_SPELLED = re.compile(rf"{_SPELLED} (?i:numara)|(?i:numara|daire|kat) {_SPELLED}")


def _is_idiom(text: str, part: Part) -> bool:
    """Tell whether a number in words is none of a house: "bir numara mekan", "daire iki oda"."""
    if part.kind != "number" or text[part.end - 1].isdigit():
        return False  # told cheaply
    if _ONLY_SPELLED.fullmatch(text, part.start, part.end) is None:
        return False
    return _IDIOM.match(text, part.start) is not None or following_word(text, part.end) in _COUNTED


def boxes(data: bytes) -> Iterator[Range]:
    """Yield the post office boxes in a view."""
    text = data.decode("latin-1")
    for match in _BOX.finditer(data):
        start, end = match.span()
        if (place := place_end(text, end, capitals=False)) > end:
            yield start, place


def _kind(part: str) -> str:
    kind = _KIND.match(part)
    return kind.lastgroup or "site" if kind else "site"


def _together(text: str, left: Part, right: Part) -> bool:
    """Tell whether only names stand between two parts."""
    if right.start - left.end > 60 or not _GAP.fullmatch(text, left.end, right.start):
        return False
    floor = _FLOOR.match(text, right.start, right.end)
    names = _WORDS.findall(text, left.end, right.start)
    if names and floor and text[right.start - 2] == ",":
        word = following_word(text, right.end)
        known = word in RANKS or word in _BEHIND_FLOOR
        if word and not known and text[right.end + 1].islower():
            return False  # "No:3 Kadikoy, 4. kat asansorsuz"
    between = [name.lower() for name in names]
    if len(names) > 4 and not all(name[0].isupper() or name[0].isdigit() for name in names):
        return False
    if left.kind == "neighbourhood" and right.kind == "street" and len(names) == 1:
        return names[0][0].isupper() or between[0] not in _TR_BREAK  # "Gul Mah. Saat Sokak"
    if right.kind in _NAMED and (
        _ENDS_SENTENCE.search(text, left.end, right.start)
        or _without_ending(text, left.end) < left.end  # "No:12den Lale Sok. No:3"
    ):
        return False
    if left.kind == "number" and right.kind == "number" and between:
        # "No: 185 Kanyon Ofis Kat:6"
        block = _BLOCK.search(text, right.start, right.end) is not None and len(names) < 4
        named = block and text[right.start - 1] != "\n"
        line = named or "\n" not in text[left.end : right.start]
        plain = block and _TR_BREAK.isdisjoint(between) and _TR_STOP.isdisjoint(between)
        return line and (plain or all(name[0].isupper() for name in names))
    other = right.kind in _NAMED and (
        not _OTHER_ADDRESS.isdisjoint(names)
        or CASE_ENDING.search(text, left.end, right.start) is not None
    )
    return _TR_BREAK.isdisjoint(between) and not other


_BEHIND_FLOOR = words("tr.number") | frozenset("sag sol arka on".split())
_FLOOR = re.compile(r"[0-9]{1,2}\. ?(?i:kat)\Z")
_BLOCK = re.compile("(?i:blok)")
_ENDS_BLOCK = re.compile(r"(?i:blok)\Z")
_NAMED = ("neighbourhood", "street")
_ENDS_SENTENCE = re.compile("[A-Za-z]{4}\\. \\Z")  # "Kadikoy/Istanbul. Sokak hayvanlari"
_OTHER_ADDRESS = frozenset({"yeni", "eski"})  # capitals make them names


# What kinds of parts a group has; that it has a number, and the bare one behind it; that its only
# part is a site in a known place; that a postcode follows its street.
_Facts = tuple[set[str], bool, re.Match[str] | None, bool, bool]


def _facts(text: str, group: Sequence[Part]) -> _Facts | None:
    """Return what tells that a group of parts may be an address, or None if nothing does."""
    kinds = {part.kind for part in in_turns(group)}
    end = group[-1].end
    bare = _bare_number(text, group[-1])
    numbered = "number" in kinds or any(
        text[max(0, part.start - 2) : part.start].strip(". ").isdigit() for part in in_turns(group)
    )
    alone = kinds == {"site"} and _is_placed(text, group[-1])
    coded = "street" in kinds and coded_end(text, end)[1] > 0
    certain = len(kinds - {"number"}) > 1 or "number" in kinds or bare or alone or coded
    if certain or ((numbered or "neighbourhood" in kinds) and PLACE.match(text, end)):
        return kinds, numbered, bare, alone, coded
    return None


def _address(
    text: str, origin: int, end: int, parts: Sequence[tuple[int, int, str]], again: bool = False
) -> Range:
    """Return the range of the address that a group of parts is, if it is one.

    `again` without its first part. The positions of the parts count from `origin`, and they end
    at `end`.
    """
    group = [Part(a + origin, b + origin, kind) for a, b, kind in parts]
    named = {part.kind for part in in_turns(group)} - {"number"}
    facts = _facts(text, group) if named else None
    if facts is None:
        return NOTHING
    kinds, numbered, bare, alone, coded = facts
    first = next(index for index, part in enumerate(group) if part.kind != "number")
    field = text.startswith(":", group[0].end)
    if field and not _A_DIGIT.search(text, group[0].end, end):
        return NOTHING  # "sokak: dar, mahalle: sessiz"
    start = name_start(text, group[first])
    nameless = field or (_NAMELESS.match(text, start) is not None and len(group) > 1)
    if start == group[first].start and first == 0 and not nameless:
        label = text.startswith("/", group[0].end)  # "Cadde/Sokak: Gul Sok. No:5"
        # "bizim koy Karaagac Koyu No:15"
        if (group[0].kind == "site" or label) and not again:
            return _address(text, 0, end, group[1:], again=True)
        return NOTHING
    start = place_start(text, min(start, group[0].start))
    if bare:
        end, numbered = bare.end(), True
    names = _NAMES.findall(text, max(start, end - 200), end) or _NAMES.findall(text, start, end)
    capitals = not names[-1].islower()
    places = place_end(text, end, capitals)
    places = places if places > end else _lettered_end(text, end, capitals)
    places = places if places > end else _venue_end(text, end)
    if named == kinds == {"site"} and places == end and _LOWER_NAME.search(text, start, end):
        return NOTHING  # "viewing apt 27"
    if (
        alone
        or coded
        or len(named) > 1
        or (numbered and ("number" in kinds or places > end or bare))
        or ("neighbourhood" in kinds and places > end)
    ):
        return start, places if places > end else _without_ending(text, end)
    return NOTHING


def _bare_number(text: str, last: Part) -> re.Match[str] | None:
    """Return the number behind the last part that no key word announces."""
    bare = None
    if last.kind != "number":
        bare = _BARE_NUMBER.match(text, last.end)
    elif _ENDS_BLOCK.search(text, last.start, last.end):
        bare = _DOOR_NUMBER.match(text, last.end)
    if bare:
        word = following_word(text, bare.end())
        year = _YEAR.match(bare.group()) and word not in RANKS
        if word in _NOT_HOUSE or (year and _HAPPENED.search(word)):
            return None
    if bare is None and last.kind == "street":
        bare = _NAMED_NUMBER.match(text, last.end)
    return bare


_DOOR_NUMBER = re.compile(r" [0-9]{1,3}(?![0-9A-Za-z]|[.,:/-][0-9])")  # "A Blok 41"
_NOT_HOUSE = _TR_UNIT | MONTHS  # "Ali Cikmaz 5 Eylul'de"
_YEAR = re.compile(" (?:1[5-9]|20)[0-9]{2}\\Z")
# "Istiklal Caddesi 1870 yangininda"
_HAPPENED = re.compile("[iu](?:n[dt][ae]n?|n[ae]|nin|nun|yl[ae])?\\Z|(?:l[ae]r|d[ae]n?|model)\\Z")
_ENDING_OF_NUMBER = re.compile(rf"(?<=[0-9]){_ENDING}\Z")


def _without_ending(text: str, end: int) -> int:
    """Return where the number that ends at `end` ends without the ending of its case."""
    ending = _ENDING_OF_NUMBER.search(text, max(0, end - 4), end)
    return ending.start() if ending else end


def _lettered_end(text: str, end: int, capitals: bool) -> int:
    """Return where the places end behind the letter of a number, or `end`: "no:62 a umraniye"."""
    letter = _LETTER.match(text, end)
    places = place_end(text, letter.end(), capitals) if letter else 0
    return places if letter and places > letter.end() else end


def _is_placed(text: str, site: Part) -> bool:
    """Tell whether a postcode, or a district with its province, follows a village or a campus."""
    end = site.end
    if _ROAD.search(text, site.start, site.end):
        return coded_end(text, end)[1] > 0
    if text[end : end + 2] != ", " and not _CODE_NEXT.match(text, end):
        return False
    places = max(place_end(text, end, capitals=True), _venue_end(text, end))
    names = [name.lower() for name in _WORDS.findall(text, end, places)]
    ranks = [RANKS.get(name, 0) for name in names]
    coded = any(len(name) == 5 and name.isdigit() for name in names) and max(ranks) > 0
    return coded or (1 in ranks and 2 in ranks[ranks.index(1) :])


_CODE_NEXT = re.compile(" [0-9]{5} [A-Z]")
_ROAD = re.compile("(?i:yolu|asfalti|uzeri|yol)")
_VENUE_WORD = re.compile(
    r"[ ,/-]{1,3}\n?([A-Z\xc0][A-Za-z\xc0-\xff.]*|[A-Z]?[0-9]{1,4}(?:/[0-9]{1,3})?"
    r"|ici|karsisi|yani|arkasi|onu|ustu|alti|bitisigi|civari|girisi)"
    r"(?:'lu)?"  # "Fuar ici 1 No'lu Hol"
)


def _venue_end(text: str, end: int) -> int:
    """Return where the places end behind a venue, or `end`: "No:5, Kanyon AVM, 34394 Sisli"."""
    at = end
    for _ in range(7):
        word = _VENUE_WORD.match(text, at)
        if word is None:
            break
        front = word.group(1) == "onu" and text.startswith(",", word.end())  # "onu" alone is "it"
        if word.group(1).lower() in _NO_VENUE and not front:
            break
        place = PLACE.match(text, at)
        if place and at > end:
            postcode, name, province = place.groups()
            ranks = (RANKS.get((part or "").lower(), 0) for part in (name, province))
            if postcode or max(ranks) > 0:
                return place_end(text, at, capitals=True)
        at = word.end()
    return end


# "siparis no 48812"
_OF_ORDER = re.compile("(?<![A-Za-z])(?i:siparis|fatura|takip|sira|evrak|dosya|kayit|irsaliye) $")
_LETTER = re.compile(" [A-Za-z](?= [A-Za-z\xc0-\xff]{3})")
_A_DIGIT = re.compile("[0-9]")
_NAMELESS = re.compile(r"(?=[A-Z])(?:(?i:sanayi sitesi|sanayi bolgesi)|OSB|TOKI|Toki)\b")
_LOWER_NAME = re.compile(rf" ?[a-z]+ {_SITE} [0-9]+$")


# Two streets that meet, and where: "Ataturk Bulvari ile Tunus Caddesi kosesi, Kavaklidere".
_CORNER = scanner(
    rf"\b{_STREET}\.? (?i:ile|ve) (?:[A-Z\xc0][A-Za-z\xc0-\xff.]* ){{1,4}}{_STREET}\.? "
    r"(?i:kosesi)\b"
)
_CORNER_STREET = re.compile(_STREET)
_CORNER_MATCHES = (
    "Atatürk Bulvarı ile Tunus Caddesi köşesi, Kavaklıdere", "Gül Sok. ve Lale Cad. köşesi Kadıköy",
    "Moda Caddesi ile Şair Nefi Sokak köşesi, Kadıköy/İstanbul",
)  # fmt: skip
_CORNER_REJECTS = (
    "Gül Sokak ile Lale Caddesi köşesi boş", "bu cadde ile Lale Sokak köşesi, Kadıköy",
    "Gül Sokak ile Lale Caddesi köşesinde kaza, Kadıköy",
)  # fmt: skip


def corners(data: bytes) -> Iterator[Range]:
    """Yield two streets that meet in a known place."""
    text = data.decode("latin-1")
    for match in _CORNER.finditer(data):
        start, end = match.span()
        street = _CORNER_STREET.match(text, start)
        first = name_start(text, Part(start, street.end() if street else end, "street"))
        stop = place_end(text, end, capitals=True)
        if first < start and text[first].isupper() and stop > end:
            yield place_start(text, first), stop


RULES: tuple[Rule, ...] = (
    Rule("address", (_GATE,), corners, _CORNER_MATCHES, _CORNER_REJECTS),
    Rule("address", (_GATE,), find, MATCHES, REJECTS),
    PAIRS,
    Rule("address", (_BOX_PATTERN,), boxes, ("PK 728 Altındağ/Ankara",)),
)
