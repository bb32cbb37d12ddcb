"""Finds what is held of a message whose bytes its mail system makes anew at each reading.

docs/algorithm.md, "Bytes that are made anew". It reads what the index found; of what is not in it yet, the content
itself, by its Message-ID.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from connectors.body import HEAD_MAX, header_block
from connectors.errors import Tampered
from reconcile.fingerprint import VERSION, Fingerprint, Fingerprinter
from reconcile.kinship import Kinship, Likeness, kinship, likeness
from reconcile.verdict import Outcome, judge
from replicator.mailstore.content import Content, ContentReader
from replicator.mailstore.mailbox.answers import Held, New
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.index import Index
from replicator.mailstore.mailbox.prints import id_keys, signed
from replicator.mailstore.sqlcipher import transaction, translated

log = logging.getLogger(__name__)

CANDIDATES_MAX = 16
"""Rows on record that a message is compared with, the newest under each key. A hostile sender may use one id thousands
of times; beyond these a copy is kept, which loses nothing."""

CROWD = 1000
"""Rows with one header core, the newest, among which one with the same text is looked for: alarms come in crowds."""

WAITING_MAX = 200_000
"""People and ids that all headers together may name of what waits to be recorded, 100 bytes each; one alone may name a
hundred thousand. Copies of what is beyond are kept, which loses nothing."""

_BY_ID = f"SELECT version FROM fingerprint_key WHERE key = ? ORDER BY version DESC LIMIT {CANDIDATES_MAX}"
_BY_CONTENT = f"""SELECT core.version
    FROM (SELECT version FROM fingerprint_key WHERE key = ? ORDER BY version DESC LIMIT {CROWD}) core
    CROSS JOIN json_each(?) w
    CROSS JOIN fingerprint_key content ON content.key = w.value AND content.version = core.version
    ORDER BY core.version DESC LIMIT {CANDIDATES_MAX}"""
_NOT_INDEXED = f"""SELECT id FROM version WHERE message_id = ? AND message_id <> x'' AND id > ?
    ORDER BY id DESC LIMIT {CANDIDATES_MAX}"""
_CONTENT = "SELECT sha256, size, recipe, pieces FROM version WHERE id = ?"
_CREATE = "CREATE INDEX IF NOT EXISTS version_message_id ON version (message_id) WHERE message_id <> x''"


@dataclass(frozen=True, slots=True)
class Relative:
    """A copy that is held, or that waits to be recorded, and what it is to the message."""

    answer: Held | New
    sha256: bytes
    kinship: Kinship


@dataclass(frozen=True, slots=True)
class _Waiting:
    """`ids` and `said` are what copies of it are found by: an id, or the header core with a text. `names` is how many
    people and ids its header names."""

    ids: frozenset[int]
    said: frozenset[tuple[int, int]]
    copy: Likeness
    new: New
    names: int

    @classmethod
    def of(cls, copy: Likeness, new: New) -> "_Waiting":
        """A message that will be recorded."""
        heading = copy.print.heading
        names = 1 + len(heading.recipients) + len(heading.aliases) + len(heading.sender) // 10 + len(copy.blind)
        return cls(frozenset(id_keys(copy.print)), _said(copy.print), copy, new, names)


class Kindred:
    """Of one mailbox. Needs its lease. What waits to be recorded is compared too."""

    def __init__(self, database: MailboxDatabase, index: Index, reader: ContentReader) -> None:
        self._database = database
        self._index = index
        self._reader = reader
        self._waiting: dict[bytes, _Waiting] = {}
        self._room = WAITING_MAX
        with transaction(database.connection, database.path):
            database.connection.execute(_CREATE)  # only such mail systems pay for it

    def find(self, copy: Likeness, message_id: bytes) -> Relative | None:
        """The best that there is; None if the message is new. `message_id` is as `New` has it."""
        best: Relative | None = None
        for relative in chain(self._among_waiting(copy), self._on_record(copy, message_id)):
            if relative.kinship is Kinship.EQUAL:
                return relative
            best = best or relative
        return best

    def wait(self, copy: Likeness, new: New) -> None:
        """A message that will be recorded."""
        waiting = _Waiting.of(copy, new)
        if waiting.names <= self._room:
            self._waiting[new.content.sha256] = waiting
            self._room -= waiting.names

    def recorded(self, new: New) -> None:
        """It is on record now."""
        waiting = self._waiting.pop(new.content.sha256, None)
        self._room += waiting.names if waiting else 0

    def _among_waiting(self, copy: Likeness) -> Iterator[Relative]:
        ids, said = frozenset(id_keys(copy.print)), _said(copy.print)
        waiting = self._waiting.values()
        alike = [each for each in waiting if not said.isdisjoint(each.said)]
        named = [each for each in waiting if said.isdisjoint(each.said) and not ids.isdisjoint(each.ids)]
        for each in alike[-CANDIDATES_MAX:] + named[-CANDIDATES_MAX:]:
            if (kind := kinship(copy, each.copy)) is not Kinship.OTHER:
                yield Relative(each.new, each.new.content.sha256, kind)

    def _on_record(self, copy: Likeness, message_id: bytes) -> Iterator[Relative]:
        """A copy is read before it stands for another: what cannot be read stands for nothing."""
        for version, content in self._candidates(copy.print, message_id):
            try:
                kind = self._compare(copy, version, content)
            except Tampered as error:
                log.warning("mailbox %s: version %d cannot be read: %s", self._database.keys.id, version, error.code)
                continue
            if kind is not Kinship.OTHER:
                yield Relative(Held(version, content.size), content.sha256, kind)

    def _compare(self, copy: Likeness, version: int, content: Content) -> Kinship:
        indexed = self._index.fingerprint(version)
        if indexed and indexed.version == VERSION and judge(copy.print, indexed).outcome is not Outcome.SAME:
            return Kinship.OTHER
        return kinship(copy, self._read(content))

    def _candidates(self, found: Fingerprint, message_id: bytes) -> Iterator[tuple[int, Content]]:
        asked: list[tuple[str, tuple[object, ...]]] = [(_BY_ID, (key,)) for key in id_keys(found)]
        contents = json.dumps(sorted(map(signed, found.content_keys)))
        asked.append((_BY_CONTENT, (signed(found.core_key), contents)))
        asked.append((_NOT_INDEXED, (message_id, self._index.through())))
        execute = self._database.connection.execute
        with translated(self._database.path):
            versions = dict.fromkeys(row[0] for sql, parameters in asked for row in execute(sql, parameters).fetchall())
        for version in versions:
            with translated(self._database.path):
                content = execute(_CONTENT, (version,)).fetchone()
            yield version, Content(*content)

    def _read(self, content: Content) -> Likeness:
        reader, head = Fingerprinter(content.sha256), b""
        for chunk in self._reader.read(content):
            reader.feed(chunk)
            head += chunk[: HEAD_MAX - len(head)]
        return likeness(reader, header_block(head))


def _said(found: Fingerprint) -> frozenset[tuple[int, int]]:
    return frozenset((found.core_key, content) for content in found.content_keys)
