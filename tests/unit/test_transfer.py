"""Transfer encodings are undone, whatever the bytes and however they were cut."""

import base64
import quopri
import random
from collections.abc import Callable, Iterable

import pytest

from reconcile.canonical.transfer import decoder
from tests.linear import assert_linear


def undone(encoding: bytes, *pieces: bytes, is_text: bool = False) -> bytes:
    undoing = decoder(encoding, is_text=is_text)
    return b"".join([*map(undoing.feed, pieces), undoing.close()])


@pytest.mark.parametrize(
    ("encoded", "plain"),
    [
        (b"QUJD", b"ABC"),
        (b"QUJD\r\nREVG\r\n", b"ABCDEF"),
        (b"QUI=", b"AB"),
        (b"QUI", b"AB"),  # padding lost
        (b"QQ", b"A"),
        (b"QUJDR", b"ABC"),  # half a byte is none
        (b"QQ==\r\nQg==", b"AB"),  # two values, one after the other
        (b"QUI=QUI=", b"ABAB"),
        (b"Q U-J_D!\xff\x00", b"ABC"),
        (b"QUJD=", b"ABC"),
        (b"QUJD====", b"ABC"),
        (b"=QUJD", b"ABC"),
        (b"", b""),
        (b"=", b""),
        (b"====", b""),
        (b"Q", b""),
    ],
)
def test_base64(encoded: bytes, plain: bytes) -> None:
    assert undone(b"base64", encoded) == plain
    assert undone(b"base64", *single(encoded)) == plain


@pytest.mark.parametrize(
    ("encoded", "plain"),
    [
        (b"a=3Db", b"a=b"),
        (b"=e4=E4", b"\xe4\xe4"),  # small letters too
        (b"a=\r\nb", b"ab"),
        (b"a=\nb", b"ab"),
        (b"a\nb\r\n\r\nc", b"a\r\nb\r\n\r\nc"),
        (b"a=0Ab", b"a\nb"),
        (b"a_b", b"a_b"),
        (b"100=", b"100"),  # cut off
        (b"a=XYb", b"a=XYb"),
        (b"a=4", b"a=4"),
    ],
)
def test_quoted_printable_of_a_file(encoded: bytes, plain: bytes) -> None:
    assert undone(b"quoted-printable", encoded) == plain
    assert undone(b"quoted-printable", *single(encoded)) == plain


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b"a\nb\n", b"a\r\nb"),  # the last line end belongs to the boundary
        (b"a\r\nb\r\n", b"a\r\nb"),
        (b"a\n\n", b"a\r\n"),
        (b"a\rb", b"a\rb"),
        (b"a\r", b"a\r"),
        (b"a\r\r\n", b"a\r"),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("encoding", [b"", b"7bit", b"8bit", b"binary", b"x-unknown"])
def test_a_file_that_is_not_encoded(encoding: bytes, body: bytes, plain: bytes) -> None:
    assert undone(encoding, body) == plain
    assert undone(encoding, *single(body)) == plain


def test_a_text_that_is_not_encoded_is_left_alone() -> None:
    assert undone(b"7bit", b"a\nb\r\n", is_text=True) == b"a\nb\r\n"


@pytest.mark.parametrize(
    ("encoding", "encode"), [(b"base64", base64.encodebytes), (b"quoted-printable", quopri.encodestring)]
)
def test_what_was_encoded_comes_back(encoding: bytes, encode: Callable[[bytes], bytes]) -> None:
    rng = random.Random(7)
    for _ in range(300):
        data = rng.randbytes(rng.randrange(300)).replace(b"\n", b"").replace(b"\r", b"")
        assert undone(encoding, *cut(encode(data), rng)) == data


ALPHABETS = {b"base64": b"QUJDA=\r\n -x/+=\xff", b"quoted-printable": b"=A3\r\n \tz_=", b"7bit": b"a\r\n"}


@pytest.mark.parametrize("is_text", [True, False])
@pytest.mark.parametrize("encoding", ALPHABETS)
def test_how_it_was_cut_makes_no_difference(encoding: bytes, is_text: bool) -> None:
    rng = random.Random(encoding)
    for _ in range(5000):
        data = bytes(rng.choices(ALPHABETS[encoding], k=rng.randrange(14)))
        whole = undone(encoding, data, is_text=is_text)
        assert undone(encoding, *cut(data, rng), is_text=is_text) == whole, data
        assert undone(encoding, *single(data), is_text=is_text) == whole, data


def test_how_a_line_without_end_was_cut_makes_no_difference() -> None:
    rng = random.Random(3)
    data = bytes(rng.choices(b"=A3z ", k=300_000))
    whole = undone(b"quoted-printable", data)
    pieces = [data[at : at + 9_973] for at in range(0, len(data), 9_973)]
    assert undone(b"quoted-printable", *pieces) == whole


@pytest.mark.parametrize("encoding", ALPHABETS)
@pytest.mark.parametrize("unit", [b"=", b"Q=", b"Q", b"\r", b"\n", b" ", b"=\r\n", b"=\r", b"\xff", b"= \t"])
def test_hostile_repetition_takes_linear_time(encoding: bytes, unit: bytes) -> None:
    def in_pieces(data: bytes) -> bytes:
        return undone(encoding, *(data[at : at + 4096] for at in range(0, len(data), 4096)))

    assert_linear(in_pieces, unit)


def single(data: bytes) -> Iterable[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    at = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(5)))
    return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]
