"""Encrypted databases: nothing readable in their files, errors in our words, and sqlite-utils that understands them."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlcipher3 import dbapi2

from connectors.errors import Locked, StorageFull, StoreError, Tampered
from replicator.mailstore.sqlcipher import Connection, fold_wal, open_database, snapshot, transaction, translated
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
    with pytest.raises(Tampered):
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


def refused(name: str) -> dbapi2.DatabaseError:
    error = dbapi2.OperationalError("in SQLite's own words")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("raised", "free", "expected"),
    [
        (refused("SQLITE_BUSY"), 0, Locked),
        (refused("SQLITE_BUSY_SNAPSHOT"), 0, Locked),
        (refused("SQLITE_FULL"), 1 << 30, StorageFull),
        (refused("SQLITE_CORRUPT"), 0, Tampered),
        (refused("SQLITE_NOTADB"), 0, Tampered),
        (refused("SQLITE_IOERR"), 0, StorageFull),
        (refused("SQLITE_CANTOPEN"), 5000, StorageFull),
        (refused("SQLITE_IOERR"), 1 << 30, StoreError),
        (dbapi2.OperationalError("no such table: t"), 0, StoreError),
        (OSError(errno.ENOSPC, "full"), 1 << 30, StorageFull),
        (OSError(errno.EACCES, "no"), 0, PermissionError),
    ],
)
def test_errors_are_translated(
    path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, free: int, expected: type[Exception]
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free, f_frsize=1, f_files=9, f_favail=9))
    with pytest.raises(expected) as caught, translated(path):
        raise raised
    assert caught.type is expected
    assert caught.type is not StorageFull or str(path.parent) in str(caught.value)


def test_a_wal_that_cannot_be_folded_is_said(path: Path) -> None:
    connection, reader = (open_database(path, KEY, create=True) for _ in range(2))
    connection.execute("PRAGMA busy_timeout=0")
    connection.execute("CREATE TABLE t (a)")
    with snapshot(reader, path):
        reader.execute("SELECT count(*) FROM t").fetchone()
        with pytest.raises(StoreError, match="in use"):
            fold_wal(connection, path)
    fold_wal(connection, path)
    assert path.with_name("x.db-wal").stat().st_size == 0
    connection.close()
    reader.close()
