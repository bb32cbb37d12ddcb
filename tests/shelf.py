"""A small mailstore that the engine has filled from a mailbox in memory; for tests of what commands and engine see."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random

from connectors.errors import StoreError
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.protocols import Source
from replicator.engine.ahead import read_ahead
from replicator.engine.report import MailboxReport
from replicator.engine.step import Engine, MailboxJob, Progress, Relay, SideJob
from replicator.mailstore import Mailstore
from replicator.mailstore.keys import FileRoot

NAME = "alice@corp.example"


class Shelf:
    """A directory with a key and a mailstore, and the server that it follows. Times pass by a second a look."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.server = MemoryMailbox()
        self.now = 1_700_000_000.0
        self._runs = count(1)
        key = directory / "key"
        self.root = FileRoot(key) if key.exists() else FileRoot.create(key)
        if not Mailstore.exists(self.path):
            Mailstore.create(self.path, self.root, self.clock).close()

    @property
    def path(self) -> Path:
        """The mailstore's."""
        return self.directory / "mailstore"

    def clock(self) -> float:
        self.now += 1
        return self.now

    def open(self) -> Mailstore:
        return Mailstore.open(self.path, self.root, self.clock)

    def fill(self, count: int, seed: int = 1, path: tuple[str, ...] = INBOX) -> None:
        """Random mail, some of it with an attachment that other mail has too."""
        rng = Random(seed)
        for number in range(count):
            lines = b"".join(b"QUJDREVG" * 9 + b"\r\n" for _ in range(90)) if number % 4 == 0 else b""
            head = f"Message-ID: <{seed}.{number}@x>\r\nSubject: mail {number}\r\n".encode()
            head += b"Content-Transfer-Encoding: base64\r\n" if lines else b""
            self.server.append(path, head + b"\r\n" + (lines or rng.randbytes(rng.randrange(2000))), {"\\Seen"})

    def sync(
        self,
        mailstore: Mailstore | None = None,
        *,
        name: str = NAME,
        source: Callable[[], Source] | None = None,
        relay: Relay = read_ahead,
        full: bool = False,
        expired: bool = False,
    ) -> MailboxReport:
        """One step of the engine."""
        store = mailstore or self.open()
        job = MailboxJob(
            name,
            (SideJob("primary", "memory", source or (lambda: MemorySource(self.server)), lambda *_: True),),
            full=full,
        )
        progress = Progress(MailboxReport(name))
        try:
            engine = Engine(store, self._run(), self.clock, self.clock, lambda *_: None, relay)
            engine.step(job, progress, 0.0 if expired else float("inf"))
        finally:
            if mailstore is None:
                store.close()
        return progress.report

    def step(self, mailstore: Mailstore, job: MailboxJob, progress: Progress, seconds: float = float("inf")) -> None:
        """One step of a job that the test made, with a timer that moves on by a second a look."""
        Engine(mailstore, self._run(), self.clock, self.clock, lambda *_: None).step(job, progress, seconds)

    def _run(self) -> str:
        return f"run{next(self._runs)}"

    def side(self, name: str, source: Callable[[], Source] | None = None, at: str = "memory") -> SideJob:
        """A side of a mailbox that covers everything."""
        return SideJob(name, at, source or (lambda: MemorySource(self.server)), lambda *_: True)

    def held(self) -> dict[str, bytes | None]:
        """Every live message by its id at the source; None for one that is refused when it is read."""
        with self.open() as mailstore:
            store = mailstore.mailbox(NAME)
            return {listed.ref.id: _bytes(store.read, listed) for listed in store.listing()}

    def problems(self, read_data: float | None = 100) -> list[str]:
        """What `verify` says; what prevents it from running is a problem too."""
        try:
            with Mailstore.open(self.path, self.root, self.clock, damaged=True) as mailstore:
                found = list(mailstore.verify(mailstore.names(), read_data, lambda: 0.0))
        except StoreError as error:
            return [error.message]
        return [f"{each.where}: {each.what}" for each in found if hasattr(each, "what")]


def _bytes(read, listed) -> bytes | None:  # type: ignore[no-untyped-def]
    try:
        return b"".join(read(listed))
    except StoreError:
        return None
