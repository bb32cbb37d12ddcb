"""The tables of the index. docs/format.md, "Index", is the description; this is the statement.

They are apart from the others since sqlite-utils makes no virtual tables, and all that they hold can be made anew.
"""

CREATE_INDEX = (
    """CREATE TABLE indexing (id INTEGER PRIMARY KEY, canonical INTEGER NOT NULL, words INTEGER NOT NULL,
        through INTEGER NOT NULL, digest BLOB NOT NULL)""",
    """CREATE TABLE fingerprint (version INTEGER PRIMARY KEY, canonical INTEGER NOT NULL, print BLOB NOT NULL,
        sent INTEGER, attachments INTEGER NOT NULL, cut INTEGER NOT NULL, reason TEXT NOT NULL)""",
    "CREATE INDEX fingerprint_failed ON fingerprint (version, reason) WHERE reason <> ''",
    # In the order of its keys, so that two mailboxes are joined by reading both once.
    """CREATE TABLE fingerprint_key (key INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (key, version))
        WITHOUT ROWID""",
    """CREATE VIRTUAL TABLE fulltext USING fts5(subject, sender, recipient, cc, bcc, names, body,
        content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')""",
    # A leaf of FTS5 fills a page of ours; the default would waste half of each.
    "INSERT INTO fulltext (fulltext, rank) VALUES ('pgsz', 8000)",
    # Then a segment is written once (wordseal.py).
    "INSERT INTO fulltext (fulltext, rank) VALUES ('automerge', 0)",
    "CREATE TABLE fulltext_seal (part INTEGER PRIMARY KEY, probe BLOB NOT NULL, digest BLOB NOT NULL)",
)
