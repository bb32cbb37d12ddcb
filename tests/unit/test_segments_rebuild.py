"""A lost catalog comes back from the segments."""

import random
from pathlib import Path

import pytest

from replicator.mailstore.blobs.rebuilding import EPOCH_GAP, rebuild
from replicator.mailstore.catalog import Segment, SqliteCatalog
from tests.vault import Vault, encoded, mail, numbered, unfinished


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def rebuilt(vault: Vault, name: str = "again.db") -> tuple[SqliteCatalog, list[str]]:
    catalog = SqliteCatalog(vault.root / name, vault.keyring.catalog_key, create=True)
    return catalog, [f"{problem.where}: {problem.what}" for problem in rebuild(catalog, vault.segments)]


def test_a_lost_catalog_comes_back_from_the_segments(vault: Vault) -> None:
    messages = [numbered(5, number) for number in range(200)]
    kept = vault.keep(*messages)
    epoch = vault.catalog.lease("x")
    catalog, found = rebuilt(vault)
    assert found == []
    assert list(catalog.blobs()) == list(vault.catalog.blobs())
    assert catalog.segments() == vault.catalog.segments()
    assert catalog.lease("x") > EPOCH_GAP > epoch
    vault.catalog = catalog
    assert [vault.reader().whole(one.content) for one in kept] == messages
    vault.keep(b"and on it goes")
    assert vault.problems() == []


def test_a_rebuild_cuts_an_unfinished_tail_and_keeps_its_hands_off_damage(vault: Vault) -> None:
    kept = vault.keep(*(b"%03d" % number * 100 for number in range(20)))
    (path,) = vault.segment_files()
    good = path.read_bytes()
    path.write_bytes(good + unfinished(b"torn")[:90])
    catalog, found = rebuilt(vault)
    assert found == [f"segment {path.stem} at {len(good)}: 90 bytes are an unfinished record"]
    assert catalog.segments() == [Segment(path.stem, len(good))]
    place = vault.catalog.find([kept[7].content.pieces[:16]])[kept[7].content.pieces[:16]]
    data = bytearray(good)
    data[place.offset + 80] ^= 4
    path.write_bytes(data)
    catalog, found = rebuilt(vault, "third.db")
    assert found == [f"segment {path.stem} at {place.offset}: {place.length} bytes are damaged"]
    assert catalog.segments() == [Segment(path.stem, len(good), sealed=True)]
    assert catalog.totals().blobs == 19


def test_of_two_records_of_one_blob_the_first_place_stays(vault: Vault) -> None:
    attachment = mail(encoded(random.Random(1).randbytes(9000)))
    writers = [vault.writer(name) for name in ("a", "b")]
    kept = [writer.put((attachment,)) for writer in writers]
    first = None
    for writer in writers:
        writer.sync()
        place = vault.catalog.find([kept[0].shared[0][0]])[kept[0].shared[0][0]]
        first = first or place
        assert place == first
        writer.close()
    assert [vault.reader(name).whole(one.content) for name, one in zip("ab", kept, strict=True)] == [attachment] * 2
    assert vault.problems() == []
