"""The rows of the index as values, and the facts of each that its digests cover."""

from dataclasses import dataclass

from replicator.mailstore.setdigest import Fact


@dataclass(frozen=True, slots=True)
class FingerprintRow:
    """What was found of a version. `print` is empty if it failed, and then `reason` is not."""

    version: int
    canonical: int
    print: bytes
    sent: int | None
    attachments: int
    cut: int
    reason: str

    def fact(self) -> Fact:
        """What the digest of the index covers."""
        version, canonical, encoded, *rest = self.values()
        return ("fingerprint", version, canonical, encoded.hex(), *rest)

    def values(self) -> tuple[int, int, bytes, int | None, int, int, str]:
        """As FINGERPRINT_COLUMNS."""
        return self.version, self.canonical, self.print, self.sent, self.attachments, self.cut, self.reason


FINGERPRINT_COLUMNS = "version, canonical, print, sent, attachments, cut, reason"


@dataclass(frozen=True, slots=True)
class IndexState:
    """Of which versions the index is, up to which version of the mailbox it goes, and the digest of its rows."""

    canonical: int
    words: int
    through: int
    digest: bytes

    def fact(self) -> Fact:
        """What the notes' digest covers."""
        return ("indexing", self.canonical, self.words, self.through, self.digest.hex())

    def values(self) -> tuple[int, int, int, bytes]:
        """As in the table, but for its id."""
        return self.canonical, self.words, self.through, self.digest
