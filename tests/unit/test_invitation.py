"""Two calendar parts are compared as events: how a server writes them makes no difference, what people act on does."""

import pytest

from reconcile.canonical.invitation import Invitation, read_invitation
from tests.linear import assert_linear

EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\n"
    "DTSTART:16010101T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    "BEGIN:VEVENT\r\nUID:040000008200E00074C5B7101A82E008\r\nDTSTART;TZID=Europe/Berlin:20240315T100000\r\n"
    "DTEND;TZID=Europe/Berlin:20240315T110000\r\nRRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=3\r\n"
    "EXDATE;TZID=Europe/Berlin:20240322T100000\r\nSUMMARY;LANGUAGE=en:Lunch\\, with all\r\nLOCATION:Room 1\r\n"
    "ATTENDEE;PARTSTAT=NEEDS-ACTION;CN=B:mailto:b@example.com\r\nSTATUS:CONFIRMED\r\nDTSTAMP:20240301T120000Z\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def event(old: str = "", new: str = "") -> Invitation:
    assert old in EVENT
    return read_invitation(EVENT.replace(old, new) if old else EVENT, "REQUEST")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\r\n", "\n"),
        ("Lunch\\, with all", "Lunch\\, wi\r\n th all"),  # folded, also inside a word
        ("Lunch\\, with all", "Lunch, with all"),
        ("Lunch\\, with all", "Lunch\\,  with\\nall"),
        ("SUMMARY;LANGUAGE=en:", "Summary:"),
        ("TZID=Europe/Berlin:20240315T100000", "TZID=W. Europe Standard Time:20240315T100000"),  # as Exchange names it
        ("DTSTART;TZID=Europe/Berlin:20240315T100000", 'DTSTART;TZID="Europe/Berlin":20240315T100000'),
        ("DTSTART;TZID=Europe/Berlin:20240315T100000", "DTSTART:20240315T090000Z"),
        (
            "DTSTART;TZID=Europe/Berlin:20240315T100000",
            "DTSTART;X-VOBJ-FLOATINGTIME=NO;TZID=Europe/Paris:20240315T100000",
        ),
        ("FREQ=WEEKLY;BYDAY=FR;COUNT=3", "COUNT=3;FREQ=WEEKLY;BYDAY=FR"),
        ("DTSTAMP:20240301T120000Z\r\n", ""),
        ("LOCATION:", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\nLOCATION:"),
        ("LOCATION:", "SEQUENCE:0\r\nLOCATION:"),
        ("CN=B:mailto:b", "ROLE=REQ-PARTICIPANT:MAILTO:b"),
        ("LOCATION:", "DESCRIPTION:x\r\nLOCATION:"),  # Exchange fills it from the body
        ("END:VEVENT", "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nSUMMARY:x\r\nDURATION:PT5M\r\nEND:VALARM\r\nEND:VEVENT"),
        ("END:VEVENT", "BEGIN:VALARM\r\nSUMMARY:x\r\nEND:VEVENT"),  # left open
        ("END:VEVENT", "END:\r\nEND:VEVENT"),
        ("TZID:Europe/Berlin\r\n", "TZID:Europe/Berlin\r\nX-LIC-LOCATION:x\r\n"),
    ],
)
def test_one_event_in_two_forms(old: str, new: str) -> None:
    assert event(old, new) == event()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DTSTART;TZID=Europe/Berlin:20240315T100000", "DTSTART;TZID=Europe/Berlin:20240315T103000"),
        ("DTSTART;TZID=Europe/Berlin", "DTSTART;TZID=Europe/London"),
        ("DTSTART;TZID=Europe/Berlin", "DTSTART"),
        ("DTSTART;TZID=Europe/Berlin", "DTSTART;TZID=Nowhere/Else"),
        ("DTEND;TZID=Europe/Berlin:20240315T110000", "DTEND;TZID=Europe/Berlin:20240315T113000"),
        ("COUNT=3", "COUNT=4"),
        ("20240322", "20240329"),
        ("Lunch\\, with all", "Dinner"),
        ("Room 1", "Room 2"),
        ("CONFIRMED", "CANCELLED"),
        ("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED"),
        ("b@example.com", "c@example.com"),
        ("END:VEVENT", "END:\r\nLOCATION:Room 2\r\nEND:VEVENT"),  # an end of nothing ends nothing
        ("END:VEVENT", "BEGIN:VALARM\r\nEND:VALARM\r\nLOCATION:Room 2\r\nEND:VEVENT"),
        ("END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nLOCATION:Room 2\r\nEND:VEVENT"),
    ],
)
def test_what_people_act_on_is_detail(old: str, new: str) -> None:
    assert event(old, new).identity == event().identity
    assert event(old, new).detail != event().detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("UID:04", "UID:05"),
        ("METHOD:REQUEST", "METHOD:CANCEL"),
        ("LOCATION:", "SEQUENCE:1\r\nLOCATION:"),
        ("LOCATION:", "RECURRENCE-ID:20240322T090000Z\r\nLOCATION:"),
    ],
)
def test_which_event_and_which_edition_is_identity(old: str, new: str) -> None:
    assert event(old, new).identity != event().identity


