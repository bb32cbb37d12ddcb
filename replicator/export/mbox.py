"""`--format mbox`: mboxrd, a file a folder. `A/B` is `A/B.mbox`, beside a file `A.mbox` if there is mail in `A`.

The format has no way to say that a message does not end with a line end: one is added then, and the manifest tells, as
`added`. `offset` and `length` say where a message's quoted bytes stand; without the quoting, `size` of them are exact.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from connectors.mbox.fromline import from_line
from connectors.mbox.quoting import Counted, quote
from replicator.export import files
from replicator.export.layout import Written
from replicator.export.names import FolderNames
from replicator.mailstore.mailbox.history import Listed

REMARK = "it ends without a line end, which mbox cannot say: one was added, and `size` in the manifest is without it"


class MboxFiles:
    """Files grow under a name that ends with `.tmp`, and are renamed when all are whole."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._names = FolderNames()
        self._made: dict[Path, None] = {}
        self._open: tuple[Path, BinaryIO] | None = None

    def write(self, listed: Listed, raw: Iterable[bytes]) -> Written:
        """At the end of the folder's file."""
        directory = self._names.directory(listed.path)
        path = directory.with_name(f"{directory.name}.mbox")
        file = self._file(path)
        before = file.tell()
        message = Counted(raw)
        try:
            file.write(from_line(datetime.fromisoformat(listed.internaldate)))
            offset = file.tell()
            for chunk in quote(message):
                file.write(chunk)
            added = message.size > 0 and not message.ended
            file.write(b"\n" * added)
            length = file.tell() - offset
            file.write(b"\n")
        except BaseException:
            file.seek(before)
            file.truncate()
            raise
        where = {"offset": offset, "length": length, "added": int(added)}
        return Written(path.as_posix(), message.size, where, REMARK if added else "")

    def finish(self) -> None:
        """The files, with their names."""
        self.close()
        for path in self._made:
            (self._output / _temporary(path)).rename(self._output / path)

    def close(self) -> None:
        """The one file that is open."""
        opened, self._open = self._open, None
        if opened is not None:
            opened[1].close()

    def _file(self, path: Path) -> BinaryIO:
        if self._open is not None and self._open[0] == path:
            return self._open[1]
        self.close()
        temporary = self._output / _temporary(path)
        if path in self._made:
            file: BinaryIO = temporary.open("r+b")
            file.seek(0, os.SEEK_END)
        else:
            files.make_directories(self._output, path.parent)
            file = files.new_file(temporary)
        self._made[path] = None
        self._open = (path, file)
        return file


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")
