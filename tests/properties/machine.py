"""A mailbox that changes, a source that fails, a process that dies; and a mailstore that is right all the same."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.body import header_block
from connectors.errors import CursorExpired, Disconnected, ItemUnreadable, ServerBusy
from connectors.memory import FULL, INBOX, MemoryMailbox
from connectors.memory.mailbox import KeptFolder
from connectors.model import Capabilities
from connectors.retrying import Pauses, Retrying
from connectors.testing.faulty import EACH, Act, Cut, Fault, Faults, Raise, Refuse
from replicator.engine.folderpass import Relay
from replicator.engine.report import MailboxReport
from replicator.engine.step import Engine, MailboxJob, Progress, SideJob
from replicator.mailstore import Mailstore
from replicator.mailstore.keys import FileRoot
from replicator.mailstore.mailbox.store import MailboxStore
from tests.properties.crashing import Crash, Fuse, FusedDisk, few_proofs, fused_transactions
from tests.properties.sources import BODIES, Opener, as_delivered, in_one_thread, open_memory

FLAGS = ("\\Seen", "\\Flagged", "$Label1", "\\Recent", "\\Draft")
PATHS = (INBOX, ("Sent",), ("A", "b/c"), ("%25", "ü"))
DAY = 86_400.0

bodies = st.integers(0, len(BODIES) - 1)
flag_sets = st.sets(st.sampled_from(FLAGS))
paths = st.sampled_from(PATHS)
dice = st.integers(0, 1_000_000)


class ReplicationMachine(RuleBasedStateMachine):
    """The rules are what can happen; `_check` is what must be true after a pass that nothing disturbed."""

    opener: Opener = staticmethod(open_memory)
    relay: Relay = staticmethod(in_one_thread)
    exact = True

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._directory = Path(tempfile.mkdtemp(prefix="machine"))
        self._stack.callback(shutil.rmtree, self._directory)
        self._root = FileRoot.create(self._directory / "key") or FileRoot(self._directory / "key")
        self._fuse = Fuse()
        self._stack.enter_context(fused_transactions(self._fuse))
        self._now = 1_700_000_000.0
        self._server = MemoryMailbox()
        self._capabilities = FULL
        self._snapshots: list[tuple[float, list[tuple[object, ...]]]] = []
        self._runs = 0
        self._backup: dict[tuple[str, ...], KeptFolder] = {}
        self._stack.enter_context(few_proofs())
        Mailstore.create(self._directory / "mailstore", self._root, self._clock).close()

    def teardown(self) -> None:
        self._stack.close()

    @initialize(promises=st.tuples(*[st.booleans()] * 5), messages=st.integers(0, 5), seed=dice)
    def start(self, promises: tuple[bool, bool, bool, bool, bool], messages: int, seed: int) -> None:
        removals, stable, sizes, identities, edits = promises
        self._capabilities = Capabilities(
            reports_removals=removals,
            exact_bytes=self.exact,
            exact_sizes=sizes and self.exact,
            stable_folder_ids=stable,
            identities=identities,
            edits=edits,
        )
        rng = Random(seed)
        for _ in range(messages):
            self._server.append(INBOX, rng.choice(BODIES), (), self._date(rng.randrange(9999)))

    # What the server and its users do.

    @rule(path=paths, body=bodies, flags=flag_sets, number=dice)
    def append(self, path: tuple[str, ...], body: int, flags: set[str], number: int) -> None:
        if path not in self._server.kept:
            self._server.create_folder(path)
        self._server.append(path, BODIES[body], flags, self._date(number % 4))

    @rule(number=dice, flags=flag_sets)
    def set_flags(self, number: int, flags: set[str]) -> None:
        self._with_message(number, lambda path, uid: self._server.set_flags(path, uid, flags))

    @rule(number=dice, body=bodies)
    def edit(self, number: int, body: int) -> None:
        if self._capabilities.edits:
            self._with_message(number, lambda path, uid: self._server.edit(path, uid, BODIES[body]))

    @rule(number=dice)
    def expunge(self, number: int) -> None:
        self._with_message(number, self._server.expunge)

    @rule(number=dice, to=paths)
    def move(self, number: int, to: tuple[str, ...]) -> None:
        if to in self._server.kept:
            self._with_message(number, lambda path, uid: self._server.move(path, uid, to))

    @rule(number=dice, to=paths)
    def copy(self, number: int, to: tuple[str, ...]) -> None:
        if to in self._server.kept:
            self._with_message(number, lambda path, uid: self._server.copy(path, uid, to))

    @rule()
    def back_up(self) -> None:
        self._backup = deepcopy(self._server.kept)

    @rule()
    def restore(self) -> None:
        """The server as it was, under new numbers: what came since is gone, what had left is back."""
        if self._backup:
            self._server.kept = deepcopy(self._backup)
            for path in self._server.kept:
                self._server.renumber(path)

    @rule(path=paths, to=paths)
    def rename(self, path: tuple[str, ...], to: tuple[str, ...]) -> None:
        if path in self._server.kept and to not in self._server.kept and path != INBOX:
            self._server.rename_folder(path, to)

    @rule(path=paths)
    def delete(self, path: tuple[str, ...]) -> None:
        if path in self._server.kept and path != INBOX:
            self._server.delete_folder(path)

    @rule(path=paths)
    def renumber(self, path: tuple[str, ...]) -> None:
        if path in self._server.kept:
            self._server.renumber(path)

    @rule(path=paths)
    def expire(self, path: tuple[str, ...]) -> None:
        if path in self._server.kept:
            self._server.expire_cursors(path)

    # What we do.

    @rule()
    def sync(self) -> None:
        report = self._sync()
        assert report.ok, report.as_json()
        doubts = self._check()
        if doubts:
            assert self._sync().counts.reread == doubts
        assert self._check() == 0
        self._check_idle()

    @rule()
    def sync_in_full(self) -> None:
        assert self._sync(full=True).ok
        self._check()

    @rule(steps=st.integers(0, 40), changes=st.lists(dice, max_size=3))
    def sync_and_die(self, steps: int, changes: list[int]) -> None:
        self._sync(steps=steps, script=[self._meddling(number) for number in changes])

    @rule(errors=st.lists(st.tuples(dice, dice), min_size=1, max_size=4), changes=st.lists(dice, max_size=3))
    def sync_in_trouble(self, errors: list[tuple[int, int]], changes: list[int]) -> None:
        script = [self._trouble(*numbers) for numbers in errors] + [self._meddling(number) for number in changes]
        self._sync(script=script)

    def meddle(self, act: Act) -> None:
        """A pass that nothing but this disturbs."""
        self._sync(script=[act])

    @invariant()
    def history_stands(self) -> None:
        """What was on record at a moment stays so, whatever came later."""
        if self._snapshots:
            at, expected = self._snapshots[len(self._snapshots) // 2]
            with self._open() as mailstore:
                assert self._listing(self._mailbox(mailstore), at) == expected

    def _sync(
        self, *, full: bool = False, steps: int | None = None, script: list[Fault] | None = None
    ) -> MailboxReport:
        self._now += 2 * DAY  # so that everything in quarantine is due
        self._runs += 1
        faults = Faults(*(script or ()))
        opener = type(self).opener
        open_source = faults.opening(lambda: opener(self._server, self._capabilities))
        retrying = Retrying(open_source, Pauses(attempts=3), lambda _: None, Random(self._runs))
        job = MailboxJob("box", (SideJob("primary", "memory", lambda: retrying, lambda *_: True),), full=full)
        progress = Progress(MailboxReport("box"))
        mailstore = self._open(FusedDisk(self._fuse))
        self._fuse.left = steps
        try:
            relay = type(self).relay
            engine = Engine(mailstore, f"run{self._runs}", self._clock, self._clock, lambda *_: None, relay)
            engine.step(job, progress, float("inf"))
        except Crash:
            pass
        finally:
            self._fuse.left = None
            mailstore.close()
        self._remember()
        counts = progress.report.counts
        assert counts.seen == counts.stored + counts.merged + counts.filtered + counts.quarantined
        return progress.report

    def _remember(self) -> None:
        self._now += 1
        with self._open() as mailstore:
            if "box" in mailstore.names():
                store = mailstore.ensure_mailbox("box")
                self._snapshots.append((self._now, self._listing(store, self._now)))
                assert self._snapshots[-1][1] == self._listing(store, None)

    def _check(self) -> int:
        """The mailstore holds what the server holds, exactly once, and the books balance.

        A row that was matched unread may be in error until it is read again: says how many such there are.
        """
        doubts = 0
        with self._open() as mailstore:
            store = self._mailbox(mailstore)
            held: dict[tuple[str, ...], dict[str, tuple[object, ...]]] = {path: {} for path in self._server.kept}
            for listed in store.listing():
                raw = as_delivered(b"".join(store.read(listed)))
                folder = held[listed.path]
                assert listed.ref.id not in folder
                if listed.unverified:
                    doubts += 1
                    raw = self._doubted(raw, self._server.listing(listed.path)[listed.ref.id].raw)
                folder[listed.ref.id] = (raw, listed.flags, listed.internaldate)
            assert held == {path: self._truth(path) for path in self._server.kept}
            status = store.status()
            assert sum(folder.unverified for folder in status.folders) == doubts
            assert all(folder.balanced for folder in status.folders)
            assert {folder.source_count for folder in status.folders} <= set(map(len, held.values())) | {0}
            assert not list(store.problems())
        return doubts

    def _doubted(self, raw: bytes, truth: bytes) -> bytes:
        """The truth, from which what was taken for it differs in nothing that was compared."""
        assert header_block(raw) == header_block(truth)
        assert len(raw) == len(truth) or not self._capabilities.exact_sizes
        return truth

    def _check_idle(self) -> None:
        """Another pass over an unchanged source changes nothing at all."""
        with self._open() as mailstore:
            before = self._mailbox(mailstore).mark(), mailstore.catalog.totals()
        report = self._sync()
        assert (report.counts.seen, report.counts.bytes, report.full_passes) == (0, 0, 0)
        with self._open() as mailstore:
            assert (self._mailbox(mailstore).mark(), mailstore.catalog.totals()) == before

    def _truth(self, path: tuple[str, ...]) -> dict[str, tuple[object, ...]]:
        return {
            ref: (kept.raw, tuple(sorted(kept.flags - {"\\Recent"})), kept.arrived_at.isoformat())
            for ref, kept in self._server.listing(path).items()
        }

    def _listing(self, store: MailboxStore, at: float | None) -> list[tuple[object, ...]]:
        return [
            (each.id, each.path, each.ref.id, each.flags, each.state, each.content and each.content.sha256)
            for each in store.listing(side=None, state="all", at=at)
        ]

    def _trouble(self, kind: int, number: int) -> Fault:
        errors = (Disconnected("cut"), ServerBusy("later"), CursorExpired("forgotten"))
        methods = ("changes", "fetch", "open", "count", "inventory", "folders")
        if kind % 3 == 0:
            refs = [ref for path in self._server.kept for ref in self._server.listing(path)] or ["none"]
            return Refuse(refs[number % len(refs)], ItemUnreadable("the server cannot read it"), EACH)
        if kind % 7 == 1:
            return Cut(errors[kind % 2], at=number % 150, call=1 + number % 2, nth=1 + number % 3)
        method = methods[kind % len(methods)]
        error = errors[number % 3] if method == "changes" else errors[kind % 2]
        return Raise(method, error, call=1 + number % 3, after=number // 3 % 3)

    def _meddling(self, number: int) -> Fault:
        """Someone changes the mailbox while it is read."""
        rng = Random(number)
        acts: list[Callable[[], object]] = [
            lambda: self._server.append(INBOX, rng.choice(BODIES), (), self._date(number)),
            lambda: self._with_message(number, self._server.expunge),
            lambda: self._with_message(number, lambda path, uid: self._server.set_flags(path, uid, {"\\Flagged"})),
            lambda: self._with_message(number, lambda path, uid: self._server.move(path, uid, INBOX)),
            lambda: self._server.renumber(INBOX),
            lambda: self.edit(number, number % len(BODIES)),
        ]
        method = rng.choice(["changes", "fetch", "inventory", "count"])
        after = 0 if method == "count" else rng.randint(0, 2)
        return Act(method, rng.choice(acts), call=rng.randint(1, 3), after=after)

    def _with_message(self, number: int, act: Callable[[tuple[str, ...], str], object]) -> None:
        every = [(path, str(uid)) for path, folder in self._server.kept.items() for uid in folder.messages]
        if every:
            act(*every[number % len(every)])

    def _date(self, number: int) -> datetime:
        return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=number)

    def _clock(self) -> float:
        self._now += 0.001
        return self._now

    def _open(self, disk: FusedDisk | None = None) -> Mailstore:
        return Mailstore.open(self._directory / "mailstore", self._root, self._clock, disk)

    def _mailbox(self, mailstore: Mailstore) -> MailboxStore:
        return mailstore.ensure_mailbox("box")
