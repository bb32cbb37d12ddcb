"""Histories of cuts and changes against Cyrus (against Dovecot they are with what else is asked of it).

Not against Courier: after thousands of cut sessions one of its own stands still for a minute and more.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from fixtures.reader import assert_histories_end_well
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.mail_server import MailServer

USERS = ("alice",)
SERVERS: dict[str, Callable[[], AbstractContextManager[MailServer]]] = {
    "Cyrus with QRESYNC": lambda: CyrusImap(users=USERS),
    "Cyrus with QRESYNC and no memory": lambda: CyrusImap(users=USERS, purge=True),
    "Cyrus with CONDSTORE": lambda: CyrusImap(users=USERS, capability="condstore"),
}


@contextmanager
def opened(server: MailServer, window: int) -> Iterator[ImapSource]:
    settings = ImapSettings(server.host, server.port, tls="off", timeout=20)
    source = ImapSource(connect(settings, ImapMailbox("alice", lambda: server.password)), window)
    try:
        yield source
    finally:
        source.close()


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    ("histories", "steps"), [(2, 40), pytest.param(15, 120, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
)
def test_a_reader_that_is_cut_again_and_again_ends_with_what_is_there(kind: str, histories: int, steps: int) -> None:
    with SERVERS[kind]() as server, server.client("alice") as client:
        assert_histories_end_well(lambda window: opened(server, window), client, histories, steps)
