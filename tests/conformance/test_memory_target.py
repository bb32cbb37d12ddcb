"""The reference target keeps every promise in each of its forms, and the suite notices when it breaks one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.errors import ItemGone, Renumbered, ReplicationError
from connectors.memory import INBOX, Limits, MemoryMailbox, MemorySource, MemoryTarget
from connectors.memory.mailbox import Kept, KeptFolder
from connectors.model import (
    BEGINNING,
    Folder,
    Gone,
    Mark,
    Message,
    Ref,
    Role,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)
from connectors.protocols import Target
from connectors.testing.driver import Path
from connectors.testing.faulty import Faults, Lose
from connectors.testing.faulty_target import FaultyTarget
from connectors.testing.target_driver import Write
from connectors.testing.target_suite import TargetSuite

ATOMIC = TargetCapabilities(atomic=True)


class MemoryTargetDriver(MemoryMailbox):
    """A mailbox in memory that opens itself, for reading and for writing."""

    def __init__(
        self, make: Callable[[MemoryMailbox], Target] = MemoryTarget, flags: frozenset[str] | None = None
    ) -> None:
        super().__init__()
        self.limits = Limits(room=100 << 20, largest=50 << 20, flags=flags)
        self._make = make

    def open(self) -> MemorySource:
        return MemorySource(self, page_changes=2)

    def open_target(self) -> Target:
        return self._make(self)

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        return FaultyTarget(self.open_target(), Faults(Lose(write, "at once" if happened else "never")))

    def fill(self) -> None:
        self.limits = Limits(room=0)


class TestMemoryTarget(TargetSuite):
    @pytest.fixture
    def driver(self) -> MemoryTargetDriver:
        return MemoryTargetDriver()


class TestMemoryTargetWithFewFlags(TargetSuite):
    """Such as Exchange, which keeps no keywords."""

    @pytest.fixture
    def driver(self) -> MemoryTargetDriver:
        return MemoryTargetDriver(flags=frozenset({"\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted"}))


class TestMemoryTargetWithoutFlags(TargetSuite):
    @pytest.fixture
    def driver(self) -> MemoryTargetDriver:
        less = replace(ATOMIC, keeps_flags=False)
        return MemoryTargetDriver(lambda mailbox: MemoryTarget(mailbox, less))


class DropsKeywordsInSilence(MemoryTarget):
    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        kept = frozenset(flag for flag in message.flags if flag.startswith("\\"))
        return super().append(folder, replace(message, flags=kept), op)


class TidiesLineEnds(MemoryTarget):
    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        raw = b"".join(message.raw).rstrip(b"\r\n") + b"\r\n"
        return super().append(folder, replace(message, raw=(raw[:-2].replace(b"\r\n\r\n", b"\r\n") + b"\r\n",)), op)


class ArrivesNow(MemoryTarget):
    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        return super().append(folder, replace(message, received_at=None), op)


class KnowsTwins(MemoryTarget):
    """Takes an equal message for the one that it is to append."""

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        raw = b"".join(message.raw)
        twins = self.find(folder, BEGINNING, lambda each: b"".join(each.raw) == raw)
        return twins[0] if twins else super().append(folder, message, op)


class TriesAgain(MemoryTarget):
    """Sends every append twice, as a library's own retries may."""

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        super().append(folder, message, op)
        return super().append(folder, message, op)


class WritesHalf(MemoryTarget):
    """Keeps what it has read of a message whose reading fails."""

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        pieces: list[bytes] = []
        try:
            pieces.extend(message.raw)
        except Exception:
            super().append(folder, replace(message, raw=(b"half",)), op)
            raise
        return super().append(folder, replace(message, raw=tuple(pieces)), op)


class LooksEverywhere(MemoryTarget):
    def first_after(self, kept: KeptFolder, since: Mark) -> int:
        super().first_after(kept, since)
        return 1


class TrustsAnyMark(MemoryTarget):
    def first_after(self, kept: KeptFolder, since: Mark) -> int:
        try:
            return super().first_after(kept, since)
        except Renumbered:
            return 1


class LooksTooLate(MemoryTarget):
    def first_after(self, kept: KeptFolder, since: Mark) -> int:
        return super().first_after(kept, since) + 1


class NeverStale(MemoryTarget):
    def is_stale(self, message: Kept, seen: Version | None) -> bool:
        return False


class AlwaysStaleByFlags(MemoryTarget):
    def is_stale(self, message: Kept, seen: Version | None) -> bool:
        return seen is not None and seen.tag != str(message.modseq)


class ReplacesFlags(MemoryTarget):
    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        kept, _ = self._message(ref)
        self._mailbox.set_flags(kept.path, ref.native, add)
        return super().set_flags(ref, add, remove, if_version)


