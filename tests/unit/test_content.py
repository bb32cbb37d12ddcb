"""Keeping content: what is shared, what is not, what is written when, and how much memory it takes."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import StaleLease, StoreError, Tampered
from replicator.mailstore.catalog import Mark
from replicator.mailstore.draft import HEAD_MAX
from tests.vault import Vault, encoded, mail

DATA = random.Random(1).randbytes(20_000)
OTHER = random.Random(2).randbytes(20_000)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def test_an_attachment_is_stored_once_whatever_its_layout_and_mailbox(vault: Vault) -> None:
    first = vault.keep(mail(encoded(DATA)), mail(encoded(DATA, 60, b"\n"), encoded(DATA)))
    held = vault.catalog.totals()
    (again,) = vault.keep(mail(encoded(DATA, 72)), name="bob@corp.example")
    assert held.blobs == 3
    assert vault.catalog.totals().blobs == 4
    assert {one.shared for one in [*first, again]} == {first[0].shared}
    assert first[0].shared[0][1] > len(DATA) > 10 * first[0].sealed
    assert vault.reader("bob@corp.example").whole(again.content) == mail(encoded(DATA, 72))


def test_text_is_never_shared(vault: Vault) -> None:
    one, two = vault.keep(b"Subject: x\n\nthe same", b"Subject: x\n\nthe same")
    assert one.content.pieces != two.content.pieces
    assert one.content.recipe == two.content.recipe
    assert vault.catalog.totals().blobs == 2


def test_small_attachments_stay_in_the_text(vault: Vault) -> None:
    small, large = vault.keep(mail(encoded(DATA[:4095])), mail(encoded(DATA[:4096])))
    assert (len(small.shared), len(large.shared)) == (0, 1)


def test_after_the_first_line_that_does_not_fit_the_rest_stays_as_it_is(vault: Vault) -> None:
    """Even where later lines would fit again: that a body is one stretch keeps its recipe short, whatever it is."""
    body = encoded(random.Random(4).randbytes(9_000_000))
    at = 78 * 20_000
    message = mail(body[:at] + b"!" * 76 + b"\r\n" + body[at + 78 :])
    (kept,) = vault.keep(message)
    assert len(kept.shared) == 1
    assert kept.content.recipe.count(b"\x99\x01") == 1
    assert vault.reader().whole(kept.content) == message


def test_another_mailbox_cannot_read_it(vault: Vault) -> None:
    (kept,) = vault.keep(mail(encoded(DATA)))
    with pytest.raises(Tampered, match="wrapped key"):
        vault.reader("bob@corp.example").whole(kept.content)


def test_each_field_of_a_content_is_checked(vault: Vault) -> None:
    one, two = (kept.content for kept in vault.keep(mail(encoded(DATA)), mail(encoded(OTHER))))
    reader = vault.reader()
    for changed in (
        replace(one, sha256=two.sha256),
        replace(one, size=one.size + 1),
        replace(one, recipe=one.recipe[:-1]),
        replace(one, recipe=b""),
        replace(one, pieces=two.pieces),
        replace(one, pieces=one.pieces[:-64]),
        replace(one, pieces=one.pieces[:-1]),
        replace(one, pieces=one.pieces[64:] + one.pieces[:64]),
        replace(one, pieces=bytes(16) + one.pieces[16:]),
    ):
        with pytest.raises(Tampered):
            reader.whole(changed)


def test_a_message_cut_short_with_a_matching_recipe_and_hash_is_refused(vault: Vault) -> None:
    (kept,) = vault.keep(b"a message of some length")
    short = replace(kept.content, sha256=hashlib.sha256(b"a message").digest(), size=9, recipe=b"\x01\x01\x12")
    with pytest.raises(Tampered, match="longer"):
        vault.reader().whole(short)


def test_heads_end_with_the_header_block(vault: Vault) -> None:
    long = b"X: " + b"y" * HEAD_MAX
    messages = [
        b"",
        b"A: b",
        b"A: b\r\n\r\nc",
        b"A: b\nC: d\n\ne\r\n\r\n",
        b"\nbody\n\n",
        long,
        b"A: b\r\n\r\n" + DATA * 5,
    ]
    heads = [kept.head for kept in vault.keep(*messages)]
    assert heads == [b"", b"A: b", b"A: b\r\n", b"A: b\nC: d\n", b"", long[:HEAD_MAX], b"A: b\r\n"]


def test_nothing_new_writes_nothing(vault: Vault) -> None:
    writer = vault.writer()
    before = vault.catalog.path.with_name("catalog.db-wal").stat().st_size
    writer.sync()
    writer.sync(None)
    assert vault.catalog.path.with_name("catalog.db-wal").stat().st_size == before
    assert vault.segment_files() == []
    writer.sync(Mark(vault.keys().id, 1, bytes(32)))
    assert vault.catalog.mark(vault.keys().id) == Mark(vault.keys().id, 1, bytes(32))
    writer.close()


def test_a_found_attachment_is_stamped_with_the_epoch_of_its_use(vault: Vault) -> None:
    vault.keep(mail(encoded(DATA)))
    vault.keep(mail(encoded(DATA)))
    rows = vault.catalog._connection.execute("SELECT epoch FROM blob WHERE plain = ?", (len(DATA),)).fetchall()
    assert rows == [(2,)]


def test_a_writer_that_lost_its_lease_records_nothing(vault: Vault) -> None:
    writer = vault.writer()
    writer.put((b"a",))
    vault.catalog.lease(vault.keys().id)
    with pytest.raises(StaleLease):
        writer.sync()
    assert vault.catalog.totals().blobs == 0
    with pytest.raises(StoreError):
        writer.put((b"b",))
    (kept,) = vault.keep(b"c")
    assert vault.reader().whole(kept.content) == b"c"


def test_an_attachment_that_is_collected_before_its_use_is_recorded_is_noticed(vault: Vault) -> None:
    vault.keep(mail(encoded(DATA)))
    writer = vault.writer()
    kept = writer.put((mail(encoded(DATA)),))
    vault.catalog._connection.execute("DELETE FROM blob WHERE id = ?", (kept.shared[0][0],))
    vault.catalog._connection.commit()
    with pytest.raises(StaleLease, match="collected"):
        writer.sync()


def test_large_messages_are_checked_at_the_end(vault: Vault) -> None:
    message = b"Subject: large\n\n" + b"0123456789" * 2_000_000
    (kept,) = vault.keep(message)
    reading = vault.reader().read(replace(kept.content, sha256=bytes(32)))
    assert next(reading) == message[: 4 << 20]
    with pytest.raises(Tampered, match="SHA-256"):
        list(reading)


def test_segments_are_sealed_when_they_are_full(vault: Vault) -> None:
    message = random.Random(3).randbytes(30 << 20)
    kept = vault.keep(message, message, message, b"small")
    assert [segment.sealed for segment in vault.catalog.segments()] == [True, False]
    (after,) = vault.keep(b"after")
    assert len(vault.segment_files()) == 2
    assert vault.reader().whole(kept[2].content) == message
    assert vault.reader().whole(after.content) == b"after"


LARGE = """
import hashlib, random, resource, sys
from pathlib import Path
from tests.vault import Vault, encoded, mail
SIZE = 57 * 2_000_000
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
def message():
    yield b"Content-Type: multipart/mixed; boundary=b\\r\\n\\r\\n--b\\r\\nContent-Transfer-Encoding: base64\\r\\n\\r\\n"
    rng = random.Random(1)
    for _ in range(SIZE // 57_000):
        yield encoded(rng.randbytes(57_000))
    yield b"\\r\\n--b--\\r\\n"
vault = Vault(Path(sys.argv[1]))
writer, reader = vault.writer(), vault.reader()
writer.put((mail(encoded(bytes(9000))),)); writer.sync()
before = peak()
kept = writer.put(message()); writer.sync()
digest = hashlib.sha256()
for chunk in reader.read(kept.content): digest.update(chunk)
assert digest.digest() == kept.content.sha256
print(kept.content.size, len(kept.shared), peak() - before)
"""


def test_a_message_of_150_megabytes_takes_little_memory(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LARGE, tmp_path], capture_output=True, text=True, check=True)
    size, pieces, kilobytes = map(int, done.stdout.split())
    assert size > 150_000_000
    assert pieces > 20
    assert kilobytes < 80_000


def test_chunks_of_any_size_are_kept_alike(vault: Vault) -> None:
    message = mail(encoded(DATA * 60), encoded(OTHER))

    def chunks(size: int) -> Iterator[bytes]:
        return (message[i : i + size] for i in range(0, len(message), size))

    writer = vault.writer()
    kept = [writer.put(chunks(size)) for size in (100, 4096, 1 << 20, 1 << 30)]
    writer.sync()
    assert {(one.content.recipe, one.content.sha256, one.head, one.shared) for one in kept} == {
        (kept[0].content.recipe, hashlib.sha256(message).digest(), kept[0].head, kept[0].shared)
    }
    assert all(vault.reader().whole(one.content) == message for one in kept)
