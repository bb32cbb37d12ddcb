"""A message's bytes on their way out: measured first, then streamed in base64; not to the end if they are others."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

PIECE = 3 * (1 << 16)
"""Bytes that become one piece of base64; a multiple of three."""


class RawFailed(Exception):
    """Carries an error of the bytes that are being read through the sending, whose error it is not."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Measure:
    """What is known of a message once it has been read."""

    size: int
    digest: bytes


def take_measure(raw: Iterable[bytes]) -> Measure:
    """Reads the message once. Raises ValueError for what cannot be read a second time, RawFailed."""
    if iter(raw) is raw:
        raise RawFailed(ValueError("a message is read twice while it is appended, and this one can be read only once"))
    size, digest = 0, sha256()
    for chunk in reading(raw):
        size += len(chunk)
        digest.update(chunk)
    return Measure(size, digest.digest())


def read_whole(raw: Iterable[bytes], measure: Measure) -> bytes:
    """All of it, if it is what was measured. Raises RawFailed."""
    content, at = bytearray(measure.size), 0
    for chunk in reading(raw):
        if at + len(chunk) > measure.size:
            raise _changed(measure)
        content[at : at + len(chunk)] = chunk
        at += len(chunk)
    if at != measure.size or sha256(content).digest() != measure.digest:
        raise _changed(measure)
    return bytes(content)


def reading(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Raises RawFailed for whatever reading raises: it may be of another mail system, or of the caller's own."""
    try:
        yield from raw
    except Exception as error:
        raise RawFailed(error) from error


class Encoded:
    """The base64 of a message (RFC 4648, without line ends), anew for each reading; never as a whole in memory.

    Its end is held back until it is known to be what was measured, so that what is not never arrives as a request.
    """

    def __init__(self, raw: Iterable[bytes], measure: Measure) -> None:
        self._raw = raw
        self._measure = measure

    def __len__(self) -> int:
        return encoded_size(self._measure.size)

    def __iter__(self) -> Iterator[bytes]:
        held, digest, left = bytearray(), sha256(), self._measure.size
        for chunk in reading(self._raw):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            held += chunk
            while len(held) > PIECE:
                yield b64encode(held[:PIECE])
                del held[:PIECE]
        if left or digest.digest() != self._measure.digest:
            raise _changed(self._measure)
        yield b64encode(held)


def encoded_size(size: int) -> int:
    """Of so many bytes in base64."""
    return (size + 2) // 3 * 4


def _changed(measure: Measure) -> RawFailed:
    return RawFailed(ValueError(f"a message of {measure.size} bytes had others when it was read again"))
