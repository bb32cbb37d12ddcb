"""Which folders a mailbox has. Graph lists one level at a time; levels are asked for in batches.

Left out are search folders, which hold no mail of their own, and the hidden one in which messages stand that are being
written. Folders of other items (calendars, contacts) are listed
with the role \\NotMail, and so is what Graph cannot or should not read: `status` then says that it is not covered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.errors import ServerBusy
from connectors.graph.answer import Document, as_object
from connectors.graph.client import Client
from connectors.graph.rows import row_id
from connectors.graph.translate import About, Asked
from connectors.model import Folder, Role

INBOX = "inbox"
SEARCHES = "searchfolders"
STAGING = "Mailbox Replicator (unfinished)"
"""A hidden folder at the top: what is not yet all there is made in it, and moved out of it."""

ROLES = {
    INBOX: Role.INBOX,
    "sentitems": Role.SENT,
    "drafts": Role.DRAFTS,
    "deleteditems": Role.TRASH,
    "junkemail": Role.JUNK,
    "archive": Role.ARCHIVE,
}
"""Well-known names, the same in every language (learn.microsoft.com/graph/api/resources/mailfolder)."""

RECOVERABLE = "recoverableitemsdeletions"
WELL_KNOWN = (*ROLES, SEARCHES, RECOVERABLE)

ARCHIVE_MAILBOX = Folder("unseen:archive", ("Online archive, if there is one",), Role.NOT_MAIL)
"""The archive mailbox is another one, and Graph v1.0 does not open it. Whether there is one, it does not say either."""

CLASS = "String 0x3613"
"""PidTagContainerClass ([MS-OXOSFLD] 2.2.3): Graph has no property of its own for what a folder holds."""

LEVEL = (
    "?includeHiddenFolders=true&$top=100&$select=id,displayName,parentFolderId,childFolderCount,isHidden"
    f"&$expand=singleValueExtendedProperties($filter=id eq '{CLASS}')"
).replace(" ", "%20")


@dataclass(slots=True)
class Listing:
    """The folders found so far, parents before children, and those whose children are still to be listed."""

    names: dict[str, str] = field(default_factory=dict)
    found: dict[str, Folder] = field(default_factory=dict)
    parents: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)

    def add(self, row: Document, above: tuple[str, ...], *, mail: bool) -> None:
        """One folder below `above`; what is below one that holds no mail is taken for no mail either."""
        name, known = row_id(row), self.names.get(row_id(row), "")
        searches = row.get("@odata.type") == "#microsoft.graph.mailSearchFolder" or known == SEARCHES
        if not name or searches or name in self.found or (not above and is_staging(row)):
            return
        mail = (mail and _holds_mail(row)) or known in ROLES
        role = ROLES.get(known, Role.NONE) if mail else Role.NOT_MAIL
        path = ("INBOX",) if role is Role.INBOX else (*above, _shown(row, above))
        self.found[name] = Folder(name, path, Role.NOT_MAIL if known == RECOVERABLE else role)
        if row.get("childFolderCount") != 0:
            self.parents.append((name, path, mail))


def list_folders(client: Client) -> Iterator[Folder]:
    """All of them, INBOX first, since it is missed first; in as many requests as there are levels, if none is large.

    INBOX always exists, so a list without it is no list: ServerBusy, or all mail would seem deleted.
    """
    listing, asked = Listing(), Asked(About.MAILBOX, f"{client.address}, listing the folders")
    links = client.links
    *known, top = client.batch([*(f"{links.folder(each)}?$select=id" for each in WELL_KNOWN),
                                f"{links.user}/mailFolders{LEVEL}"], asked)  # fmt: skip
    for name, reply in zip(WELL_KNOWN, known, strict=True):
        if reply.refusal is not None and reply.refusal.status not in (400, 404):
            raise client.refused(reply.refusal, asked)
        listing.names[row_id(reply.document)] = name
    if top.refusal is not None:
        raise client.refused(top.refusal, asked)
    _add_level(client, listing, top.document, (), asked, mail=True)
    while listing.parents:
        _descend(client, listing, asked)
    if not any(folder.role is Role.INBOX for folder in listing.found.values()):
        text = f"{client.address}: Graph listed {len(listing.found)} folders, and the inbox is not among them"
        raise ServerBusy(text, "nothing was taken for deleted; if it stays so, look at the mailbox in Outlook")
    recoverable = known[WELL_KNOWN.index(RECOVERABLE)].document
    if row_id(recoverable):
        row = {"id": row_id(recoverable), "displayName": "Recoverable Items", "childFolderCount": 0}
        listing.add(row, (), mail=False)
    yield from sorted(listing.found.values(), key=lambda folder: folder.role is not Role.INBOX)
    yield ARCHIVE_MAILBOX


def _descend(client: Client, listing: Listing, asked: Asked) -> None:
    """One level. A folder that was deleted since its parent was listed has no children."""
    parents, listing.parents = listing.parents, []
    replies = client.batch([f"{client.links.folder(name)}/childFolders{LEVEL}" for name, _, _ in parents], asked)
    for (_, path, mail), reply in zip(parents, replies, strict=True):
        if reply.refusal is None:
            _add_level(client, listing, reply.document, path, asked, mail=mail)
        elif reply.refusal.status not in (403, 404):
            raise client.refused(reply.refusal, asked)


def _add_level(
    client: Client, listing: Listing, document: Document, above: tuple[str, ...], asked: Asked, *, mail: bool
) -> None:
    url = ""
    while True:
        rows = document.get("value")
        for row in rows if isinstance(rows, list) else ():
            listing.add(as_object(row), above, mail=mail)
        if not (url := client.links.following(document, url, asked.name)):
            return
        document = client.get(url, asked)


def is_staging(row: Document) -> bool:
    """Of a folder at the top. One that is shown is a user's, whatever it is called."""
    return row.get("displayName") == STAGING and row.get("isHidden") is True


def _holds_mail(row: Document) -> bool:
    """By its class: IPF.Note, one derived from it, or none at all, as some programs make folders."""
    properties = row.get("singleValueExtendedProperties")
    for each in properties if isinstance(properties, list) else ():
        if as_object(each).get("id") == CLASS:
            kind = str(each.get("value", "")).lower()
            return kind in ("", "ipf.note") or kind.startswith("ipf.note.")
    return True


def _shown(row: Document, above: tuple[str, ...]) -> str:
    """The name; one at the top that would pass for the inbox, of another language, is told from it."""
    name = row.get("displayName")
    text = name if isinstance(name, str) and name else row_id(row)
    return f"{text} (not the inbox)" if not above and text == "INBOX" else text
