"""Opens encrypted databases: SQLCipher under a raw key, with its errors in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2

from connectors.errors import Locked, StoreError, Tampered
from replicator.mailstore.files import NO_ROOM, is_nearly_full, storage_full

Connection = Any
"""A SQLCipher connection; the library has no types."""

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "temp_store=MEMORY",  # FILE spills plaintext to the temporary directory, SQLCipher or not (measured)
    "cache_size=-4000",
    "foreign_keys=ON",
    "trusted_schema=OFF",
)


def open_database(path: Path, key: bytes, *, create: bool = False) -> Connection:
    """The database at `path`, under a 32-byte raw key (a passphrase would cost 75 ms at every open).

    One connection, for one thread, never across a fork. The key is one that the keyring has proven, so that Tampered is
    raised where it does not open the database. Raises Locked too, StorageFull, and StoreError if the file is absent.
    """
    if not create and not path.exists():
        raise StoreError(f"{path.name} is missing from the mailstore", "restore it, or run `replicator verify`")
    if create:
        path.touch(mode=0o600)  # its WAL takes the mode over
    connection = dbapi2.connect(str(path), timeout=30)
    with translated(path):
        connection.execute("PRAGMA cipher_log_level=none")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA cipher_page_size=8192")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def transaction(connection: Connection, path: Path) -> Iterator[None]:
    """One write transaction, all or nothing, that takes the write lock at once."""
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        finally:
            # SQLite has rolled back by itself after a full disk; a second ROLLBACK would hide the first error.
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextmanager
def snapshot(connection: Connection, path: Path) -> Iterator[None]:
    """One read transaction: all that is read inside is of one moment, whoever writes meanwhile."""
    with translated(path):
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def fold_wal(connection: Connection, path: Path) -> None:
    """Brings the WAL into the database, whose file alone is whole after that and may be renamed.

    Closing would do it too, but says nothing when it fails. Raises StorageFull, StoreError.
    """
    with translated(path):
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(f"{path.name} is in use before it is complete", "run again")


def page_problems(connection: Connection, path: Path) -> Iterator[str]:
    """What is wrong with the pages of an open database: those whose HMAC disagrees, then what SQLite itself finds."""
    bad = _bad_pages(connection, path)
    yield from sorted(bad and bad & _bad_pages(connection, path))
    with translated(path):
        answers = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    yield from (str(answer) for answer in answers if answer != "ok")


def _bad_pages(connection: Connection, path: Path) -> set[str]:
    """Asked twice, because it reads the file beside any writer, and may meet a page that is half written."""
    with translated(path):
        return {str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Whatever SQLCipher raises inside becomes one of our errors; the text names the file, never its content."""
    try:
        yield
    except dbapi2.DatabaseError as error:
        raise _translate(error, path) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise storage_full(path.parent) from error
        raise


def _translate(error: dbapi2.DatabaseError, path: Path) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    text = f"{path.name}: {error}"
    if name == "SQLITE_FULL" or (name.startswith(_TROUBLE) and is_nearly_full(path)):
        return storage_full(path.parent)
    for sign, kind, advice in _SIGNS:
        if name.startswith(sign):
            return kind(text, advice)
    return StoreError(f"{text} ({name or 'no code'})", "run `replicator verify`")


# A -shm that finds no room, for one, and any other trouble of the file system. SQLite keeps no errno, nor sqlcipher3
# the extended code.
_TROUBLE = ("SQLITE_IOERR", "SQLITE_CANTOPEN")
_RESTORE = "run `replicator verify`, and restore it from a backup"
_SIGNS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("SQLITE_NOTADB", Tampered, "its first page was changed, or it is another mailstore's; restore it from a backup"),
    ("SQLITE_CORRUPT", Tampered, _RESTORE),
    ("SQLITE_IOERR", StoreError, "look at the disk"),
    ("SQLITE_BUSY", Locked, "another run is writing; wait for it or use --wait"),
)
