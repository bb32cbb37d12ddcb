"""What mailboxes are called in the keyring: renamed, retired, and taken back. Their mail stays where it is."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.errors import ConfigError
from replicator.mailstore.keys.about import About
from replicator.mailstore.keys.document import Document, Entry
from replicator.mailstore.keys.keyring import Keyring


def rename(keyring: Keyring, old: str, new: str, held: Callable[[str], bool]) -> None:
    """Gives a mailbox another name, in one write. `held` tells whether anything is kept under an opaque id.

    The old name is remembered, so that nothing is fetched again under it. A key under the new name with nothing behind
    it, as a crash leaves, is kept under a name that nobody has: a run that has just made it may be about to use it.
    Raises ConfigError if there is no such mailbox, or something is held under the new name.
    """

    def renamed(document: Document) -> Document:
        names = keyring.names()
        mailbox_id, other = _id(keyring, old), names.get(new)
        if other is not None and held(other):
            raise ConfigError(
                f"a mailbox {new} is held here already",
                f"if `sync` made it because the configuration was changed first: rename it too, to a name such as "
                f"{new}.2, then rename {old}; `replicator export` gives back what only it holds",
            )
        about = keyring.about(old)
        was = tuple(dict.fromkeys(name for name in (*about.was, old) if name != new))
        entries = dict(document.mailboxes)
        if other is not None:
            entries[other] = keyring.resealed(other, f"{new}.{other}", keyring.about(new))
        entries[mailbox_id] = keyring.resealed(mailbox_id, new, replace(about, was=was))
        return replace(document, mailboxes=_without_former(keyring, entries, new, mailbox_id))

    if old == new:
        raise ConfigError(f"{old} and {new} are the same name", "name another")
    keyring.revise(renamed)


def retire(keyring: Keyring, name: str, at: float | None) -> None:
    """Says that a mailbox is not replicated any more since `at`, or that it is again. Raises ConfigError."""

    def retired(document: Document) -> Document:
        mailbox_id, about = _id(keyring, name), keyring.about(name)
        if (about.retired is None) == (at is None):
            return document
        entry = keyring.resealed(mailbox_id, name, replace(about, retired=at))
        return replace(document, mailboxes=document.mailboxes | {mailbox_id: entry})

    keyring.revise(retired)


def _without_former(keyring: Keyring, entries: Mapping[str, Entry], name: str, but: str) -> dict[str, Entry]:
    """The entries, of which no other remembers `name` as its own: it has a bearer now."""
    ids = keyring.names()
    bearer = keyring.former().get(name)
    if bearer is None or ids[bearer] == but or ids[bearer] not in entries:
        return dict(entries)
    about: About = keyring.about(bearer)
    kept = replace(about, was=tuple(each for each in about.was if each != name))
    return {**entries, ids[bearer]: keyring.resealed(ids[bearer], bearer, kept)}


def _id(keyring: Keyring, name: str) -> str:
    mailbox_id = keyring.names().get(name)
    if mailbox_id is None:
        raise ConfigError(f"the mailstore holds no mailbox {name!r}", "`replicator status` lists those it holds")
    return mailbox_id
