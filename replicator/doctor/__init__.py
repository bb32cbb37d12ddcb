"""Looks at everything that a run needs, and changes nothing."""

from replicator.doctor.check import Check
from replicator.doctor.examination import examine

__all__ = ["Check", "examine"]
