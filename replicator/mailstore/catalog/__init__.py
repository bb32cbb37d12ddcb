"""The catalog: where each blob lies, how long each segment is, leases and marks. Nothing personal is in it."""

from replicator.mailstore.catalog.model import Batch, Blob, Catalog, Mark, Place, Segment, Totals
from replicator.mailstore.catalog.sqlite import SqliteCatalog

__all__ = ["Batch", "Blob", "Catalog", "Mark", "Place", "Segment", "SqliteCatalog", "Totals"]
