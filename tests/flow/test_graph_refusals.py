"""What an administrator is told: each refusal of Graph and of its login, what to change and where; and no secret."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest

from connectors.errors import (
    AppRefused,
    Disconnected,
    FolderRefused,
    ItemBusy,
    ItemUnreadable,
    LoginRefused,
    ProtocolError,
    ReplicationError,
    ServerBusy,
    Throttled,
    Unreachable,
    Untrusted,
)
from connectors.graph import CONNECTOR, GraphMailbox
from connectors.graph import survey as surveying
from connectors.graph.source import GraphSource
from connectors.model import Change, Failure, Folder, Message, Ref
from connectors.patience import Pauses
from connectors.retrying import Retrying
from connectors.testing.corpus import large, plain
from fixtures.exchange import Mailbox
from fixtures.graph import EVER, Answer, Cut, Drop, GraphServer, Response
from fixtures.servers.authority import Authority
from replicator.config.model import Config
from replicator.doctor import sources as doctor
from tests.flow.test_graph import ALICE, changes, folder, opened, settings_of

OPEN = GraphMailbox(ALICE)


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer(seed=9) as server:
        yield server


@pytest.fixture
def alice(server: GraphServer) -> Mailbox:
    return server.mailbox(ALICE)


def listed(server: GraphServer, alice: Mailbox, count: int = 3) -> tuple[list[Ref], GraphSource]:
    """That many messages, listed by a source."""
    for number in range(count):
        alice.deliver("inbox", plain(number))
    source = opened(server)
    found: list[Change] = changes(source, folder(source, "INBOX"))[0]
    return [change.ref for change in found], source


DOORS: dict[str, tuple[Callable[[GraphServer], object], type[ReplicationError], tuple[str, ...]]] = {
    "no permission": (
        lambda server: server.tenant_data.roles.clear(),
        LoginRefused,
        ("ErrorAccessDenied", "Access is denied", "request-id", "Application Mail.Read", "admin consent"),
    ),
    "a policy": (
        lambda server: server.tenant_data.deny(ALICE),
        LoginRefused,
        ("Access to OData is disabled", "Get-ApplicationAccessPolicy"),
    ),
    "no licence": (
        lambda server: server.tenant_data.unlicense(ALICE),
        LoginRefused,
        ("MailboxNotEnabledForRESTAPI", "licence", "Licenses and apps"),
    ),
    "no consent": (lambda server: setattr(server.tenant_data, "installed", False), AppRefused, ("AADSTS", "consent")),
    "an unknown certificate": (
        lambda server: server.tenant_data.certificates.clear(),
        AppRefused,
        ("AADSTS700027", "certificate"),
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_shuts_the_door_is_said(server: GraphServer, alice: Mailbox, door: str) -> None:
    shut, kind, words = DOORS[door]
    shut(server)
    with pytest.raises(kind) as caught:
        CONNECTOR.open_source(settings_of(server), OPEN)
    said = f"{caught.value.message} → {caught.value.advice}"
    assert [word for word in words if word not in said] == [], said


def test_a_user_who_is_not_there(server: GraphServer) -> None:
    with pytest.raises(LoginRefused, match=r"nobody@corp.example.*ErrorInvalidUser") as caught:
        CONNECTOR.open_source(settings_of(server), GraphMailbox("nobody@corp.example"))
    assert "Active users" in caught.value.advice


def test_our_clock_is_off(server: GraphServer, alice: Mailbox) -> None:
    server.login.clock.advance(-7200)
    with pytest.raises((LoginRefused, AppRefused)) as caught:
        CONNECTOR.open_source(settings_of(server), OPEN)
    assert "clock" in caught.value.advice


def test_an_expired_certificate_is_found_by_doctor_and_said_at_login(server: GraphServer, tmp_path: Path) -> None:
    old = Authority(tmp_path).issue_client("old", kind="rsa", expired=True)
    server.tenant_data.register(old)
    settings = settings_of(server, certificate=old.read_text)
    with pytest.raises(AppRefused, match="it ended on") as caught:
        CONNECTOR.survey(settings)
    assert "Certificates & secrets" in caught.value.advice
    with pytest.raises(AppRefused, match="AADSTS"):
        CONNECTOR.open_source(settings, OPEN)


def test_a_survey_says_whose_certificate_ends_first_and_what_time_it_is(
    server: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = CONNECTOR.survey(settings_of(server))
    assert survey.seen.startswith("127.0.0.1")
    assert survey.clock is not None
    assert abs(survey.clock - datetime.now(UTC)) < timedelta(minutes=1)
    assert survey.expires is not None
    assert timedelta(days=20) < survey.expires - datetime.now(UTC) < timedelta(days=31)
    for days, ours in ((900, True), (1, False)):
        theirs = datetime.now(UTC) + timedelta(days=days)
        monkeypatch.setattr(surveying, "_their_certificate", lambda raw, theirs=theirs: theirs)
        survey = CONNECTOR.survey(settings_of(server))
        assert (server.client_id in survey.seen, survey.expires == theirs) == (ours, not ours)


def test_doctor_names_each_thing(server: GraphServer, alice: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_connector", lambda name: CONNECTOR)
    login = doctor._Login(ALICE, "primary", _Side())  # type: ignore[arg-type]  # as far as it is read
    work = doctor._Source(_config(server), "m365", [login], lambda: datetime.now(UTC).timestamp(), lambda: False)
    checks = [check for check in work._answers() if isinstance(check, doctor.Check)]
    assert [(check.name, check.ok) for check in checks] == [("source m365", True), (f"login {ALICE}", True)]
    server.tenant_data.unlicense(ALICE)
    bad = [check for check in work._answers() if isinstance(check, doctor.Check) and not check.ok]
    assert [check.name for check in bad] == [f"login {ALICE}"]
    assert "licence" in bad[0].advice


class _Side:
    source, settings = "m365", OPEN


def _config(server: GraphServer) -> Config:
    class Source:
        connector, settings = "graph", settings_of(server)

    class Told:
        sources = {"m365": Source}  # noqa: RUF012

    return Told()  # type: ignore[return-value]


def test_nobody_is_there_or_someone_else_is(server: GraphServer, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        CONNECTOR.survey(settings_of(server, base_url="https://127.0.0.1:1"))
    with pytest.raises(Untrusted, match="certificate"):
        CONNECTOR.survey(settings_of(server, ca_file=Authority(tmp_path, "Another").ca_file))


def test_a_token_that_is_refused_is_renewed_once_and_shown_to_nobody(
    server: GraphServer, alice: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    refs, source = listed(server, alice)
    with caplog.at_level(logging.DEBUG, logger="connectors"):
        server.faults.add(Answer(401, "InvalidAuthenticationToken"), path=r"\$value")
        assert all(isinstance(answer, Message) for answer in source.fetch(refs))
        server.faults.add(Answer(401, "InvalidAuthenticationToken"), path="mailFolders/inbox", times=2)
        with pytest.raises(LoginRefused) as caught:
            CONNECTOR.open_source(settings_of(server), OPEN)
    whole = caplog.text + repr(caught.value) + str(caught.value) + caught.value.advice
    token = source._client._settings.tokens.token()
    assert len(token) > 20
    assert token not in whole
    assert token[:20] not in whole
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("connectors.graph")]
    assert logged
    assert not [line for line in logged if ALICE in line or refs[0].id in line]


def test_a_consent_that_is_withdrawn_in_mid_pass_quarantines_nothing(server: GraphServer, alice: Mailbox) -> None:
    refs, source = listed(server, alice)
    server.tenant_data.roles.clear()
    with pytest.raises(LoginRefused, match="ErrorAccessDenied"):
        list(source.fetch(refs))
    with pytest.raises(LoginRefused):
        source.count(folder_like(refs))


def folder_like(refs: list[Ref]) -> Folder:
    return Folder(refs[0].folder, ("INBOX",))


def test_one_message_or_folder_that_is_refused_is_that_one(server: GraphServer, alice: Mailbox) -> None:
    refs, source = listed(server, alice)
    server.faults.add(Answer(403, "ErrorAccessDenied"), path=refs[1].id)
    answers = {answer.ref: answer for answer in source.fetch(refs)}
    failed = [answer for answer in answers.values() if isinstance(answer, Failure)]
    assert [(each.ref, type(each.error)) for each in failed] == [(refs[1], ItemUnreadable)]
    server.faults.add(Answer(403, "ErrorAccessDenied"), path="totalItemCount")
    with pytest.raises(FolderRefused):
        source.count(folder_like(refs))


IN_PLACE_OF_MAIL = {
    "JSON": Response(200, {"error": {"code": "ErrorCorruptData", "message": "no"}}),
    "an error that calls itself text": Response(200, b'{"error":{"code":"ErrorCorruptData"}}', {}, "text/plain"),
    "a page of a proxy": Response(200, b"<html>Please log in", {}, "text/html"),
    "nothing": Response(200, b"", {}, "text/plain"),
    "corrupt": None,
}


@pytest.mark.parametrize("what", IN_PLACE_OF_MAIL)
def test_what_only_stands_in_the_place_of_mail_is_never_mail(server: GraphServer, alice: Mailbox, what: str) -> None:
    refs, source = listed(server, alice)
    given = IN_PLACE_OF_MAIL[what]
    if given is None:
        alice.spoil(refs[0].id)
    else:
        server.faults.add(Answer(response=given), path=rf"{refs[0].id}/\$value")
    answers = {answer.ref: answer for answer in source.fetch(refs)}
    bad = answers.pop(refs[0])
    assert isinstance(bad, Failure)
    assert isinstance(bad.error, ItemUnreadable)
    assert f"message {refs[0].id} in INBOX" in bad.error.message
    assert all(isinstance(answer, Message) for answer in answers.values())
    if given is None:
        assert "ErrorCorruptData" in bad.error.message
        assert "request-id" in bad.error.message


@pytest.mark.parametrize("fault", [Cut(at=100), Drop()], ids=["cut", "dropped"])
def test_a_body_that_does_not_come_through_is_a_lost_connection(
    server: GraphServer, alice: Mailbox, fault: Cut | Drop
) -> None:
    """And the others that were under way are answered first."""
    refs, source = listed(server, alice)
    server.faults.add(fault, path=rf"{refs[0].id}/\$value")
    answers = source.fetch(refs)
    assert {next(answers).ref, next(answers).ref} == set(refs[1:])
    with pytest.raises(Disconnected):
        next(answers)


def test_a_large_body_that_is_cut_is_not_half_a_message(server: GraphServer, alice: Mailbox) -> None:
    alice.deliver("inbox", large(1, 5 << 20))
    refs, source = listed(server, alice, 0)
    server.faults.add(Cut(at=4 << 20), path=r"\$value")
    answers = source.fetch(refs)
    answer = next(answers)
    assert isinstance(answer, Message)
    with pytest.raises(Disconnected):
        sum(map(len, answer.raw))


def test_a_large_body_that_is_cut_holds_nobody_up(server: GraphServer, alice: Mailbox) -> None:
    """The session that died with it has four large bodies open, which would else be all that a mailbox may have."""
    for number in range(6):
        alice.deliver("inbox", large(number, 3 << 20))
    settings, paused = settings_of(server), list[float]()
    source = Retrying(lambda: CONNECTOR.open_source(settings, OPEN), Pauses(first=0.0), paused.append, Random(1))
    refs = [change.ref for change in changes(source, folder(source, "INBOX"))[0]]
    server.faults.add(Cut(at=5 << 19), path=r"\$value")
    came, broken = 0, 0
    for answer in source.fetch(refs):
        assert isinstance(answer, Message)
        try:
            came += sum(map(len, answer.raw)) > 3 << 20
        except ItemBusy:  # its bytes were others the second time
            broken += 1
    assert (came + broken, broken <= 1, len(paused)) == (6, True, 1)
    assert server.log.most_at_once(ALICE) <= 4


def test_a_source_that_is_closed_holds_no_place(server: GraphServer, alice: Mailbox) -> None:
    """Four large bodies are open, and nobody reads them any more."""
    for number in range(5):
        alice.deliver("inbox", large(number, 3 << 20))
    settings = settings_of(server)
    source = CONNECTOR.open_source(settings, OPEN)
    refs = [change.ref for change in changes(source, folder(source, "INBOX"))[0]]
    answers = source.fetch(refs)
    next(answers)
    server.log.wait_for(4, path="$value")
    source.close()
    limiter = settings.limiters.of(ALICE)
    assert sum(limiter.take(patience=20) for _ in range(4)) == 4


def test_a_pause_is_kept_to_though_nobody_waits(server: GraphServer, alice: Mailbox) -> None:
    refs, source = listed(server, alice)
    server.faults.add(Answer(429, retry_after=30), path="totalItemCount")
    with pytest.raises(Throttled) as caught:
        source.count(folder_like(refs))
    assert caught.value.retry_after == 30
    server.log.forget()
    for ask in (lambda: source.count(folder_like(refs)), lambda: list(source.fetch(refs))):
        with pytest.raises(Throttled) as again:
            ask()
        assert 0 < (again.value.retry_after or 0) <= 30
    assert server.log.entries() == []


def test_trouble_that_is_one_messages_own_is_found_out(server: GraphServer, alice: Mailbox) -> None:
    """The third time it is the message's, if the mailbox answers otherwise."""
    refs, source = listed(server, alice)
    server.faults.add(Answer(504), path=rf"{refs[1].id}/\$value", times=EVER)
    for _ in range(2):
        with pytest.raises(ServerBusy):
            list(source.fetch([refs[1]]))
    (answer,) = source.fetch([refs[1]])
    assert isinstance(answer, Failure)
    assert isinstance(answer.error, ItemBusy)
    assert "504" in answer.error.message


class _Elsewhere(BaseHTTPRequestHandler):
    seen: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silence."""


def test_a_redirection_takes_no_token_along(server: GraphServer, alice: Mailbox) -> None:
    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=elsewhere.serve_forever, args=(0.01,))
    thread.start()
    try:
        where = {"Location": f"http://127.0.0.1:{elsewhere.server_address[1]}/"}
        server.faults.add(Answer(response=Response(302, b"", where)), path="mailFolders/inbox")
        with pytest.raises(ProtocolError, match="redirection"):
            CONNECTOR.open_source(settings_of(server), OPEN)
    finally:
        elsewhere.shutdown()
        thread.join()
        elsewhere.server_close()
    assert _Elsewhere.seen == []


def test_a_closed_source_says_so(server: GraphServer, alice: Mailbox) -> None:
    refs, source = listed(server, alice)
    source.close()
    with pytest.raises(Disconnected, match="closed"):
        list(source.folders())
    with pytest.raises(Disconnected, match="closed"):
        list(source.fetch(refs))
