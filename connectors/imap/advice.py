"""What to do about what a server says, by its response code (RFC 5530) or its words.

The kind of an error alone often does not tell. The words are those of Gmail, Exchange, Microsoft 365 and Dovecot.
"""

import re

Advice = tuple[tuple[re.Pattern[str], str], ...]

M365_APP = (
    "consent to IMAP.AccessAsApp, register the application's service principal in Exchange Online, give it FullAccess "
    "to this mailbox, and let the mailbox use IMAP; changes may take an hour"
)

SAID: Advice = (
    (re.compile(r"authenticated but not connected", re.I),
     "the login may not open this mailbox, or the server was busy: give it FullAccess, let the mailbox use IMAP, check "
     "the password; the next run tries again"),
    (re.compile(r"too many (simultaneous )?connections|maximum number of connections", re.I),
     "close other clients of this account, or let fewer connections be used: max_connections"),
)  # fmt: skip
"""Of whatever was asked; the first that fits."""

AT_LOGIN: Advice = (
    (re.compile(r"application-specific password|app(lication)? password", re.I),
     "make an app password for this account at its provider, or log in with a token: auth"),
    (re.compile(r"log in via your web browser|web login required", re.I),
     "the provider wants a person to confirm: log in once in a browser, or log in with a token: auth"),
    (re.compile(r"basic auth\w* (is )?(disabled|blocked|not)|legacy auth|BasicAuthBlocked", re.I),
     'passwords are switched off here: log in with a token, auth = "xoauth2"'),
    (re.compile(r"\[PRIVACYREQUIRED\]|(cleartext|plaintext) auth\w* (is )?(disallowed|disabled)", re.I),
     'the server wants TLS first: set tls to "starttls" or "implicit"'),
    (re.compile(r"\[EXPIRED\]|password (has )?expired", re.I), "the password has expired: set a new one"),
    (re.compile(r"\[CONTACTADMIN\]|account (is )?(disabled|locked|suspended)", re.I),
     "the server wants its administrator to be asked: the account may be locked"),
    (re.compile(r"\[AUTHORIZATIONFAILED\]|\[NOPERM\]", re.I),
     "name and secret are right, and may not open this mailbox: give the login that right on the server"),
    (re.compile(r"imap (access )?(is )?(disabled|not enabled|not allowed)|imap.{0,20}(switched off|turned off)", re.I),
     "let this account use IMAP"),
    (re.compile(r"client (didn't|did not) present|(no|invalid|valid) (ssl |tls |client )*certificate", re.I),
     "the server wants a certificate that it knows: client_certificate"),
    *SAID,
)  # fmt: skip

_EXCHANGE = re.compile(r"(LOGIN|AUTHENTICATE) failed\.?", re.I)
_ANY = re.compile("")

BY_METHOD: dict[str, Advice] = {
    "password": (
        (_EXCHANGE,
         'check username and password; Microsoft 365 takes no passwords at all: log in with a token, auth = "xoauth2"'),
        (_ANY, "check username and password, and that the server lets this account use IMAP"),
    ),
    "proxy": (
        (_ANY, "check proxy_user, proxy_password and the username, and that the server lets that user act for others"),
    ),
    "token": (
        (_EXCHANGE, M365_APP),
        (_ANY, "check that the token is meant for this server and this username, and that the account may use IMAP"),
    ),
    "external": (
        (_ANY, "check that the server knows the issuer of client_certificate, and which mailboxes it opens"),
    ),
}  # fmt: skip
"""For a refusal that says nothing more."""


def advise(text: str) -> str:
    """What to do about what the server says, whatever it was asked; empty if nothing is known of it."""
    return _first(SAID, text)


def advise_on_login(text: str, method: str) -> str:
    """The same of a login by this method (password, proxy, token, external)."""
    return _first(AT_LOGIN, text) or _first(BY_METHOD[method], text)


def _first(rows: Advice, text: str) -> str:
    return next((advice for pattern, advice in rows if pattern.search(text)), "")
