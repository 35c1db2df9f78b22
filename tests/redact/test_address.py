"""What the address rules find together."""

import re

import pytest

from sidecar.redact import address_de, address_label, address_short
from tests.redact.samples import DEFAULT, left_over, matches, redact, rejects

LED = (
    *address_label.MATCHES,
    *address_de.LED_MATCHES,
    *address_short.LED_MATCHES,
    *address_short.CROSSING_MATCHES,
    *address_short.NAMED_MATCHES,
    *address_label.FORM_MATCHES,
)


@pytest.mark.parametrize("value", [text for text in matches("address") if text not in LED])
def test_finds_the_whole_address(value: str) -> None:
    """Every example is found whole, as an address."""
    assert left_over(value) == ""
    assert {span.type for span in DEFAULT.find(value)} == {"address"}


@pytest.mark.parametrize("value", LED)
def test_leaves_what_leads_to_it(value: str) -> None:
    """The label of an address, or the preposition before it, stays."""
    assert re.fullmatch(r"(\w+(: |=| | of )\[ADDRESS\](, )?)+", redact(value))


@pytest.mark.parametrize("value", rejects("address"))
def test_leaves_alone(value: str) -> None:
    """Streets, places and numbers in ordinary sentences stay."""
    assert DEFAULT.find(value) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I live at 12 Main St, Boise, ID 83702.", "I live at [ADDRESS]."),
        ("12 Main St\nSuite 5\nBoise, ID 83702\nThanks", "[ADDRESS]\n[ADDRESS]\n[ADDRESS]\nThanks"),
        ("12 Main St\\nBoise, ID 83702\\nThanks", "[ADDRESS]\\n[ADDRESS]\\nThanks"),
        ("ev: Gül Sok. No:5 Kadıköy bodrum katta", "ev: [ADDRESS] bodrum katta"),
        ("in der Goethestraße 5, 10115 Berlin, ja", "in der [ADDRESS], ja"),
        ("Lille: 5 rue Foch, 59800 Lille Il pleut", "Lille: [ADDRESS] Il pleut"),
        ("12 Main St j@example.com", "[ADDRESS] [EMAIL]"),
        ("12 Main St, 212-555-0143", "[ADDRESS], [PHONE]"),
        ("ship it to Apt 9, 14 Main Rd by noon", "ship it to [ADDRESS] by noon"),
        ("go to 19 Albert Court not there", "go to [ADDRESS] not there"),
        ("Flat viewing 12 main st, boise, id 83702", "Flat viewing [ADDRESS]"),
        ("beim Arzt Rosenweg 5, 24937 Flensburg", "beim Arzt [ADDRESS]"),
        ("Die Wohnung Neuer Wall 30, 20354 Hamburg", "Die Wohnung [ADDRESS]"),
        ("Taxi von Lessingplatz 5 in 12045 Berlin", "Taxi von [ADDRESS]"),
        ("du 3 rue Foch, 38100 Grenoble au 5 rue Foch", "du [ADDRESS] au [ADDRESS]"),
        ("T2 12 rue Foch 720€", "T2 [ADDRESS] 720€"),
        ("bei An der Eiche 16", "bei [ADDRESS]"),
        ("C/ Real nº 18 a las 20h", "[ADDRESS] a las 20h"),
        ("gül cad. no 6 kartal zile basmayın", "[ADDRESS] zile basmayın"),
        ("eski Gül Sok. No:5 Kartal yeni Lale Sok. No:6", "eski [ADDRESS] yeni [ADDRESS]"),
        ('{"ad":"Can","adres":"Gül Sok. No:4"}', '{"ad":"Can","adres":"[ADDRESS]"}'),
        ("1;Aylin;Ihlamur Sk. No:13/5 Nilüfer", "1;Aylin;[ADDRESS]"),
        ("kardeşim Aksoy Mah. Lale Sok. No:3", "kardeşim [ADDRESS]"),
        ("la calle lleva 3 semanas", "la calle lleva 3 semanas"),
        ("rdv à 10h, 12 rue Foch, 38100 Grenoble", "rdv à 10h, [ADDRESS]"),
        ("a las 10, Pl. Catalunya 9, 08002 Barcelona", "a las 10, [ADDRESS]"),
        ("bar au 18 rue Foch, 35000 Rennes ferme à 3 h", "bar au [ADDRESS] ferme à 3 h"),
        ("Le camping, Route du Lac, n° 12, 74410 Sévrier", "Le camping, [ADDRESS]"),
        ("de C/ Sol 2, Lugo a Av. Real 4, 50012 Zaragoza", "de [ADDRESS] a [ADDRESS]"),
        ("1) C/ Sol 34 2) C/ Luna 36", "1) [ADDRESS] 2) [ADDRESS]"),
        ("Der Hof liegt Oberried 8, 79254 Oberried", "Der Hof liegt [ADDRESS]"),
        ("Ist Prenzlauer Allee 242, 10405 Berlin alt?", "Ist [ADDRESS] alt?"),
        ("Unser Verein, Sportweg 1, 97337 Dettelbach", "Unser Verein, [ADDRESS]"),
        ("27568 Bremerhaven, Verpackung", "27568 Bremerhaven, Verpackung"),
        ("Gartenstr. 9, 27568 Bremerhaven, Verpackung", "[ADDRESS], Verpackung"),
    ],
)
def test_takes_no_more_than_the_address(text: str, expected: str) -> None:
    """Line breaks split a span; the words around an address and other values stay."""
    assert redact(text) == expected
