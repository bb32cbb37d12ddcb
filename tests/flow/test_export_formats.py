"""Exports as mbox and as Maildir: exact by the manifest, and the same mail to Python's mailbox module and Dovecot."""

import hashlib
import json
import mailbox
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.maildir.source import MaildirSource
from connectors.mbox.source import MboxSource
from connectors.model import Message, Seen
from fixtures.installation import Installation, address_of
from fixtures.mutation import load
from fixtures.servers.dovecot import Dovecot
from fixtures.witness import encode, quoted
from tests.reader import reading

OWN_FIELDS = re.compile(
    rb"(?im)^(Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length):.*\n(?:[ \t].*\n)*"
)
"""What Dovecot does not show of an mbox, where such fields are its own."""

ENDS = (
    b"Subject: whole\r\n\r\nFrom here\r\n>From there\r\n",
    b"Subject: cut\r\n\r\nFrom here",
    b"Subject: cut\n\nline\r",
    b"Subject: blank lines\n\n\n\n",
    b"Subject: Unix\n\nFrom here\n>>From there\n",
)
Manifest = list[dict[str, Any]]


class Exported(NamedTuple):
    """An export and the bytes that the mailstore gave, by placement."""

    output: Path
    manifest: Manifest
    exact: dict[str, bytes]

    @property
    def is_mbox(self) -> bool:
        return "offset" in self.manifest[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A mailstore of ugly mail."""
    with Dovecot() as server:
        load(server, "alice", 5, 120)
        server.deliver("alice", "INBOX", ENDS, "FS", datetime(2023, 4, 5, 6, 7, 8).astimezone())
        installation = Installation(tmp_path_factory.mktemp("home"), server)
        installation.run("init")
        installation.sync()
    return installation


@pytest.fixture(scope="module")
def exact(home: Installation) -> dict[str, bytes]:
    """Every message by its placement, from an export as files."""
    output = home.directory / "eml"
    return {entry["id"]: (output / entry["file"]).read_bytes() for entry in export(home, "eml")[0]}


@pytest.fixture(scope="module")
def mbox(home: Installation, exact: dict[str, bytes]) -> Exported:
    manifest, exceptions = export(home, "mbox")
    assert exceptions == {id_ for id_, raw in exact.items() if raw and not raw.endswith(b"\n")} != set()
    return Exported(home.directory / "mbox", manifest, exact)


@pytest.fixture(scope="module")
def maildir(home: Installation, exact: dict[str, bytes]) -> Exported:
    manifest, exceptions = export(home, "maildir")
    assert exceptions == set()
    return Exported(home.directory / "maildir", manifest, exact)


@pytest.fixture(params=["mbox", "maildir"])
def done(request: pytest.FixtureRequest) -> Exported:
    exported: Exported = request.getfixturevalue(request.param)
    return exported


def export(home: Installation, format_: str) -> tuple[Manifest, set[str]]:
    """The manifest, which has what `list` has, and the ids of the exceptions."""
    where = ("--mailbox", address_of("alice"), "--output", str(home.directory / format_))
    answer = home.run("export", *where, "--format", format_, "--json").json()
    manifest = [json.loads(line) for line in (home.directory / format_ / "manifest.jsonl").read_bytes().splitlines()]
    rows = home.run("list", address_of("alice"), "--json").rows()
    assert [{name: entry[name] for name in row} for entry, row in zip(manifest, rows, strict=True)] == rows
    assert (answer["messages"], answer["bytes"]) == (len(rows), sum(row["size"] for row in rows))
    return manifest, {each["id"] for each in answer["exceptions"]}


def by_folder(done: Exported) -> dict[str, Manifest]:
    """The entries of each mbox file or Maildir folder, in the order of the manifest."""
    folders = defaultdict(list)
    for entry in done.manifest:
        folders[entry["file"] if done.is_mbox else str(Path(entry["file"]).parent.parent)].append(entry)
    return folders


def normal(raw: bytes) -> bytes:
    """Without what depends on the reader: line ends, the quoting, empty lines at the end, how a NUL is written."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\0", b"\x80").rstrip(b"\r\n")
    return re.sub(rb"(?m)^>+(?=From )", b"", lines)


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def test_mbox_is_exact_by_its_manifest(mbox: Exported) -> None:
    """By our own source, which scans, and by offset and length, which need no parser."""
    for file, entries in by_folder(mbox).items():
        source = MboxSource(mbox.output / file)
        (folder,) = source.folders()
        rows = [row for page in source.changes(folder, None) for row in page.changes if isinstance(row, Seen)]
        answers = source.fetch([row.ref for row in rows])
        raw = (mbox.output / file).read_bytes()
        for entry, row, answer in zip(entries, rows, answers, strict=True):
            assert isinstance(answer, Message)
            assert digest(b"".join(answer.raw)[: entry["size"]]) == entry["sha256"]
            assert row.size == entry["size"] + entry["added"]
            assert row.arrived_at == datetime.fromisoformat(entry["internaldate"])
            quoted = raw[entry["offset"] : entry["offset"] + entry["length"]]
            assert digest(re.sub(rb"(?m)^>(>*From )", rb"\1", quoted)[: entry["size"]]) == entry["sha256"]
    listed = {folder.path for folder in MboxSource(mbox.output).folders() if folder.selectable}
    assert len(listed) == len(by_folder(mbox))


