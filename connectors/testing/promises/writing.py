"""What writers have at hand: messages to append, and what then stands in a folder, as the Source shows it."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import TypeVar

import pytest

from connectors.model import Folder, Message, Ref, Seen, Stale, Unknown, Version
from connectors.protocols import Target
from connectors.testing.corpus import plain
from connectors.testing.driver import NotTaken, Path
from connectors.testing.promises.bookkeeping import find_folder, flags_of, number_of
from connectors.testing.target_driver import TargetDriver

INBOX: Path = ("INBOX",)
AWAY: Path = ("away",)
NOWHERE = Ref("", "")
KATHMANDU = timezone(timedelta(hours=5, minutes=45))
RECEIVED = datetime(2023, 2, 3, 4, 5, 6, tzinfo=KATHMANDU)
SYSTEM = frozenset({"\\Seen", "\\Answered", "\\Flagged", "\\Draft"})
IRREGULAR = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0").search
T = TypeVar("T")


class Pieces:
    """A message's bytes that can be read more than once, in pieces, and never stand in memory as a whole."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head = head
        self.lines = size // 77

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        for start in range(0, self.lines, 3400):
            yield b"".join(b"%075d\r\n" % line for line in range(start, min(start + 3400, self.lines)))


@dataclass(frozen=True, slots=True)
class Held:
    """A message that stands in a folder, as the Source shows it."""

    seen: Seen
    digest: bytes
    size: int

    @property
    def flags(self) -> frozenset[str]:
        """Without \\Recent."""
        return flags_of(self.seen.flags)

    @property
    def version(self) -> Version:
        """What a caller would have on record."""
        return Version(self.seen.version, self.flags)


def letter(number: int, flags: frozenset[str] = frozenset(), received_at: datetime = RECEIVED) -> Message:
    """An ordinary message."""
    return Message(NOWHERE, (plain(number),), flags, received_at)


def digest_of(message: Message) -> bytes:
    """Of its bytes."""
    digest = sha256()
    for chunk in message.raw:
        digest.update(chunk)
    return digest.digest()


def is_regular(message: Message) -> bool:
    """Lines end in CRLF, also the last, and no byte is NUL: what a target may not alter (RFC 5322 2.3)."""
    if not isinstance(message.raw, tuple):
        return True
    raw = b"".join(message.raw)
    return raw.endswith(b"\r\n") and not IRREGULAR(raw)


def is_number(number: int) -> Callable[[Message], bool]:
    """Whether a message is the one of that number, also where MIME is made anew."""
    return lambda found: number_of(b"".join(found.raw)) == number


def any_message(_: Message) -> bool:
    """All that are in the window."""
    return True


def assert_kept(target: Target, found: Held, message: Message) -> None:
    """It stands as it was appended, as far as the target promises that."""
    if target.capabilities.exact_bytes and is_regular(message):
        assert found.digest == digest_of(message), "these are not the bytes that were appended"
    if target.capabilities.keeps_flags:
        assert found.flags == message.flags
    if target.capabilities.keeps_dates and message.received_at is not None:
        assert instant(found.seen.arrived_at) == instant(message.received_at)


def look(driver: TargetDriver, folder: Folder) -> dict[Ref, Held]:
    """All that stands in a folder, by a new session of the Source; in the order of a listing."""
    with closing(driver.open()) as source:
        pages = source.changes(folder, None)
        seen = {change.ref: change for page in pages for change in page.changes if isinstance(change, Seen)}
        held = {}
        for answer in source.fetch(list(seen)):
            assert isinstance(answer, Message), f"{answer} instead of a message"
            held[answer.ref] = _hold(seen[answer.ref], answer)
        return {ref: held[ref] for ref in seen}


def held(driver: TargetDriver, folder: Folder, ref: Ref) -> Held:
    """One that must stand there."""
    found = look(driver, folder)
    assert ref in found, f"{ref} does not stand in {folder.path}: {sorted(found, key=lambda each: each.id)}"
    return found[ref]


def folder_of(driver: TargetDriver, path: Path) -> Folder:
    """As the Source lists it now."""
    with closing(driver.open()) as source:
        return find_folder(source, path)


def paths(driver: TargetDriver) -> set[Path]:
    """Those of all folders, as the Source lists them now."""
    with closing(driver.open()) as source:
        return {folder.path for folder in source.folders()}


def made(driver: TargetDriver, path: Path) -> Folder:
    """A folder made by the other hand."""
    if_can(lambda: driver.create_folder(path))
    return folder_of(driver, path)


def put(target: Target, folder: Folder, message: Message) -> Ref:
    """Appends; it must succeed."""
    ref = target.append(folder, message, "op")
    assert isinstance(ref, Ref), f"{ref} instead of a ref"
    assert ref.folder == folder.id
    return ref


def changed(answer: Version | Stale) -> Version:
    """What `set_flags` must give."""
    assert isinstance(answer, Version), f"{answer} instead of a version"
    return answer


def moved(answer: Ref | Stale | Unknown) -> Ref:
    """What `move` must give."""
    assert isinstance(answer, Ref), f"{answer} instead of a ref"
    return answer


def if_can(act: Callable[[], T]) -> T:
    """Skips the test if the mail system cannot be made to do that, as its driver says."""
    try:
        return act()
    except NotTaken as error:
        pytest.skip(f"the mail system cannot be made to do that: {error}")


def instant(when: datetime | None) -> int:
    """To the second."""
    assert when is not None
    assert when.tzinfo is not None
    return int(when.astimezone(UTC).timestamp())


def _hold(seen: Seen, message: Message) -> Held:
    digest, size = sha256(), 0
    for chunk in message.raw:
        digest.update(chunk)
        size += len(chunk)
    return Held(seen, digest.digest(), size)
