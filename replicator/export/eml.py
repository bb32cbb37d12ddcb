"""`--format eml`: a file a message, in a directory a folder."""

from collections.abc import Iterable
from pathlib import Path

from replicator.export import files
from replicator.export.layout import Written
from replicator.export.names import FolderNames
from replicator.mailstore.mailbox.history import Listed


class EmlFiles:
    """A file is whole or not there."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._names = FolderNames()

    def write(self, listed: Listed, raw: Iterable[bytes]) -> Written:
        """Into `FOLDER/ID.eml`."""
        file = self._names.directory(listed.path) / f"{listed.id}.eml"
        files.make_directories(self._output, file.parent)
        temporary = self._output / file.with_suffix(".tmp")
        with files.whole_file(temporary) as target:
            size = sum(target.write(chunk) for chunk in raw)
        temporary.rename(self._output / file)
        return Written(file.as_posix(), size)

    def finish(self) -> None:
        """Each file has its name already."""

    def close(self) -> None:
        """Nothing is open."""
