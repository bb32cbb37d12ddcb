"""Zstandard, with a dictionary that is shipped. Raw where it does not help."""

from functools import cache
from importlib.resources import files
from typing import Final

import zstandard

from connectors.errors import Tampered
from replicator.mailstore.blobs.record import Packing

LEVEL: Final = 3
GENERIC: Final = 1
DICTIONARY_UP_TO: Final = 128 << 10  # above this the dictionary no longer helps, and costs a load of its tables
PROBE: Final = 8 << 10
PROBE_FROM: Final = 32 << 10

Packed = tuple[Packing, int, bytes]


class Compressor:
    """Packs and unpacks pieces. Keeps its working memory between pieces, so one thread only."""

    def __init__(self) -> None:
        dictionary = _generic()
        self._small = zstandard.ZstdCompressor(
            LEVEL, dict_data=dictionary, write_checksum=False, write_content_size=False, write_dict_id=False
        )
        self._large = zstandard.ZstdCompressor(LEVEL, write_checksum=False, write_content_size=False)
        self._unpack_small = zstandard.ZstdDecompressor(dict_data=dictionary)
        self._unpack_large = zstandard.ZstdDecompressor()

    def pack(self, plain: bytes) -> Packed:
        """How it was packed, the dictionary's number, and the packed bytes: never more than were given."""
        if self._is_packed_already(plain):
            return Packing.RAW, 0, plain
        if len(plain) <= DICTIONARY_UP_TO:
            packing, number, packed = Packing.ZSTD_DICTIONARY, GENERIC, self._small.compress(plain)
        else:
            packing, number, packed = Packing.ZSTD, 0, self._large.compress(plain)
        return (packing, number, packed) if len(packed) < len(plain) else (Packing.RAW, 0, plain)

    def unpack(self, packing: int, number: int, packed: bytes, plain: int) -> bytes:
        """The piece, `plain` bytes long. Raises Tampered if it is not, or if the dictionary is unknown."""
        if packing == Packing.RAW and number == 0:
            data = packed
        elif (packing, number) in ((Packing.ZSTD, 0), (Packing.ZSTD_DICTIONARY, GENERIC)):
            unpacker = self._unpack_small if number else self._unpack_large
            try:
                data = unpacker.decompress(packed, max_output_size=plain)
            except zstandard.ZstdError as error:
                raise Tampered("a record does not unpack", "run `replicator verify --read-data`") from error
        else:
            raise Tampered("a record is packed in a way that this program does not know", "use a newer version")
        if len(data) != plain:
            raise Tampered("a record unpacks to another length", "run `replicator verify --read-data`")
        return data

    def _is_packed_already(self, plain: bytes) -> bool:
        # Most attachments are compressed files: a sample of the middle says so at a fraction of the price.
        if len(plain) < PROBE_FROM:
            return False
        middle = plain[len(plain) // 2 : len(plain) // 2 + PROBE]
        return len(self._large.compress(middle)) > len(middle) * 0.97


@cache
def _generic() -> zstandard.ZstdCompressionDict:
    data = files("replicator.mailstore.blobs").joinpath("generic.zdict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(data)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary
