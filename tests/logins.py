"""What tests of logins share: a look into the inbox, and files that a server running as nobody can read."""

from pathlib import Path

from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.model import Message
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot


def settings(server: Dovecot | CyrusImap, **changed: object) -> ImapSettings:
    """Plain, on loopback, but for what is changed."""
    return ImapSettings(server.host, server.port, **{"tls": "off", "timeout": 20.0, **changed})


def mail(place: ImapSettings, mailbox: ImapMailbox) -> list[bytes]:
    """What stands in the inbox, after a login of that kind."""
    source = CONNECTOR.open_source(place, mailbox)
    (inbox,) = [each for each in source.folders() if each.path == ("INBOX",)]
    found = source.fetch(source.inventory(inbox))
    bodies = [b"".join(answer.raw) for answer in found if isinstance(answer, Message)]
    source.close()
    return bodies


def write(path: Path, content: bytes | str) -> None:
    """With the folder, for all to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for each in (path, path.parent):
        each.chmod(0o755)