class ExpungesAll(MemoryTarget):
    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        kept, _ = self._message(ref)
        for uid in [uid for uid, each in kept.messages.items() if "\\Deleted" in each.flags]:
            self._mailbox.expunge(kept.path, str(uid))
        return super().remove(ref, if_version)


class RemovesTwice(MemoryTarget):
    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        try:
            return super().remove(ref, if_version)
        except ItemGone:
            return Gone(ref)


class LosesBeforeItCopies(MemoryTarget):
    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        _, message = self._message(ref)
        super().remove(ref, if_version)
        return self._ref(self._find(to.id), self._mailbox.append(self._find(to.id).path, message.raw))


class MakesAnew(MemoryTarget):
    def ensure_folder(self, path: Path, role: Role = Role.NONE) -> Folder:
        if path in self._mailbox.kept and path != INBOX:
            self._mailbox.delete_folder(path)
        return super().ensure_folder(path, role)


class RenamesOver(MemoryTarget):
    def rename_folder(self, folder: Folder, path: Path) -> Folder:
        self._mailbox.kept.pop(path, None)
        return super().rename_folder(folder, path)


class TidiesNames(MemoryTarget):
    def ensure_folder(self, path: Path, role: Role = Role.NONE) -> Folder:
        return super().ensure_folder(tuple(part.replace("*", "_") for part in path), role)


class NoLimit(MemoryTarget):
    def _check_room(self, size: int) -> None:
        return


MUTANTS: list[tuple[type[MemoryTarget], str]] = [
    (DropsKeywordsInSilence, "test_what_is_said_to_be_kept_is_kept_and_the_rest_is_left_out"),
    (TidiesLineEnds, "test_a_message_stands_as_it_was_appended"),
    (TidiesLineEnds, "test_ugly_mail_is_kept_or_refused"),
    (ArrivesNow, "test_dates_of_any_offset_keep_their_moment"),
    (KnowsTwins, "test_two_equal_messages_are_two"),
    (KnowsTwins, "test_an_equal_message_that_stood_there_before_is_not_found"),
    (TriesAgain, "test_a_message_stands_as_it_was_appended"),
    (TriesAgain, "test_what_is_appended_after_a_mark_is_found"),
    (TriesAgain, "test_a_large_append_of_unknown_outcome_is_found_out"),
    (WritesHalf, "test_trouble_in_reading_the_message_passes_through_and_leaves_nothing"),
    (LooksEverywhere, "test_an_equal_message_that_stood_there_before_is_not_found"),
    (LooksEverywhere, "test_nothing_comes_after_a_mark_that_was_just_taken"),
    (TrustsAnyMark, "test_a_mark_that_cannot_be_used_is_refused"),
    (TrustsAnyMark, "test_a_folder_made_anew_is_not_the_one_that_was_marked"),
    (TrustsAnyMark, "test_a_folder_numbered_anew_is_not_the_one_that_was_marked"),
    (LooksTooLate, "test_what_is_appended_after_a_mark_is_found"),
    (NeverStale, "test_a_message_that_someone_changed_is_left_as_it_is"),
    (AlwaysStaleByFlags, "test_a_condition_that_holds_lets_the_change_through"),
    (ReplacesFlags, "test_flags_of_someone_else_stay"),
    (ReplacesFlags, "test_flags_are_added_and_removed_and_others_left"),
    (ExpungesAll, "test_removing_takes_no_other_that_is_marked_as_deleted"),
    (RemovesTwice, "test_what_has_left_can_be_changed_no_more"),
    (RemovesTwice, "test_a_lost_removal_can_be_repeated"),
    (LosesBeforeItCopies, "test_a_moved_message_is_the_same_elsewhere"),
    (MakesAnew, "test_a_folder_that_stands_is_left_as_it_is"),
    (RenamesOver, "test_a_rename_does_not_replace_another_folder"),
    (TidiesNames, "test_a_folder_is_made_under_exactly_that_name_or_refused"),
    (NoLimit, "test_a_full_mailbox_takes_nothing_and_the_session_goes_on"),
    (NoLimit, "test_what_is_larger_than_the_largest_is_refused"),
]

PARAMETERS = {
    "test_a_message_that_someone_changed_is_left_as_it_is": {"tagged": True},
    "test_a_condition_that_holds_lets_the_change_through": {"tagged": False},
    "test_what_has_left_can_be_changed_no_more": {"mine": True},
    "test_trouble_in_reading_the_message_passes_through_and_leaves_nothing": {"good": 0},
    "test_a_lost_removal_can_be_repeated": {"happened": True},
    "test_a_large_append_of_unknown_outcome_is_found_out": {"happened": True},
}


@pytest.mark.parametrize(("mutant", "test"), MUTANTS)
def test_the_suite_notices(mutant: type[MemoryTarget], test: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, ReplicationError)):
        getattr(TargetSuite(), test)(MemoryTargetDriver(mutant), **PARAMETERS.get(test, {}))
