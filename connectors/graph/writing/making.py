"""Makes folders and renames them, each under exactly the name that was asked for.

Graph knows folders by their ids, and their names only one level at a time. Exchange takes two names that differ in case
only for one, and that of a hidden folder for taken.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.errors import FolderGone, FolderRefused
from connectors.graph.answer import Document, as_object
from connectors.graph.fetch import probe
from connectors.graph.folders import ARCHIVE_MAILBOX, INBOX, LEVEL, ROLES, STAGING, WELL_KNOWN, Listing
from connectors.graph.rows import row_id
from connectors.graph.translate import About, Asked
from connectors.graph.writing.renaming import Renaming
from connectors.graph.writing.sending import Sending
from connectors.model import Folder, Role

ROOT = "msgfolderroot"
ANOTHER_NAME = "choose another name"
RESERVED = {STAGING, *ARCHIVE_MAILBOX.path, "Recoverable Items"}
"""At the top the Source shows something else under these names, or nothing."""

LONGEST = 255
_UNTAKEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|\A\s|\s\Z").search
"""Exchange would take them off, or the whole request for spoilt."""

TRIES = 4
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: through `passed`, as far as there are folders; what is `missing` of it would stand below."""

    passed: tuple[Folder, ...]
    missing: Path

    @property
    def above(self) -> str:
        """The id of the last folder that is there."""
        return self.passed[-1].id if self.passed else ROOT


