"""Checking segments and catalog against each other, without a content key: what a scrub does."""

import os
from collections.abc import Iterator
from itertools import islice

from connectors.errors import StoreError
from replicator.mailstore.blobs.record import Header, is_whole
from replicator.mailstore.blobs.segments import SEGMENT_HEADER, Segments
from replicator.mailstore.blobs.walking import Damage, Found, walk
from replicator.mailstore.catalog.model import Blob, Catalog, Segment
from replicator.mailstore.problem import Problem

AT_ONCE = 500


def check_segments(segments: Segments, catalog: Catalog) -> Iterator[Problem]:
    """Reads every committed byte: CRCs, lengths, records that the catalog does not list, rows without a record.

    Others may write meanwhile: what they add after the start is left out.
    """
    yield from check_files(segments, catalog)
    scrub = _Scrub(segments, catalog)
    for row in scrub.rows.values():
        yield from scrub.check_records(row)
    if scrub.listed < catalog.totals().blobs:
        yield from scrub.check_rows()


def check_files(segments: Segments, catalog: Catalog) -> Iterator[Problem]:
    """Looks at names, headers and sizes only: segments that are missing, too short or too long, or in no row."""
    on_disk = segments.names()
    scrub = _Scrub(segments, catalog)
    for name in on_disk:
        if name not in scrub.rows and scrub.is_stray(name):
            yield Problem(f"segment {name}", "the catalog does not list it")
    for row in scrub.rows.values():
        yield from scrub.check_file(row)


class _Scrub:
    """One run. `listed` counts the records that stand where the catalog says."""

    def __init__(self, segments: Segments, catalog: Catalog) -> None:
        self._segments = segments
        self._catalog = catalog
        self.rows = {row.name: row for row in catalog.segments()}
        self.listed = 0

    def is_stray(self, name: str) -> bool:
        """Whether the file holds records without a row. A writer that has just begun may have added the row by now."""
        holds = self._segments.path(name).stat().st_size > SEGMENT_HEADER
        return holds and name not in {row.name for row in self._catalog.segments()}

    def check_file(self, row: Segment) -> Iterator[Problem]:
        where = f"segment {row.name}"
        try:
            size = os.fstat(self._segments.descriptor(row.name)).st_size
        except StoreError as error:
            yield Problem(where, error.message)
            return
        if size < row.length:
            yield Problem(where, f"it ends at {size}, {row.length - size} bytes before its committed end")
        elif size > row.length and row.sealed:
            yield Problem(where, f"{size - row.length} bytes follow its end")

    def check_records(self, row: Segment) -> Iterator[Problem]:
        try:
            descriptor = self._segments.descriptor(row.name)
        except StoreError:
            return  # `check_file` says so
        walked = walk(descriptor, SEGMENT_HEADER, min(os.fstat(descriptor).st_size, row.length))
        while page := list(islice(walked, AT_ONCE)):
            yield from self._check_page(row, page)

    def _check_page(self, row: Segment, page: list[Found | Damage]) -> Iterator[Problem]:
        places = self._catalog.find(step.header.blob_id for step in page if isinstance(step, Found))
        for step in page:
            if isinstance(step, Damage):
                yield Problem(f"segment {row.name} at {step.start}", str(step))
                continue
            place = places.get(step.header.blob_id)
            if place is None:
                yield Problem(f"segment {row.name} at {step.offset}", "the catalog does not list this record")
            elif (place.segment, place.offset, place.length) == (row.name, step.offset, step.header.record_length):
                self.listed += 1

    def check_rows(self) -> Iterator[Problem]:
        """Which rows have no record. Reads each record again, so only when the count says that there are such."""
        for blob in self._catalog.blobs():
            row = self.rows.get(blob.place.segment)
            old = row is not None and blob.place.offset + blob.place.length <= row.length
            if old and not self._stands(blob):
                yield Problem(
                    f"blob {blob.id.hex()}", f"its record in segment {blob.place.segment} is missing or damaged"
                )

    def _stands(self, blob: Blob) -> bool:
        try:
            record = self._segments.read(blob.place)
        except StoreError:
            return False
        header = Header.parse(record)
        return header is not None and header.blob_id == blob.id and is_whole(record)
