"""Sealing: a piece becomes a record under its content key, and a content key a wrap under its mailbox's key."""

import hmac
from itertools import pairwise

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from connectors.errors import Tampered
from replicator.mailstore.blobs.compression import Compressor
from replicator.mailstore.blobs.record import COMMITMENT, CRC, FRAME, HEADER, TAG, Header, checksum, frames, is_whole
from replicator.mailstore.keys.derivation import expand

VERIFY = "run `replicator verify --read-data`, and restore the segment from a backup"
WRAP = b"wrap1"


class Sealer:
    """Packs, seals and unseals pieces. One thread only."""

    def __init__(self) -> None:
        self._compressor = Compressor()

    def seal(self, plain: bytes, blob_id: bytes, key: bytes, salt: bytes, epoch: int) -> list[bytes]:
        """The record of a piece, in parts. `salt` is 16 random bytes, never used before with this key."""
        packing, dictionary, packed = self._compressor.pack(plain)
        head = Header(packing, dictionary, len(plain), len(packed), epoch, blob_id, salt).open_part()
        secret = expand(key, b"record1" + head, 48)
        head += secret[32:]
        cipher = AESGCM(secret[:32])
        if len(packed) <= FRAME:
            parts = [head, cipher.encrypt(_nonce(0, last=True), packed, head)]
        else:
            parts = [head, *self._frames(cipher, packed, head)]
        parts.append(checksum(parts))
        return parts

    def unseal(self, record: bytes, blob_id: bytes, key: bytes) -> bytes:
        """The piece. Raises Tampered if the record is not this blob's, or not as it was written."""
        header = Header.parse(record)
        if header is None or header.blob_id != blob_id or header.record_length != len(record):
            raise Tampered("a record is not the one that belongs there", VERIFY)
        secret = expand(key, b"record1" + record[: HEADER - COMMITMENT], 48)
        if not hmac.compare_digest(secret[32:], header.commitment):
            raise Tampered("a record is sealed under another key", VERIFY)
        packed = self._open_frames(AESGCM(secret[:32]), record)
        return self._compressor.unpack(header.packing, header.dictionary, packed, header.plain)

    @staticmethod
    def _frames(cipher: AESGCM, packed: bytes, head: bytes) -> list[bytes]:
        last = frames(len(packed)) - 1
        view = memoryview(packed)
        return [
            cipher.encrypt(_nonce(number, last=number == last), view[number * FRAME : (number + 1) * FRAME], head)
            for number in range(last + 1)
        ]

    @staticmethod
    def _open_frames(cipher: AESGCM, record: bytes) -> bytes:
        body, head = memoryview(record)[HEADER:-CRC], record[:HEADER]
        if not is_whole(record):
            raise Tampered("a record fails its checksum", VERIFY)
        edges = [*range(0, len(body), FRAME + TAG), len(body)]
        try:
            return b"".join(
                cipher.decrypt(_nonce(number, last=end == len(body)), body[start:end], head)
                for number, (start, end) in enumerate(pairwise(edges))
            )
        except InvalidTag as error:
            raise Tampered("a record was changed", VERIFY) from error


class Wraps:
    """The content keys of one mailbox, wrapped: AES-256-SIV, bound to the blob."""

    def __init__(self, key: bytes) -> None:
        self._siv = AESSIV(key)

    def wrap(self, blob_id: bytes, key: bytes) -> bytes:
        """48 bytes, the same every time."""
        return self._siv.encrypt(key, [WRAP, blob_id])

    def unwrap(self, blob_id: bytes, wrapped: bytes) -> bytes:
        """The content key. Raises Tampered."""
        try:
            return self._siv.decrypt(wrapped, [WRAP, blob_id])
        except (InvalidTag, ValueError) as error:
            raise Tampered("a wrapped key was changed, or belongs to another mailbox or blob", VERIFY) from error


def shared_id_and_key(content_key: bytes, plain: bytes) -> tuple[bytes, bytes]:
    """The id and the content key of a shared piece: they follow from its bytes and the mailstore's content key."""
    secret = hmac.digest(content_key, plain, "sha256")
    return expand(secret, b"shared id", 16), expand(secret, b"shared key", 32)


def _nonce(number: int, *, last: bool) -> bytes:
    """STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015): the frame's number and whether it is the last."""
    return bytes(7) + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")
