"""Keeps the catalog's set digest in step with its rows, whatever statement changes them.

Temporary triggers note every row that comes, changes or goes in a temporary table. They are this connection's own, not
the schema's, and no statement can be forgotten. The table is rolled back with the rows. Nothing calls back into Python:
SQLite would swallow what arises there, a Ctrl-C too.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from replicator.mailstore.setdigest import Fact, SetDigest
from replicator.mailstore.sqlcipher import Connection

COLUMNS = {
    "segment": ("number", "name", "length", "sealed"),
    "blob": ("id", "segment", "offset", "length", "plain", "epoch"),
    "lease": ("mailbox", "epoch"),
    "mark": ("mailbox", "commits", "digest"),
    "sequence": ("one", "epoch"),
}
_WIDEST = max(map(len, COLUMNS.values()))
_LOG = f"CREATE TEMP TABLE moved (came, name, {', '.join(f'c{number}' for number in range(_WIDEST))})"
_READ = "SELECT digest FROM state"


class RowWatch:
    """The digest over all rows of one catalog."""

    def __init__(self, connection: Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        connection.execute(_LOG)
        for table, columns in COLUMNS.items():
            came, went = (_note(table, columns, row) for row in ("NEW", "OLD"))
            for event, notes in (("INSERT", came), ("DELETE", went), ("UPDATE", f"{went}; {came}")):
                connection.execute(
                    f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} BEGIN {notes}; END"
                )

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Within a transaction: reads the digest, and writes it if rows changed."""
        before = self._connection.execute(_READ).fetchone()[0]
        yield
        digest = SetDigest(self._key, before)
        for came, table, *values in self._connection.execute("SELECT * FROM moved"):
            fact = _fact((table, *values[: len(COLUMNS[table])]))
            (digest.add if came else digest.remove)(fact)
        if digest.value() != before:
            self._connection.execute("UPDATE state SET digest = ?", (digest.value(),))
        self._connection.execute("DELETE FROM moved")

    def agrees(self) -> bool:
        """Whether the rows are those that were written: reads them all, in a transaction of the caller's."""
        digest = SetDigest(self._key)
        for table, columns in COLUMNS.items():
            rows = self._connection.execute(f"SELECT {', '.join(columns)} FROM {table}")
            digest.add_all(_fact((table, *row)) for row in rows)
        return bool(digest.value() == self._connection.execute(_READ).fetchone()[0])


def _note(table: str, columns: tuple[str, ...], row: str) -> str:
    """The statement that notes a row in the log."""
    values = [f"{row}.{name}" for name in columns] + ["NULL"] * (_WIDEST - len(columns))
    return f"INSERT INTO moved VALUES ({int(row == 'NEW')}, '{table}', {', '.join(values)})"


def _fact(row: tuple[object, ...]) -> Fact:
    return tuple(value.hex() if isinstance(value, bytes) else value for value in row)  # type: ignore[misc]
