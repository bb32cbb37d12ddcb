"""Graph's refusals and the failures of its connections into our errors, in one table each.

None of the texts holds a token or content. Each names what was asked for, Graph's own code, and the request's id.
"""

import re
from dataclasses import dataclass
from enum import Enum

from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ConnectTimeout, InvalidSchema, ProxyError, ReadTimeout, RequestException, SSLError

from connectors.errors import (
    CursorExpired,
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemBusy,
    ItemError,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ProtocolError,
    ReplicationError,
    ServerBusy,
    SourceError,
    Throttled,
    Unanswered,
    Unreachable,
    Untrusted,
)
from connectors.graph.answer import Refusal


class About(Enum):
    """How much an answer is about: the same code may mean the mailbox, a folder or a message."""

    MAILBOX = 0
    FOLDER = 1
    ITEM = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about, and its name for a person. `resuming`: it goes on where a link of Graph's says."""

    about: About
    name: str
    resuming: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """A row: whatever fits `status` ("4" is every 4xx), the whole `code` and a part of what was `said`."""

    status: str
    code: str
    kinds: tuple[type[ReplicationError], type[ReplicationError], type[ReplicationError]]
    advice: str
    said: str = ""

    def fits(self, refusal: Refusal) -> bool:
        """Whether this row is meant."""
        return (
            str(refusal.status).startswith(self.status)
            and re.fullmatch(self.code or ".*", refusal.code, re.I | re.S) is not None
            and re.search(self.said, refusal.said, re.I) is not None
        )


EXPIRED = (CursorExpired, CursorExpired, ItemUnreadable)
NO_LOGIN = (LoginRefused, LoginRefused, LoginRefused)
REFUSED = (LoginRefused, FolderRefused, LoginRefused)
GONE = (LoginRefused, FolderGone, ItemGone)
TOO_MUCH = (Throttled, Throttled, Throttled)
BUSY = (ServerBusy, ServerBusy, ServerBusy)
BROKEN = (ServerBusy, FolderRefused, ItemUnreadable)
LOCKED = (ServerBusy, ServerBusy, ItemBusy)
ODD = (ProtocolError, FolderRefused, ItemUnreadable)

PERMIT = (
    'give the application the role "Application Mail.Read" over this mailbox (Exchange Online PowerShell, '
    "New-ManagementRoleAssignment; Test-ServicePrincipalAuthorization shows what it has), or the application "
    "permission Mail.Read with admin consent (Microsoft Entra admin center, App registrations, API permissions). "
    "A change may take two hours"
)
POLICY = (
    "an application access policy or the mailbox's own settings shut the application out: put the mailbox into the "
    "scope of the policy, or into that of its RBAC role (Exchange Online PowerShell: Get-ApplicationAccessPolicy, "
    "Test-ApplicationAccessPolicy). A change may take two hours"
)
LICENCE = (
    "give the user a licence with Exchange Online (Microsoft 365 admin center, Users, Licenses and apps); a mailbox "
    "that is on your own Exchange server is read by IMAP or EWS"
)
ADDRESS = "check address: no user of this tenant has it (Microsoft 365 admin center, Users, Active users)"
CLOCK = "set this machine's clock right, and run it again"
FITTING = "check that base_url, authority and tenant belong together; else look at the application in Microsoft Entra"
RELIST = "nothing: the next run lists the folders anew"
LOOK = "open the message in Outlook on the web; if it opens there, quarantine retry, else quarantine accept"
REPORT = "report it, with Graph's code and the request-id"
LATER = "nothing: the next run tries again; if it stays so, look at Service health in the Microsoft 365 admin center"

