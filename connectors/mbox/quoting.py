"""How mboxrd keeps a line of a message from being taken for the beginning of the next: each `From `, after however many
`>`, gets one `>` more, and loses it again when it is read. https://doc.dovecot.org/admin_manual/mailbox_formats/mbox/
"""

import re
from collections.abc import Iterable, Iterator

LONGEST = 1 << 16
"""Bytes of a line that are held before it is passed on in pieces: many more than tell whether it is quoted."""

QUOTABLE = re.compile(rb"^(>*From )", re.MULTILINE)
QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
UNDECIDED = re.compile(rb">*(>(?:F(?:r(?:o(?:m)?)?)?)?)")
"""The beginning of a line that may still turn out to be quoted. Where in a row of `>` one is added makes no difference,
so all but the last of it can be passed on.
"""

Block = tuple[bytes, bool]
"""Bytes of a file, and whether they begin a line. They end with one, but for what is cut of a long line or the end."""


class Counted:
    """A message's bytes as they pass: how many there were, and whether they ended a line."""

    def __init__(self, raw: Iterable[bytes]) -> None:
        self._raw = raw
        self.size = 0
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._raw:
            if chunk:
                self.size += len(chunk)
                self.ended = chunk.endswith(b"\n")
            yield chunk


def blocks(chunks: Iterable[bytes]) -> Iterator[Block]:
    """The same bytes, cut between lines."""
    carried, fresh = b"", True
    for chunk in chunks:
        data = carried + chunk
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut], fresh
            fresh = True
        carried = data[cut:]
        if len(carried) > LONGEST:
            undecided = UNDECIDED.fullmatch(carried) if fresh else None
            cut = undecided.start(1) if undecided else len(carried)
            yield carried[:cut], fresh
            carried, fresh = carried[cut:], undecided is not None
    if carried:
        yield carried, fresh


def quote(message: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a message as an mbox file has them."""
    return (_replaced(QUOTABLE, rb">\1", block) for block in blocks(message))


def unquote(stored: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a message that an mbox file has like this."""
    return (unquoted(block) for block in blocks(stored))


def unquoted(block: Block) -> bytes:
    """One block of a message, as it was before."""
    return _replaced(QUOTED, rb"\1", block)


def _replaced(pattern: re.Pattern[bytes], by: bytes, block: Block) -> bytes:
    data, fresh = block
    if b"From " not in data:
        return data
    rest = 0 if fresh else data.find(b"\n") + 1 or len(data)
    return data[:rest] + pattern.sub(by, data[rest:])
