"""Keeping the exact bytes of messages and giving them back: split, share, seal, append; and the same in reverse.

docs/format.md, Content and Write ordering.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.body import header_block
from connectors.errors import ItemError, Tampered
from replicator.mailstore.blobs import Segments, SegmentWriter
from replicator.mailstore.blobs.record import PIECE_MAX
from replicator.mailstore.catalog import Batch, Blob, Catalog, Mark, Place
from replicator.mailstore.draft import Draft, Reading, chunked
from replicator.mailstore.keys import MailboxKeys, RandomBytes
from replicator.mailstore.recipe import Join, Recipe
from replicator.mailstore.sealing import VERIFY, Sealer, Wraps, shared_id_and_key
from replicator.mailstore.splitting import BASE64_MIN, Attachment, split

CHECKED_FIRST = 16 << 20
ID, PIECE_REF = 16, 64


@dataclass(frozen=True, slots=True)
class Content:
    """How the exact bytes of a message are kept. `pieces`: for each its blob id (16) and its wrapped key (48)."""

    sha256: bytes
    size: int
    recipe: bytes
    pieces: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was taken. It is not durable before `sync`.

    `head` is its leading header block, at most 64 KiB. `sealed` are the bytes on disk of its private pieces, `shared`
    the id and the bytes on disk of each piece that other messages may share.
    """

    content: Content
    head: bytes
    sealed: int
    shared: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class _Before:
    """How far everything was before the last message was put."""

    lengths: dict[str, int]
    blobs: int
    fresh: int
    found: int


