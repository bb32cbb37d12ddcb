"""What Graph's refusals mean when something was to be written: what `translate` does not know, or knows otherwise."""

import re

from connectors.errors import (
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemRefused,
    ItemTooLarge,
    ItemUnreadable,
    LoginRefused,
    ProtocolError,
    QuotaExceeded,
    ReplicationError,
    ServerBusy,
    Throttled,
)
from connectors.graph import translate
from connectors.graph.answer import Refusal
from connectors.graph.translate import Asked, Meaning

FULL = (QuotaExceeded, QuotaExceeded, QuotaExceeded)
TOO_LARGE = (ProtocolError, ItemTooLarge, ItemTooLarge)
LEFT = (LoginRefused, FolderGone, ItemGone)
NOT_TAKEN = (ProtocolError, FolderRefused, ItemRefused)

ROOM = "let its user empty Deleted Items, or raise its quota (Exchange admin center, Recipients, Mailboxes); repeat it"
SMALLER = "export it, and hand it to its user as a file"
RELIST = "nothing was written; list the folders anew"
LOOK = "nothing was written; export the message and look at it, and report it with Graph's code and the request-id"
NAME = "choose another name"

PERMIT = (
    'give the application the role "Application Mail.ReadWrite" over this mailbox (Exchange Online PowerShell, '
    "New-ManagementRoleAssignment; Test-ServicePrincipalAuthorization shows what it has), or the application "
    "permission Mail.ReadWrite with admin consent (Microsoft Entra admin center, App registrations, API permissions). "
    "A change may take two hours"
)

MEANINGS = (
    Meaning("413", "", TOO_LARGE, SMALLER),
    Meaning("507", "", FULL, ROOM),
    Meaning("", ".*QuotaExceeded|ErrorQuota.*|quotaLimitReached", FULL, ROOM),
    Meaning("", "Error(MessageSizeExceeded|AttachmentSizeLimitExceeded)|MaximumSizeExceeded", TOO_LARGE, SMALLER),
    Meaning("404", "Error(Item|Folder|ParentFolder|ToFolder)NotFound", LEFT, RELIST),
    Meaning("409", "ErrorFolderExists", NOT_TAKEN, NAME),
    Meaning("", "ErrorMime\\w*|Error(Mime)?ContentConversion\\w*|ErrorInvalidRecipients", NOT_TAKEN, LOOK),
    Meaning("400", "(?!SyncState|Resync|MailboxNot|ErrorInvalidUser|ErrorNonExistent).*", NOT_TAKEN, LOOK),
    Meaning("422", "", NOT_TAKEN, LOOK),
)  # fmt: skip
"""Before what `translate` says; the first that fits."""

DEFINITE = re.compile(r"Error(Quota|MessageSize|Mime|ContentConversion|ItemNotFound|FolderExists|Invalid)\w*").match
THROTTLED = re.compile(r"throttl|TooManyRequests", re.I).search


def is_undecided(refusal: Refusal) -> bool:
    """Whether such an answer may have been given after all was done: trouble on the way back, or half way.

    What Exchange has a reason for was refused before it was done, and so was what was too much.
    """
    if refusal.status < 500 or refusal.status in (501, 505, 507, 509):
        return False
    return DEFINITE(refusal.code) is None and not _is_throttled(refusal)


def _is_throttled(refusal: Refusal) -> bool:
    return THROTTLED(f"{refusal.code} {refusal.said}") is not None


def refused(refusal: Refusal, asked: Asked) -> ReplicationError:
    """Nothing was written."""
    if 300 <= refusal.status < 400:
        text = f"{asked.name}: the answer is a redirection, which is not followed"
        return ProtocolError(text, "check base_url and any proxy between")
    meaning = next((row for row in MEANINGS if row.fits(refusal)), None)
    if meaning is not None:
        kind = meaning.kinds[asked.about.value]
        return kind(f"{asked.name}: {translate.words(refusal)}", meaning.advice)
    error = translate.refused(refusal, asked)
    if isinstance(error, ServerBusy) and (refusal.retry_after is not None or _is_throttled(refusal)):
        return Throttled(error.message, "nothing: it is waited for", refusal.retry_after)
    if isinstance(error, ItemUnreadable):
        return ItemRefused(error.message, LOOK)
    if refusal.status == 403 and error.advice == translate.PERMIT:
        error.advice = PERMIT
    return error
