"""Writes an export, in whatever format."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from connectors.errors import ConfigError, StorageFull, Tampered
from replicator.advice import FULL, advice_on
from replicator.export import files
from replicator.export.eml import EmlFiles
from replicator.export.layout import Layout
from replicator.export.maildir import MaildirFiles
from replicator.export.mbox import MboxFiles
from replicator.export.names import MANIFEST
from replicator.export.report import ExportReport
from replicator.listing import listed_fields
from replicator.mailstore.mailbox.history import Listed, State
from replicator.mailstore.mailbox.store import MailboxStore

FORMATS: dict[str, Callable[[Path], Layout]] = {"eml": EmlFiles, "mbox": MboxFiles, "maildir": MaildirFiles}


def export_messages(
    store: MailboxStore,
    output: Path,
    placements: Iterable[Listed],
    advance: Callable[[int, int], None],
    format_: str = "eml",
) -> ExportReport:
    """Writes the live ones of these placements; a quarantined or damaged one becomes an exception in the report.

    Raises ConfigError unless `output` is new or empty and can be written, StorageFull.
    """
    _prepare(output)
    try:
        # Closing may fail as writing did, and within this `try` that says the same.
        with closing(FORMATS[format_](output)) as layout, closing(_Export(store, output, layout)) as export:
            for listed in placements:
                if listed.state is State.LIVE:
                    advance(1, export.write(listed))
                elif listed.state is State.QUARANTINED:
                    export.leave_out(listed, _why(listed))
            return export.finish()
    except OSError as error:
        kind = StorageFull if error.errno in FULL else ConfigError
        advice = f"{advice_on(error)}, into a new directory"
        raise kind(f"the export to {output} stopped: {error.strerror}", advice) from error


def _why(listed: Listed) -> str:
    reason = f" ({listed.reason})" if listed.reason else ""
    return f"quarantined: its bytes could not be taken from the source{reason}"


def _prepare(output: Path) -> None:
    try:
        output.mkdir(mode=files.PRIVATE, parents=True, exist_ok=True)
        if any(output.iterdir()):
            raise ConfigError(f"{output} is not empty", "name a new or an empty directory")
    except OSError as error:
        raise ConfigError(f"{output} cannot be used: {error.strerror}", advice_on(error)) from error


class _Export:
    """One export under way."""

    def __init__(self, store: MailboxStore, output: Path, layout: Layout) -> None:
        self._store = store
        self._output = output
        self._layout = layout
        self._report = ExportReport()
        self._hash = hashlib.sha256()
        self._manifest = files.new_file(output / f"{MANIFEST}.tmp")

    def write(self, listed: Listed) -> int:
        """One message; its size, or 0 if it turned out to be damaged."""
        try:
            written = self._layout.write(listed, self._store.read(listed))
        except Tampered as error:
            self._report.damaged = True
            self.leave_out(listed, error.message)
            return 0
        self._report.messages += 1
        self._report.bytes += written.size
        self._note({"file": written.file, **written.where, **listed_fields(listed)})
        if written.remark:
            self._report.remarks.append({"id": listed.id, "reason": written.remark})
        return written.size

    def leave_out(self, listed: Listed, reason: str) -> None:
        """One message that is not in the export."""
        self._report.missing.append({"id": listed.id, "reason": reason})

    def finish(self) -> ExportReport:
        """Makes everything durable, and then the manifest."""
        self._layout.finish()
        self._manifest.flush()
        os.sync()
        (self._output / f"{MANIFEST}.tmp").rename(self._output / MANIFEST)
        os.sync()
        self._report.manifest_sha256 = self._hash.hexdigest()
        return self._report

    def close(self) -> None:
        """Closes the manifest, finished or not."""
        self._manifest.close()

    def _note(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry).encode() + b"\n"
        self._hash.update(line)
        self._manifest.write(line)
