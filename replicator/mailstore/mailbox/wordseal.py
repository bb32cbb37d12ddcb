"""A digest over FTS5's own rows, kept up at the cost of what a batch wrote: no other digest has them.

FTS5 writes its index as segments, each once: with `automerge` off a segment is only ever dropped, with the others that
it was merged with. So the rows of a part (of one segment, or of what FTS5 keeps of all) are hashed when it appears.
"""

import hashlib
from collections.abc import Iterable, Iterator

from connectors.errors import Tampered
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.setdigest import Fact, SetDigest

ADVICE = "restore the mailbox's database from a backup"
_SHIFT = 37
"""A row's id in `fulltext_data` is that of its segment, and 37 bits; 0 is what concerns all. Stable since FTS5 is."""
_MUTABLE = 1 << 16
"""From here on parts hold what was deleted from a segment, page by page, and change."""
NEXT_PART = "SELECT id FROM fulltext_data WHERE id >= ? ORDER BY id LIMIT 1"
LAST_ROW = "SELECT id FROM fulltext_data WHERE id < ? ORDER BY id DESC LIMIT 1"
ROW = "SELECT id, block FROM fulltext_data WHERE id = ?"
ROWS = "SELECT id, block FROM fulltext_data WHERE id >= ? AND id < ? ORDER BY id"
TERMS = "SELECT term, pgno FROM fulltext_idx WHERE segid = ? ORDER BY term"
SETTINGS = "SELECT k, v FROM fulltext_config ORDER BY k"
LENGTHS = "SELECT id, sz, origin FROM fulltext_docsize"


class WordSeal:
    """Over the full text of one mailbox."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def update(self, digest: SetDigest, versions: Iterable[int]) -> None:
        """Counts in what the present transaction wrote: the words of these versions. Nothing may follow it there."""
        execute = self._database.connection.execute
        execute("INSERT INTO fulltext (fulltext) VALUES ('flush')")
        for version in versions:
            digest.add_all(map(_length_fact, execute(f"{LENGTHS} WHERE id = ?", (version,))))
        known = {part: rest for part, *rest in execute("SELECT part, probe, digest FROM fulltext_seal")}
        for part in self._parts():
            probe, old = self._probe(part), known.pop(part, None)
            if old is not None and old[0] == probe and 0 < part < _MUTABLE:
                continue
            new = self._hash(part)
            if old is not None:
                digest.remove(_part_fact(part, old[1]))
            digest.add(_part_fact(part, new))
            execute("INSERT OR REPLACE INTO fulltext_seal VALUES (?, ?, ?)", (part, probe, new))
        for part, (_, old_digest) in known.items():
            digest.remove(_part_fact(part, old_digest))
            execute("DELETE FROM fulltext_seal WHERE part = ?", (part,))

    def clear(self) -> None:
        """Deletes all words. The digest is to begin anew."""
        execute = self._database.connection.execute
        execute("INSERT INTO fulltext (fulltext) VALUES ('delete-all')")
        execute("DELETE FROM fulltext_seal")

    def facts(self) -> Iterator[Fact]:
        """What was counted in, as the rows are now. Raises Tampered where they are not those that the seal is of."""
        execute = self._database.connection.execute
        rows = [(part, self._probe(part), self._hash(part)) for part in self._parts()]
        if rows != execute("SELECT part, probe, digest FROM fulltext_seal ORDER BY part").fetchall():
            raise Tampered("the full text is not what was written: a page was replaced or rolled back", ADVICE)
        yield from (_part_fact(part, digest) for part, _, digest in rows)
        yield from map(_length_fact, execute(LENGTHS))

    def _parts(self) -> Iterator[int]:
        at = 0
        while row := self._database.connection.execute(NEXT_PART, (at << _SHIFT,)).fetchone():
            yield row[0] >> _SHIFT
            at = (row[0] >> _SHIFT) + 1

    def _probe(self, part: int) -> bytes:
        """Of a part's first and last row, by which two parts that had one number are told apart."""
        execute = self._database.connection.execute
        (first,) = execute(NEXT_PART, (part << _SHIFT,)).fetchone()
        (last,) = execute(LAST_ROW, (part + 1 << _SHIFT,)).fetchone()
        return _digest(row for id_ in (first, last) for row in execute(ROW, (id_,)))

    def _hash(self, part: int) -> bytes:
        execute = self._database.connection.execute
        rows = [
            _digest(execute(ROWS, (part << _SHIFT, part + 1 << _SHIFT))),
            _digest(execute(TERMS, (part,))),
            _digest(execute(SETTINGS) if part == 0 else ()),
        ]
        return hashlib.sha256(b"".join(rows)).digest()


def _digest(rows: Iterable[tuple[object, ...]]) -> bytes:
    found = hashlib.sha256()
    for row in rows:
        for value in row:
            data = value if isinstance(value, bytes) else str(value).encode()
            found.update(b"%d:" % len(data))
            found.update(data)
    return found.digest()


def _part_fact(part: int, digest: bytes) -> Fact:
    return ("full text", part, digest.hex())


def _length_fact(row: tuple[int, bytes, int]) -> Fact:
    version, sizes, origin = row
    return ("full text length", version, sizes.hex(), origin)
