"""The tables of one mailbox's database. docs/format.md, "Mailbox database", is the description; this is the statement.

A change number is the number of the transaction that made the change. A row is valid from `born` or `since` up to, but
not at, `died` or `until`; NULL is "still". A placement's version is -1 while it is quarantined, 0 if it was filtered.
"""

from pathlib import Path

from replicator.mailstore.mailbox.indextables import CREATE_INDEX
from replicator.mailstore.sqlcipher import Connection, transaction

VERSION = 2

_TABLES: dict[str, dict[str, type]] = {
    "state": {
        "id": int,
        "epoch": int,
        "commits": int,
        "digest": bytes,
        "notes": bytes,
        "at": int,
        "sealed": int,
        "next_version": int,
        "next_placement": int,
    },
    "change": {"n": int, "at": int, "run": str},
    "side": {"name": str, "looked": int, "completed": int, "not_covered": str},
    "folder": {
        "id": int,
        "side": str,
        "ref": str,
        "path": str,
        "role": str,
        "born": int,
        "died": int,
        "cursor": str,
        "full": int,
        "next_number": int,
        "stamp": str,
        "source_count": int,
        "listed": int,
    },
    "folder_was": {"folder": int, "until": int, "path": str},
    "version": {
        "id": int,
        "item": int,
        "sha256": bytes,
        "size": int,
        "recipe": bytes,
        "pieces": bytes,
        "message_id": bytes,
        "subject": bytes,
        "heading": bytes,
    },
    "shared": {"blob": bytes, "sealed": int},
    "placement": {
        "id": int,
        "folder": int,
        "number": int,
        "ref": str,
        "arrived": str,
        "born": int,
        "died": int,
        "since": int,
        "flags": str,
        "version": int,
    },
    "placement_was": {"placement": int, "since": int, "until": int, "flags": str, "version": int},
    "failure": {
        "placement": int,
        "code": str,
        "message": str,
        "attempts": int,
        "tried": int,
        "due": int,
        "accepted": int,
    },
    "identity": {"side": str, "identity": str, "version": int},
    "claim": {"side": str, "kind": str, "checked": int, "wrong": int},
    "unverified": {"placement": int, "since": int},
    "revision": {"placement": int, "stamp": str},
    "trouble": {
        "side": str,
        "folder": str,
        "code": str,
        "message": str,
        "advice": str,
        "since": int,
        "last": int,
    },
}
_KEYS: dict[str, str | tuple[str, ...]] = {
    "change": "n",
    "side": "name",
    "shared": "blob",
    "failure": "placement",
    "identity": ("side", "identity"),
    "claim": ("side", "kind"),
    "unverified": "placement",
    "revision": "placement",
    "trouble": ("side", "folder"),
}
_KEYLESS = {"folder_was", "placement_was"}
_SINCE_2 = ("identity", "claim", "unverified", "revision", "trouble")
_LATER_INDEXES = (
    "CREATE INDEX identity_version ON identity (version)",
    # The order in which bodies are read again.
    "CREATE INDEX unverified_since ON unverified (since)",
    # Where a renumbered message is looked for. Dates come nearly in order, so it is cheap to keep.
    "CREATE INDEX placement_arrived ON placement (folder, arrived) WHERE died IS NULL",
)
_REQUIRED = {
    "state": {"epoch", "commits", "digest", "notes", "at", "sealed", "next_version", "next_placement"},
    "placement": {"folder", "number", "ref", "arrived", "born", "since", "flags", "version"},
    "version": {"item", "sha256", "size", "recipe", "pieces"},
}


def create_schema(connection: Connection) -> None:
    """Lays out an empty database."""
    from replicator.mailstore.tables import tables  # noqa: PLC0415 - only a new mailbox pays for it

    database = tables(connection)
    for name, columns in _TABLES.items():
        key = None if name in _KEYLESS else _KEYS.get(name, "id")
        database.table(name).create(columns, pk=key, not_null=_REQUIRED.get(name))
    database.table("folder").create_index(["side", "ref"], unique=True)
    database.table("folder_was").create_index(["folder"])
    database.table("version").create_index(["sha256"], unique=True)
    database.table("placement").create_index(["folder", "ref"])
    database.table("placement").create_index(["folder", "number"], unique=True)
    database.table("placement").create_index(["version"])
    database.table("placement_was").create_index(["placement"])
    database.table("state").insert(
        {
            "id": 1,
            "epoch": 0,
            "commits": 0,
            "digest": bytes(32),
            "notes": bytes(32),
            "at": 0,
            "sealed": 0,
            "next_version": 1,
            "next_placement": 1,
        }
    )
    # A ref has one live row. The index is small: removed messages are not in it.
    connection.execute("CREATE UNIQUE INDEX placement_live ON placement (folder, ref) WHERE died IS NULL")
    for statement in (*_LATER_INDEXES, *CREATE_INDEX):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.commit()


def migrate(connection: Connection, path: Path) -> None:
    """Brings a database of version 1 to the present one, in one transaction. No row is touched, so no digest moves."""
    from replicator.mailstore.tables import tables  # noqa: PLC0415 - as above

    database = tables(connection)
    with transaction(connection, path):
        if connection.execute("PRAGMA user_version").fetchone()[0] != 1:
            return  # another process came first
        for name in _SINCE_2:
            connection.execute(database.create_table_sql(name, _TABLES[name], pk=_KEYS[name]))
        connection.execute("ALTER TABLE version ADD COLUMN heading BLOB")
        for statement in (*_LATER_INDEXES, *CREATE_INDEX):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