class ContentWriter:
    """Takes messages of one mailbox, under one lease. One thread only.

    After any error all that was put since the last `sync` is void, and so is the writer.
    """

    def __init__(
        self,
        segments: Segments,
        catalog: Catalog,
        mailbox_keys: MailboxKeys,
        content_key: bytes,
        epoch: int,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._catalog = catalog
        self._records = SegmentWriter(segments, catalog, random_bytes)
        self._wraps = Wraps(mailbox_keys.wraps)
        self._content_key = content_key
        self._epoch = epoch
        self._random_bytes = random_bytes
        self._sealer = Sealer()
        self._prefix, self._next_id = random_bytes(10), 0
        self._blobs: list[Blob] = []
        self._fresh: dict[bytes, int] = {}
        self._found: dict[bytes, int] = {}
        self._mark: Mark | None = None
        self._before = _Before({}, 0, 0, 0)
        self._last: Kept | None = None

    def put(self, raw: Iterable[bytes]) -> Kept:
        """Takes one message. Memory stays bounded, whatever its size. Raises StorageFull, StoreError.

        What `raw` raises passes through; if it is an ItemError, the writer goes on as if nothing had been put.
        """
        self._last = None
        self._before = _Before(self._records.lengths(), len(self._blobs), len(self._fresh), len(self._found))
        try:
            self._last = self._put(raw)
        except ItemError:
            self._take_back()
            raise
        return self._last

    def forget(self, kept: Kept) -> None:
        """Takes the last message back, which turned out to be held already. Nothing may refer to it.

        Does nothing for any other, or once it is synced: then its records stay until they are collected.
        """
        if kept is self._last:
            self._last = None
            self._take_back()

    def _take_back(self) -> None:
        before = self._before
        self._records.rewind(before.lengths)
        del self._blobs[before.blobs :]
        for known, count in ((self._fresh, before.fresh), (self._found, before.found)):
            while len(known) > count:
                known.popitem()  # the last that was added

    def _put(self, raw: Iterable[bytes]) -> Kept:
        chunks = iter(raw)
        first = next(chunks, b"")
        second = next(chunks, None)
        if second is None and len(first) < BASE64_MIN:
            return self._put_small(first)
        reading = Reading(chunked(first, second, chunks))
        draft = Draft()
        for part in split(reading):
            if isinstance(part, Attachment):
                self._put_attachment(part, draft)
            else:
                draft.add_literal(part)
                while draft.waiting >= PIECE_MAX:
                    self._put_skeleton(draft.take(PIECE_MAX), draft)
        if draft.waiting:
            self._put_skeleton(draft.take(PIECE_MAX), draft)
        content = Content(reading.sha256.digest(), reading.size, draft.recipe(), b"".join(draft.pieces()))
        return Kept(content, header_block(reading.start), draft.sealed, tuple(draft.shared.items()))

    def sync(self, mark: Mark | None = None) -> None:
        """Makes all that was put durable: the segment first, then one catalog transaction, with the mark in it.

        Writes nothing if there is nothing new. Raises StorageFull, StaleLease, StoreError.
        """
        self._last = None
        if not self._blobs and not self._found and mark in (None, self._mark):
            return
        try:
            segments = self._records.flush()
            batch = Batch(tuple(self._blobs), tuple(self._found), segments, mark)
            self._catalog.record(batch, self._epoch)
            self._records.settle()
        except BaseException:
            self.close()
            raise
        self._blobs, self._fresh, self._found = [], {}, {}
        self._mark = mark or self._mark

    def close(self) -> None:
        """Lets go of the segment. What was not synced is void. More than once does no harm."""
        self._records.close()

    def _put_small(self, data: bytes) -> Kept:
        draft = Draft()
        if data:
            draft.add_literal(data)
            self._put_skeleton(draft.take(PIECE_MAX), draft)
        content = Content(hashlib.sha256(data).digest(), len(data), draft.recipe(), b"".join(draft.skeleton))
        return Kept(content, header_block(data), draft.sealed, ())

    def _put_skeleton(self, plain: bytes, draft: "Draft") -> None:
        blob_id = self._prefix + self._next_id.to_bytes(6, "big")
        self._next_id += 1
        secret = self._random_bytes(48)
        draft.sealed += self._append(plain, blob_id, secret[:32], secret[32:])
        draft.skeleton.append(blob_id + self._wraps.wrap(blob_id, secret[:32]))

    def _put_attachment(self, attachment: Attachment, draft: "Draft") -> None:
        plain = attachment.plain
        blob_id, key = shared_id_and_key(self._content_key, plain)
        length = self._fresh.get(blob_id) or self._found.get(blob_id) or self._look_up(blob_id)
        if not length:
            length = self._fresh[blob_id] = self._append(plain, blob_id, key, self._random_bytes(16))
        draft.add_attachment(Join(len(plain), attachment.lines), blob_id + self._wraps.wrap(blob_id, key))
        draft.shared[blob_id] = length

    def _look_up(self, blob_id: bytes) -> int:
        place = self._catalog.find((blob_id,)).get(blob_id)
        if place is None:
            return 0
        self._found[blob_id] = place.length
        return place.length

    def _append(self, plain: bytes, blob_id: bytes, key: bytes, salt: bytes) -> int:
        record = self._sealer.seal(plain, blob_id, key, salt, self._epoch)
        segment, offset = self._records.append(record)
        length = sum(map(len, record))
        self._blobs.append(Blob(blob_id, Place(segment, offset, length, len(plain))))
        return length


class ContentReader:
    """Gives messages of one mailbox back. One thread only."""

    def __init__(self, segments: Segments, catalog: Catalog, mailbox_keys: MailboxKeys) -> None:
        self._segments = segments
        self._catalog = catalog
        self._wraps = Wraps(mailbox_keys.wraps)
        self._sealer = Sealer()

    def read(self, content: Content) -> Iterator[bytes]:
        """The exact bytes, in chunks. Every piece is authenticated, and the SHA-256 of the whole is checked.

        Up to 16 MiB nothing is given before all of it was checked; of a larger message a caller that gets Tampered
        has to throw away what it was given. Raises Tampered.
        """
        if content.size <= CHECKED_FIRST:
            data = b"".join(self._stream(content))
            _check(hashlib.sha256(data), content)
            if data:
                yield data
            return
        digest = hashlib.sha256()
        for chunk in self._stream(content):
            digest.update(chunk)
            yield chunk
        _check(digest, content)

    def whole(self, content: Content) -> bytes:
        """All of it at once."""
        return b"".join(self.read(content))

    def _stream(self, content: Content) -> Iterator[bytes]:
        refs = [content.pieces[i : i + PIECE_REF] for i in range(0, len(content.pieces), PIECE_REF)]
        recipe = Recipe.parse(content.recipe, content.size, len(refs))
        places = self._catalog.find({ref[:ID] for ref in refs})
        skeleton = _Skeleton(self._piece(ref, places) for ref in refs[: recipe.skeleton])
        attachments = iter(refs[recipe.skeleton :])
        for join in recipe.joins:
            if join.lines is None:
                yield from skeleton.take(join.size)
                continue
            plain = self._piece(next(attachments), places)
            if len(plain) != join.size:
                raise Tampered("a message's attachment is not the one that was kept", VERIFY)
            yield join.lines.encode(plain)
        skeleton.finish()

    def _piece(self, ref: bytes, places: dict[bytes, Place]) -> bytes:
        blob_id = ref[:ID]
        place = places.get(blob_id)
        if place is None:
            raise Tampered("a piece of a message is not in the catalog", "run `replicator verify`")
        return self._sealer.unseal(self._segments.read(place), blob_id, self._wraps.unwrap(blob_id, ref[ID:]))


class _Skeleton:
    """The skeleton pieces as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def take(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes. Raises Tampered if there are no more."""
        while size:
            if not self._rest:
                self._rest = next(self._pieces, b"")
                if not self._rest:
                    raise Tampered("a message's skeleton is shorter than its recipe", VERIFY)
            data, self._rest = self._rest[:size], self._rest[size:]
            size -= len(data)
            yield data

    def finish(self) -> None:
        """Raises Tampered if anything is left."""
        if self._rest or next(self._pieces, b""):
            raise Tampered("a message's skeleton is longer than its recipe", VERIFY)


def _check(digest: "hashlib._Hash", content: Content) -> None:
    if digest.digest() != content.sha256:
        raise Tampered("a message is not the one that was kept: its SHA-256 differs", VERIFY)
