"""Links that gateways wrapped are read back, and nothing else is touched."""

import base64
from urllib.parse import quote

import pytest

from reconcile.canonical.links import canonical_link, unwrapped, unwrapped_text
from tests.linear import assert_linear

TARGET = "https://example.com/a?b=1&c=ä#d"
SAFE = "https://eur03.safelinks.protection.outlook.com/?url={}&data=05%7C02%7Cx&sdata=y%3D&reserved=0"
DEFENSE = "https://urldefense.com/v3/__{}__;{}!!abc!def-_$"


def v3(text: str, characters: str) -> str:
    return DEFENSE.format(text, base64.urlsafe_b64encode(characters.encode()).decode().rstrip("="))


V2 = quote(TARGET, safe="").replace("%2F", "_").replace("%", "-")
WRAPPED = {
    "Safe Links": SAFE.format(quote(TARGET, safe="")),
    "Safe Links, still in HTML": SAFE.format(quote(TARGET, safe="")).replace("&", "&amp;"),
    "Safe Links, capitals": SAFE.format(quote(TARGET, safe="")).replace("eur03.safelinks", "EUR03.SafeLinks"),
    "Safe Links, of a government": f"https://gcc02.safelinks.office365.us/?url={quote(TARGET, safe='')}&data=x",
    "URL Defense 1": f"https://urldefense.proofpoint.com/v1/url?u={quote(TARGET, safe='')}&k=x%3D%0A&r=y",
    "URL Defense 2": f"https://urldefense.proofpoint.com/v2/url?u={V2}&d=DwMFaQ&c=x&r=y&m=z&s=w&e=",
    "Barracuda": f"https://linkprotect.cudasvc.com/url?a={quote(TARGET, safe='')}&c=E,1,x&typo=1",
    "Cisco": f"https://secure-web.cisco.com/1ToKeN-_x/{quote(TARGET, safe='')}",
    "Trend Micro": f"https://imsva91-ctp.trendmicro.com/wis/clicktime/v1/query?url={quote(TARGET, safe='')}&umid=x",
    "Sophos": f"https://eu-west-1.protection.sophos.com/?d=example.com&u={base64.b64encode(TARGET.encode()).decode()}&i=x",
    "Symantec": f"https://clicktime.symantec.com/3x?u={quote(TARGET, safe='')}",
    "FireEye": f"https://protect2.fireeye.com/v1/url?k=x&q=1&e=y&u={quote(TARGET, safe='')}",
    "twice": SAFE.format(quote(v3(quote(TARGET, safe=":/?&=#ä"), ""), safe="")),
}


@pytest.mark.parametrize("gateway", WRAPPED)
def test_a_wrapped_link_is_read_back(gateway: str) -> None:
    assert unwrapped(WRAPPED[gateway]) == TARGET


