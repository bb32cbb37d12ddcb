"""Bringing back a lost catalog from the segments (docs/format.md, Recovery). Needs no content key."""

import os
from collections.abc import Generator, Iterator
from itertools import islice

from connectors.errors import StoreError
from replicator.mailstore.blobs.recovering import restored
from replicator.mailstore.blobs.segments import SEAL_SIZE, SEGMENT_HEADER, Segments
from replicator.mailstore.blobs.walking import Damage, Found, walk
from replicator.mailstore.catalog.model import Catalog, Segment
from replicator.mailstore.problem import Problem

AT_ONCE = 1000
EPOCH_GAP = 1 << 20


def rebuild(catalog: Catalog, segments: Segments) -> Iterator[Problem]:
    """Fills an empty catalog with all that the segments hold; to be exhausted. No writer may be at work.

    Yields what could not be saved, and each unfinished tail, whose bytes no acknowledged message needs unless it was
    damaged too. If it is cut short, start again with another empty catalog; rename that into place when it is whole.
    """
    highest = 0
    for name in segments.names():
        try:
            descriptor = segments.descriptor(name)
        except StoreError as error:
            yield Problem(f"segment {name}", error.message)
            continue
        highest = max(highest, (yield from _restore_segment(catalog, name, descriptor)))
    catalog.raise_epoch(highest + EPOCH_GAP)


def _restore_segment(catalog: Catalog, name: str, descriptor: int) -> Generator[Problem, None, int]:
    """Returns the highest epoch seen."""
    size = end = os.fstat(descriptor).st_size
    damaged, highest = False, 0
    walked = walk(descriptor, SEGMENT_HEADER, size)
    while page := list(islice(walked, AT_ONCE)):
        found = [step for step in page if isinstance(step, Found)]
        for damage in (step for step in page if isinstance(step, Damage)):
            what = f"{damage.end - damage.start} bytes are an unfinished record" if damage.torn else str(damage)
            yield Problem(f"segment {name} at {damage.start}", what)
            damaged |= not damage.torn
            end = damage.start if damage.torn else end
        # Sealed until all of it is known, so that no writer cuts what is not yet listed.
        catalog.restore(Segment(name, size, sealed=True), [restored(name, step) for step in found])
        highest = max([highest, *(step.header.epoch for step in found)])
    catalog.restore(Segment(name, end, sealed=damaged or end >= SEAL_SIZE), [])
    return highest
