"""Any sequence of changes to keys and names, by two processes that keep the keyring open, against a simple model."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.errors import ConfigError, KeyRefused
from replicator.mailstore.keys import FileRoot, Keyring, Slots
from replicator.mailstore.keys.naming import rename, retire
from replicator.mailstore.keys.rotation import rotate_file

NAMES = st.sampled_from(["a", "b", "c", "d"])
KEYS = st.integers(0, 3)
PROCESS = st.integers(0, 1)


class Keys(RuleBasedStateMachine):
    """`opening` are the keys that have a slot; `ids` the mailboxes by name; `was` what each former name became."""

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.root = Path(self.directory.name)
        self.keys = [FileRoot.create(self.root / f"key{number}") for number in range(4)]
        self.path = self.root / "keyring.json"
        first = Keyring.create(self.path, self.keys[0])
        self.opening, self.retired = {0}, set[str]()
        self.ids: dict[str, str] = {}
        self.was: dict[str, str] = {}
        self.processes = [first, Keyring.open(self.path, self.keys[0])]

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.cleanup()

    def slots(self, process: int) -> Slots:
        return Slots(self.processes[process], self.keys[min(self.opening)])

    @rule(process=PROCESS, key=KEYS)
    def add_key(self, process: int, key: int) -> None:
        if key in self.opening:
            with pytest.raises(ConfigError):
                self.slots(process).add(self.keys[key])
        else:
            self.slots(process).add(self.keys[key])
            self.opening.add(key)

    @rule(process=PROCESS, key=KEYS, keeper=KEYS)
    def remove_key(self, process: int, key: int, keeper: int) -> None:
        fresh = Slots(Keyring.open(self.path, self.keys[min(self.opening)]), self.keys[min(self.opening)])
        slot = fresh.opened_by(self.keys[key])
        allowed = key in self.opening and keeper in self.opening - {key}
        if allowed and slot is not None:
            self.slots(process).remove(slot.id, self.keys[keeper])
            self.opening.discard(key)
        else:
            with pytest.raises(ConfigError):
                self.slots(process).remove(slot.id if slot else "00000000", self.keys[keeper])

    @rule(process=PROCESS, old=KEYS, new=KEYS)
    def exchange_keys(self, process: int, old: int, new: int) -> None:
        if old in self.opening and new not in self.opening:
            self.slots(process).exchange(self.keys[old], self.keys[new])
            self.opening = self.opening - {old} | {new}

    @rule(process=PROCESS, key=KEYS)
    def rotate_key(self, process: int, key: int) -> None:
        if key in self.opening:
            rotate_file(Slots(self.processes[process], self.keys[key]), self.keys[key].path)

    @rule(process=PROCESS, name=NAMES)
    def add_mailbox(self, process: int, name: str) -> None:
        if name in self.was:
            with pytest.raises(ConfigError):
                self.processes[process].add(name)
            return
        made = self.processes[process].add(name)
        assert self.ids.setdefault(name, made.id) == made.id

    @precondition(lambda self: self.ids)
    @rule(process=PROCESS, old=NAMES, new=NAMES)
    def rename_mailbox(self, process: int, old: str, new: str) -> None:
        if old not in self.ids or new in self.ids:
            with pytest.raises(ConfigError):
                rename(self.processes[process], old, new, lambda _: True)
            return
        rename(self.processes[process], old, new, lambda _: True)
        self.ids[new] = self.ids.pop(old)
        self.was.pop(new, None)
        self.was = {former: new if now == old else now for former, now in self.was.items()} | {old: new}
        if old in self.retired:
            self.retired = self.retired - {old} | {new}

    @rule(process=PROCESS, name=NAMES, back=st.booleans())
    def retire_mailbox(self, process: int, name: str, back: bool) -> None:
        if name in self.ids:
            retire(self.processes[process], name, None if back else 5.0)
            (self.retired.discard if back else self.retired.add)(name)

    @invariant()
    def the_right_keys_open_and_the_names_are_right(self) -> None:
        if not hasattr(self, "keys"):
            return
        for number, key in enumerate(self.keys):
            if number not in self.opening:
                with pytest.raises(KeyRefused):
                    Keyring.open(self.path, key)
                continue
            opened = Keyring.open(self.path, key)
            assert opened.names() == self.ids
            assert opened.former() == self.was
            assert {name for name in self.ids if opened.about(name).retired is not None} == self.retired


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
