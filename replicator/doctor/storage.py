"""The mailstore and its key, looked at without opening a database: opening one writes beside it."""

import os
from collections.abc import Iterator
from pathlib import Path

from connectors.errors import ReplicationError
from replicator.config import Config, KeyFile
from replicator.doctor.check import Check
from replicator.engine.opening import root_of
from replicator.mailstore.directory import Directory
from replicator.mailstore.keys import Keyring
from replicator.privacy import OTHERS


def check_mailstore(config: Config) -> Check:
    """Whether it is there, in a format that this program knows, and whole as far as its files tell."""
    directory = Directory(config.mailstore.path)
    try:
        directory.check()
    except ReplicationError as error:
        return Check.failed("mailstore", error)
    lost = [path for path in (directory.keyring, directory.catalog, directory.segments) if not path.exists()]
    if lost:
        advice = "`replicator verify` rebuilds catalog.db; all else has to come from a backup"
        return Check.bad("mailstore", f"missing: {', '.join(path.name for path in lost)}", advice, 13)
    segments = sum(1 for _ in directory.segments.glob("*.seg"))
    detail = f"{directory.root}; mailboxes: {len(directory.mailbox_ids())}, segments: {segments}"
    return Check("mailstore", ok=True, detail=f"{detail} (`replicator verify` reads them)")


def check_key(config: Config) -> Check:
    """Whether the configured key opens the keyring."""
    directory, key = Directory(config.mailstore.path), config.mailstore.key
    root = root_of(config)
    try:
        if not directory.keyring.exists():
            # Read all the same: `init` will want it.
            root.slot_key(root.parameters(os.urandom))
            return Check("key", ok=True, detail=f"{root} can be read; there is no keyring for it to open")
        keyring = Keyring.open(directory.keyring, root)
    except ReplicationError as error:
        advice = error.advice
        if isinstance(key, KeyFile) and not key.path.exists():
            advice = (
                f"put {key.path} back from your copy of it: no other key opens this mailstore, and a new one cannot"
                if directory.exists() or directory.keyring.exists()
                else "`replicator init` makes it, with the mailstore"
            )
        return Check.bad("key", error.message, advice, error.exit_code)
    slots = len(keyring.document.slots)
    return Check("key", ok=True, detail=f"{root} opens key {keyring.key_id}; slots: {slots}")


def check_permissions(config: Config) -> Check:
    """Whether the mailstore is its owner's alone, and this user's to write. Secrets' files are the configuration's."""
    path = config.mailstore.path
    if not path.exists():
        place = next(each for each in path.resolve().parents if each.exists())
        if os.access(place, os.W_OK | os.X_OK):
            return Check("permissions", ok=True, detail=f"{path} is not there yet, and can be made")
        return Check.bad("permissions", f"{path} cannot be made", f"let this user write to {place}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Check.bad("permissions", f"{path} is not this user's to read and write", f"run it as {_owner(path)}")
    foreign = sorted(name for name, owner in _owners(path) if owner != path.stat().st_uid)
    if foreign:
        detail = f"{path}: {', '.join(foreign[:5])} belong to another user than the rest"
        return Check.bad("permissions", detail, f"chown -R them to the owner of {path}: was it run by root once?")
    return Check("permissions", ok=True, detail=f"{path} can be written", advice=_warning(path))


def _warning(path: Path) -> str:
    if path.stat().st_uid != os.geteuid():
        owner = _owner(path)
        return f"run it as {owner}, who owns {path}: what another user writes there, {owner} cannot use"
    if path.stat().st_mode & OTHERS:
        return f"chmod 700 {path}: what is in it is encrypted, and others need not see how much there is"
    return ""


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # a user who was deleted, or one from outside of a container
        return f"user {path.stat().st_uid}"


def newest_write(path: Path) -> float | None:
    """When a segment was last written to, in seconds since the epoch; None without any."""
    return max((segment.stat().st_mtime for segment in Directory(path).segments.glob("*.seg")), default=None)


def _owners(path: Path) -> Iterator[tuple[str, int]]:
    """The names in the mailstore's directory, and who owns each."""
    for entry in os.scandir(path):
        yield entry.name, entry.stat(follow_symlinks=False).st_uid
