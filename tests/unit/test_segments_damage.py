"""Segments under damage: reported by the scrub, never served as mail."""

import errno
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import StoreError, Tampered
from replicator.mailstore.blobs import Segments
from replicator.mailstore.catalog import Blob, Place
from replicator.mailstore.content import Content
from tests.vault import Vault, encoded, mail, unfinished


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def test_every_flipped_byte_of_a_segment_is_reported_and_not_served(vault: Vault) -> None:
    messages = [b"one", mail(encoded(random.Random(2).randbytes(5000))), b"two"]
    kept = vault.keep(*messages)
    (path,) = vault.segment_files()
    good = path.read_bytes()
    assert vault.problems() == []
    rng = random.Random(3)
    offsets = [*range(60), *rng.sample(range(60, len(good)), 150), len(good) - 1]
    for offset in offsets:
        path.write_bytes(good[:offset] + bytes([good[offset] ^ 1 << rng.randrange(8)]) + good[offset + 1 :])
        vault.segments.close()
        assert vault.problems(), offset
        wrong = [_outcome(vault, one.content, message) for one, message in zip(kept, messages, strict=True)]
        assert wrong.count("refused") >= 1, offset
        assert "served wrong" not in wrong
    path.write_bytes(good)


def _outcome(vault: Vault, content: Content, message: bytes) -> str:
    try:
        return "ok" if vault.reader().whole(content) == message else "served wrong"
    except Tampered:
        return "refused"


def test_a_truncated_segment_is_reported_and_never_written_to_again(vault: Vault) -> None:
    (one, two) = vault.keep(b"one" * 500, b"two" * 500)
    (path,) = vault.segment_files()
    size = path.stat().st_size - 1
    os.truncate(path, size)
    assert any("before its committed end" in problem for problem in vault.problems())
    assert vault.reader().whole(one.content) == b"one" * 500
    with pytest.raises(Tampered, match="shorter"):
        vault.reader().whole(two.content)
    (three,) = vault.keep(b"three")
    vault.segments.close()
    assert vault.reader().whole(three.content) == b"three"
    assert len(vault.segment_files()) == 2
    assert path.stat().st_size == size
    assert any("before its committed end" in problem for problem in vault.problems())


def test_segments_that_are_gone_or_others_stop_no_writer(vault: Vault) -> None:
    vault.keep(b"one")
    (path,) = vault.segment_files()
    path.unlink()
    vault.keep(b"two")
    (path,) = vault.segment_files()
    path.write_bytes(b"x" * path.stat().st_size)
    vault.segments.close()
    (three,) = vault.keep(b"three")
    assert vault.reader().whole(three.content) == b"three"
    assert [row.sealed for row in vault.catalog.segments()] == [True, True, False]
    assert len([problem for problem in vault.problems() if problem.startswith("segment")]) == 2


class BadSectors:
    """`os.pread` on a disk that does not give some of its bytes."""

    def __init__(self, start: int, end: int) -> None:
        self._start, self._end = start, end
        self._read = os.pread

    def __call__(self, descriptor: int, size: int, offset: int) -> bytes:
        if offset < self._end and offset + size > self._start:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._read(descriptor, size, offset)


