"""The catalog's tables and the statements of its hot path (docs/format.md, Catalog)."""

from replicator.mailstore.sqlcipher import Connection

VERSION = 1

# Without a rowid, or each blob would cost two trees; sqlite-utils cannot say so.
BLOB_TABLE = """CREATE TABLE blob (
    id BLOB PRIMARY KEY NOT NULL,
    segment INTEGER NOT NULL REFERENCES segment(number),
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    plain INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) WITHOUT ROWID, STRICT"""

FIND = "SELECT id, segment, offset, length, plain FROM blob WHERE id IN"
BLOBS_AFTER = "SELECT id, segment, offset, length, plain FROM blob WHERE id > ? ORDER BY id LIMIT ?"
ADD_BLOB = "INSERT INTO blob VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET epoch = max(epoch, excluded.epoch)"
USE_BLOB = "UPDATE blob SET epoch = max(epoch, ?) WHERE id = ?"
ADD_SEGMENT = "INSERT INTO segment (name, length, sealed) VALUES (?, ?, ?)"
GROW_SEGMENT = "UPDATE segment SET length = ?, sealed = ? WHERE name = ?"
NEXT_EPOCH = "UPDATE sequence SET epoch = epoch + 1 RETURNING epoch"
SET_LEASE = "INSERT INTO lease VALUES (?, ?) ON CONFLICT(mailbox) DO UPDATE SET epoch = excluded.epoch"
SET_MARK = """INSERT INTO mark VALUES (?, ?, ?)
    ON CONFLICT(mailbox) DO UPDATE SET commits = excluded.commits, digest = excluded.digest"""


def create_schema(connection: Connection) -> None:
    """All tables of version 1, in one transaction, so that a killed `init` leaves none or all."""
    from replicator.mailstore.tables import tables  # noqa: PLC0415 - only a new mailstore pays for it

    database = tables(connection)
    connection.execute("BEGIN IMMEDIATE")
    database.create_table(
        "segment", {"number": int, "name": str, "length": int, "sealed": int}, pk="number", strict=True
    )
    database.table("segment").create_index(["name"], unique=True)
    database.execute(BLOB_TABLE)
    database.create_table("lease", {"mailbox": str, "epoch": int}, pk="mailbox", strict=True)
    database.table("lease").create_index(["epoch"], unique=True)
    database.create_table("mark", {"mailbox": str, "commits": int, "digest": bytes}, pk="mailbox", strict=True)
    database.create_table("sequence", {"one": int, "epoch": int}, pk="one", strict=True)
    database.create_table("state", {"one": int, "digest": bytes}, pk="one", strict=True)
    database.execute("INSERT INTO state VALUES (1, ?)", (bytes(32),))
    database.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
