"""Header fields that say nothing of which message it is, each with the reason and who forces it upon us.

Fields that are not here, and are not part of the header core either, tell messages without an id apart.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ignored:
    """One field, or all whose name starts as `name` does if that ends in `*`. Names are in lower case."""

    name: str
    reason: str
    forced_by: str


IGNORED = (
    Ignored("received", "one more at every hop; folded anew", "every server; Gmail's copies in Sent have none"),
    Ignored("return-path", "set by the last hop, moved or dropped by others", "Postfix, Exim, Exchange"),
    Ignored("delivered-to", "names the mailbox, not the message", "Postfix, Exim, Gmail"),
    Ignored("x-original-to", "as Delivered-To; Exchange drops it", "Postfix"),
    Ignored("envelope-to", "as Delivered-To", "Exim"),
    Ignored("delivery-date", "time of the last hop", "Exim"),
    Ignored("x-envelope-*", "as Delivered-To", "Cyrus, Amavis"),
    Ignored("x-received", "as Received", "Gmail"),
    Ignored("x-sieve*", "which filter ran", "Cyrus, Dovecot"),
    Ignored("x-cyrus-*", "which server kept it", "Cyrus"),
    Ignored("mime-version", "set anew, or with a comment", "Exchange, Apple Mail"),
    Ignored("content-*", "types, encodings and boundaries are written anew; their content is compared", "Exchange"),
    Ignored("importance", "not kept, made from a property", "Exchange (MS-OXCMAIL 2.1.3.5.1)"),
    Ignored("priority", "as Importance", "Exchange"),
    Ignored("x-priority", "as Importance", "Exchange"),
    Ignored("x-msmail-priority", "as Importance", "Exchange"),
    Ignored("x-message-flag", "as Importance", "Exchange"),
    Ignored("keywords", "as Importance; users edit it as categories", "Exchange"),
    Ignored("thread-topic", "made from the subject", "Exchange"),
    Ignored("thread-index", "set or extended on the way", "Exchange"),
    Ignored("accept-language", "set on the way", "Exchange"),
    Ignored("x-ms-*", "states of the organisation's transport", "Exchange"),
    Ignored("x-microsoft-*", "states of a spam filter", "Microsoft 365"),
    Ignored("x-exchange-*", "states of a spam filter", "Microsoft 365"),
    Ignored("x-forefront-*", "states of a spam filter", "Microsoft 365"),
    Ignored("x-eop*", "states of a spam filter", "Microsoft 365"),
    Ignored("x-mimeole", "set anew", "Exchange"),
    Ignored("x-originatororg", "set on the way out", "Microsoft 365"),
    Ignored("x-originating-ip", "set at submission, dropped by others", "Exchange, webmail"),
    Ignored("msip_labels", "sensitivity, set by policy", "Microsoft 365"),
    Ignored("x-mailer", "dropped and set anew", "Exchange"),
    Ignored("x-gm-*", "states of the account", "Gmail"),
    Ignored("x-gmail-*", "labels of the account", "Gmail, in exports"),
    Ignored("x-google-*", "states of the transport", "Gmail"),
    Ignored("x-goomoji-*", "states of the client", "Gmail"),
    Ignored("authentication-results*", "one more at every border", "every gateway (RFC 8601)"),
    Ignored("arc-*", "one more set at every forwarder", "every gateway (RFC 8617)"),
    Ignored("dkim-*", "signed anew, or dropped when content was touched", "lists, gateways (RFC 6376)"),
    Ignored("domainkey-*", "as DKIM-Signature", "gateways"),
    Ignored("received-spf", "one more at every border", "gateways (RFC 7208)"),
    Ignored("x-spam*", "verdict of one filter", "SpamAssassin, Rspamd"),
    Ignored("x-rspamd-*", "verdict of one filter", "Rspamd"),
    Ignored("x-bogosity", "verdict of one filter", "Bogofilter"),
    Ignored("x-dspam-*", "verdict of one filter", "DSPAM"),
    Ignored("x-virus*", "verdict of one filter", "Amavis, ClamAV"),
    Ignored("x-antivirus*", "verdict of one filter", "Avast and others"),
    Ignored("x-amavis-*", "verdict of one filter", "Amavis"),
    Ignored("x-mailscanner*", "verdict of one filter", "MailScanner"),
    Ignored("x-scanned*", "verdict of one filter", "gateways"),
    Ignored("x-barracuda-*", "verdict of one filter", "Barracuda"),
    Ignored("x-ironport-*", "verdict of one filter", "Cisco"),
    Ignored("x-proofpoint-*", "verdict of one filter", "Proofpoint"),
    Ignored("x-mimecast-*", "verdict of one filter", "Mimecast"),
    Ignored("x-sophos-*", "verdict of one filter", "Sophos"),
    Ignored("x-tm-*", "verdict of one filter", "Trend Micro"),
    Ignored("x-fe-*", "verdict of one filter", "FireEye"),
    Ignored("list-*", "added by the list that brought this copy", "every list manager (RFC 2369, 2919)"),
    Ignored("mailing-list", "as List-Id", "ezmlm"),
    Ignored("x-mailing-list", "as List-Id", "Majordomo, SmartList"),
    Ignored("x-beenthere", "as List-Id", "Mailman"),
    Ignored("x-mailman-*", "as List-Id", "Mailman"),
    Ignored("x-loop", "as List-Id", "SmartList, Debian"),
    Ignored("x-no-archive", "set by the list", "list managers"),
    Ignored("archived-at", "where this list keeps its copy", "Mailman 3 (RFC 5064)"),
    Ignored("precedence", "set by the list", "list managers"),
    Ignored("errors-to", "set by the list", "Mailman"),
    Ignored("sender", "the list, where it brought this copy", "Mailman, Google Groups"),
    Ignored("reply-to", "set by lists that want answers, or rewrite From", "Mailman, Google Groups"),
    Ignored("x-original-from", "where From was rewritten for DMARC", "Google Groups"),
    Ignored("resent-*", "compared by themselves", "RFC 5322, 3.6.6"),
    Ignored("old-*", "what a forwarder replaced", "SmartList"),
    Ignored("bcc", "in the sender's own copy only", "RFC 5322, 3.6.3"),
    Ignored("status", "flags, in mbox files", "mbox, as written by mutt, Dovecot and others"),
    Ignored("x-status", "flags, in mbox files", "mbox"),
    Ignored("x-uid*", "numbers, in mbox files", "mbox, Dovecot"),
    Ignored("x-imap*", "numbers, in mbox files", "UW IMAP"),
    Ignored("x-keywords", "keywords, in mbox files", "mbox, Dovecot"),
    Ignored("x-mozilla-*", "flags and keys of the client", "Thunderbird"),
    Ignored("x-evolution-*", "flags of the client", "Evolution"),
    Ignored("x-kmail-*", "flags of the client", "KMail"),
    Ignored("x-account-key", "keys of the client", "Thunderbird"),
    Ignored("x-apple-*", "states of the client", "Apple Mail"),
    Ignored("x-universally-unique-identifier", "names the copy in the client", "Apple Mail"),
    Ignored("x-unsent", "says that it is a draft, which is asked by itself", "Outlook"),
    Ignored("x-tuid", "marks the copy under way", "mbsync"),
    Ignored("x-offlineimap", "marks the copy under way", "OfflineIMAP"),
    Ignored("lines", "counted anew", "mbox tools, news gateways"),
    Ignored("bytes", "counted anew", "news gateways"),
    Ignored("xref", "numbers on one server", "news gateways (RFC 5536)"),
)

_NAMES = frozenset(row.name.encode() for row in IGNORED if not row.name.endswith("*"))
_PREFIXES = tuple(row.name[:-1].encode() for row in IGNORED if row.name.endswith("*"))


def is_ignored(name: bytes) -> bool:
    """Whether the field of that name, in lower case, says nothing of which message it is."""
    return name in _NAMES or name.startswith(_PREFIXES)
