"""The table of ignored header fields: each has its reason and its culprit, and nothing that counts is in it."""

import pytest

from reconcile.ignored import IGNORED, Ignored, is_ignored


@pytest.mark.parametrize("row", IGNORED, ids=lambda row: row.name)
def test_a_row_is_complete(row: Ignored) -> None:
    assert row.name == row.name.strip().lower()
    assert row.name.isascii()
    assert "*" not in row.name[:-1]
    assert len(row.name) >= (5 if row.name.endswith("*") else 3)  # a prefix that is short ignores what nobody meant
    assert len(row.reason) >= 8
    assert len(row.forced_by) >= 4


def test_no_row_stands_in_the_shadow_of_another() -> None:
    names = [row.name for row in IGNORED]
    assert len(names) == len(set(names))
    prefixes = [name[:-1] for name in names if name.endswith("*")]
    assert not [
        (name, prefix) for name in names for prefix in prefixes if name.startswith(prefix) and name != prefix + "*"
    ]


@pytest.mark.parametrize(
    "name",
    [
        b"message-id",
        b"date",
        b"from",
        b"to",
        b"cc",
        b"subject",
        b"in-reply-to",
        b"references",
        b"auto-submitted",
        b"x-incident",
        b"x-host",
        b"x-sequence",
        b"x-alert-id",
        b"",
        b"x",
        b"receive",
        b"comments",
    ],
)
def test_what_tells_messages_apart_is_not_ignored(name: bytes) -> None:
    assert not is_ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        b"received",
        b"return-path",
        b"content-type",
        b"content-transfer-encoding",
        b"mime-version",
        b"x-priority",
        b"x-ms-exchange-organization-scl",
        b"x-ms-has-attach",
        b"arc-seal",
        b"dkim-signature",
        b"authentication-results",
        b"authentication-results-original",
        b"x-spam-status",
        b"x-uidl",
        b"x-uid",
        b"list-unsubscribe-post",
        b"resent-date",
        b"x-gm-message-state",
        b"x-gmail-labels",
        b"x-google-smtp-source",
        b"x-virus-scanned",
        b"x-sieve",
        b"bcc",
        b"thread-index",
        b"x-envelope-from",
        b"x-mailscanner-id",
    ],
)
def test_what_systems_add_is_ignored(name: bytes) -> None:
    assert is_ignored(name)
