"""The login: with what, by which mechanism, and what a refusal means.

A secret goes out over TLS or on loopback, and only where the server says that it takes it. A token that is refused is
fetched anew, and tried once more if it is another one.
"""

from dataclasses import dataclass

from connectors.errors import LoginRefused, SourceError
from connectors.imap import ImapMailbox, ImapSettings, translate
from connectors.imap.login import handshake, sasl
from connectors.imap.login.dialog import Answer, Dialog
from connectors.oauth import GivenTokens, Tokens


@dataclass(frozen=True, slots=True)
class Door:
    """Where one logs in: what the server offers there, and who is to be let in, as errors name him."""

    dialog: Dialog
    offered: frozenset[str]
    who: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Who logs in with a password: `user`, whose it is, for `authzid` if that is another; `method` is for advice."""

    user: str
    authzid: str = ""
    method: str = "password"


def log_in(dialog: Dialog, settings: ImapSettings, mailbox: ImapMailbox, offered: frozenset[str]) -> None:
    """Raises LoginRefused, ServerBusy, Throttled, Disconnected; and what getting the secret raises."""
    door = Door(dialog, offered, f"{mailbox.username} at {dialog.wire.place}")
    if settings.auth == "external":
        _demand(_authenticated(door, sasl.external(mailbox.username), "external"))
    elif settings.auth == "password":
        _with_password(door, settings, mailbox)
    else:
        _with_token(door, settings, mailbox)


def _with_password(door: Door, settings: ImapSettings, mailbox: ImapMailbox) -> None:
    """With the mailbox's own, or for the mailbox with that of the proxy user."""
    claim, secret = _claim(settings, mailbox), mailbox.password or settings.proxy_password
    if secret is None:
        raise LoginRefused(f"{door.who}: there is no password for it", "give the mailbox its password")
    by_plain = "AUTH=PLAIN" in door.offered
    if not by_plain:
        _check_login(door, claim)
    password = secret()
    if "\0" in f"{claim.user}{claim.authzid}{password}":
        raise LoginRefused(f"{door.who}: name or password holds a NUL, which IMAP cannot carry", "set another password")
    if by_plain:
        _demand(_authenticated(door, sasl.plain(claim.authzid, claim.user, password), claim.method))
    else:
        _demand(_refusal(door, handshake.log_in(door.dialog, claim.user, password), claim.method))


def _claim(settings: ImapSettings, mailbox: ImapMailbox) -> Claim:
    proxy, separator = settings.proxy_user, settings.proxy_separator
    if mailbox.password is not None or proxy is None:
        return Claim(mailbox.username)
    if separator is None:
        return Claim(proxy, mailbox.username, "proxy")
    return Claim(f"{mailbox.username}{separator}{proxy}", method="proxy")


def _check_login(door: Door, claim: Claim) -> None:
    """Whether LOGIN will do, where the server does not offer AUTH=PLAIN. Nothing has been sent yet."""
    if "LOGINDISABLED" in door.offered:
        text = f"{door.who}: the server takes no password on this connection, and none was sent"
        raise LoginRefused(text, 'set tls to "starttls" or "implicit"; if it is, the server wants another auth')
    if claim.authzid:
        text = f"{door.who}: the server does not offer AUTH=PLAIN, by which alone one user acts for another"
        raise LoginRefused(text, "if the server takes names such as user*master, give proxy_separator")


def _with_token(door: Door, settings: ImapSettings, mailbox: ImapMailbox) -> None:
    tokens = _tokens(door, settings, mailbox)
    token = tokens.token()
    refusal = _authenticated(door, _bearing(token, settings, mailbox), "token")
    if isinstance(refusal, LoginRefused):
        fresh = tokens.renew(token)
        if fresh != token:
            refusal = _authenticated(door, _bearing(fresh, settings, mailbox), "token")
    _demand(refusal)


def _tokens(door: Door, settings: ImapSettings, mailbox: ImapMailbox) -> Tokens:
    """The mailbox's own come before those of its source."""
    secret = mailbox.token or settings.token
    if secret is not None:
        return GivenTokens(secret)
    if settings.app_tokens is None:
        raise LoginRefused(f"{door.who}: there is no token for it", "give the mailbox or its source a token")
    return settings.app_tokens


def _bearing(token: str, settings: ImapSettings, mailbox: ImapMailbox) -> sasl.Mechanism:
    if settings.auth == "oauthbearer":
        return sasl.oauthbearer(mailbox.username, token, settings.host, settings.port or 0)
    return sasl.xoauth2(mailbox.username, token)


def _authenticated(door: Door, mechanism: sasl.Mechanism, method: str) -> SourceError | None:
    """None if that was accepted."""
    if f"AUTH={mechanism.name}" not in door.offered:
        known = ", ".join(sorted(name for name in door.offered if name.startswith("AUTH="))) or "nothing of the kind"
        text = f"{door.who}: the server does not offer AUTH={mechanism.name}, but {known}"
        raise LoginRefused(text, "choose another auth; some servers offer more once TLS stands")
    answer = handshake.authenticate(door.dialog, mechanism, initial_response="SASL-IR" in door.offered)
    return _refusal(door, answer, method)


def _refusal(door: Door, answer: Answer, method: str) -> SourceError | None:
    return None if answer.status == "OK" else translate.login_refused(answer.text, door.who, method)


def _demand(refusal: SourceError | None) -> None:
    if refusal is not None:
        raise refusal