def test_bytes_that_the_disk_does_not_give_are_reported_and_the_scrub_goes_on(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(4)
    kept = vault.keep(*(rng.randbytes(3000) for _ in range(40)))
    places = [vault.catalog.find([one.content.pieces[:16]])[one.content.pieces[:16]] for one in kept]
    hit = places[20]
    monkeypatch.setattr(os, "pread", BadSectors(hit.offset + 100, hit.offset + 200))
    found = vault.problems()
    assert sum("cannot be read" in problem for problem in found) == 1
    lost = [number for number, one in enumerate(kept) if _outcome_or_error(vault, one.content) == "unreadable"]
    assert lost == [20]
    assert any(problem.startswith(f"blob {kept[20].content.pieces[:16].hex()}") for problem in found)


def test_a_segment_that_cannot_be_read_at_all_is_reported(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.keep(b"one")
    (path,) = vault.segment_files()
    vault.segments.close()
    monkeypatch.setattr(os, "pread", BadSectors(0, 1 << 30))
    assert f"segment {path.stem}: segment {path.stem} cannot be read: Input/output error" in vault.problems()


def test_a_tail_that_cannot_be_read_is_not_cut(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.keep(b"one")
    (path,) = vault.segment_files()
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(unfinished(b"late" * 100))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", BadSectors(size + 50, size + 60))
        vault.keep(b"two")
    assert len(vault.segment_files()) == 2
    assert path.stat().st_size > size


def _outcome_or_error(vault: Vault, content: Content) -> str:
    try:
        vault.reader().whole(content)
    except StoreError as error:
        return "unreadable" if "cannot be read" in error.message else "refused"
    return "ok"


def test_missing_unknown_and_exchanged_segments_are_reported(vault: Vault) -> None:
    writers = [vault.writer(name) for name in ("a", "b")]
    for writer in writers:
        writer.put((b"x" * 900,))
        writer.sync()
    for writer in writers:
        writer.close()
    one, two = vault.segment_files()
    one_bytes, two_bytes = one.read_bytes(), two.read_bytes()
    one.write_bytes(two_bytes)
    two.write_bytes(one_bytes)
    assert sum("does not start as it should" in problem for problem in vault.problems()) == 2
    one.write_bytes(one_bytes)
    two.unlink()
    (vault.root / "seg" / ("ab" * 16 + ".seg")).write_bytes(one_bytes)
    vault.segments.close()
    found = vault.problems()
    assert f"segment {two.stem}: segment {two.stem} is missing" in found
    assert f"segment {'ab' * 16}: the catalog does not list it" in found


def test_swapped_and_replayed_records_are_not_served(vault: Vault) -> None:
    one, two = vault.keep(b"1" * 400, b"2" * 400)
    places = vault.catalog.find([one.content.pieces[:16], two.content.pieces[:16]])
    a, b = places[one.content.pieces[:16]], places[two.content.pieces[:16]]
    assert a.length == b.length
    (path,) = vault.segment_files()
    data = bytearray(path.read_bytes())
    first, second = data[a.offset : a.offset + a.length], data[b.offset : b.offset + b.length]
    data[a.offset : a.offset + a.length], data[b.offset : b.offset + b.length] = second, first
    path.write_bytes(data)
    assert [_outcome(vault, one.content, b"1" * 400), _outcome(vault, two.content, b"2" * 400)] == ["refused"] * 2
    assert any(problem.startswith("blob") for problem in vault.problems())
    data[a.offset : a.offset + a.length], data[b.offset : b.offset + b.length] = first, first
    path.write_bytes(data)
    assert [_outcome(vault, one.content, b"1" * 400), _outcome(vault, two.content, b"2" * 400)] == ["ok", "refused"]
    assert [problem for problem in vault.problems() if two.content.pieces[:16].hex() in problem]


def test_a_scrub_goes_on_after_damage(vault: Vault) -> None:
    vault.keep(*(b"%d" % number * 300 for number in range(30)))
    (path,) = vault.segment_files()
    data = bytearray(path.read_bytes())
    data[200:900] = bytes(696) + b"\xe5MBR"  # what looks like the start of a record does not lead astray
    path.write_bytes(data)
    found = vault.problems()
    assert sum("bytes are damaged" in problem for problem in found) == 1
    hit = [blob.place for blob in vault.catalog.blobs() if _overlaps(blob.place, 200, 900)]
    assert sum(problem.startswith("blob") for problem in found) == len(hit) > 1
    assert f"{sum(place.length for place in hit)} bytes are damaged" in found[0]


def _overlaps(place: Place, start: int, end: int) -> bool:
    return place.offset < end and place.offset + place.length > start


def test_bytes_after_the_end_of_a_sealed_segment_are_reported(vault: Vault) -> None:
    vault.keep(b"a")
    (row,) = vault.catalog.segments()
    vault.catalog.restore(replace(row, sealed=True), [])
    assert vault.problems() == []
    with vault.segments.path(row.name).open("ab") as file:
        file.write(b"more")
    assert vault.problems() == [f"segment {row.name}: 4 bytes follow its end"]


def test_a_row_without_a_record_is_reported(vault: Vault) -> None:
    vault.keep(b"a")
    (row,) = vault.catalog.segments()
    ghost = Blob(b"g" * 16, Place(row.name, 40, 50, 10))
    vault.catalog.restore(row, [(ghost, 1)])
    assert vault.problems() == [f"blob {ghost.id.hex()}: its record in segment {row.name} is missing or damaged"]


def test_reading_keeps_few_files_open(vault: Vault, tmp_path: Path) -> None:
    writers = [vault.writer(str(number)) for number in range(20)]
    kept = [writer.put((b"x",)) for writer in writers]
    for writer in writers:
        writer.sync()
        writer.close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert [vault.reader(str(number)).whole(one.content) for number, one in enumerate(kept)] == [b"x"] * 20
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 16
    vault.segments.close()


def test_a_place_that_cannot_be_is_refused(vault: Vault) -> None:
    (kept,) = vault.keep(b"a")
    place = vault.catalog.find([kept.content.pieces[:16]])[kept.content.pieces[:16]]
    for wrong in (
        replace(place, segment="../../etc/passwd"),
        replace(place, segment="ab" * 16),
        replace(place, length=1 << 20),
    ):
        with pytest.raises(Tampered):
            Segments(vault.root / "seg").read(wrong)
