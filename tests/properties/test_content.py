"""Any bytes come back exactly; and what is decoded is what an independent rule says."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.errors import Tampered
from replicator.mailstore.layout import Lines
from replicator.mailstore.recipe import Join, Recipe
from replicator.mailstore.splitting import SHARED_MIN, Attachment, split
from tests.vault import Vault, encoded, mail

ENDS = st.sampled_from([b"\n", b"\r\n"])
WIDTHS = st.sampled_from([4, 8, 60, 64, 72, 76, 80, 996, 75, 77, 100_000])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Base64 of about the size where sharing starts, often damaged."""
    size = draw(st.one_of(st.integers(4080, 4110), st.integers(0, 20_000)))
    data = bytearray(encoded(random.Random(size).randbytes(size), draw(WIDTHS), draw(ENDS)))
    for _ in range(draw(st.integers(0, 2))):
        junk = draw(
            st.sampled_from([b"", b"=", b"\n", b"\r\n", b"\r", b" ", b"QUJD\n", b"\x00", b"--b\n", b"QR==\r\n", b"-"])
        )
        at = draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))
        data[at : at + draw(st.integers(0, 3))] = junk
    return bytes(data)


messages = st.lists(bodies(), max_size=3).map(lambda some: mail(*some))


def literal(message: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(cut % (len(message) + 1) for cut in cuts), len(message)]
    parts = split(message[a:b] for a, b in pairwise(edges))
    return b"".join(part.lines.encode(part.plain) if isinstance(part, Attachment) else part for part in parts)


@given(messages, st.lists(st.integers(0, 100_000), max_size=8))
def test_splitting_loses_nothing(message: bytes, cuts: list[int]) -> None:
    assert literal(message, cuts) == message


@given(st.binary(min_size=1, max_size=400), WIDTHS.filter(lambda width: width % 4 == 0), st.booleans())
def test_layout_comes_back(data: bytes, width: int, crlf: bool) -> None:
    lines = Lines(width, crlf)
    text = lines.encode(data)
    assert len(text) == lines.encoded(len(data))
    assert lines.decode(text) == data
    assert lines.prefix(text) == len(text)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_changed_character_never_decodes_to_something_else(data: bytes, draw: st.DataObject) -> None:
    lines = Lines(8, crlf=True)
    text = bytearray(lines.encode(data))
    text[draw.draw(st.integers(0, len(text) - 1))] = draw.draw(st.integers(0, 255))
    plain = lines.decode(bytes(text))
    assert plain is None or lines.encode(plain) == text


@given(
    st.integers(0, 3), st.sampled_from([60, 64, 72, 76, 80]), ENDS, st.sampled_from([b"", b"\n", b"\r\n\r\n", b"junk"])
)
def test_whole_attachments_are_found_and_alike_for_every_layout(odd: int, width: int, end: bytes, tail: bytes) -> None:
    data = random.Random(7).randbytes(SHARED_MIN + odd)
    found = [part for part in split([mail(encoded(data, width, end) + tail)]) if isinstance(part, Attachment)]
    assert [part.plain for part in found] == [data]


@given(st.binary(min_size=13, max_size=100), st.booleans(), st.data())
def test_a_moved_line_end_never_decodes_to_something_else(data: bytes, crlf: bool, draw: st.DataObject) -> None:
    lines = Lines(8, crlf)
    text = lines.encode(data)
    ends = [at for at, byte in enumerate(text[:-2]) if byte == 0x0A]
    at = draw.draw(st.sampled_from(ends)) + 1 - len(lines.end)
    without = text[:at] + text[at + len(lines.end) :]
    to = draw.draw(st.integers(0, len(without) - 3))
    moved = without[:to] + lines.end + without[to:]
    assert lines.decode(moved) == (data if moved == text else None)


joins = st.one_of(
    st.builds(Join, st.integers(1, 1 << 40)),
    st.builds(Join, st.integers(1, 5000), st.builds(Lines, st.integers(1, 300).map(lambda n: n * 4), st.booleans())),
)


@given(st.lists(joins, max_size=12))
def test_recipes_come_back(ops: list[Join]) -> None:
    skeleton = int(any(op.lines is None for op in ops))
    recipe = Recipe(skeleton, tuple(ops))
    pieces = skeleton + sum(op.lines is not None for op in ops)
    assert Recipe.parse(recipe.to_bytes(), sum(op.length for op in ops), pieces) == recipe


@given(st.binary(max_size=40), st.integers(0, 1 << 33), st.integers(0, 10))
@example(b"\x80\x00", 0, 0)
@example(b"\x00\x80", 0, 0)
@example(b"\x00", 0, 0)
@example(b"", 0, 0)
def test_hostile_recipes_are_refused_or_sound(data: bytes, size: int, pieces: int) -> None:
    try:
        recipe = Recipe.parse(b"\x01" + data, size, pieces)
    except Tampered:
        return
    assert recipe.to_bytes() == b"\x01" + data
    assert sum(join.length for join in recipe.joins) == size


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=st.lists(st.one_of(st.binary(max_size=3000), messages), max_size=4))
def test_what_is_kept_is_what_was_put(vault: Vault, some: list[bytes]) -> None:
    kept = vault.keep(*some)
    reader = vault.reader()
    assert [reader.whole(one.content) for one in kept] == some
