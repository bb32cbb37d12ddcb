"""In which order folders are read, and which of them are declared to hold no mail."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from connectors.imap.dialects.nonmail import not_mail
from connectors.model import Folder, Role


def arranged(found: Sequence[Folder]) -> list[Folder]:
    """By path, parents before children; but INBOX first, then what holds all mail, with the folders above it.

    A first copy may take days where a day's bytes are limited (Gmail), and INBOX is missed first. All other bodies are
    fetched from where all of them are, and every label after it finds them held.
    """
    whole = {folder.path for folder in found if folder.role is Role.ALL}
    above = {path[:depth] for path in whole for depth in range(1, len(path) + 1)}
    return sorted(found, key=lambda folder: (folder.role is not Role.INBOX, folder.path not in above, folder.path))


def without_mail(found: Sequence[Folder]) -> Iterator[Folder]:
    """The folders; those of calendars, contacts and their like are said to be no mail, and are not left out."""
    others = not_mail(folder.path for folder in found)
    for folder in found:
        declared = folder.path in others and folder.role is Role.NONE
        yield replace(folder, role=Role.NOT_MAIL) if declared else folder
