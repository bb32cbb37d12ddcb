"""In which order folders are read, and which of them are declared to hold no mail."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from connectors.imap.dialects.nonmail import not_mail
from connectors.model import Folder, Role


def all_mail_first(found: Sequence[Folder]) -> list[Folder]:
    """By path, parents before children; but what holds all mail first, with the folders above it.

    Then it is there that bodies are fetched, and every label after it finds them held (Gmail).
    """
    whole = {folder.path for folder in found if folder.role is Role.ALL}
    above = {path[:depth] for path in whole for depth in range(1, len(path) + 1)}
    return sorted(found, key=lambda folder: (folder.path not in above, folder.path))


def without_mail(found: Sequence[Folder]) -> Iterator[Folder]:
    """The folders; those of calendars, contacts and their like are said to be no mail, and are not left out."""
    others = not_mail(folder.path for folder in found)
    for folder in found:
        declared = folder.path in others and folder.role is Role.NONE
        yield replace(folder, role=Role.NOT_MAIL) if declared else folder
