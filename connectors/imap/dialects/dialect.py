"""Which mail system speaks: what it says of itself decides, never its host name.

Gmail announces X-GM-EXT-1. Exchange and Courier greet with their names; behind a proxy that greets in its place,
Exchange Online is known by capabilities that no one else has, and Courier by its access lists (ACL2=UNION). Whatever is
not recognised is taken for a server that keeps to the RFCs.
"""

from dataclasses import dataclass

GMAIL_DAILY_BYTES = 2_000_000_000
"""Google lets 2500 MB a day be read by IMAP and shuts the account for a day beyond that (support.google.com/a,
"Gmail bandwidth limits"): a fifth is left for the user's own clients."""

_EXCHANGE_ONLY = frozenset({"CLIENTACCESSRULES", "CLIENTNETWORKPRESENCELOCATION", "BACKENDAUTHENTICATE"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a mail system does otherwise.

    exact_bytes: a message is the same bytes whenever it is read.
    exact_sizes: RFC822.SIZE is the length of what is served.
    made_up: in the place of what it cannot convert, the server gives a message of its own (`synthetic`).
    other_items: calendar, contacts and their like are listed as folders (`nonmail`).
    opening: how a folder is opened: EXAMINE, unless that numbers messages without keeping the numbers (Courier).
    lost: what is served as a message that another session expunged, or whose file is gone (Courier); empty if nothing.
    daily_bytes: how much of one account may be read in a day; 0 where nothing is known of a limit.
    """

    name: str
    exact_bytes: bool = True
    exact_sizes: bool = False
    made_up: bool = False
    other_items: bool = False
    opening: bytes = b"EXAMINE"
    lost: bytes = b""
    daily_bytes: int = 0


PLAIN = Dialect("plain")
GMAIL = Dialect("gmail", exact_sizes=True, daily_bytes=GMAIL_DAILY_BYTES)
EXCHANGE = Dialect("exchange", exact_bytes=False, made_up=True, other_items=True)

COURIER = Dialect(
    "courier",
    opening=b"SELECT",
    lost=b"From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\n"
    b"This message is no longer available on the server.\r\n",
)


def recognise(greeting: str, capabilities: frozenset[str]) -> Dialect:
    """By the server's greeting and its capabilities after the login, in upper case."""
    if "X-GM-EXT-1" in capabilities:
        return GMAIL
    if "microsoft exchange" in greeting.lower() or capabilities & _EXCHANGE_ONLY:
        return EXCHANGE
    if "courier" in greeting.lower() or "ACL2=UNION" in capabilities:
        return COURIER
    return PLAIN
