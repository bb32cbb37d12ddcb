"""A folder's other name and other place: each is a request of its own in Graph."""

from dataclasses import dataclass, field

from connectors.errors import FolderRefused, ReplicationError, SourceError
from connectors.graph.answer import Document
from connectors.graph.rows import row_id
from connectors.graph.translate import Asked
from connectors.graph.writing.sending import Sending

UNDERWAY = "{} (on its way)"
"""A name for where both the old one and the new one are taken on the way."""

Step = tuple[str, str]
"""What is changed, "name" or "place", and into what."""


@dataclass(slots=True)
class Renaming:
    """One folder, as it is now. If it is cut off half way, whoever begins it again goes on from there."""

    sending: Sending
    asked: Asked
    now: Document
    above: str
    name: str
    _done: list[Step] = field(default_factory=list)

    def run(self, here: dict[str, str], there: dict[str, str]) -> str:
        """The folder's id. What stands beside it `here`, and where it goes, `there`: ids by name.

        Raises FolderRefused, after which it stands as before: what had been done is undone.
        """
        folder_id = row_id(self.now)
        for what, value in steps_between(self.now, self.above, self.name, here, there):
            before = self._before(what)
            try:
                folder_id = self._step(folder_id, what, value)
            except SourceError:
                raise
            except ReplicationError as error:
                self._undo(folder_id, error)
                raise
            self._done.append((what, before))
        return folder_id

    def _before(self, what: str) -> str:
        """What a step takes it from: of several, the first is undone last."""
        return str(self.now.get("displayName" if what == "name" else "parentFolderId"))

    def _step(self, folder_id: str, what: str, value: str) -> str:
        path = self.sending.client.links.folder(folder_id)
        if what == "place":
            row = self.sending.write("POST", f"{path}/move", self.asked, {"destinationId": value}) or {}
            return row_id(row) or folder_id
        row = self.sending.write("PATCH", path, self.asked, {"displayName": value}) or {}
        if row.get("displayName", value) != value:
            self._done.append((what, self._before(what)))
            raise FolderRefused(f"{self.asked.name}: Graph gave it another name", "choose another name")
        return folder_id

    def _undo(self, folder_id: str, error: ReplicationError) -> None:
        """Raises what keeps it from being undone, after saying so."""
        for what, value in reversed(self._done):
            try:
                folder_id = self._step(folder_id, what, value)
            except ReplicationError as trouble:
                text = f"{error.message}; and it could not be put back: {trouble.message}"
                raise FolderRefused(text, "look at it in Outlook, and put it where it belongs") from trouble


def steps_between(now: Document, above: str, name: str, here: dict[str, str], there: dict[str, str]) -> list[Step]:
    """As few as there can be, and so that none meets another folder of the name, `here` or `there`."""
    old, place = str(now.get("displayName")), ("place", above)
    if now.get("parentFolderId") == above:
        return [("name", name)]
    if old == name:
        return [place]
    if here.get(name.casefold(), row_id(now)) == row_id(now):
        return [("name", name), place]
    if old.casefold() not in there:
        return [place, ("name", name)]
    return [("name", UNDERWAY.format(name)), place, ("name", name)]
