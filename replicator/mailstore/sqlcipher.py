"""Opens encrypted databases: SQLCipher under a raw key, with its errors in our own words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2

from connectors.errors import KeyRefused, Locked, StorageFull, StoreError, Tampered

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

    One connection, for one thread, never across a fork. Raises KeyRefused, Tampered, Locked; StoreError if absent.
    """
    if not create and not path.exists():
        raise StoreError(f"{path.name} is missing from the mailstore", "restore it, or run `replicator verify`")
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


def page_problems(connection: Connection, path: Path) -> Iterator[str]:
    """What is wrong with the pages of an open database: those whose HMAC disagrees, then what SQLite itself finds."""
    for pragma in ("cipher_integrity_check", "integrity_check"):
        with translated(path):
            answers = [row[0] for row in connection.execute(f"PRAGMA {pragma}")]
        yield from (str(answer) for answer in answers if answer != "ok")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Whatever SQLCipher raises inside becomes one of our errors; the text names the file, never its content."""
    try:
        yield
    except dbapi2.DatabaseError as error:
        raise _translate(str(error), path) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("the disk under the mailstore is full", "make room and run again") from error
        raise


def _translate(text: str, path: Path) -> StoreError:
    for sign, error, advice in _SIGNS:
        if sign in text:
            return error(f"{path.name}: {text}", advice)
    return StoreError(f"{path.name}: {text}", "run `replicator verify`")


_SIGNS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("file is not a database", KeyRefused, "the key does not open it, or its first page was changed"),
    ("malformed", Tampered, "run `replicator verify`, and restore it from a backup"),
    ("hmac", Tampered, "run `replicator verify`, and restore it from a backup"),
    ("disk I/O error", Tampered, "run `replicator verify`, and look at the disk"),
    ("database or disk is full", StorageFull, "make room and run again"),
    ("database is locked", Locked, "another run is writing; wait for it or use --wait"),
)
