"""The reference: a mail server in memory, and over it a Source and a Target that keep what `connectors.protocols` says.

`MemoryMailbox` is the server. It may be changed between any two steps of a `MemorySource` that reads it, which is what
tests of the engine do; a promise is broken on purpose by overriding one small method of `MemorySource`.
"""

from connectors.memory.mailbox import INBOX, Limits, MemoryMailbox
from connectors.memory.source import FULL, MemorySource
from connectors.memory.target import MemoryTarget

__all__ = ["FULL", "INBOX", "Limits", "MemoryMailbox", "MemorySource", "MemoryTarget"]
