"""The record of one blob on disk: header, sealed frames, CRC (docs/format.md, Record)."""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

MAGIC = b"\xe5MBR"
VERSION = 1
PIECE_MAX = 4 << 20
FRAME = 1 << 20
TAG = 16
COMMITMENT = 16
CRC = 4

_OPEN = struct.Struct(">4sBBHIIQ16s16s")
_CRC = struct.Struct(">I")
HEADER = _OPEN.size + COMMITMENT


class Packing(IntEnum):
    """How a piece was packed before it was sealed."""

    RAW = 0
    ZSTD = 1
    ZSTD_DICTIONARY = 2


@dataclass(frozen=True, slots=True)
class Header:
    """A record's header. All of it is associated data of every frame."""

    packing: int
    dictionary: int
    plain: int
    packed: int
    epoch: int
    blob_id: bytes
    salt: bytes
    commitment: bytes = b""

    @property
    def record_length(self) -> int:
        """Bytes of the whole record."""
        return HEADER + self.packed + TAG * frames(self.packed) + CRC

    def open_part(self) -> bytes:
        """All fields but the commitment, which is made from them."""
        return _OPEN.pack(
            MAGIC,
            VERSION,
            self.packing,
            self.dictionary,
            self.plain,
            self.packed,
            self.epoch,
            self.blob_id,
            self.salt,
        )

    @classmethod
    def parse(cls, data: bytes) -> "Header | None":
        """The header at the start of `data`, or None if none that this version writes stands there."""
        if len(data) < HEADER:
            return None
        magic, version, packing, dictionary, plain, packed, epoch, blob_id, salt = _OPEN.unpack_from(data)
        if magic != MAGIC or version != VERSION or not (0 < packed <= plain <= PIECE_MAX and packing <= 2):
            return None
        return cls(packing, dictionary, plain, packed, epoch, blob_id, salt, data[_OPEN.size : HEADER])


def frames(packed: int) -> int:
    """How many frames hold that many packed bytes."""
    return -(-packed // FRAME)


def checksum(parts: list[bytes]) -> bytes:
    """The CRC-32 that ends a record made of these parts."""
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    return _CRC.pack(crc)


def is_whole(record: bytes) -> bool:
    """Whether the CRC at the end of these bytes agrees. No proof against an attacker."""
    return _CRC.pack(zlib.crc32(memoryview(record)[:-CRC])) == record[-CRC:]
