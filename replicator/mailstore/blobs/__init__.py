"""Blobs: sealed records in append-only segments. Knows no plaintext, and needs no key to check what it holds."""

from replicator.mailstore.blobs.disk import Disk
from replicator.mailstore.blobs.record import Header, Packing
from replicator.mailstore.blobs.segments import Segments
from replicator.mailstore.blobs.writing import SegmentWriter

__all__ = ["Disk", "Header", "Packing", "SegmentWriter", "Segments"]
