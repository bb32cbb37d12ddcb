"""Graph's answers and broken connections as our errors: the tables, row by row."""

import pytest
from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ConnectTimeout, ProxyError, ReadTimeout, SSLError

from connectors.errors import (
    CursorExpired,
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemBusy,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ProtocolError,
    ReplicationError,
    ServerBusy,
    Throttled,
    Unanswered,
    Unreachable,
    Untrusted,
)
from connectors.graph import translate
from connectors.graph.answer import Refusal, parsed, seconds
from connectors.graph.translate import About, Asked

M, F, I = About.MAILBOX, About.FOLDER, About.ITEM  # noqa: E741

ROWS: tuple[tuple[int, str, str, About, type[ReplicationError], str], ...] = (
    (401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.", M, LoginRefused, "clock"),
    (401, "InvalidAuthenticationToken", "CompactToken parsing failed.", M, LoginRefused, "authority"),
    (403, "ErrorAccessDenied", "Access is denied.", M, LoginRefused, "Application Mail.Read"),
    (403, "ErrorAccessDenied", "Access is denied.", F, FolderRefused, "Test-ServicePrincipalAuthorization"),
    (403, "ErrorAccessDenied", "Access to OData is disabled.", M, LoginRefused, "Get-ApplicationAccessPolicy"),
    (403, "Authorization_RequestDenied", "Insufficient privileges.", M, LoginRefused, "admin consent"),
    (404, "MailboxNotEnabledForRESTAPI", "inactive", M, LoginRefused, "licence"),
    (404, "MailboxNotEnabledForRESTAPI", "inactive", I, LoginRefused, "licence"),
    (404, "ErrorInvalidUser", "", F, LoginRefused, "address"),
    (404, "Request_ResourceNotFound", "", M, LoginRefused, "address"),
    (404, "ResourceNotFound", "", M, LoginRefused, "address"),
    (404, "ErrorItemNotFound", "", F, FolderGone, ""),
    (404, "ErrorSyncFolderNotFound", "", F, FolderGone, ""),
    (404, "ErrorFolderNotFound", "", F, FolderGone, ""),
    (404, "ErrorItemNotFound", "", I, ItemGone, ""),
    (404, "UnknownError", "", F, FolderRefused, ""),
    (404, "", "", M, ProtocolError, ""),
    (410, "SyncStateNotFound", "", F, CursorExpired, ""),
    (410, "", "", F, CursorExpired, ""),
    (400, "syncstateinvalid", "", F, CursorExpired, ""),
    (400, "ResyncRequired", "", F, CursorExpired, ""),
    (400, "BadRequest", "", F, FolderRefused, "report it"),
    (400, "ErrorInvalidIdMalformed", "", I, ItemUnreadable, "quarantine"),
    (423, "", "", I, ItemBusy, ""),
    (409, "", "", F, ServerBusy, ""),
    (429, "ApplicationThrottled", "", I, Throttled, ""),
    (509, "", "", M, Throttled, ""),
    (500, "ErrorCorruptData", "Data is corrupt.", I, ItemUnreadable, "Outlook"),
    (500, "ErrorCannotOpenFileAttachment", "", I, ItemUnreadable, "Outlook"),
    (500, "ErrorInternalServerError", "", I, ServerBusy, "Service health"),
    (502, "", "", M, ServerBusy, ""),
    (504, "UnknownError", "", F, ServerBusy, ""),
    (304, "", "", F, FolderRefused, "proxy"),
)


@pytest.mark.parametrize(("status", "code", "said", "about", "kind", "advice"), ROWS)
def test_what_graph_means(
    status: int, code: str, said: str, about: About, kind: type[ReplicationError], advice: str
) -> None:
    error = translate.refused(Refusal(status, code, said, "req-1"), Asked(about, "folder A/B of alice@corp.example"))
    assert type(error) is kind
    assert advice in error.advice
    assert error.message.startswith("folder A/B of alice@corp.example: Graph answers ")
    assert code in error.message
    assert "(request-id req-1)" in error.message


def test_503_with_a_time_is_a_pause_and_without_is_trouble() -> None:
    asked = Asked(M, "alice")
    assert type(translate.refused(Refusal(503), asked)) is ServerBusy
    error = translate.refused(Refusal(503, retry_after=30), asked)
    assert type(error) is Throttled
    assert error.retry_after == 30


def test_any_400_to_a_link_means_that_the_link_is_worth_nothing() -> None:
    assert type(translate.refused(Refusal(400, "Whatever"), Asked(F, "x", resuming=True))) is CursorExpired


def test_what_may_be_a_token_is_struck_out_and_the_rest_is_one_short_line() -> None:
    said = "the token eyJhbGciOiJub25l.eyJzdWIiOiJ4In0xxx.c2lnbmF0dXJl is\nbad " + 300 * "x"
    message = translate.refused(Refusal(401, "A", said), Asked(M, "alice")).message
    assert "eyJ" not in message
    assert "\n" not in message
    assert len(message) < 300


CONNECTIONS = (
    (ProxyError("x"), Unreachable, "proxy"),
    (ConnectTimeout("x"), Unanswered, "no answer in time"),
    (ReadTimeout("x"), Unanswered, "no answer in time"),
    (ConnectionFailed("x"), Unreachable, "no connection"),
    (SSLError("certificate verify failed: certificate has expired"), Untrusted, "not valid now"),
    (SSLError("certificate verify failed: Hostname mismatch"), Untrusted, "another name"),
    (SSLError("certificate verify failed: self-signed certificate"), Untrusted, "not accepted"),
    (SSLError("EOF occurred in violation of protocol"), Unreachable, "TLS"),
)


@pytest.mark.parametrize(("error", "kind", "words"), CONNECTIONS)
def test_a_first_request_without_an_answer(error: Exception, kind: type[ReplicationError], words: str) -> None:
    ours = translate.connecting(error, "graph.example")
    assert type(ours) is kind
    assert ours.message.startswith("graph.example: ")
    assert words in ours.message
    assert ours.advice


def test_a_later_request_without_an_answer() -> None:
    assert type(translate.disconnected(ReadTimeout("x"), "here")) is Disconnected
    assert type(translate.disconnected(ConnectionFailed("x"), "here")) is Disconnected
    assert type(translate.disconnected(SSLError("EOF"), "here")) is Disconnected
    assert type(translate.disconnected(SSLError("CERTIFICATE_VERIFY_FAILED"), "here")) is Untrusted


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": " 0 "}, 0),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"Retry-After": "9" * 400}, 999_999_999),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], pause: float | None) -> None:
    assert seconds(headers) == pause


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe", b"[" * 200_000])
def test_what_is_no_json_is_nothing(content: bytes) -> None:
    assert parsed(content) is None


@pytest.mark.parametrize("content", [None, [], "x", {"error": "x"}, {"error": {"code": 5, "innerError": []}}])
def test_an_error_of_any_shape_is_read(content: object) -> None:
    assert Refusal.of(500, content, {}) == Refusal(500)
