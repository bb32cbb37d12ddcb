"""Exports: a mailbox's messages as files, each the exact bytes, with a manifest of their hashes.

Nothing of a message decides a file's name: it is the placement's id, in directories named after the folders, with every
character replaced that a file system or a shell could take amiss. The manifest is written last, so that a directory
without one is an export that was broken off.
"""

from replicator.export.names import LONGEST_NAME, FolderNames, safe_name
from replicator.export.report import ExportReport
from replicator.export.writing import FORMATS, export_messages

__all__ = ["FORMATS", "LONGEST_NAME", "ExportReport", "FolderNames", "export_messages", "safe_name"]
