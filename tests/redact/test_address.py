"""What the address rules find together."""

import re

import pytest

from sidecar.redact import (
    address_corner,
    address_en,
    address_es,
    address_label,
    address_named,
    address_short,
)
from sidecar.redact.address_en_place import codes_in
from sidecar.redact.rule import Nearby
from tests.redact.samples import DEFAULT, left_over, matches, redact, rejects

LED = (
    *address_label.MATCHES,
    *address_named.LED_MATCHES,
    *address_short.LED_MATCHES,
    *address_short.CROSSING_MATCHES,
    *address_short.NAMED_MATCHES,
    *address_short.PAIR_MATCHES,
    *address_label.FORM_MATCHES,
    *address_es.PLAIN_MATCHES,
    *address_corner.NUMBERED_MATCHES,
    *address_corner.CORNER_MATCHES,
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
        ("voy a torre pacheco c/ cartagena 41", "voy a [ADDRESS]"),
        ("Cerro Alegre, Lautaro Rosas 523, Valparaíso vence hoy", "[ADDRESS] vence hoy"),
        (
            "Calle y número: Sol 21-A\nColonia: Centro\nCP: 68000\nCiudad: Oaxaca de Juárez, Oax.",
            "Calle y número: [ADDRESS]\nColonia: [ADDRESS]\nCP: [ADDRESS]\nCiudad: [ADDRESS]",
        ),
        (
            "Vía: Paseo de Colón 17, bajo\nC.P.: 20002\nLocalidad: Donostia-San Sebastián",
            "Vía: [ADDRESS]\n[ADDRESS]\nLocalidad: [ADDRESS]",
        ),
        (
            "Calle: Avda. del Puerto 215\nCP y población: 11403 Jerez de la Frontera\nTardes",
            "Calle: [ADDRESS]\nCP y población: [ADDRESS]\nTardes",
        ),
        ("Rue et numéro: Monge 12", "Rue et numéro: [ADDRESS]"),
        ("Cadde/Sokak: Lale Sok. No:5", "Cadde/[ADDRESS]"),
        ("ou sur place 211 route du Lac, 74340 Samoëns", "ou sur place [ADDRESS]"),
        ("samedi au 12, rue des Lilas", "samedi au [ADDRESS]"),
        ("en la Plaza Nueva, 1, 41001 Sevilla", "en la [ADDRESS]"),
        ("en la puerta de Calle Toledo 60 y ya", "en la puerta de [ADDRESS] y ya"),
        ("vivo en Av. Santa Fe 2024 y trabajo", "vivo en [ADDRESS] y trabajo"),
        ("dîner Chez Paulette, 29 rue Foch, Lille", "dîner Chez Paulette, [ADDRESS]"),
        ("au coin de la rue Oberkampf et de l'avenue Foch ?", "au coin de la [ADDRESS] ?"),
        ("la esquina de la calle Sol con la avenida Real", "la esquina de la [ADDRESS]"),
        ("domicilio: antes Encina 27", "domicilio: antes [ADDRESS]"),
        ("12 Main St\nSuite 5\nBoise, ID 83702\nThanks", "[ADDRESS]\n[ADDRESS]\n[ADDRESS]\nThanks"),
        ("12 Main St\\nBoise, ID 83702\\nThanks", "[ADDRESS]\\n[ADDRESS]\\nThanks"),
        ("ev: Gül Sok. No:5 Kadıköy bodrum katta", "ev: [ADDRESS] bodrum katta"),
        ("Gül Sok. No:5 Kadıköy/İstanbul. Sipariş no 4821", "[ADDRESS]. Sipariş no 4821"),
        ("sipariş no 48812 / Gül Mah. Lale Sok. No:5", "sipariş no 48812 / [ADDRESS]"),
        ("12 High Street, York, YO1 7HH, 01423 814070", "[ADDRESS], [PHONE]"),
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
        ("Millet Meclisi, 06543 Bakanlıklar/Ankara mı", "Millet Meclisi, [ADDRESS] mı"),
        ("Külliye (Dögol Caddesi 06100 Tandoğan/Ankara) için", "Külliye ([ADDRESS]) için"),
        ("Moda Cad. 118/6 yerine Moda Cad. 181/6 olsun", "[ADDRESS] yerine [ADDRESS] olsun"),
        (
            "yazlık Gül Sok. No:2 Didim, kışlık Ihlamur Mah. Lale Cad. No:5 D:1",
            "yazlık [ADDRESS], kışlık [ADDRESS]",
        ),
        (
            "ev Gül Cad. No:5 D:9, yenisi Ihlamur Mah. Lale Cad. No:3",
            "ev [ADDRESS], yenisi [ADDRESS]",
        ),
        ("Gül Sok. 46/2den taksi, 118/6ya değil", "[ADDRESS]den taksi, 118/6ya değil"),
        ("Ihlamur Mah. Lale Cad. No:12 Kartal, 4. kat asansörsüz", "[ADDRESS], 4. kat asansörsüz"),
        ("Gül Cad. No:2, Kadıköy/İstanbul. Sokak hayvanları", "[ADDRESS]. Sokak hayvanları"),
        ("Gül Sok. No:12den Lale Sok. 3/4e", "[ADDRESS]den [ADDRESS]"),
        ("Bağdat Caddesi 3te buluşalım", "Bağdat Caddesi 3te buluşalım"),
        ("Gül Sok. No:1 Buca. Mahalle sakinleri", "[ADDRESS]. Mahalle sakinleri"),
        ("Evrakları Adalet Sarayı karşısı, Aksoy Mah. Lale Cad. No:7 Bolu", "Evrakları [ADDRESS]"),
        ("Modern Müze (Şarkiye Mah. Lale Cad. No:37)", "Modern Müze ([ADDRESS])"),
        ("Çiya Sofrası Aksoy Mah. Lale Sok. No:43", "Çiya Sofrası [ADDRESS]"),
        ("Genel Yönetim Binası Aksoy Mah. Lale Cad. No:3", "Genel Yönetim Binası [ADDRESS]"),
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
        # the first word of a sentence
        ("Eczane Yıldız Mahallesi, 220. Sokak No:17 adresinde", "Eczane [ADDRESS] adresinde"),
        ("Tamam. Yavrular Kozyatağı Mah. Lale Sok. No:3", "Tamam. Yavrular [ADDRESS]"),
        ("Duruşma Adalet Mah. Lale Sok. No:3", "Duruşma [ADDRESS]"),
        ("Dilekçeyi Atatürk Mah. Sedir Sok. No:2", "Dilekçeyi [ADDRESS]"),
        ("Kaynaklarda Çifte Havuzlar Sok. No:4", "Kaynaklarda [ADDRESS]"),
        ("Mekân Bülten Sokak No:4, Çankaya", "Mekân [ADDRESS]"),
        ("Kalacağımız konak Şar Mah. 1. Cadde No:132", "Kalacağımız konak [ADDRESS]"),
        ("Add Ty Gwyn, Lon Isaf, Anglesey LL59 5LN", "Add [ADDRESS]"),
        ("A box. It's Ash Park, Ash Road, Ely CB7 4AA", "A box. It's [ADDRESS]"),
        ("Boxing Day. The house, 2 Rope Walk, Ely CB7 4AA", "Boxing Day. The house, [ADDRESS]"),
        ("Our house, Rose Cottage, Mill Lane, Otley LS21 3AB", "Our house, [ADDRESS]"),
        ("Añade Travesía de Vigo, 204, 36207 Vigo", "Añade [ADDRESS]"),
        ("vivo en la Avenida Real 12, 41001 Sevilla", "vivo en la [ADDRESS]"),
        ("die Werkstatt am Gewerbering 9, 49393 Lohne", "die Werkstatt am [ADDRESS]"),
        # an institution, a company or a hotel before a street
        ("Pera Müzesi, Asmalı Mah. Lale Cad. No:65", "Pera Müzesi, [ADDRESS]"),
        ("Yıldırım\nBahçelievler Mah. Lale Sok. No:1", "Yıldırım\n[ADDRESS]"),
        ("Public Library, 715 S. Capitol Blvd., Boise, ID", "Public Library, [ADDRESS]"),
        ("British Museum, Great Russell Street, London WC1B 3DG", "British Museum, [ADDRESS]"),
        (
            "National Railway Museum\nLeeman Road\nYork YO26 4XJ",
            "National Railway Museum\n[ADDRESS]\n[ADDRESS]",
        ),
        ("Leeds Town Hall – The Headrow, Leeds LS1 3AD", "Leeds Town Hall – [ADDRESS]"),
        ("Tea at the Peabody, 149 Union Ave, Memphis, TN 38103", "Tea at the Peabody, [ADDRESS]"),
        ("Bob's Tea Rooms, 5 High Street, York YO1 8QP", "Bob's Tea Rooms, [ADDRESS]"),
        ("The Fox and Hounds, Church Street, Ely CB7 4LS", "The Fox and Hounds, [ADDRESS]"),
        ("Nando's, Unit 4, The Light, The Headrow, Leeds LS1 8TL", "Nando's, [ADDRESS]"),
        ("UPS Store #44, 1100 Main St, Boise, ID 83702", "UPS Store #44, [ADDRESS]"),
        ("Clerk of the Court, 1100 Main St, Boise, ID 83702", "Clerk of the Court, [ADDRESS]"),
        ("Museum Ludwig, Heinrich-Böll-Platz, 50667 Köln", "Museum Ludwig, [ADDRESS]"),
        ("Hotel Adlon, Unter den Linden 77, 10117 Berlin", "Hotel Adlon, [ADDRESS]"),
        ("Uniklinik Köln, Kerpener Straße 62, 50937 Köln", "Uniklinik Köln, [ADDRESS]"),
        ("vor dem Haus Lindenstraße 4, 50674 Köln", "vor dem Haus [ADDRESS]"),
        ("In der Wiener Straße 9 ist Markt", "In der [ADDRESS] ist Markt"),
        ("in der Heslacher Wand 30, Stuttgart, also", "in der [ADDRESS], also"),
        ("Alte Pinakothek, Barer Straße 27, 80333 München", "Alte Pinakothek, [ADDRESS]"),
        ("Terzim Gül Cad. No:5 Bornova", "Terzim [ADDRESS]"),
        ("Mehmet Bey Gül Sok. 5/3 Çankaya", "Mehmet Bey [ADDRESS]"),
        ("Topkapı Sarayı, Gül Mah. Lale Cad. No:1 Fatih", "Topkapı Sarayı, [ADDRESS]"),
        (
            "Straße: Alte Landstraße\nHausnr.: 118\nPLZ/Ort: 40489 Düsseldorf",
            "Straße: [ADDRESS]\nHausnr.: [ADDRESS]\nPLZ/Ort: [ADDRESS]",
        ),
        ("i rent a room 1340 e 9th st rm 5 long beach ca 90813", "i rent a room [ADDRESS]"),
        (
            "the storage unit on 9801 E Colfax Ave, Aurora, CO 80010",
            "the storage unit on [ADDRESS]",
        ),
        ("in Alaska, Mile 12 Hot Springs Rd, Fairbanks AK 99712", "in Alaska, [ADDRESS]"),
        ("my flat 3, 12 Mill Lane, Ely CB7 4LS", "my [ADDRESS]"),
        ("£40; Lou - 7 Picton St, Bristol BS6 5QA", "£40; Lou - [ADDRESS]"),
        ("the postcode of LS6 2ST", "the postcode of [ADDRESS]"),
        ("the state of IL 60604", "the state of IL 60604"),
        ("vivo en Gran Vía #45, Bilbao", "vivo en [ADDRESS]"),
        ("siparis no 48812 / GÜL MAH. LALE SK. NO:3", "siparis no 48812 / [ADDRESS]"),
        ("Mayo Clinic, 200 First Street SW, Rochester, MN", "Mayo Clinic, [ADDRESS]"),
        ("Hotel Weisses Kreuz, Dorfstrasse 21, 3818 Grindelwald", "Hotel Weisses Kreuz, [ADDRESS]"),
        ("Haus der Geschichte, Lindenallee 14, 53113 Bonn", "Haus der Geschichte, [ADDRESS]"),
        ("Musterfirma GmbH, Lindenallee 10, 45127 Essen", "Musterfirma GmbH, [ADDRESS]"),
        ("Salle des fêtes, 3 place Foch, 32100 Condom", "Salle des fêtes, [ADDRESS]"),
        ("Mairie de Lyon, 1 place Foch, 69001 Lyon", "Mairie de Lyon, [ADDRESS]"),
        ("Museo del Prado, Paseo del Prado s/n, 28014 Madrid", "Museo del Prado, [ADDRESS]"),
        ("Mme Anne Le Goff\n7 impasse du Lavoir", "Mme Anne Le Goff\n[ADDRESS]"),
        ("Hospital La Paz, Paseo Real 261, Madrid", "Hospital La Paz, [ADDRESS]"),
        ("CaixaForum Madrid, Paseo del Prado 36", "CaixaForum Madrid, [ADDRESS]"),
        ("soy Pilar Av. de los Reyes 15, 30565 Lorca", "soy Pilar [ADDRESS]"),
        ("Musée Magritte Place Royale 1, 1000 Bruxelles", "Musée Magritte [ADDRESS]"),
        # what goes on behind it
        ("41 rue Foch au lieu du 14 rue Foch", "[ADDRESS] au lieu du [ADDRESS]"),
        ("Calle Sol 3, Viña del Mar, corte de agua", "[ADDRESS], corte de agua"),
        ("12 rue Foch, place 3 à vendre", "[ADDRESS] à vendre"),
        ("12 rue Foch, parking 5€", "[ADDRESS], parking 5€"),
        (
            "Escuela de surf, Playa Sol, C/ Pez 8, 33405 Salinas",
            "Escuela de surf, Playa Sol, [ADDRESS]",
        ),
        (
            "un gimnasio en casa. Vivo en Calle Sagasta, 68",
            "un gimnasio en casa. Vivo en [ADDRESS]",
        ),
        ("un chalet adosado, C/ Luna 17, 3º B", "un chalet adosado, [ADDRESS]"),
        ("L'immeuble, 64 rue Foch, 59491 Lille, est", "L'immeuble, [ADDRESS], est"),
        # a name before a bracket, a person before the address
        ("Tate Modern (Bankside, London SE1 9TG) is", "Tate Modern ([ADDRESS]) is"),
        (
            "Wrigley (1060 W Addison St, Chicago, IL 60613) vs Fenway (4 Jersey St, Boston, MA)",
            "Wrigley ([ADDRESS]) vs Fenway ([ADDRESS])",
        ),
        ("see Flat 3 (basement), 12 Albert Way, Glasgow G12 8LH", "see [ADDRESS]"),
        ("Mrs. Opal Renfroe, Route 2 Box 118, Elkins, WV 26241", "Mrs. Opal Renfroe, [ADDRESS]"),
        ("Mr & Mrs P. Rae, The Mill, Mill Lane, Ely CB7 4AA", "Mr & Mrs P. Rae, [ADDRESS]"),
        ("Lady Margaret Hall, Norham Gardens, Oxford OX2 6QA", "[ADDRESS]"),
        (
            "Nadine Osterkamp, geb. 1991, Hammer Str. 3, 48153 Münster",
            "Nadine Osterkamp, geb. 1991, [ADDRESS]",
        ),
        ("Verlag: Suhrkamp, Torstraße 44, 10119 Berlin", "Verlag: Suhrkamp, [ADDRESS]"),
        (
            "Goethe-Institut Zentrale, Emil-Frey-Ring 18, 80333 München",
            "Goethe-Institut Zentrale, [ADDRESS]",
        ),
        ("ETH Zürich, Rämistrasse 101, 8092 Zürich", "ETH Zürich, [ADDRESS]"),
        ("die Kita Pusteblumenweg 1, 16321 Bernau", "die Kita [ADDRESS]"),
        ("WEG Rosenhügel 15-19, 42553 Velbert, TOP 1 bis 6", "WEG [ADDRESS], TOP 1 bis 6"),
        ("Thaliastraße 5, 1160 Wien, TOP 12", "[ADDRESS]"),
        (
            "in die St.-Martin-Str. 53, wir sind aber die St.-Martin-Str. 35, 81669 München",
            "in die [ADDRESS], wir sind aber die [ADDRESS]",
        ),
        ("Ringstr. 9 b, 66117 Saarbrücken, Eingang 03.02.", "[ADDRESS], Eingang 03.02."),
        ("Arbeitsweg Am Anger 19, 86415 Mering", "Arbeitsweg [ADDRESS]"),
        ("Lieferadresse: Baustelle Alte Str. 51", "Lieferadresse: Baustelle [ADDRESS]"),
        ("findest du am Schaumainkai 63, 60596 Frankfurt", "findest du am [ADDRESS]"),
        ("alt Mozartstr. 3, 86415 Mering, neu Ulmenstr. 28", "alt [ADDRESS], neu [ADDRESS]"),
        ("Grundstück Am Sportplatz o. Nr., 37627 Eimen", "Grundstück [ADDRESS]"),
        ("Avenue de la Paix 12 und so", "[ADDRESS] und so"),
        ("zeugnis an Rue de la Gare 3 nee warte", "zeugnis an [ADDRESS] nee warte"),
        # one street behind another, or behind words about one
        (
            "from 8 Rae Rd, Ely and 55 Ickleford Road, Ely, Cambs CB7 4AA to Hove",
            "from [ADDRESS] and [ADDRESS] to Hove",
        ),
        ("Units 3 and 4, Mill House, Back Lane, Ely CB7 4AA", "[ADDRESS]"),
        ("Compare 4 Oak Lane, Leeds LS1 4AB", "Compare [ADDRESS]"),
        ("at the rear of 70 Queens Road, Ely", "at the rear of [ADDRESS]"),
        ("45 Queen Street (open daily), the best", "[ADDRESS] (open daily), the best"),
        ("de c. nueva 5, ronda a av. real 33 29601 marbella", "de [ADDRESS] a [ADDRESS]"),
        ("Calle cortada por obras en calle Alcalá 100", "Calle cortada por obras en [ADDRESS]"),
        ("du 3 place Foch au 8 rue Monge, 69002 Lyon", "du [ADDRESS] au [ADDRESS]"),
        ("San Lorenzo 2280, Mar del Plata", "[ADDRESS]"),
        ("Avenida Alemania 0671, Temuco", "[ADDRESS]"),
        # the words behind
        (
            "Adresse : 5 rue Foch\nCode postal : 47300\nVille : Agen",
            "Adresse : [ADDRESS]\n[ADDRESS]\nVille : [ADDRESS]",
        ),
        ("C/ Real s/n, 26200, llámanos", "[ADDRESS], llámanos"),
        ("Calle Sol 3 con María y dos gatos", "[ADDRESS] con María y dos gatos"),
        ("Av. Colón 350, Córdoba el 3 de marzo", "[ADDRESS] el 3 de marzo"),
        ("Bergstraße 26, 01069 Dresden im Halteverbot", "[ADDRESS] im Halteverbot"),
        ("11 rte de paris 35760 saint gregoire sur le cv", "[ADDRESS] sur le cv"),
        ("Calle Pez 17, Malasaña encima de un bar de jazz", "[ADDRESS] encima de un bar de jazz"),
        ("715 S. Capitol Blvd., Boise, ID 83702 library", "[ADDRESS] library"),
        # houses with a name, and names that are none
        ("lamp outside no 40 Milverton Rd, Solihull B93", "lamp outside [ADDRESS]"),
        ("we live at The Lindens, 4 School Road, Ely", "we live at [ADDRESS]"),
        ("Address: The Lindens, School Road, Ely CB7 4AA", "Address: [ADDRESS]"),
        ("first drop Crown Yard, Sheep Street, Skipton, then", "first drop [ADDRESS], then"),
        ("it is Rose Bank, 12 Mill Lane, Leeds", "it is [ADDRESS]"),
        ("HSBC Bank, 12 Mill Lane, Leeds", "HSBC Bank, [ADDRESS]"),
        ("dinner at The Ivy, West Street, London WC2H 9NQ", "dinner at The Ivy, [ADDRESS]"),
        # times, and what joins two addresses
        ("Mon 9am 161 Stafford Street, Walsall WS2 8EA", "Mon 9am [ADDRESS]"),
        (
            "Apt 5, Eau Claire, WI 54701 and 831 Rose Terrace, Linden, NJ 07036",
            "[ADDRESS] and [ADDRESS]",
        ),
        ("cameras on Vicar Lane, Leeds LS1?", "cameras on [ADDRESS]?"),
        ("posta kodu 34122 Fatih, İstanbul", "posta kodu [ADDRESS]"),
        ("at 2 Main St, Boise, two one oh four five six", "at [ADDRESS], two one oh four five six"),
    ],
)
def test_takes_no_more_than_the_address(text: str, expected: str) -> None:
    """Line breaks split a span; the words around an address and other values stay."""
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2 flat whites, 1 almond croissant, 3 avenue salads (the caesar ones) to go",
        "3 boulevard burgers, no onions",
        "sang Abbey Road and Penny Lane, London fans cheered",
        "Spring Bank, they say, has good rates",
        "Canon Street, Sony A7, Fuji XT3",
    ],
)
def test_leaves_what_is_ordered_or_sung(text: str) -> None:
    """What only sounds like a street stays."""
    assert DEFAULT.find(text) == []


def test_what_stands_around_a_street_is_enough() -> None:
    """A decision by what stands around is the one by the whole text, wherever that is cut."""
    data = "; ".join(matches("address") * 2).encode("latin-1", "replace")
    text, codes = data.decode("latin-1"), codes_in(data)
    nearby = Nearby(text, address_en._street, address_en._REACH, codes)
    for match in address_en._CORE.finditer(data):
        begin, end = match.span()
        a, b = address_en._street(text, begin, end, codes)
        found = nearby.range(begin, end)
        assert found == (a, b) if a < b else found[0] == found[1]


def test_an_id_before_a_street_is_not_parted_in_every_way() -> None:
    """What is all digits and hyphens took 2 to the power of their number."""
    text = "1-2-3-4-5-6-7-8-" * 5 + "a mill lane cottenham cambridge cb24 8rb"
    assert redact(text).endswith("[ADDRESS]")
