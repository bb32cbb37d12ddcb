"""Encrypted databases: nothing readable in their files, errors in our words, and sqlite-utils that understands them."""

import errno
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from connectors.errors import KeyRefused, Locked, StorageFull, StoreError, Tampered
from replicator.mailstore.sqlcipher import Connection, open_database, transaction, translated
from replicator.mailstore.tables import tables

KEY = bytes(range(32))
MARKER = "planted-marker-4711"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def test_sqlite_utils_recognises_the_errors_of_sqlcipher(path: Path) -> None:
    """Each of these rests on an `except` that names an exception class."""
    database = tables(open_database(path, KEY, create=True))
    table = database.table("t")
    table.insert({"id": 1, "a": "x"}, pk="id")
    table.insert({"id": 2, "a": "y", "new": 3}, alter=True)
    table.upsert({"id": 2, "a": "z"}, pk="id")
    table.create({"id": int}, ignore=True)
    assert table.get(2) == {"id": 2, "a": "z", "new": 3}
    database.conn.close()


def test_nothing_is_readable_in_database_wal_or_shm(path: Path) -> None:
    connection = open_database(path, KEY, create=True)
    with transaction(connection, path):
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (MARKER,))
    files = list(path.parent.iterdir())
    assert len(files) == 3
    assert all(MARKER.encode() not in file.read_bytes() for file in files)
    connection.close()


def test_another_key_opens_nothing(path: Path) -> None:
    open_database(path, KEY, create=True).close()
    with pytest.raises(KeyRefused):
        open_database(path, bytes(32))


def test_a_missing_database_is_not_made(path: Path) -> None:
    with pytest.raises(StoreError, match="missing"):
        open_database(path, KEY)
    assert not path.exists()


def insert_and_fail(connection: Connection) -> None:
    connection.execute("INSERT INTO t VALUES (1)")
    raise ZeroDivisionError


def test_a_failed_transaction_leaves_nothing(path: Path) -> None:
    connection = open_database(path, KEY, create=True)
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
    with pytest.raises(ZeroDivisionError), transaction(connection, path):
        insert_and_fail(connection)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (dbapi2.OperationalError("database is locked"), Locked),
        (dbapi2.OperationalError("database or disk is full"), StorageFull),
        (dbapi2.DatabaseError("database disk image is malformed"), Tampered),
        (dbapi2.OperationalError("disk I/O error"), Tampered),
        (dbapi2.OperationalError("no such table: t"), StoreError),
        (OSError(errno.ENOSPC, "full"), StorageFull),
        (OSError(errno.EACCES, "no"), PermissionError),
    ],
)
def test_errors_are_translated(path: Path, raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), translated(path):
        raise raised
