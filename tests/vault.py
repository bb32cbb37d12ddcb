"""A small mailstore without mailboxes: keyring, catalog, segments; for tests of what lies below the mailbox databases.

As a program, `python -m tests.vault DIRECTORY SEED COUNT` puts messages until it has put COUNT or is killed, and says
the number of each once it is durable.
"""

import binascii
import random
import sys
from pathlib import Path

from replicator.mailstore.blobs import Disk, Segments
from replicator.mailstore.blobs.checking import check_segments
from replicator.mailstore.catalog import SqliteCatalog
from replicator.mailstore.content import ContentReader, ContentWriter, Kept
from replicator.mailstore.keys import FileRoot, Keyring, MailboxKeys
from replicator.mailstore.sealing import Sealer

MAILBOX = "alice@corp.example"


class Vault:
    """Opens what is in the directory, or makes it."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        create = not (root / "keyring.json").exists()
        key = FileRoot.create(root / "key") if create else FileRoot(root / "key")
        self.keyring = (Keyring.create if create else Keyring.open)(root / "keyring.json", key)
        self.catalog = SqliteCatalog(root / "catalog.db", self.keyring.catalog_key, create=create)
        self.segments = Segments(root / "seg", disk)

    def keys(self, name: str = MAILBOX) -> MailboxKeys:
        return self.keyring.add(name)

    def writer(self, name: str = MAILBOX) -> ContentWriter:
        keys = self.keys(name)
        return ContentWriter(self.segments, self.catalog, keys, self.keyring.content_key, self.catalog.lease(keys.id))

    def reader(self, name: str = MAILBOX) -> ContentReader:
        return ContentReader(self.segments, self.catalog, self.keys(name))

    def keep(self, *messages: bytes, name: str = MAILBOX) -> list[Kept]:
        """Puts and syncs them with a writer of their own."""
        writer = self.writer(name)
        kept = [writer.put((message,)) for message in messages]
        writer.sync()
        writer.close()
        return kept

    def problems(self) -> list[str]:
        """What the scrub says."""
        return [f"{problem.where}: {problem.what}" for problem in check_segments(self.segments, self.catalog)]

    def segment_files(self) -> list[Path]:
        return sorted((self.root / "seg").glob("*.seg"))


def unfinished(plain: bytes) -> bytes:
    """A record that no catalog knows."""
    return b"".join(Sealer().seal(plain, b"i" * 16, bytes(32), b"s" * 16, 7))


def encoded(data: bytes, width: int = 76, end: bytes = b"\r\n") -> bytes:
    """Base64 in lines."""
    text = binascii.b2a_base64(data, newline=False)
    return b"".join(text[i : i + width] + end for i in range(0, len(text), width))


def mail(*bodies: bytes, subject: str = "x") -> bytes:
    """A multipart whose parts are base64, each body given as it stands."""
    head = f"Subject: {subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".encode()
    parts = [b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body for body in bodies]
    return head + b"".join(parts) + b"--b--\r\n"


def numbered(seed: int, number: int) -> bytes:
    """A message that follows from two numbers; every third has an attachment, which others have too."""
    rng = random.Random(f"{seed} {number}")
    if number % 3:
        return f"Subject: {number}\n\n".encode() + rng.randbytes(rng.randrange(3000))
    return mail(encoded(random.Random(number % 5).randbytes(6000)), subject=f"{seed} {number}")


def main() -> None:
    """See the module."""
    root, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    vault = Vault(root)
    writer = vault.writer(f"mailbox {seed}")
    for number in range(count):
        kept = writer.put((numbered(seed, number),))
        if number % 4 == 3 or number == count - 1:
            writer.sync()
        content = kept.content
        sys.stdout.write(
            f"{number} {content.size} {content.sha256.hex()} {content.recipe.hex()} {content.pieces.hex()}\n"
        )
        sys.stdout.flush()
    writer.close()


if __name__ == "__main__":
    main()
