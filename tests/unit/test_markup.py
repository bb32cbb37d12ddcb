"""What a page says is what a reader sees of it, and where its links lead."""

import pytest

from reconcile.canonical.markup import read_page
from tests.linear import assert_linear


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>a</p><p>b</p>", "a b"),
        ("a<br>b", "a b"),
        ("a<BR/>b", "a b"),
        ("a &lt; b", "a < b"),
        ("1 < 2", "1 < 2"),  # no tag starts with a space
        ("a <3 b", "a <3 b"),
        ("<title>t</title>a", "a"),
        ("<STYLE type=x>p{}</STYLE >a", "a"),
        ("<script>'</p>'</script>a", "a"),
        ("<style>a", ""),  # to the end, as a browser reads it
        ("<script>a</style>b", ""),
        ("<styled>a</styled>", "a"),  # not that element
        ("<style-x>a</style-x>", "a"),
        ("a<!-- b -->c", "a c"),
        ("a<!-->b-->c", "a b-->c"),
        ("a<!--->b", "a b"),
        ("a<!-- b --!>c", "a c"),
        ("a<!-- b", "a"),
        ("a<!--[if mso]>b<![endif]-->c", "a c"),
        ("a<![if !mso]>b<![endif]>c", "a b c"),
        ("<?xml version='1.0'?>a<!DOCTYPE html>", "a"),
        ("a<o:p>b</o:p>", "a b"),
        ("a<b", "a"),
        ("&auml;&#228;&#xE4;", "äää"),
        ("&nbsp;a", "a"),
        ("&amp;lt;", "&lt;"),  # once
        ("&nosuch; &", "&nosuch; &"),
        ("&#x110000;&#99999999;", "\ufffd\ufffd"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
        ("&#xD800;", "\ufffd"),
        ("<ol><li>a<li>b</ol>", "1. a 2. b"),
        ("<ol start=3><li>a</ol>", "3. a"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol><li>d", "1. a b 2. c d"),
        ("<ul><li>a</ul>", "a"),
        ("<ol" * 3, ""),
        ("", ""),
    ],
)
def test_text(source: str, words: str) -> None:
    assert " ".join(read_page(source).text.split()) == words


@pytest.mark.parametrize(
    ("source", "links"),
    [
        ('<a href="https://example.com/a">x</a>', ["https://example.com/a"]),
        ("<A class=x HREF='https://example.com/a'>", ["https://example.com/a"]),
        ("<a href=https://example.com/a target=x>", ["https://example.com/a"]),
        ('<a\r\nhref = "https://example.com/a?b=1&amp;c=2">', ["https://example.com/a?b=1&c=2"]),
        ('<a href="https://example.com/\r\n a">', ["https://example.com/a"]),
        ('<a data-href="https://example.com/a">', []),
        ('<a name="x">', []),
        ("<abbr href=https://example.com/a>", []),
        ('<!-- <a href="https://example.com/a"> -->', []),
        (
            "<area href=https://example.com/a><a href=https://example.com/b>",
            ["https://example.com/a", "https://example.com/b"],
        ),
        ('<a href="mailto:a@b.example">', ["mailto:a@b.example"]),
        ('<a href="">', [""]),
        ("<a title=' href=https://example.com/a' href='https://example.com/b'>", ["https://example.com/b"]),
        ("<a title='>' href=https://example.com/a>", ["https://example.com/a"]),
        ('<a title="it\'s" href=https://example.com/a>', ["https://example.com/a"]),
        ("<a/href=https://example.com/a>", ["https://example.com/a"]),
        ("<a download href=https://example.com/a>", ["https://example.com/a"]),
        ("<a x=' href=https://example.com/a>", ["https://example.com/a"]),  # a quote that never ends
        ("<a href=>", []),
        (
            '<a href="https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.com%2F&amp;data=x">',
            ["https://example.com"],
        ),
        ('<a href="https://example.com', []),
    ],
)
def test_links(source: str, links: list[str]) -> None:
    assert read_page(source).links == tuple(links)


def test_pictures_count_by_what_they_show() -> None:
    one, other = (read_page(f'<img src="data:image/png;base64,{data}">').links for data in ("QUJD", "QUJE"))
    assert one != other
    assert read_page('<img src="data:image/png;base64,QU\r\nJD">').links == one
    assert read_page("<img alt=x src=cid:a@b>").links == ("cid:a@b",)


def test_a_hidden_preview_is_text_that_is_not_seen() -> None:
    page = read_page('<div style="display:none">preview</div>a')
    assert (page.text.split(), page.visible.split()) == (["preview", "a"], ["a"])


UNITS = [
    "<",
    "</",
    "<a href=",
    '<a href="',
    "<a href=' ",
    "<a ",
    "<img/src",
    "<!--",
    "<!---",
    "-->",
    "<style ",
    "<style>",
    "</style",
    "</style>",
    "<ol>",
    "<ol><li>",
    "<li",
    "</ol>",
    "<ol start=",
    "&",
    "&#",
    "&#x",
    "&#99999999",
    "&a",
    "<title>",
    "<div style=display:none>",
    "<div>a",
    "</div",
    " display:none ",
    "\n",
    "'",
    '"',
]


@pytest.mark.parametrize("start", ["", "<a ", "<a x='", "<ol><div style='display:none'>"])
@pytest.mark.parametrize("unit", UNITS)
def test_hostile_repetition_takes_linear_time(start: str, unit: str) -> None:
    assert_linear(lambda text: read_page(start + text), unit)
