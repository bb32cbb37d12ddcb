"""One message into a folder, by the way that the tenant allows: imported as it is, else by IMAP, else composed anew.

What takes more than one request is made in staging, and moved into its folder as the last.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connectors.errors import Disconnected, FolderGone, ItemGone, ItemRefused, ItemTooLarge
from connectors.graph.answer import Document, Refusal
from connectors.graph.rows import row_id
from connectors.graph.settings import GraphSettings
from connectors.graph.translate import About, Asked
from connectors.graph.writing import importing
from connectors.graph.writing.composing import REQUEST_MOST, Composed, compose
from connectors.graph.writing.flags import kept
from connectors.graph.writing.importing import Importing
from connectors.graph.writing.payload import Encoded, Measure, RawFailed, encoded_size, read_whole, take_measure
from connectors.graph.writing.refusals import SMALLER
from connectors.graph.writing.sending import JSON, Outgoing, Sending, Undecided, packing
from connectors.graph.writing.staging import Emptied, Staging, emptied_again, in_staging
from connectors.graph.writing.uploads import Uploads, check_size
from connectors.model import Folder, Message, Ref, TargetCapabilities

if TYPE_CHECKING:
    from connectors.graph.writing.byimap import ByImap

LARGEST = 150_000_000
"""Bytes of a message, and of each of its files."""

TRIES = 3
"""If someone clears staging: the message is missed first, and then the folder."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written, and where."""

    folder: Folder
    message: Message
    measure: Measure
    op: str
    asked: Asked

    @property
    def where(self) -> str:
        """The folder as its user knows it."""
        return "/".join(self.folder.path)


class Appending:
    """`prepare` finds out by which way, once."""

    def __init__(self, sending: Sending, settings: GraphSettings) -> None:
        self._sending = sending
        self._client = sending.client
        self._settings, self._writing = settings, settings.writing
        self._staging = Staging(sending)
        self._importing = Importing(sending, self._staging)
        self._uploads = Uploads(sending)
        self.imports = False
        self._imap: ByImap | None = None

    @property
    def capabilities(self) -> TargetCapabilities:
        """Of the way that was chosen. Whether an imported message gets its date, only its server shows."""
        return TargetCapabilities(atomic=True, exact_bytes=False, keeps_dates=not self.imports)

    def prepare(self) -> None:
        """Asks what is allowed, without writing anything. Raises LoginRefused, AppRefused.

        With an IMAP server named, also what `ByImap.open` raises: no other way loses less, so none is taken instead.
        """
        self._sending.check_permission()
        said = self._importing.probe() if self._writing in ("auto", "import") else ""
        if said and self._writing == "import":
            raise self._importing.refusal(said)
        self.imports = self._writing in ("auto", "import") and not said
        if self._writing == "imap" or (said and self._settings.imap_host):
            self._imap = self._by_imap()

    def close(self) -> None:
        """Ends what stands beside the client."""
        if self._imap is not None:
            self._imap.close()

    def _by_imap(self) -> "ByImap":
        from connectors.graph.writing.byimap import ByImap  # noqa: PLC0415 - loads TLS and imapclient, for this way only

        return ByImap.open(self._sending, self._settings)

    def append(self, folder: Folder, message: Message, op: str) -> Ref:
        """As `Target.append`. Raises Undecided for whatever was lost, also if the client has been closed before.

        What reading the message raises passes through as it is, and the client is closed.
        """
        try:
            return Ref(folder.id, self._append(folder, message, op))
        except RawFailed as failed:
            self._client.close()
            raise failed.error from failed.error.__cause__
        except Disconnected as error:
            self._client.close()
            raise Undecided(error) from error

    def _append(self, folder: Folder, message: Message, op: str) -> str:
        measure = take_measure(message.raw)
        asked = Asked(About.ITEM, f"a message of {measure.size} bytes for folder {'/'.join(folder.path)}")
        _check(measure, asked)
        wanted = Wanted(folder, message, measure, op, asked)
        for _ in range(TRIES):
            try:
                return self._written(wanted)
            except Emptied:
                continue
        raise emptied_again(wanted.where)

    def _written(self, wanted: Wanted) -> str:
        """By importing, unless the message is too large for that, or refused; by IMAP, if that shows the folder."""
        if self._imap is not None and self._imap.shows(wanted.folder):
            whole = read_whole(wanted.message.raw, wanted.measure)
            return self._imap.append(wanted.folder, replace(wanted.message, raw=(whole,)), wanted.op).id
        if self.imports and encoded_size(wanted.measure.size) <= importing.MOST:
            try:
                made = self._importing.bring(Encoded(wanted.message.raw, wanted.measure), wanted.asked)
            except (ItemTooLarge, ItemRefused):
                return self._composed(wanted)
            return self._described(made, wanted)
        return self._composed(wanted)

    def _described(self, made: str, wanted: Wanted) -> str:
        message = wanted.message
        with self._staging.standing(made):
            flags, date = kept(message.flags), message.received_at
            self._importing.describe(made, flags, date, wanted.op, wanted.asked)
            return self._staging.move_out(made, wanted.folder.id, wanted.where)

    def _composed(self, wanted: Wanted) -> str:
        """By one request, unless it is too large for that."""
        message = wanted.message
        flags, date = kept(message.flags), message.received_at
        composed = compose(read_whole(message.raw, wanted.measure), flags, date, wanted.op)
        check_size(composed.files, LARGEST, wanted.asked)
        if composed.size() <= REQUEST_MOST:
            try:
                return self._direct(composed, wanted)
            except ItemTooLarge:  # for the tenant, or a proxy between
                if not composed.files:
                    raise
        return self._staged(composed, wanted)

    def _direct(self, composed: Composed, wanted: Wanted) -> str:
        try:
            made = self._create(self._client.links.folder(wanted.folder.id), composed.whole(), composed, wanted.asked)
        except ItemGone as error:
            text = f"folder {wanted.where} of {self._client.address}: {error.message}"
            raise FolderGone(text, "list the folders anew") from error
        if not made:
            text = f"{wanted.asked.name}: it was written, and Graph does not say as what"
            self._client.close()
            raise Undecided(Disconnected(text, "nothing: it is looked for"), written=True)
        return made

    def _staged(self, composed: Composed, wanted: Wanted) -> str:
        with in_staging(self._staging):
            made = self._create(self._staging.path, composed.document, composed, wanted.asked)
        with self._staging.standing(made):
            for file in composed.files:
                self._uploads.add(made, file, wanted.asked)
            return self._staging.move_out(made, wanted.folder.id, wanted.where)

    def _create(self, place: str, document: Document, composed: Composed, asked: Asked) -> str:
        """Its id. If it is refused, it may be for what no one would miss. All its bytes are counted now."""
        url = self._client.links.url(f"{place}/messages")
        found: Document | Refusal | None = None
        for body, upload in (({**document, **composed.optional}, composed.size()), (document, 0)):
            outgoing = Outgoing("POST", url, packing(body), {"Content-Type": JSON}, upload)
            found = self._sending.attempt(outgoing, asked)
            if not isinstance(found, Refusal):
                return row_id(found or {})
            error = self._sending.refused(found, asked)
            if not isinstance(error, ItemRefused):
                break
        raise error


def _check(measure: Measure, asked: Asked) -> None:
    """Raises ItemRefused, ItemTooLarge."""
    if not measure.size:
        raise ItemRefused(f"{asked.name}: there is nothing in it", "leave it out")
    if measure.size > LARGEST:
        text = f"{asked.name}: Graph takes {LARGEST // 1_000_000} MB at most"
        raise ItemTooLarge(text, SMALLER)
