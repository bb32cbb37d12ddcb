"""Keys: from a root secret to the master key, and from there to one key for each mailbox."""

from replicator.mailstore.keys.about import About
from replicator.mailstore.keys.derivation import MailboxKeys, RandomBytes, expand
from replicator.mailstore.keys.keyring import Keyring
from replicator.mailstore.keys.roots import FileRoot, PassphraseRoot, Root
from replicator.mailstore.keys.slots import Slots

__all__ = ["About", "FileRoot", "Keyring", "MailboxKeys", "PassphraseRoot", "RandomBytes", "Root", "Slots", "expand"]
