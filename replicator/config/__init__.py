"""The configuration: TOML in, frozen dataclasses out, and every problem in one report.

Only the commands read the environment; what they find is passed in here.
"""

from replicator.config.location import find_config
from replicator.config.model import (
    Config,
    KeyFile,
    MailboxSettings,
    MailstoreSettings,
    Passphrase,
    SideSettings,
    SourceSettings,
)
from replicator.config.parsing import load_config
from replicator.config.patterns import FolderRules

__all__ = [
    "Config",
    "FolderRules",
    "KeyFile",
    "MailboxSettings",
    "MailstoreSettings",
    "Passphrase",
    "SideSettings",
    "SourceSettings",
    "find_config",
    "load_config",
]
