"""Who is known for what by what it says of itself; which folders are declared to be no mail; in which order all are."""

import pytest

from connectors.errors import ConfigError
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.dialects.arrangement import arranged, without_mail
from connectors.imap.dialects.dialect import EXCHANGE, GMAIL, PLAIN, recognise
from connectors.imap.dialects.nonmail import LANGUAGES, not_mail
from connectors.model import Capabilities, Folder, Role
from fixtures.servers.imap_sim import Dialect, Exchange, Gmail, ImapSim, Microsoft365
from replicator.config.patterns import FolderRules


@pytest.mark.parametrize(
    ("greeting", "capabilities", "expected"),
    [
        (Gmail.greeting, Gmail.after_login, GMAIL),
        ("* OK proxy ready", Gmail.after_login, GMAIL),
        (Exchange.greeting, Exchange.after_login, EXCHANGE),
        (Microsoft365.greeting, Microsoft365.after_login, EXCHANGE),
        ("* OK Microsoft Exchange IMAP4 service ready. 0 (tcpproxy/15.21.0406.000 BACKENDAUTHENTICATE)", "", EXCHANGE),
        ("* OK Microsoft Exchange Server 2003 IMAP4rev1 server version 6.5.7638.1", "", EXCHANGE),
        ("* OK proxy ready", Microsoft365.after_login, EXCHANGE),
        ("* OK Dovecot ready.", "IMAP4rev1 QRESYNC", PLAIN),
        ("* OK Cyrus IMAP4 server ready", "IMAP4 IMAP4rev1 LITERAL+", PLAIN),
        ("* OK imap.exchange.example ready", "IMAP4rev1", PLAIN),
    ],
)
def test_a_server_is_known_by_what_it_says(greeting: str, capabilities: str, expected: object) -> None:
    assert recognise(greeting, frozenset(capabilities.split())) is expected


@pytest.mark.parametrize(
    ("dialect", "given", "exact_bytes", "exact_sizes", "daily"),
    [
        (Dialect, None, True, False, 0),
        (Dialect, "1.5 GB", True, False, 1_500_000_000),
        (Gmail, None, True, True, 2_000_000_000),
        (Gmail, "500 MB", True, True, 500_000_000),
        (Gmail, "0", True, True, 0),
        (Exchange, None, False, False, 0),
        (Microsoft365, "7", False, False, 7),
    ],
)
def test_the_source_promises_what_that_server_can_keep(
    dialect: type[Dialect],
    given: str | None,
    exact_bytes: bool,
    exact_sizes: bool,
    daily: int,
) -> None:
    with ImapSim(dialect()) as server:
        settings = ImapSettings(server.host, server.port, tls="off", daily_bytes=given)
        source = CONNECTOR.open_source(settings, ImapMailbox("alice", lambda: server.password))
        found: Capabilities = source.capabilities
        source.close()
    assert (found.exact_bytes, found.exact_sizes, found.daily_bytes) == (exact_bytes, exact_sizes, daily)
    assert not found.reports_removals


@pytest.mark.parametrize("amount", ["much", "-1 MB", "2500 mb", "1 GiB", "MB"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    with pytest.raises(ConfigError, match=r"daily_bytes .* is no amount of bytes"):
        ImapSettings("mail.example", daily_bytes=amount)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_folders_of_each_language_are_known(language: str) -> None:
    names = [sorted(kind)[0] for kind in LANGUAGES[language]]
    paths = {("INBOX",), ("Work",), ("Work", names[0]), *((name,) for name in names), (names[0], "below")}
    assert not_mail(paths) == {*((name,) for name in names), (names[0], "below")}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["INBOX", "Notes", "Sent"], set()),
        (["INBOX", "Notes", "Calendar", "Sent"], set()),
        (["INBOX", "Notes", "Calendar", "Contacts"], {"Notes", "Calendar", "Contacts"}),
        (["Kalender", "Kontakte", "Aufgaben", "Notizen", "Journal", "Notes", "Agenda", "Tasks"],
         {"Kalender", "Kontakte", "Aufgaben", "Notizen", "Journal"}),
        (["Kalender", "Kontakter", "Kontaktpersoner", "Opgaver", "Noter"], {"Kalender", "Opgaver", "Noter"}),
        ([], set()),
    ],
    ids=["one", "two", "three", "a German's own folders", "two of a kind", "none"],
)  # fmt: skip
def test_in_doubt_a_folder_is_mail(folders: list[str], expected: set[str]) -> None:
    assert not_mail((name,) for name in folders) == {(name,) for name in expected}


def test_a_folder_that_the_server_gives_a_use_is_mail_whatever_it_is_called() -> None:
    names = ("Calendar", "Contacts", "Notes", "Tasks")
    found = [Folder(name, (name,), Role.SENT if name == "Notes" else Role.NONE) for name in names]
    assert {folder.id: folder.role for folder in without_mail(found)} == {
        "Calendar": Role.NOT_MAIL, "Contacts": Role.NOT_MAIL, "Notes": Role.SENT, "Tasks": Role.NOT_MAIL
    }  # fmt: skip


def test_inbox_is_read_first_then_all_mail_and_parents_before_children() -> None:
    root = "[Google Mail]"
    uses = {"Alle Nachrichten": Role.ALL, "Spam": Role.JUNK, "Wichtig": Role.IMPORTANT}
    paths = [("A",), ("A", "b"), ("INBOX",), ("INBOX", "c"), (root,), *((root, name) for name in uses)]
    uses["INBOX"] = Role.INBOX
    found = [Folder("/".join(path), path, uses.get(path[-1], Role.NONE)) for path in paths]
    assert [folder.id for folder in arranged(found)] == [
        "INBOX", root, f"{root}/Alle Nachrichten", "A", "A/b", "INBOX/c", f"{root}/Spam", f"{root}/Wichtig"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "covered"),
    [
        (FolderRules(), False),
        (FolderRules(include=("\\NotMail",)), True),
        (FolderRules(include=("Cal*",)), True),
        (FolderRules(include=("Contacts",)), False),
        (FolderRules(exclude=("Calendar",), include=("\\NotMail",)), False),
    ],
)
def test_what_is_no_mail_is_replicated_only_if_the_configuration_names_it(rules: FolderRules, covered: bool) -> None:
    assert rules.covers(("Calendar",), Role.NOT_MAIL) is covered
    assert FolderRules(include=("x",)).covers(("Calendar",), Role.NONE)