MEANINGS = (
    Meaning("4", "SyncState(NotFound|Invalid)|ResyncRequired", EXPIRED, ""),
    Meaning("410", "", EXPIRED, ""),
    Meaning("401", "", NO_LOGIN, CLOCK, said="lifetime|not yet valid|token (is|has) expired"),
    Meaning("401", "", NO_LOGIN, FITTING),
    Meaning("4", "MailboxNot(Enabled|Supported)ForRESTAPI|MailboxNotHostedInExchangeOnline", NO_LOGIN, LICENCE),
    Meaning("4", "ErrorInvalidUser|ErrorNonExistentMailbox|MailboxNotFound", NO_LOGIN, ADDRESS),
    Meaning("4", "(Request_)?ResourceNotFound", NO_LOGIN, ADDRESS),
    Meaning("403", "", REFUSED, POLICY, said="OData is disabled|policy"),
    Meaning("403", "", REFUSED, PERMIT),
    Meaning("404", "ErrorItemNotFound|Error(Sync)?FolderNotFound", GONE, RELIST),
    Meaning("429", "", TOO_MUCH, "nothing: it is waited for"),
    Meaning("509", "", TOO_MUCH, "nothing: it is waited for"),
    Meaning("408", "", BUSY, LATER),
    Meaning("409", "", LOCKED, LATER),
    Meaning("423", "", LOCKED, LATER),
    Meaning("5", "ErrorCorruptData|ErrorCannotOpenFileAttachment|ErrorInvalidRecipients", BROKEN, LOOK),
    Meaning("5", "Error(Mime)?ContentConversion(Failed)?|ErrorMimeContentInvalid|ErrorItemCorrupt", BROKEN, LOOK),
    Meaning("5", "", BUSY, LATER),
    Meaning("4", "", ODD, LOOK),
    Meaning("", "", ODD, "look at the proxy between, if there is one; else report it"),
)  # fmt: skip
"""What Graph's answers mean, of a mailbox, a folder, a message; the first that fits.

A 404 without one of Exchange's own codes is not taken for a deletion. 503 with a time to wait is Throttled. Whether a
403 or a 5xx that a message gives is the message's own, `fetch` finds out.
"""

CONNECTING: tuple[tuple[type[RequestException], type[SourceError], str, str], ...] = (
    (ProxyError, Unreachable, "the proxy does not let us through", "look at HTTPS_PROXY and at the proxy's log"),
    (ConnectTimeout, Unanswered, "no answer in time", "check the network and firewalls: HTTPS must be let out"),
    (ReadTimeout, Unanswered, "no answer in time", "check base_url; a proxy between may hold the answer back"),
    (ConnectionFailed, Unreachable, "no connection", "check base_url, DNS and firewalls: HTTPS must be let out"),
    (InvalidSchema, Unreachable, "no connection: HTTPS_PROXY names a kind of proxy that is not known", "correct it"),
    (RequestException, Unreachable, "the request failed", "check base_url and any proxy between"),
)  # fmt: skip
"""What a request means that got no answer, before Graph has answered at all; the first that fits."""

_PROOF = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
"""A signed token (RFC 7515 3.1)."""


def refused(refusal: Refusal, asked: Asked) -> ReplicationError:
    """An answer that is none."""
    meaning = next(row for row in MEANINGS if row.fits(refusal))
    kind = meaning.kinds[asked.about.value]
    if asked.resuming and refusal.status == 400:
        kind = CursorExpired  # whatever is wrong with the link, a new one is had by a full pass
    elif kind is ServerBusy and refusal.retry_after is not None and asked.about is not About.ITEM:
        kind = Throttled  # of a message it may be the message's own trouble
    advice = REPORT if meaning.advice == LOOK and not issubclass(kind, ItemError) else meaning.advice
    return kind(f"{asked.name}: {words(refusal)}", advice, refusal.retry_after)


def words(refusal: Refusal) -> str:
    """What Graph said, in one line, without what might be a token."""
    said = " ".join(_PROOF.sub("***", refusal.said).split())[:200]
    what = f"Graph answers {refusal.status}" + (f" {refusal.code[:80]}" if refusal.code else "")
    traced = f" (request-id {refusal.request_id[:80]})" if refusal.request_id else ""
    pause = f", and asks for a pause of {refusal.retry_after:.0f} s" if refusal.retry_after else ""
    return f"{what}: {said}{traced}{pause}" if said else f"{what}{traced}{pause}"


def connecting(error: RequestException, place: str) -> SourceError:
    """A first request that got no answer."""
    if isinstance(error, SSLError):
        return _of_tls(error, place)
    kind, what, advice = next(row[1:] for row in CONNECTING if isinstance(error, row[0]))
    return kind(f"{place}: {what}", advice)


def disconnected(error: Exception, place: str) -> SourceError:
    """A request in mid-session, or a body, that came to no end."""
    if isinstance(error, SSLError) and "CERTIFICATE" in str(error).upper():
        return _of_tls(error, place)
    what = "the server fell silent" if isinstance(error, ReadTimeout) or "timed out" in str(error) else "it was cut"
    return Disconnected(f"{place}: the connection was lost: {what}", "nothing, if it is rare; else look at the network")


def _of_tls(error: SSLError, place: str) -> SourceError:
    text = str(error).lower()
    if "certificate" not in text:
        return Unreachable(f"{place}: TLS was broken off", "check base_url and any proxy between")
    if "has expired" in text or "not yet valid" in text:
        return Untrusted(f"{place}: its certificate is not valid now", "set this machine's clock right")
    what = "its certificate is made for another name" if "match" in text else "its certificate was not accepted"
    return Untrusted(f"{place}: {what}", "check base_url; behind a proxy that opens TLS, name its authority as ca_file")