def test_two_zones_that_are_unknown_are_two() -> None:
    one, other = (event("DTSTART;TZID=Europe/Berlin", f"DTSTART;TZID=Custom {name}") for name in "AB")
    assert one.detail != other.detail


def test_the_method_of_the_content_type_serves_where_the_text_has_none() -> None:
    bare = EVENT.replace("METHOD:REQUEST\r\n", "")
    assert read_invitation(bare, "REQUEST") == event()
    assert read_invitation(bare, "CANCEL") != event()


@pytest.mark.parametrize(
    "zone",
    [
        "../../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "zone.tab",
        "",
        "x" * 80,
        "\ud800",
        "é",
        "\x00",
        "a.b",
        ".",
        "..",
        "europe/berlin",
        "tzone://Microsoft/Utc",
    ],
)
@pytest.mark.parametrize(
    "time",
    ["20240315T100000", "20240315", "99999999T999999", "00010101T000000", "99991231T235959", "", "Z", "\u0661" * 8],
)
def test_any_zone_and_any_time_are_read(zone: str, time: str) -> None:
    assert isinstance(event("DTSTART;TZID=Europe/Berlin:20240315T100000", f"DTSTART;TZID={zone}:{time}"), Invitation)


@pytest.mark.parametrize(
    "text", ["", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VEVENT\r\n;:\r\nA", ":", "\ud800", "\x00", "SUMMARY:a"]
)
def test_any_text_is_read(text: str) -> None:
    assert isinstance(read_invitation(text, ""), Invitation)


UNITS = [
    "A:\n",
    "A;",
    'SUMMARY;"',
    ';A="b"',
    '";"',
    ':"',
    '"\n ',
    "RDATE:,",
    ",",
    "DTSTART;TZID=x:20240101T000000\n",
    "\\",
    "A",
    "-",
    "BEGIN:VEVENT\n",
    "END:VEVENT\n",
    "BEGIN:VALARM\n",
    "\n",
    "\r\n ",
    "SUMMARY:\\\\\n",
]


@pytest.mark.parametrize("start", ["", "SUMMARY;", "RDATE;TZID=Europe/Berlin:", "RDATE;TZID=No/Where:"])
@pytest.mark.parametrize("unit", [*UNITS, "20240101T000000,"])
def test_hostile_repetition_takes_linear_time(start: str, unit: str) -> None:
    assert_linear(lambda text: read_invitation(f"BEGIN:VEVENT\n{start}{text}", ""), unit)


def test_many_zones_that_do_not_exist_are_read_in_good_time() -> None:
    def read(text: str) -> Invitation:
        lines = (f"DTSTART;TZID=No/Where{number}:20240101T000000" for number in range(len(text) // 45))
        return read_invitation("BEGIN:VEVENT\n" + "\n".join(lines), "")

    assert_linear(read, "x")
