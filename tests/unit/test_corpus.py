"""The corpora are the same for the same seed, shaped as they say, and made one message at a time."""

import base64
import hashlib
import itertools
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random

import pytest

from bench.attachments import POOL, AttachmentPool, base64_lines
from bench.corpus import Mail, fill, mixed, tiny
from fixtures.servers.dovecot import Dovecot
from fixtures.ugly import huge, mails
from fixtures.ugly.making import KINDS
from fixtures.ugly.names import CONTROLS, folder_paths
from fixtures.witness import decode, encode, read_all, written


def digest(chunks: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(hashlib.sha256(chunk).digest())
    return total.hexdigest()


@pytest.mark.parametrize("make", [mixed, tiny])
def test_a_seed_gives_one_corpus(make: Callable[[int, int], Iterator[Mail]]) -> None:
    first = [(mail.folder, mail.flags, mail.arrived_at, digest([mail.raw])) for mail in make(7, 120)]
    assert first == [(mail.folder, mail.flags, mail.arrived_at, digest([mail.raw])) for mail in make(7, 120)]
    assert first != [(mail.folder, mail.flags, mail.arrived_at, digest([mail.raw])) for mail in make(8, 120)]


def test_mixed_mail_has_everyday_sizes() -> None:
    sizes = sorted(len(mail.raw) for mail in mixed(1, 2000))
    assert 40_000 < statistics.mean(sizes) < 120_000
    assert 5_000 < sizes[1000] < 20_000
    assert 50_000 < sizes[1800] < 200_000
    assert sizes[-1] < 40_000_000


def test_tiny_mail_is_tiny() -> None:
    sizes = [len(mail.raw) for mail in tiny(1, 2000)]
    assert 1_400 < statistics.mean(sizes) < 1_900
    assert max(sizes) < 4_000


def test_mixed_mail_has_its_kinds() -> None:
    made = list(mixed(2, 1000))
    bodies = b"".join(mail.raw for mail in made)
    charsets = set(re.findall(rb"text/plain; charset=([a-z0-9-]+)", bodies))
    assert charsets == {b"us-ascii", b"utf-8", b"iso-8859-1", b"windows-1252", b"koi8-r", b"iso-2022-jp", b"gb18030"}
    assert 0.1 < sum(b"Content-Disposition: attachment" in mail.raw for mail in made) / 1000 < 0.22
    assert 10 < 1000 - len({mail.raw for mail in made}) < 60
    assert len({mail.folder for mail in made}) > 50


def test_a_third_of_the_attachments_comes_from_the_pool() -> None:
    rng = Random(1)
    pool = AttachmentPool(rng)
    seen = Counter(pool.draw(rng).name for _ in range(300))
    again = sum(count for count in seen.values() if count > 1)
    assert 50 < again < 150
    assert len([name for name, count in seen.items() if count > 1]) <= POOL


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 1000])
def test_base64_is_cut_as_usual(size: int) -> None:
    assert base64_lines(bytes(size)) == (base64.encodebytes(bytes(size)) or b"\n")


def test_a_corpus_without_end_begins_at_once() -> None:
    assert len(list(itertools.islice(mixed(1, 10**9), 3))) == 3


def test_dovecot_serves_what_was_filled_in() -> None:
    made = list(mixed(3, 150))
    with Dovecot() as server:
        totals = fill(server, "alice", iter(made))
        with server.client("alice") as client:
            found = list(read_all(client))
    assert (totals.messages, totals.bytes) == (150, sum(len(mail.raw) for mail in made))
    expected = ((written(mail.folder, "/"), re.sub(rb"\r?\n", b"\r\n", mail.raw)) for mail in made)
    assert Counter((one.folder, one.sha256) for one in found) == Counter(
        (folder, hashlib.sha256(raw).hexdigest()) for folder, raw in expected
    )


def test_a_seed_gives_one_set_of_ugly_mail_of_every_kind() -> None:
    count = 2 * len(KINDS)
    first = list(mails(5, count))
    assert first == list(mails(5, count))
    assert {mail.kind for mail in first} == set(KINDS)
    assert len(KINDS) >= 70
    assert len({mail.raw for mail in first if mail.kind not in ("empty", "one_byte", "dots")}) > count * 0.85


def test_a_huge_message_comes_in_small_chunks() -> None:
    sizes = [len(chunk) for chunk in huge(1, 20_000_000)]
    assert max(sizes) < 1_000_000
    assert 19_000_000 < sum(sizes) < 21_000_000
    assert digest(huge(1, 3_000_000)) == digest(huge(1, 3_000_000))


@pytest.mark.parametrize("separator", ["/", "."])
def test_folder_names_survive_the_wire(separator: str) -> None:
    """The reader's own encoding, against the standard's examples and against itself."""
    assert decode(b"~peter/mail/&U,BTFw-/&ZeVnLIqe-") == "~peter/mail/台北/日本語"  # RFC 3501 5.1.3
    names = [*(separator.join(path) for path in folder_paths(1, 80, separator)), *CONTROLS]
    assert [decode(encode(name)) for name in names] == names
    assert len({written(name, separator) for name in names}) == len(names)