@dataclass(slots=True)
class Making:
    """For one mailbox. Which folders are the well-known ones is asked once: their ids outlive everything."""

    sending: Sending
    _known: dict[str, str] = field(default_factory=dict)

    def ensure(self, path: Path) -> Folder:
        """As `Target.ensure_folder`. Graph gives no roles: whichever folder has one has had it from the start."""
        _check(path)
        for _ in range(TRIES):
            place = Place((), path)
            try:
                place = self._find(path)
                return self._make(path, place) if place.missing else _for_mail(place.passed[-1])
            except FolderGone:  # what is above it, meanwhile
                continue
            except FolderRefused:
                if not place.missing or len(self._find(path).missing) == len(place.missing):
                    raise
        raise FolderRefused(f"{self._named(path)}: what is above it is being changed all the time", "run it again")

    def rename(self, folder: Folder, path: Path) -> Folder:
        """As `Target.rename_folder`."""
        _check(path)
        now = self._look(folder)
        known = self._well_known().get(row_id(now), "")
        if known == INBOX:
            raise FolderRefused("the inbox cannot be renamed", "move its messages")
        place = self._find(path)
        if place.passed and not place.missing and place.passed[-1].id == row_id(now):
            return place.passed[-1]
        if not place.missing:
            raise FolderRefused(f"{self._named(path)} is there already", ANOTHER_NAME)
        if any(each.id == row_id(now) for each in place.passed):
            raise FolderRefused(f"{self._named(folder.path)} cannot stand below itself", ANOTHER_NAME)
        above = self.ensure(path[:-1]).id if path[:-1] else self._root()
        asked = Asked(About.FOLDER, f"renaming {self._named(folder.path)} to {'/'.join(path)}")
        renaming = Renaming(self.sending, asked, now, above, path[-1])
        name = renaming.run(self._names(str(now.get("parentFolderId"))), self._names(above))
        return Folder(name, path, ROLES.get(known, Role.NOT_MAIL if folder.role is Role.NOT_MAIL else Role.NONE))

    def _make(self, path: Path, place: Place) -> Folder:
        """All that is missing: below a new folder there is nothing that could be in the way."""
        above, asked = place.above, Asked(About.FOLDER, f"making {self._named(path)}")
        if not place.passed and path[0] in RESERVED:
            raise FolderRefused(f"{self._named(path)}: this name stands for something else", ANOTHER_NAME)
        for part in place.missing:
            where = f"{self.sending.client.links.folder(above)}/childFolders"
            row = self.sending.write("POST", where, asked, {"displayName": part}) or {}
            above = row_id(row)
            if not above or row.get("displayName") != part:
                self._unmake(above, asked)
                raise FolderRefused(f"{asked.name}: Graph gave it another name", ANOTHER_NAME)
        return Folder(above, path)

    def _unmake(self, folder_id: str, asked: Asked) -> None:
        """What was made just now under another name than the one asked for. Raises what says that it is still there."""
        if folder_id:
            self.sending.write("DELETE", self.sending.client.links.folder(folder_id), asked)

    def _find(self, path: Path) -> Place:
        """Level by level, as it is now. Raises FolderGone if one of them goes away meanwhile."""
        passed: list[Folder] = []
        for depth, _ in enumerate(path):
            found = self._level(passed[-1] if passed else None).get(path[: depth + 1])
            if found is None:
                return Place(tuple(passed), path[depth:])
            passed.append(found)
        return Place(tuple(passed), ())

    def _level(self, above: Folder | None) -> dict[Path, Folder]:
        """As the Source shows them."""
        listing, mail = Listing(self._well_known()), above is None or above.role is not Role.NOT_MAIL
        for row in self._rows(above.id if above else ROOT):
            listing.add(row, above.path if above else (), mail=mail)
        return {folder.path: folder for folder in listing.found.values()}

    def _names(self, above: str) -> dict[str, str]:
        """What stands below a folder, whatever it is: ids by name, in small letters."""
        return {str(row.get("displayName")).casefold(): row_id(row) for row in self._rows(above)}

    def _rows(self, above: str) -> Iterator[Document]:
        client, asked = (
            self.sending.client,
            Asked(About.FOLDER, f"listing the folders of {self.sending.client.address}"),
        )
        url = client.links.url(f"{client.links.folder(above)}/childFolders{LEVEL}")
        while url:
            document = self._get(url, asked)
            rows = document.get("value")
            yield from map(as_object, rows if isinstance(rows, list) else ())
            url = client.links.following(document, url, asked.name)

    def _look(self, folder: Folder) -> Document:
        """Raises FolderGone."""
        path = f"{self.sending.client.links.folder(folder.id)}?$select=id,displayName,parentFolderId"
        return self._get(self.sending.client.links.url(path), Asked(About.FOLDER, self._named(folder.path)))

    def _get(self, url: str, asked: Asked) -> Document:
        """A folder that is refused may be that because the whole mailbox is: then that is the error."""
        try:
            return self.sending.client.get(url, asked)
        except FolderRefused:
            probe(self.sending.client)
            raise

    def _well_known(self) -> dict[str, str]:
        """Well-known names by id."""
        client = self.sending.client
        if not self._known:
            asked = Asked(About.MAILBOX, f"{client.address}, listing the folders")
            names = (*WELL_KNOWN, ROOT)
            replies = client.batch([f"{client.links.folder(each)}?$select=id" for each in names], asked)
            for name, reply in zip(names, replies, strict=True):
                if reply.refusal is not None and reply.refusal.status not in (400, 404):
                    raise client.refused(reply.refusal, asked)
                self._known[row_id(reply.document)] = name
            self._known.pop("", None)
        return self._known

    def _root(self) -> str:
        """The id of the top: it is no folder of mail, and above all that are."""
        return next((name for name, known in self._well_known().items() if known == ROOT), ROOT)

    def _named(self, path: Path) -> str:
        return f"folder {'/'.join(path)} of {self.sending.client.address}"


def _check(path: Path) -> None:
    """Raises FolderRefused for what is no name in Exchange."""
    text = f"folder {'/'.join(path)!r}"
    if not path or not all(0 < len(part) <= LONGEST for part in path) or any(map(_UNTAKEN, path)):
        raise FolderRefused(f"{text}: no folder has such a name", ANOTHER_NAME)
    if path[0] != "INBOX" and path[0].upper() == "INBOX":
        raise FolderRefused(f"{text}: Exchange does not tell it from the inbox", ANOTHER_NAME)


def _for_mail(folder: Folder) -> Folder:
    if folder.role is Role.NOT_MAIL:
        raise FolderRefused(f"folder {'/'.join(folder.path)} is not for mail", ANOTHER_NAME)
    return folder