@pytest.mark.parametrize(
    ("text", "characters", "target"),
    [
        ("http://www.example.com", "", "http://www.example.com"),
        ("https://example.com/q?a*b", "+", "https://example.com/q?a+b"),
        ("https://example.com/*E2*82*AC", "%%%", "https://example.com/%E2%82%AC"),
        ("https://example.com/*", "*", "https://example.com/*"),  # an asterisk of its own
        ("https://example.com/**A", "äö", "https://example.com/äö"),  # A is two
        ("https://example.com/**Bx*", "äöü€", "https://example.com/äöüx€"),  # B is three
        ("https://example.com/**a", "é" * 28, "https://example.com/" + "é" * 28),  # a is 28
        ("https://example.com/**0", "é" * 54, "https://example.com/" + "é" * 54),
        ("https://example.com/**-", "é" * 64, "https://example.com/" + "é" * 64),
        ("https://example.com/**_*", "é" * 65 + "x", "https://example.com/" + "é" * 65 + "x"),
        ("https:/example.com/", "", "https://example.com/"),  # a slash lost on the way
        ("https://example.com/a%20b", "", "https://example.com/a b"),  # encoded on the way
        ("https://example.com/a__b", "", "https://example.com/a__b"),
    ],
)
def test_url_defense_3(text: str, characters: str, target: str) -> None:
    assert unwrapped(v3(text, characters)) == target


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/?url=https%3A%2F%2Fother.example%2F",
        "https://safelinks.protection.outlook.com.example.com/?url=https%3A%2F%2Fother.example%2F",
        "https://noturldefense.com/v3/__https://other.example__;!!a!b$",
        "https://urldefense.company/v3/__https://other.example__;!!a!b$",
        "https://eur03.safelinks.protection.outlook.com/?data=x",
        "https://eur03.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
        "https://eur03.safelinks.protection.outlook.com/?url=",
        "https://urldefense.com/v3/__https://other.example",
        "https://urldefense.com/v3/__https://other.example/*__;A!!a!b$",  # no base64
        "https://urldefense.com/v4/__https://other.example__;!!a!b$",
        "https://eu-west-1.protection.sophos.com/?u=%FF%FF",
        "https://protect-eu.mimecast.com/s/abcDEF123?domain=example.com",
        "https://[::1/?url=x",
        "https://[v1.x]/",
        "",
        "https://",
        "\ud800",
        "https://eur03.safelinks.protection.outlook.com/?" + "a=b&" * 60 + "url=https%3A%2F%2Fother.example",
    ],
)
def test_what_is_no_wrapped_link_stays(link: str) -> None:
    assert unwrapped(link) == link
    assert unwrapped_text(link).removesuffix("/") == link.removesuffix("/")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("see https://example.com/ now", "see https://example.com now"),
        ("see https://example.com/, now", "see https://example.com, now"),
        ("(https://example.com/)", "(https://example.com)"),
        ("https://example.com/a/", "https://example.com/a/"),
        ("https://example.com/.", "https://example.com/."),
        ("<" + WRAPPED["Safe Links"] + "> and", f"<{TARGET}> and"),
        (f'"{WRAPPED["URL Defense 2"]}"', f'"{TARGET}"'),
        ("a/b :// c", "a/b :// c"),
    ],
)
def test_links_in_a_text(text: str, plain: str) -> None:
    assert unwrapped_text(text) == plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com/\r\n a", "https://example.com/a"),
        ("MAILTO:a@b.example", "mailto:a@b.example"),
    ],
)
def test_links_that_lead_to_one_place(one: str, other: str) -> None:
    assert canonical_link(one) == canonical_link(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/a", "https://example.com/a/"),
        ("https://example.com/", "http://example.com/"),
        ("https://example.com/?a=1", "https://example.com/?a=2"),
        ("mailto:A@b.example", "mailto:a@b.example"),
        ("#a", "#b"),
    ],
)
def test_links_that_lead_to_two_places(one: str, other: str) -> None:
    assert canonical_link(one) != canonical_link(other)


@pytest.mark.parametrize(
    "unit",
    [
        "https://urldefense.com/v3/__",
        "https://urldefense.com/v3/__a__;",
        "https://",
        "https://a/ ",
        SAFE.format("https%3A%2F%2Fa") + " ",
        "https://x.safelinks.protection.outlook.com/?url=",
        "https://secure-web.cisco.com/%25",
    ],
)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    assert_linear(unwrapped_text, unit)


@pytest.mark.parametrize(
    ("start", "unit"),
    [
        ("https://urldefense.com", "/v3/__a"),
        ("https://urldefense.com/v3/__", "**A"),
        ("https://urldefense.com/v3/__", "__;"),
        ("https://urldefense.com/v2/url?u=", "-25"),
        ("https://x.safelinks.protection.outlook.com/?", "&url="),
        ("https://secure-web.cisco.com/", "%25"),
    ],
)
def test_hostile_links_take_linear_time(start: str, unit: str) -> None:
    assert_linear(lambda text: unwrapped_text(start + text), unit)
