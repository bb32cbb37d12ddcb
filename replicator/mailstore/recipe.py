"""The recipe of a message: the length-framed side list that puts its pieces together (docs/format.md, Content)."""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.errors import Tampered
from replicator.mailstore.layout import PIECE, WIDTH_MAX, Lines


@dataclass(frozen=True, slots=True)
class Join:
    """One op of a recipe: `size` bytes, of the skeleton if `lines` is None, else of the next attachment piece."""

    size: int
    lines: Lines | None = None

    @property
    def length(self) -> int:
        """Bytes of the message that this makes."""
        return self.size if self.lines is None else self.lines.encoded(self.size)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to put a message together. `skeleton` is how many of its pieces are skeleton; they stand first."""

    skeleton: int
    joins: tuple[Join, ...]

    def to_bytes(self) -> bytes:
        """Version 1 of the byte form."""
        out = bytearray(b"\x01")
        _put_number(out, self.skeleton)
        for join in self.joins:
            if join.lines is None:
                _put_number(out, join.size << 1)
            else:
                _put_number(out, join.size << 1 | 1)
                _put_number(out, join.lines.width << 1 | join.lines.crlf)
        return bytes(out)

    @classmethod
    def parse(cls, data: bytes, size: int, pieces: int) -> "Recipe":
        """Raises Tampered unless it is one that was written, for a message of `size` bytes in `pieces` pieces."""
        numbers = _numbers(data)
        skeleton = next(numbers, -1)
        joins = tuple(_joins(numbers))
        attachments = sum(join.lines is not None for join in joins)
        literal = sum(join.size for join in joins if join.lines is None)
        if (
            skeleton + attachments != pieces
            or (skeleton > 0) != (literal > 0)
            or sum(join.length for join in joins) != size
        ):
            raise _refused()
        return cls(skeleton, joins)


def _joins(numbers: Iterator[int]) -> Iterator[Join]:
    for number in numbers:
        size, attached = number >> 1, number & 1
        if size == 0:
            raise _refused()
        if not attached:
            yield Join(size)
            continue
        layout = next(numbers, 0)
        lines = Lines(layout >> 1, bool(layout & 1))
        if not 0 < lines.width <= WIDTH_MAX or lines.width % 4 or size > PIECE:
            raise _refused()
        yield Join(size, lines)


def _put_number(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _numbers(data: bytes) -> Iterator[int]:
    """Unsigned LEB128 in its shortest form, after the version."""
    if data[:1] != b"\x01":
        raise _refused()
    number = shift = 0
    for byte in data[1:]:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > 56:
                raise _refused()
        else:
            if byte == 0 and shift:
                raise _refused()
            yield number
            number = shift = 0
    if shift:
        raise _refused()


def _refused() -> Tampered:
    return Tampered("a message's recipe is not one that was written", "run `replicator verify`")
