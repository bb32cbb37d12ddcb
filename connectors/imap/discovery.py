"""Which mailboxes an IMAP server has, as far as a login may see: the namespace of other users (RFC 2342).

An administrator of Cyrus sees all users there (`user.alice`, or `user/alice@corp.example`), a master user of Dovecot
those whose folders are shared with him.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.errors import ConfigError
from connectors.imap import ImapMailbox, ImapSettings, tokens, translate
from connectors.imap.connection import connect
from connectors.imap.folders import shown
from connectors.imap.selection import Parts
from connectors.imap.session import Command, Session, named
from connectors.imap.settings import APP, PROXY

_ADVICE = "log in as an administrator of the mail system: --as, or --username with --password-file"


@dataclass(slots=True)
class _Answers:
    """Collects the prefixes of the namespace of other users, each with its separator, and the names listed."""

    prefixes: list[tuple[bytes, bytes]] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)

    def take_namespace(self, parts: Parts) -> None:
        """`* NAMESPACE personal others shared`, each NIL or a list of (prefix separator)."""
        match tokens.parse(parts)[2:4]:
            case [_, list() as others]:
                for each in others:
                    match each:
                        case [bytes() as prefix, bytes() as separator, *_] if prefix:
                            self.prefixes.append((prefix, separator))

    def take_name(self, parts: Parts) -> None:
        """`* LIST (attributes) separator name`."""
        match tokens.parse(parts)[2:5]:
            case [list(), _, bytes() as name]:
                self.names.append(name)


def discover(settings: ImapSettings, mailbox: ImapMailbox) -> Iterator[str]:
    """The users whose mailboxes the login sees, and its own where it has one. Raises as `connect`, and ConfigError."""
    settings, login = _login(settings, mailbox)
    session = connect(settings, login)
    try:
        yield from dict.fromkeys((*_own(session, login.username), *_others(session, login.username)))
    finally:
        session.close()


def _login(settings: ImapSettings, mailbox: ImapMailbox) -> tuple[ImapSettings, ImapMailbox]:
    """A login by password as who it says, though the source logs in otherwise; else its proxy user, as himself."""
    if mailbox.password is None and settings.proxy_user is not None and settings.proxy_password is not None:
        mailbox = ImapMailbox(settings.proxy_user, settings.proxy_password)
    if mailbox.password is None:
        return settings, mailbox
    nothing: dict[str, Any] = dict.fromkeys((*PROXY, "proxy_separator", "token", *APP))
    return replace(settings, auth="password", **nothing), mailbox


def _own(session: Session, username: str) -> Iterator[str]:
    if any(name.upper() == b"INBOX" for name in _list(session, b"", "INBOX")):
        yield username


def _others(session: Session, username: str) -> Iterator[str]:
    answers = _Answers()
    if "NAMESPACE" in session.capabilities:
        command = session.call(Command(b"NAMESPACE", {b"NAMESPACE": answers.take_namespace}))
        if command.status != "OK":
            raise translate.refused(command.text, "asking for the namespaces")
    if not answers.prefixes:
        text = f"{session.wire.place}: the server shows {username} no mailboxes of other users"
        raise ConfigError(text, _ADVICE)
    for prefix, separator in answers.prefixes:
        for name in _list(session, prefix, "%"):
            if user := _user(name, prefix, separator):
                yield user


def _list(session: Session, prefix: bytes, pattern: str) -> list[bytes]:
    answers = _Answers()
    command = session.call(named(b'LIST ""', prefix + pattern.encode("ascii"), b"", {b"LIST": answers.take_name}))
    if command.status != "OK":
        raise translate.refused(command.text, "listing the mailboxes")
    return answers.names


def _user(name: bytes, prefix: bytes, separator: bytes) -> str:
    """The user of `user.alice`. Where levels are parted by dots, Cyrus writes a dot in a name as a circumflex."""
    if not name.lower().startswith(prefix.lower()):
        return ""
    own = name[len(prefix) :].partition(separator)[0] if separator else name[len(prefix) :]
    user = shown(own.decode("latin-1"))
    return user.replace("^", ".") if separator == b"." else user
