"""A crash at every durable step of a pass, one by one; and broken engines, each of which these sweeps notice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.errors import Tampered
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.memory.mailbox import KeptFolder
from connectors.memory.source import Place
from connectors.model import Capabilities, Folder, Page, Ref, Seen
from connectors.testing.faulty import Act
from replicator.engine.folderpass import FolderPass
from replicator.engine.keeping import Keeping
from replicator.mailstore.mailbox.answers import Matched, Need
from replicator.mailstore.mailbox.lookalikes import Lookalikes
from replicator.mailstore.mailbox.matching import Matching
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.rows import FolderRow
from tests.properties.machine import ReplicationMachine
from tests.properties.sources import BODIES

STEPS = 60
"""More than the durable steps of the passes below; the fuse of the last ones does not burn out."""


History = Callable[[ReplicationMachine, int], None]


def sweep(history: History, kind: type[ReplicationMachine] = ReplicationMachine) -> None:
    """The history with a crash at each step, each time followed by what must be true."""
    for step in range(STEPS):
        machine = kind()
        try:
            machine.start((True, True, True, False, history is edited), messages=0, seed=0)
            for body in range(len(BODIES)):
                machine.append(INBOX, body, set(), body)
            history(machine, step)
            machine.sync()
            machine.history_stands()
        finally:
            machine.teardown()


def first_pass(machine: ReplicationMachine, step: int) -> None:
    machine.sync_and_die(step, [])


def second_full_pass(machine: ReplicationMachine, step: int) -> None:
    """The server forgot its history, and a message left meanwhile: only a comparison of all can tell."""
    machine.sync()
    machine.expire(INBOX)
    machine.expunge(0)
    machine.append(INBOX, 1, {"\\Seen"}, 7)
    machine.sync_and_die(step, [])


def flags_set_in_a_first_pass(machine: ReplicationMachine, step: int) -> None:
    """The first message's flags change once the first page with it has been read."""
    machine.meddle(Act("changes", lambda: machine.set_flags(0, {"\\Flagged"}), after=1 + step % 2))


def numbered_anew(machine: ReplicationMachine, step: int) -> None:
    """And meanwhile one message was replaced by another with the same header, date and size, one by a longer one."""
    machine.sync()
    for body in (1, 2):
        machine.expunge(0)
        machine.append(INBOX, body, set(), body - 1)
    machine.renumber(INBOX)
    machine.sync_and_die(step, [])


def edited(machine: ReplicationMachine, step: int) -> None:
    """Two messages get other content under their ids, one of them while it is read."""
    machine.sync()
    machine.edit(0, 2)
    machine.meddle(Act("fetch", lambda: machine.edit(1, 3), after=step % 2))
    machine.edit(2, 1)
    machine.sync_and_die(step, [])


@pytest.mark.parametrize("history", [first_pass, second_full_pass, flags_set_in_a_first_pass, numbered_anew, edited])
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(history: History) -> None:
    sweep(history)


def test_rows_before_bytes_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Keeping._record

    def too_early(keeping: Keeping) -> None:
        intake, sync = keeping._intake, keeping._intake.sync
        with monkeypatch.context() as patch:
            patch.setattr(intake, "sync", lambda: None)
            real(keeping)
        sync()

    monkeypatch.setattr(Keeping, "_record", too_early)
    with pytest.raises((AssertionError, Tampered)):
        sweep(first_pass)


class LateSource(MemorySource):
    """A full pass ends with a cursor of its end: what happened while it ran is never told."""

    def settle(self, kept: KeptFolder, start: Place) -> Place:
        return super().settle(kept, Place(start.validity, kept.highest))


class LateMachine(ReplicationMachine):
    @staticmethod
    def opener(mailbox: MemoryMailbox, capabilities: Capabilities) -> MemorySource:
        return LateSource(mailbox, capabilities, page_changes=2, ahead=2)


def test_a_cursor_taken_at_the_end_of_a_full_pass_is_noticed() -> None:
    with pytest.raises(AssertionError):
        sweep(flags_set_in_a_first_pass, LateMachine)


def test_a_resumed_full_pass_that_forgets_to_be_full_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = FolderPass._replicate

    def forgetful(self: FolderPass, row: FolderRow, folder: Folder, *, resumed: bool = False) -> FolderRow:
        if row.full and row.cursor is not None:
            return self._read(row, folder, full=False, again=resumed)
        return real(self, row, folder, resumed=resumed)

    monkeypatch.setattr(FolderPass, "_replicate", forgetful)
    # The server's count would heal what this breaks, as it should; without it the property has to notice.
    monkeypatch.setattr(FolderPass, "_balance", without_counting)
    with pytest.raises(AssertionError):
        sweep(second_full_pass)


def without_counting(self: FolderPass, row: FolderRow, folder: Folder, *, compare: bool) -> None:
    live = self._store.live(row)
    self._store.settle(row, folder.stamp, live, live)


def test_without_counting_a_sound_engine_still_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it was the mutation above that was noticed, and not the missing count."""
    monkeypatch.setattr(FolderPass, "_balance", without_counting)
    sweep(second_full_pass)


def test_matches_that_are_not_marked_unverified_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Matching.need

    def sure(self: Matching, page: Page) -> Need:
        need = real(self, page)
        return Need(need.fetch, {ref: replace(match, unverified=False) for ref, match in need.matched.items()})

    monkeypatch.setattr(Matching, "need", sure)
    with pytest.raises(AssertionError):
        sweep(numbered_anew)


def test_matches_whose_sizes_are_not_compared_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, by_signs = Lookalikes._rows, Matching._by_signs

    def of_one_size(self: Lookalikes, dates: set[str]) -> list[Any]:
        return [(*row[:6], 1, *row[7:]) for row in rows(self, dates)]

    def careless(self: Matching, news: list[Seen]) -> dict[Ref, Matched]:
        return by_signs(self, [replace(each, size=1) for each in news])

    monkeypatch.setattr(Lookalikes, "_rows", of_one_size)
    monkeypatch.setattr(Matching, "_by_signs", careless)
    with pytest.raises(AssertionError):
        sweep(numbered_anew)


def test_edits_that_are_not_fetched_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "revised", lambda *_: [])
    with pytest.raises(AssertionError):
        sweep(edited)
