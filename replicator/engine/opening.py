"""From the configuration to jobs: how each side of a mailbox is opened, and the mailstore itself."""

import logging
import random
from collections.abc import Callable

from connectors.errors import ReplicationError
from connectors.patience import Pauses
from connectors.protocols import Source
from connectors.registry import find_connector
from connectors.retrying import Retrying
from replicator.config import Config, KeyFile
from replicator.config.model import MailboxSettings, SideSettings
from replicator.engine.step import MailboxJob, SideJob
from replicator.mailstore import Mailstore
from replicator.mailstore.keys import FileRoot, PassphraseRoot, Root

PAUSES = Pauses(first=1.0, factor=2.0, longest=60.0, attempts=4)
"""At most seven seconds for a server that does not answer: the next run comes soon, and someone may be waiting."""

log = logging.getLogger(__name__)


def root_of(config: Config) -> Root:
    """The root secret that the configuration names, not yet read."""
    key = config.mailstore.key
    return FileRoot(key.path) if isinstance(key, KeyFile) else PassphraseRoot(key.secret)


def open_mailstore(config: Config, clock: Callable[[], float]) -> Mailstore:
    """The mailstore that the configuration names. Raises NoMailstore, KeyRefused, ConfigError, Tampered."""
    return Mailstore.open(config.mailstore.path, root_of(config), clock)


class Jobs:
    """Makes jobs from a configuration. `sleep` and `rng` are what retries use between attempts."""

    def __init__(self, config: Config, sleep: Callable[[float], None], rng: random.Random) -> None:
        self._config = config
        self._sleep = sleep
        self._rng = rng

    def job(self, name: str, *, full: bool, wait: bool) -> MailboxJob:
        """The job for one configured mailbox."""
        mailbox = self._config.mailboxes[name]
        sides = [self._side("primary", mailbox, mailbox.primary)]
        if mailbox.standby is not None:
            sides.append(self._side("standby", mailbox, mailbox.standby))
        mailstore = self._config.mailstore
        return MailboxJob(name, tuple(sides), full, wait, mailstore.reread, mailstore.compare)

    def sources(self, name: str) -> tuple[str, ...]:
        """The sources that a mailbox's pass connects to."""
        mailbox = self._config.mailboxes[name]
        sides = (mailbox.primary, mailbox.standby)
        return tuple(dict.fromkeys(side.source for side in sides if side is not None))

    def max_connections(self, source: str) -> int:
        """How many passes may use a source at once."""
        return int(getattr(self._config.sources[source].settings, "max_connections", 1_000_000))

    def _side(self, name: str, mailbox: MailboxSettings, side: SideSettings) -> SideJob:
        source = self._config.sources[side.source]

        def open_session() -> Source:
            return find_connector(source.connector).open_source(source.settings, side.settings)

        def open_source() -> Source:
            return Retrying(open_session, PAUSES, self._sleep, self._rng, tell)

        return SideJob(name, side.source, open_source, mailbox.covers)


def tell(error: ReplicationError, pause: float) -> None:
    """Logs a retry, without the text of the error, which may name a folder."""
    log.info("%s: trying again in %.1f s", error.code, pause)
