"""Keeps the catalog's set digest in step with its rows, whatever statement changes them.

Temporary triggers call back for every row that comes, changes or goes. They are this connection's own, not the
schema's, so `trusted_schema=OFF` stands; and no statement can be forgotten.
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
_READ = "SELECT digest FROM state"


class RowWatch:
    """The digest over all rows of one catalog."""

    def __init__(self, connection: Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._digest = SetDigest(key)
        connection.create_function("row_came", -1, lambda *row: self._digest.add(_fact(row)))
        connection.create_function("row_went", -1, lambda *row: self._digest.remove(_fact(row)))
        for table, columns in COLUMNS.items():
            new, old = (", ".join((f"'{table}'", *(f"{row}.{name}" for name in columns))) for row in ("NEW", "OLD"))
            for event, action in (
                ("INSERT", f"row_came({new})"),
                ("DELETE", f"row_went({old})"),
                ("UPDATE", f"row_went({old}), row_came({new})"),
            ):
                connection.execute(
                    f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} BEGIN SELECT {action}; END"
                )

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Within a transaction: reads the digest, and writes it if rows changed."""
        before = self._connection.execute(_READ).fetchone()[0]
        self._digest = SetDigest(self._key, before)
        yield
        after = self._digest.value()
        if after != before:
            self._connection.execute("UPDATE state SET digest = ?", (after,))

    def agrees(self) -> bool:
        """Whether the rows are those that were written: reads them all."""
        digest = SetDigest(self._key)
        for table, columns in COLUMNS.items():
            rows = self._connection.execute(f"SELECT {', '.join(columns)} FROM {table}")
            digest.add_all(_fact((table, *row)) for row in rows)
        return bool(digest.value() == self._connection.execute(_READ).fetchone()[0])


def _fact(row: tuple[object, ...]) -> Fact:
    return tuple(value.hex() if isinstance(value, bytes) else value for value in row)  # type: ignore[misc]
