"""The programs that are measured, each pulling the same mailbox into a place of its own."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from fixtures.installation import Installation
from fixtures.servers.dovecot import Dovecot

_MBSYNC = """
FSync yes
IMAPAccount server
Host {host}
Port {port}
User {user}
Pass "{password}"
SSLType None
AuthMechs LOGIN
{compression}

IMAPStore far
Account server

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX
SubFolders Verbatim

Channel pull
Far :far:
Near :near:
Patterns *
Create Near
Remove Near
Expunge Near
Sync Pull
CopyArrivalDate yes
SyncState *
"""


class Peer(Protocol):
    """One program. `reset` forgets all it has pulled; `start` runs one pass; `kept` is where the mail lies."""

    name: str
    kept: Path

    def reset(self) -> None: ...
    def start(self) -> "subprocess.Popen[str]": ...


class Mbsync:
    """isync's mbsync into a Maildir, with fsync; it turns on COMPRESS by itself when the server offers it."""

    def __init__(self, directory: Path, server: Dovecot, user: str, *, compress: bool) -> None:
        self.name = "mbsync +compress" if compress else "mbsync"
        self.kept = directory / "mail"
        self._config = directory / "mbsync.rc"
        directory.mkdir(parents=True)
        text = _MBSYNC.format(
            host=server.host,
            port=server.port,
            user=user,
            password=server.password,
            mail=self.kept,
            compression="" if compress else "DisableExtension COMPRESS=DEFLATE",
        )
        self._config.write_text(text)

    def reset(self) -> None:
        """An empty Maildir."""
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir()

    def start(self) -> "subprocess.Popen[str]":
        """One pass of the channel."""
        return _launch("mbsync", "-q", "-c", str(self._config), "pull")


class Replicator:
    """Ours: until all mail is safe, as the others do, or with the index that is made of it afterwards."""

    def __init__(self, directory: Path, server: Dovecot, user: str, *, index: bool) -> None:
        self.name = "replicator +index" if index else "replicator"
        self._options = () if index else ("--index-seconds", "0")
        self._directory, self._server, self._user = directory, server, user
        self.kept = directory / "mailstore"
        self.home: Installation | None = None

    def reset(self) -> None:
        """A new mailstore."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self.home = Installation(self._directory, self._server, users=(self._user,))
        self.home.run("init")

    def start(self) -> "subprocess.Popen[str]":
        """`sync --jobs 1`, as a user runs it with the index."""
        assert self.home is not None, "reset comes first"
        return self.home.start("sync", "--jobs", "1", "--json", *self._options)


class Floor:
    """Reads everything from one socket and throws it away: no client can be faster over one connection."""

    def __init__(self, directory: Path, server: Dovecot, user: str) -> None:
        self.name, self.kept = "floor", directory
        self._arguments = (server.host, str(server.port), user, server.password)

    def reset(self) -> None:
        """Nothing is kept."""
        self.kept.mkdir(parents=True, exist_ok=True)

    def start(self) -> "subprocess.Popen[str]":
        """Everything, each time."""
        return _launch(sys.executable, str(Path(__file__).with_name("floor.py")), *self._arguments)


def isync_version() -> str:
    """As it says itself."""
    return subprocess.run(["mbsync", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def make_peers(directory: Path, server: Dovecot, user: str) -> Sequence[Peer]:
    """All that can run here; without isync there is no one to be compared with, and that is an error."""
    if shutil.which("mbsync") is None:
        raise SystemExit("mbsync is not installed: apt-get install isync")
    return (
        Replicator(directory / "replicator", server, user, index=False),
        Replicator(directory / "replicator-index", server, user, index=True),
        Mbsync(directory / "mbsync", server, user, compress=False),
        Mbsync(directory / "mbsync-compress", server, user, compress=True),
        Floor(directory / "floor", server, user),
    )


def _launch(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
