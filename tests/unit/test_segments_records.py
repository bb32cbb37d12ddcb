"""Records: whatever is changed in one, by accident or by someone without a key, is noticed."""

import random
import zlib
from importlib.resources import files

import pytest
import zstandard
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from connectors.errors import Tampered
from replicator.mailstore.blobs import Header
from replicator.mailstore.blobs.record import FRAME, TAG
from replicator.mailstore.sealing import Sealer

KEY, ID, SALT = bytes(range(32)), b"i" * 16, b"s" * 16


def sealed(plain: bytes) -> bytes:
    return b"".join(Sealer().seal(plain, ID, KEY, SALT, 7))


@pytest.mark.parametrize("size", [1, 100, FRAME, FRAME + 1, 3 * FRAME + 5, 4 << 20])
def test_records_come_back(size: int) -> None:
    for plain in (random.Random(size).randbytes(size), b"text " * (size // 5 + 1)):
        record = sealed(plain[: 4 << 20])
        header = Header.parse(record)
        assert header is not None
        assert header.record_length == len(record)
        assert header.epoch == 7
        assert Sealer().unseal(record, ID, KEY) == plain[: 4 << 20]


def test_every_flipped_bit_is_noticed() -> None:
    record = sealed(b"Subject: hello\r\n\r\nThe text of a message, long enough to be packed. " * 3)
    sealer = Sealer()
    for bit in range(len(record) * 8):
        changed = bytearray(record)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            sealer.unseal(bytes(changed), ID, KEY)


def test_no_changed_length_key_or_id_is_taken() -> None:
    record, sealer = sealed(b"a" * 100), Sealer()
    for cut in range(len(record)):
        with pytest.raises(Tampered):
            sealer.unseal(record[:cut], ID, KEY)
    for args in ((record + b"\0", ID, KEY), (record, b"j" * 16, KEY)):
        with pytest.raises(Tampered, match="not the one"):
            sealer.unseal(*args)
    with pytest.raises(Tampered, match="another key"):
        sealer.unseal(record, ID, bytes(32))


@pytest.mark.parametrize("size", [5, 2 * FRAME + 7])
def test_a_reader_written_from_the_format_alone_opens_a_record(size: int) -> None:
    plain = random.Random(size).randbytes(size)
    record = sealed(plain)
    head, body = record[:72], record[72:-4]
    assert head[:8] == b"\xe5MBR\x01\x00\x00\x00"
    assert [int.from_bytes(head[i:j], "big") for i, j in ((8, 12), (12, 16), (16, 24))] == [size, size, 7]
    assert (head[24:40], head[40:56]) == (ID, SALT)
    secret = HKDFExpand(hashes.SHA512(), 48, b"record1" + head[:56]).derive(KEY)
    assert head[56:] == secret[32:]
    assert record[-4:] == zlib.crc32(record[:-4]).to_bytes(4, "big")
    frames = [body[i : i + FRAME + TAG] for i in range(0, len(body), FRAME + TAG)]
    nonces = [bytes(7) + i.to_bytes(4, "big") + bytes([i == len(frames) - 1]) for i in range(len(frames))]
    opened = [AESGCM(secret[:32]).decrypt(nonce, frame, head) for nonce, frame in zip(nonces, frames, strict=True)]
    assert b"".join(opened) == plain


def test_the_shipped_dictionary_is_small_and_has_its_number() -> None:
    data = files("replicator.mailstore.blobs").joinpath("generic.zdict").read_bytes()
    assert len(data) <= 64 << 10
    assert zstandard.ZstdCompressionDict(data).dict_id() == 1


def test_frames_cannot_be_swapped_dropped_or_replaced_behind_a_good_checksum() -> None:
    """As someone would who can compute a CRC but has no key."""
    record = sealed(random.Random(1).randbytes(3 * FRAME))
    head, body = record[:72], record[72:-4]
    frames = [body[i : i + FRAME + TAG] for i in range(0, len(body), FRAME + TAG)]
    sealer = Sealer()
    for order in ([1, 0, 2], [0, 2, 1], [0, 0, 2], [2, 1, 0]):
        forged = head + b"".join(frames[i] for i in order)
        with pytest.raises(Tampered, match="changed"):
            sealer.unseal(forged + _crc(forged), ID, KEY)


def test_two_seals_of_one_plaintext_share_no_key() -> None:
    one, two = (b"".join(Sealer().seal(b"a" * 50, ID, KEY, salt, 7)) for salt in (b"s" * 16, b"t" * 16))
    assert one[56:] != two[56:]
    forged = two[:72] + one[72:-4]
    with pytest.raises(Tampered):
        Sealer().unseal(forged + _crc(forged), ID, KEY)


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")
