"""Takes the headings of messages that were kept before the format had them: read from the mailstore, not the source."""

from itertools import islice

from connectors.body import header_block
from connectors.errors import Tampered
from replicator.mailstore.content import Content, ContentReader
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.headers import heading
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.sqlcipher import translated

_BATCH = 100
_WITHOUT = """SELECT p.number, v.id, v.sha256, v.size, v.recipe, v.pieces
    FROM placement p CROSS JOIN version v ON v.id = p.version
    WHERE p.folder = ? AND p.number > ? AND p.died IS NULL AND v.heading IS NULL ORDER BY p.number LIMIT ?"""


def fill_headings(database: MailboxDatabase, reader: ContentReader, folder: FolderRow) -> None:
    """Gives every live message of a folder its heading. What cannot be read gets an empty one, and matches nothing."""
    after = 0
    while True:
        with translated(database.path):
            rows = database.connection.execute(_WITHOUT, (folder.id, after, _BATCH)).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        found = [(_heading(reader, Content(*columns)), version) for _, version, *columns in rows]
        with database.note():
            database.connection.executemany("UPDATE version SET heading = ? WHERE id = ?", found)


def _heading(reader: ContentReader, content: Content) -> bytes:
    try:
        return heading(header_block(b"".join(islice(reader.read(content), 1))))
    except Tampered:
        return b""
