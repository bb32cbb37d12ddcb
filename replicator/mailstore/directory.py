"""The files of a mailstore's directory, and the one in clear that says which format they have."""

import json
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import NoMailstore, StoreError
from replicator.mailstore.files import replace_file

FORMAT = 1
FEATURES: frozenset[str] = frozenset({"about"})
"""What a program must understand to read or write here, beyond the format's number, once it is used here."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Paths under one mailstore's root. None of them says anything about what is kept."""

    root: Path

    @property
    def format(self) -> Path:
        """Written last when a mailstore is made: where it is, there is a mailstore."""
        return self.root / "format.json"

    @property
    def keyring(self) -> Path:
        """Wrapped keys."""
        return self.root / "keyring.json"

    @property
    def catalog(self) -> Path:
        """The catalog's database."""
        return self.root / "catalog.db"

    @property
    def segments(self) -> Path:
        """The directory of segments."""
        return self.root / "seg"

    def mailbox(self, mailbox_id: str) -> Path:
        """A mailbox's database."""
        return self.root / "mailbox" / mailbox_id[:2] / f"{mailbox_id}.db"

    def mailbox_ids(self) -> list[str]:
        """Of the mailboxes that have a database, complete or not."""
        return sorted({path.name.partition(".")[0] for path in self.root.glob("mailbox/*/*.db")})

    def lock(self, name: str) -> Path:
        """A file whose kernel lock someone holds; a mailbox's writer that of the mailbox's id."""
        return self.root / "lock" / name

    def exists(self) -> bool:
        """Whether a mailstore was completely made here."""
        return self.format.exists()

    def prepare(self) -> None:
        """Makes the directories of a new mailstore. Raises StoreError if anything but a broken-off attempt is there."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self.segments.glob("*")) or any(self.root.glob("mailbox/*/*")):
            text = f"{self.root} holds segments or mailboxes, but no format.json"
            raise StoreError(text, "restore format.json from a backup, or name another path")
        for name in ("seg", "mailbox", "lock"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)
        self.keyring.unlink(missing_ok=True)
        for leftover in self.root.glob("catalog.db*"):
            leftover.unlink()

    def complete(self) -> None:
        """Says that everything is there, durably."""
        replace_file(self.format, json.dumps({"format": FORMAT, "features": []}) + "\n")

    def uses(self, feature: str) -> bool:
        """Whether something here needs this feature. Raises NoMailstore, StoreError."""
        self.check()
        return feature in json.loads(self.format.read_text(encoding="ascii"))["features"]

    def use(self, feature: str) -> None:
        """Says, durably and before it is so, that something here needs this feature. Raises StorageFull, StoreError."""
        self.check()
        document = json.loads(self.format.read_text(encoding="ascii"))
        if feature not in document["features"]:
            document["features"] = sorted([*document["features"], feature])
            replace_file(self.format, json.dumps(document) + "\n")

    def check(self) -> None:
        """Raises NoMailstore if there is none, StoreError if a newer program made it."""
        try:
            document = json.loads(self.format.read_text(encoding="ascii"))
            version, features = int(document["format"]), frozenset(document["features"])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoMailstore(f"there is no mailstore at {self.root}", "make it with `replicator init`") from error
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.format} cannot be read", "restore it from a backup") from error
        if version != FORMAT or features - FEATURES:
            unknown = f"format {version}" + "".join(f", {name}" for name in sorted(features - FEATURES))
            raise StoreError(f"{self.root} has {unknown}, which this program does not know", "use a newer program")
