"""What a crash left after the committed end of a segment (docs/format.md, Recovery)."""

from dataclasses import dataclass

from connectors.errors import StoreError
from replicator.mailstore.blobs.walking import Damage, Found, walk
from replicator.mailstore.catalog.model import Blob, Place, Segment


@dataclass(frozen=True, slots=True)
class Recovered:
    """The segment as it can go on, and the whole records after its committed end, each with its epoch."""

    segment: Segment
    blobs: tuple[tuple[Blob, int], ...]


def recover_tail(descriptor: int, segment: Segment, size: int) -> Recovered:
    """Keeps every whole record up to the first that is none; there the segment ends.

    A catalog that was put back may have forgotten them, and nothing else tells. What comes after was never synced, and
    after a power cut some of it may be whole and some not. Raises StoreError rather than cut what cannot be read.
    """
    blobs, end = [], segment.length
    for step in walk(descriptor, segment.length, size):
        if isinstance(step, Damage):
            if step.unreadable:
                raise StoreError(f"segment {segment.name} cannot be read at {step.start}", "look at the disk")
            break
        blobs.append(restored(segment.name, step))
        end = step.offset + step.header.record_length
    return Recovered(Segment(segment.name, end), tuple(blobs))


def restored(name: str, found: Found) -> tuple[Blob, int]:
    """The catalog's entry of a record, and the epoch that it was written under."""
    header = found.header
    return Blob(header.blob_id, Place(name, found.offset, header.record_length, header.plain)), header.epoch