def test_maildir_is_exact_with_flags_and_dates(maildir: Exported) -> None:
    assert all(digest((maildir.output / entry["file"]).read_bytes()) == entry["sha256"] for entry in maildir.manifest)
    source = MaildirSource(maildir.output)
    assert {entry["folder"] for entry in maildir.manifest if Path(entry["file"]).parts[0] == "cur"} == {"INBOX"}
    rows = {
        (folder.id, row.ref.id): row
        for folder in source.folders()
        for page in source.changes(folder, None)
        for row in page.changes
        if isinstance(row, Seen)
    }
    assert len(rows) == len(maildir.manifest)
    ids = {row.ref.id.split(".", 1)[1].rsplit(".export", 1)[0]: row for row in rows.values()}
    for entry in maildir.manifest:
        row = ids[entry["id"]]
        assert sorted(row.flags) == entry["flags"]
        assert row.arrived_at == datetime.fromisoformat(entry["internaldate"])


def test_pythons_mailbox_reads_the_same(done: Exported) -> None:
    kind = mailbox.mbox if done.is_mbox else mailbox.Maildir
    for folder, entries in by_folder(done).items():
        box: Any = kind(done.output / folder, create=False)
        read = [normal(box.get_bytes(key)) for key in box.iterkeys()]
        box.close()
        assert sorted(read) == sorted(normal(done.exact[entry["id"]]) for entry in entries), folder


def test_dovecot_reads_the_same(done: Exported) -> None:
    location = "mbox:{mail}:INBOX={mail}/INBOX.mbox:UTF-8" if done.is_mbox else "maildir:{mail}"
    with reading(done.output, location) as client:
        for folder, entries in by_folder(done).items():
            status, counted = client.select(wire_name(folder, done), readonly=True)
            assert (status, int(counted[0] or 0)) == ("OK", len(entries)), (folder, counted)
            _, rows = client.fetch("1:*", "(BODY.PEEK[])")
            read = sorted(normal(row[1]) for row in rows if isinstance(row, tuple))
            assert read == sorted(shown(done, entry["id"]) for entry in entries), folder


def shown(done: Exported, id_: str) -> bytes:
    """The message without the fields of its head that are hidden in an mbox."""
    head, empty, body = normal(done.exact[id_]).partition(b"\n\n")
    return (OWN_FIELDS.sub(b"", head + b"\n")[:-1] if done.is_mbox else head) + empty + body


def wire_name(folder: str, done: Exported) -> str:
    """A Maildir's names are on the disk as they are on the wire."""
    if folder in (".", "INBOX.mbox"):
        return "INBOX"
    return quoted(encode(folder) if done.is_mbox else folder[1:].replace(".", "/").encode())


CONFIG = """
[mailstore]
path = "mailstore"
key = {{ file = "mailstore.key" }}
[source.files]
connector = "{connector}"
[[mailbox]]
id = "alice@corp.example"
primary = {{ source = "files", path = "{path}" }}
"""


def test_what_was_exported_can_be_replicated_again(done: Exported, home: Installation, tmp_path: Path) -> None:
    """The same contents; from an mbox with the line ends that were added."""
    again = Installation(tmp_path, Dovecot(tmp_path / "none"))
    again.config.write_text(CONFIG.format(connector="mbox" if done.is_mbox else "maildir", path=done.output))
    again.run("init")
    report = again.sync()
    assert (report["seen"], report["quarantined"], report["error"]) == (len(done.manifest), 0, None)
    assert again.sync()["seen"] == 0
    rows = again.run("list", address_of("alice"), "--json").rows()
    added = b"\n" if done.is_mbox else b""
    ended = [raw + added * (not raw.endswith(b"\n") and raw != b"") for raw in done.exact.values()]
    assert sorted(row["sha256"] for row in rows) == sorted(map(digest, ended))
    status = again.run("status", "--json").json()["mailboxes"][0]
    assert all(folder["balanced"] for folder in status["folders"])
