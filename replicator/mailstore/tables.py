"""sqlite-utils over an encrypted database: for schema and migrations, and imported only when there are any to do.

SQLCipher's exceptions are not sqlite3's, so sqlite-utils would not recognise them and, among others, its upserts and
its `alter` would fail. Its two names for them are replaced here, once, before any `Database` is made (tested).
"""

import sqlite_utils
import sqlite_utils.db
import sqlite_utils.utils
from sqlcipher3 import dbapi2

from replicator.mailstore.sqlcipher import Connection

for _module in (sqlite_utils.utils, sqlite_utils.db):
    for _name, _ours in (("sqlite3", dbapi2), ("OperationalError", dbapi2.OperationalError)):
        if hasattr(_module, _name):
            setattr(_module, _name, _ours)


def tables(connection: Connection) -> sqlite_utils.Database:
    """The tables of an open database."""
    return sqlite_utils.Database(connection)
