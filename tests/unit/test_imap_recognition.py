"""Identities in listings, and header blocks without bodies, as servers give them and as they do not."""

import pytest

from connectors.imap.reading.source import ImapSource
from connectors.model import Seen
from fixtures.servers.imap_script import DATE, examined, listed, pull, refs, row, scripted, searched
from fixtures.servers.scripted_imap import CAPABILITY, Exchange

OBJECTS, GMAIL = f"{CAPABILITY} OBJECTID", f"{CAPABILITY} X-GM-EXT-1"
HEAD = b"Subject: x\r\n\r\n"


@pytest.mark.parametrize(
    ("capability", "line", "identity"),
    [
        (OBJECTS, f"* 1 FETCH (UID 1 FLAGS () INTERNALDATE {DATE} RFC822.SIZE 10 EMAILID (M-_9) MODSEQ (50))", "M-_9"),
        (OBJECTS, f"* 1 FETCH (FLAGS () UID 1 INTERNALDATE {DATE} MODSEQ (50) RFC822.SIZE 10 EMAILID (M6d))", "M6d"),
        (OBJECTS, f"* 1 FETCH (FLAGS () UID 1 INTERNALDATE {DATE} RFC822.SIZE 10)", ""),
        (OBJECTS, f"* 1 FETCH (EMAILID (M6d) UID 1 FLAGS () INTERNALDATE {DATE} RFC822.SIZE 10)", "M6d"),
        (OBJECTS, f"* 1 FETCH (EMAILID NIL UID 1 FLAGS () INTERNALDATE {DATE} RFC822.SIZE 10)", ""),
        (GMAIL, f"* 1 FETCH (UID 1 FLAGS () INTERNALDATE {DATE} RFC822.SIZE 10 X-GM-MSGID 1278455344230334865)",
         "1278455344230334865"),
        (GMAIL, f"* 1 FETCH (X-GM-MSGID 1278455344230334865 UID 1 FLAGS () INTERNALDATE {DATE} RFC822.SIZE 10)",
         "1278455344230334865"),
        (CAPABILITY, row(1, modseq=50), ""),
    ],
)  # fmt: skip
def test_an_identity(capability: str, line: str, identity: str) -> None:
    with scripted(examined(exists=1), searched("1"), listed(line), capability=capability) as (source, said):
        assert source.capabilities.identities == (capability != CAPABILITY)
        ((seen,), _) = pull(source)
    assert isinstance(seen, Seen)
    assert (seen.identity, seen.size, seen.ref.native) == (identity, 10, "1")
    (asked,) = (command for command in said if "RFC822.SIZE" in command)
    assert ("EMAILID" in asked, "X-GM-MSGID" in asked) == (capability == OBJECTS, capability == GMAIL)


def header(uid: int, text: bytes = HEAD) -> bytes:
    return f"* {uid} FETCH (UID {uid} BODY[HEADER]<0> {{{len(text)}}}\r\n".encode() + text + b")\r\n"


def asked(uids: str, *lines: str | bytes, end: str = "{tag} OK done") -> Exchange:
    return Exchange(rf"UID FETCH {uids} \(UID BODY\.PEEK\[HEADER\]<0\.65536>\)", *lines, end)


def headers(source: object, *uids: int) -> dict[str, bytes]:
    assert isinstance(source, ImapSource)
    return {ref.native: block for ref, block in source.headers(refs(*uids))}


def test_header_blocks_in_one_command() -> None:
    lines = (header(3), "* 2 FETCH (FLAGS (\\Seen))", header(1, b""), header(9))
    with scripted(examined(), asked("1:3", *lines)) as (source, _):
        assert headers(source, 3, 1, 2) == {"3": HEAD, "1": b""}


def test_refused_header_blocks_are_left_out() -> None:
    with scripted(examined(), asked("1:3", header(2), end="{tag} NO cannot")) as (source, _):
        assert headers(source, 1, 2, 3) == {"2": HEAD}


def test_header_blocks_of_an_older_numbering_are_left_out() -> None:
    with scripted(examined(uidvalidity=8)) as (source, _):
        assert headers(source, 1) == {}


def test_no_refs_no_command() -> None:
    with scripted() as (source, said):
        assert headers(source) == {}
        assert not any("HEADER" in command for command in said)


def test_many_are_asked_for_in_several_commands() -> None:
    with scripted(examined(uidnext=900, exists=899), asked("1:500", header(500)), asked("501:700", header(501))) as (
        source,
        _,
    ):
        assert headers(source, *range(1, 701)) == {"500": HEAD, "501": HEAD}


def test_the_folder_stays_open() -> None:
    with scripted(examined(), asked("1", header(1)), asked("2", header(2))) as (source, said):
        assert headers(source, 1) == {"1": HEAD}
        assert headers(source, 2) == {"2": HEAD}
        assert sum("EXAMINE" in command for command in said) == 1
