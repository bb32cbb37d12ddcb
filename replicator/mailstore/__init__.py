"""The encrypted continuity mailstore. docs/format.md describes every byte of it."""

from replicator.mailstore.mailstore import Mailstore

__all__ = ["Mailstore"]
