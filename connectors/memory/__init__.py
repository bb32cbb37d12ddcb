"""The reference: a mail server in memory, and a Source over it that keeps every promise of `connectors.protocols`.

`MemoryMailbox` is the server. It may be changed between any two steps of a `MemorySource` that reads it, which is what
tests of the engine do; a promise is broken on purpose by overriding one small method of `MemorySource`.
"""

from connectors.memory.mailbox import INBOX, MemoryMailbox
from connectors.memory.source import FULL, MemorySource

__all__ = ["FULL", "INBOX", "MemoryMailbox", "MemorySource"]
