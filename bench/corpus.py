"""Mailboxes for measuring: the same for the same seed, made one message at a time.

`mixed` is everyday mail (bench.letters); `tiny` is many short notes in few folders. Shares and sizes follow published
surveys only roughly. Two limits: words are made up, so that text compresses worse than language, and what a reply
quotes need not lie in its folder.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from bench.letters import LetterWriter
from fixtures.servers.dovecot import Dovecot

START = int(datetime(2016, 1, 1, tzinfo=UTC).timestamp())
SPAN = 9 * 365 * 86_400
WAITING = 16_000_000
"""Bytes held before they are written, folder by folder."""

LETTERS = ("", "S", "S", "S", "RS", "FS")


@dataclass(frozen=True, slots=True)
class Mail:
    """One message with its place. `raw` has LF line ends, `flags` are Maildir letters."""

    folder: str
    raw: bytes
    flags: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """What was written."""

    messages: int
    bytes: int


def mixed(seed: int, count: int) -> Iterator[Mail]:
    """Everyday mail in 61 folders."""
    rng = Random(f"mixed {seed}")
    return _deal(rng, count, _folders(rng, 61), LetterWriter(rng).write)


def tiny(seed: int, count: int) -> Iterator[Mail]:
    """Short notes, 1.6 KB on average, in 6 folders."""
    rng = Random(f"tiny {seed}")
    return _deal(rng, count, _folders(rng, 6), LetterWriter(rng).tiny)


def fill(server: Dovecot, user: str, mails: Iterator[Mail]) -> Totals:
    """Writes them into the user's Maildirs in their order; memory holds no more than `WAITING` bytes of them."""
    waiting: dict[tuple[str, str, datetime], list[bytes]] = defaultdict(list)
    messages = size = held = 0
    for mail in mails:
        waiting[mail.folder, mail.flags, mail.arrived_at].append(mail.raw)
        messages, size, held = messages + 1, size + len(mail.raw), held + len(mail.raw)
        if held > WAITING:
            _flush(server, user, waiting)
            held = 0
    _flush(server, user, waiting)
    return Totals(messages, size)


def _flush(server: Dovecot, user: str, waiting: dict[tuple[str, str, datetime], list[bytes]]) -> None:
    for (folder, flags, arrived_at), raws in waiting.items():
        server.deliver(user, folder, raws, flags, arrived_at)
    waiting.clear()


def _deal(rng: Random, count: int, folders: list[str], write: Callable[[datetime], bytes]) -> Iterator[Mail]:
    for number in range(count):
        when = datetime.fromtimestamp(START + number * SPAN // count, UTC)
        # Folders are of very different size: the square of a uniform number prefers the first.
        folder = folders[int(rng.random() ** 2 * len(folders))]
        yield Mail(folder, write(when), rng.choice(LETTERS), when)


def _folders(rng: Random, count: int) -> list[str]:
    names = ("Projects", "R&D", "Reçus", "Архив", "日本", "Two words", "Lists", "Kunden & Lieferanten")
    found = ["INBOX", "Sent", "Archive", "Drafts"]
    while len(found) < count:
        found.append(
            f"{rng.choice(names)}/{rng.getrandbits(20):x}" if len(found) % 3 else f"{rng.choice(names)} {len(found)}"
        )
    return found[:count]
