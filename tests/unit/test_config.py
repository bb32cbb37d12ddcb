"""The configuration: what is read, and that everything wrong with it is said at once."""

import json
import os
import pickle
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import ConfigError, LoginRefused
from connectors.model import Role
from connectors.protocols import Secret
from replicator.config import Config, KeyFile, Passphrase, find_config, load_config
from replicator.config.problems import Lines, suggestion
from replicator.config.values import INVALID


@dataclass(frozen=True, slots=True)
class MailSettings:
    host: str
    port: int = 993
    tls: Literal["implicit", "starttls", "off"] = "implicit"
    ca_file: Path | None = None
    max_connections: int = 4
    patience: float = 30.0
    folded: bool = False

    def __post_init__(self) -> None:
        if self.port == 1:
            raise ValueError("port 1 is nobody's")
        if self.port == 2:
            raise ValueError("port = 2 is nobody's either")


@dataclass(frozen=True, slots=True)
class BoxSettings:
    username: str
    password: Secret | None = None


class Mail:
    name = "mail"
    source_settings = MailSettings
    mailbox_settings = BoxSettings

    def open_source(self, source: Any, mailbox: Any) -> Any:
        raise AssertionError("reading a configuration opens nothing")


GOOD = """
[mailstore]
path = "mailstore"
key = { file = "mailstore.key" }

[source.corp]
connector = "mail"
host = "mail.corp.example"
ca_file = "ca.pem"
patience = 5

[[mailbox]]
id = "alice@corp.example"
addresses = ["a.smith@corp.example"]
rpo = "15m"
primary = { source = "corp", username = "alice", password = { command = ["echo", "pässword"] } }
standby = { source = "corp", username = "alice2" }
folders = { exclude = ["\\\\Trash", "Lists/*"] }
"""
MAILSTORE = '[mailstore]\npath = "m"\nkey = { file = "k" }\n'
SOURCE = MAILSTORE + '[source.corp]\nconnector = "mail"\nhost = "h"\n'
MAILBOX = SOURCE + '[[mailbox]]\nid = "a@x"\nprimary = { source = "corp", username = "a" }\n'

Load = Callable[[str], Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_text(text: str) -> Config:
        file = tmp_path / "replicator.toml"
        file.write_text(text, encoding="utf-8")
        return load_config(file, {"mail": Mail()})

    return load_text


@pytest.fixture
def problems(load: Load) -> Callable[[str], list[str]]:
    def problems_of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text)
        head, *lines = caught.value.message.splitlines()
        assert head.startswith("one problem" if len(lines) == 1 else f"{len(lines)} problems")
        return [line.removeprefix("replicator.toml:") for line in lines]

    return problems_of


def test_a_whole_configuration(load: Load, tmp_path: Path) -> None:
    config = load(GOOD)
    assert config.mailstore.path == tmp_path / "mailstore"
    assert config.mailstore.key == KeyFile(tmp_path / "mailstore.key")
    assert config.sources["corp"].settings == MailSettings(
        "mail.corp.example", ca_file=tmp_path / "ca.pem", patience=5.0
    )
    alice = config.mailboxes["alice@corp.example"]
    assert (alice.rpo, alice.addresses) == (900.0, ("a.smith@corp.example",))
    assert alice.primary.settings.password() == "pässword"
    assert alice.standby is not None
    assert alice.standby.settings == BoxSettings("alice2")
    assert not alice.covers(("Lists", "python"), Role.NONE)
    assert not alice.covers(("Corbeille",), Role.TRASH)
    assert alice.covers(("Lists", "a", "b"), Role.NONE)


def test_it_travels_to_another_process(load: Load) -> None:
    config = load(GOOD)
    copy = pickle.loads(pickle.dumps(config))
    assert copy == config
    assert copy.mailboxes["alice@corp.example"].primary.settings.password() == "pässword"


def test_all_problems_at_once_with_key_and_line(problems: Callable[[str], list[str]]) -> None:
    found = problems(
        """[mailstore]
path = "m"  # a comment, and "quotes"
keys = { file = "k" }
[source.corp]
connector = "mail"
host = '''h
'''
prot = 993
tls = "of"
[source.lost]
connector = "male"
[[mailbox]]
id = "a@x"
addresses = [
  "b@x",  # [not a header]
]
rpo = "soon"
primary = { source = "corp", username = "a", password = "hunter2" }
[[mailbox]]
id = "b@y"
[mailbox.primary]
source = "crop"
[extra]
"""
    )
    assert found == [
        '1: mailstore: "key" is missing',
        '3: mailstore.keys: unknown key; did you mean "key"?',
        "6: source.corp.host: a text is needed here, not empty and without control characters",
        '8: source.corp.prot: unknown key; did you mean "port"?',
        "9: source.corp.tls: 'of' is not possible here; did you mean \"off\"?",
        "11: source.lost.connector: there is no connector 'male'; did you mean \"mail\"?",
        '17: mailbox.rpo: a duration is needed, such as "90s", "15m", "2h" or "1d"',
        "18: mailbox.primary.password: a secret is never written here:"
        " use { env = }, { file = }, { command = [] } or { keyring = }",
        '22: mailbox.primary.source: there is no [source.crop]; did you mean "corp"?',
        "23: extra: unknown key (known: mailbox, mailboxes, mailstore, source)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mailstore\n", "1: not TOML: "),
        ("a = 1\na = 2\n", "2: not TOML: "),
        ("[mailstor]\n" + MAILSTORE, '1: mailstor: unknown key; did you mean "mailstore"?'),
        ("source = 3\n" + MAILSTORE, "1: source: a table is needed here"),
        ("mailstore = 3\n", "1: mailstore: a table is needed here"),
        ("", "mailstore: the table [mailstore] is missing"),
        (MAILSTORE.replace('{ file = "k" }', '"k"'), "3: mailstore.key: a key is { file = } or { passphrase"),
        (MAILSTORE.replace("file", "flie"), '3: mailstore.key.flie: unknown key; did you mean "file"?'),
        (MAILSTORE.replace("file", "passphrase"), "3: mailstore.key.passphrase: a secret is never written here"),
        (SOURCE + "port = true\n", "7: source.corp.port: a whole number is needed"),
        (SOURCE + "port = -1\n", "7: source.corp.port: a whole number is needed"),
        (SOURCE + 'patience = "5"\n', "7: source.corp.patience: a number is needed"),
        (SOURCE + "folded = 1\n", "7: source.corp.folded: true or false"),
        (SOURCE + "port = 1\n", "7: source.corp.port: 1 is nobody's"),
        (SOURCE + "port = 2\n", "7: source.corp.port: 2 is nobody's either"),
        (SOURCE + 'tls = "off"\n', '7: source.corp.tls: "off" is for loopback addresses only'),
        (SOURCE.replace('"h"', '"h\\u0007"'), "6: source.corp.host: a text is needed"),
        (SOURCE.replace('host = "h"\n', ""), '4: source.corp: "host" is missing'),
        (SOURCE.replace('connector = "mail"\n', ""), '4: source.corp: "connector" is missing (known: mail)'),
        (MAILSTORE + "[mailbox]\n", "4: mailbox: write [[mailbox]]"),
        (MAILBOX + "[[mailbox]]\nid = 'b@x'\n", '10: mailbox: "primary" is missing'),
        (MAILBOX.replace("a@x", "unclaimed"), "8: mailbox.id: 'unclaimed' cannot be the name"),
        (MAILBOX.replace("a@x", "-a"), "8: mailbox.id: '-a' cannot be the name"),
        (MAILBOX + 'folders = { exclude = ["\\\\Trsh"] }\n', "10: mailbox.folders.exclude: \\Trsh is no role"),
        (MAILBOX + 'folders = { exclude = [""] }\n', "10: mailbox.folders.exclude: an empty pattern"),
        (MAILBOX + "folders = { exclude = [3] }\n", "10: mailbox.folders.exclude: a list of texts"),
        (MAILBOX + 'rpo = "0m"\n', "10: mailbox.rpo: a duration"),
        (
            MAILBOX.replace('"a" }', '"a", password = { evn = "X" } }'),
            "9: mailbox.primary.password: a secret has exactly",
        ),
        (
            MAILBOX.replace('"a" }', '"a", password = { command = [] } }'),
            "9: mailbox.primary.password.command: a command",
        ),
        (
            MAILBOX.replace('"a" }', '"a", password = { keyring = "x" } }'),
            "9: mailbox.primary.password.keyring: a keyring",
        ),
        (MAILBOX + MAILBOX[len(SOURCE) :].replace("a@x", "A@x"), "11: mailbox.id: a@x is claimed twice"),
        (
            MAILBOX + MAILBOX[len(SOURCE) :].replace("a@x", "b@x") + 'addresses = ["A@X"]\n',
            "13: mailbox.addresses: a@x is claimed twice, first by the mailbox a@x",
        ),
        (MAILSTORE + "[mailboxes]\n", "4: mailboxes.file: a text is needed"),
        (MAILSTORE + '[mailboxes]\nfile = "absent.csv"\n', "5: mailboxes.file: "),
    ],
)
def test_one_problem(problems: Callable[[str], list[str]], text: str, problem: str) -> None:
    [found] = problems(text)
    assert found.removeprefix("replicator.toml: ").strip().startswith(problem)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_tls_may_be_off_on_loopback(load: Load, host: str) -> None:
    config = load(SOURCE.replace('"h"', f'"{host}"') + 'tls = "off"\n')
    assert config.sources["corp"].settings.tls == "off"


def test_a_passphrase_that_is_not_set_is_a_missing_key(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    key = load(MAILSTORE.replace('file = "k"', 'passphrase = { env = "DEMO_PASSPHRASE" }')).mailstore.key
    assert isinstance(key, Passphrase)
    monkeypatch.delenv("DEMO_PASSPHRASE", raising=False)
    with pytest.raises(Exception, match="DEMO_PASSPHRASE is not set") as caught:
        key.secret()
    assert getattr(caught.value, "exit_code", None) == 12
    monkeypatch.setenv("DEMO_PASSPHRASE", "correct horse")
    assert key.secret() == "correct horse"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_files_that_others_can_read_are_refused(
    problems: Callable[[str], list[str]], tmp_path: Path, mode: int
) -> None:
    for name in ("k", "pw"):
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(mode)
    found = problems(MAILBOX.replace('"a" }', '"a", password = { file = "pw" } }'))
    assert [line.split(" ")[1] for line in found] == ["mailstore.key.file:", "mailbox.primary.password.file:"]
    assert all("chmod 600" in line for line in found)


def test_who_needs_no_password_is_not_kept_by_the_mode_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "replicator.toml"
    (tmp_path / "pw").write_text("secret")
    (tmp_path / "pw").chmod(0o644)
    file.write_text(MAILBOX.replace('"a" }', '"a", password = { file = "pw" } }'))
    settings = load_config(file, {"mail": Mail()}, passwords=False).mailboxes["a@x"].primary.settings
    with pytest.raises(LoginRefused, match="others can read"):
        settings.password()
    file.write_text(MAILSTORE.replace('file = "k"', 'passphrase = { file = "pw" }'))
    with pytest.raises(ConfigError, match="others can read"):
        load_config(file, {"mail": Mail()}, passwords=False)


def test_a_literal_secret_is_named_whatever_else_is_wrong(problems: Callable[[str], list[str]]) -> None:
    found = problems(
        MAILSTORE
        + """[source.lost]
connector = "male"
password = "hunter1"
[[mailbox]]
id = "a@x"
primary = { source = "lost", username = "a", password = "hunter2" }
standby = { source = "none", token = "hunter3" }
[[mailbox]]
id = "b@x"
rpo = "soon"
primary = { password = "hunter4" }
"""
    )
    assert [line.split(": ")[0] for line in found if "never written here" in line] == ["6", "9", "10", "14"]
    assert not any("hunter" in line for line in found)


def test_a_double_is_named_whatever_else_is_wrong(problems: Callable[[str], list[str]]) -> None:
    first, second = "[[mailbox]]\nid = 'a@x'\nrpo = 'soon'\n", "[[mailbox]]\nid = 'A@x'\naddresses = 3\n"
    found = problems(SOURCE + first + second)
    assert "11: mailbox.id: a@x is claimed twice, first by the mailbox a@x" in found
    assert len(found) == 5


def test_a_long_list_of_what_is_known_is_cut_off() -> None:
    assert suggestion("x", ["a1", "a2", "a3"], most=2) == " (known: a1, a2, …)"
    assert suggestion("x", ["a1", "a2"], most=2) == " (known: a1, a2)"
    assert suggestion("inbx", ["INBOX", "Sent"]) == '; did you mean "INBOX"?'


def test_a_csv_file_that_cannot_be_read_is_named_once(problems: Callable[[str], list[str]], tmp_path: Path) -> None:
    [found] = problems(SOURCE + '[mailboxes]\nfile = "absent.csv"\n')
    assert found.count("absent.csv") == 1
    assert "look at the path" in found


def test_mailboxes_from_csv(load: Load, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(
        "id,addresses,rpo,primary_source,primary_username,primary_password_file,standby_source,standby_username\n"
        "a@x,a1@x;a2@x a3@x,1h,corp,a,a.pw,,\n"
        '"b,c@x",,,corp,b,,corp,b2\n'
    )
    config = load(SOURCE + '[mailboxes]\nfile = "boxes.csv"\n')
    first, second = config.mailboxes.values()
    assert (first.id, first.addresses, first.rpo) == ("a@x", ("a1@x", "a2@x", "a3@x"), 3600.0)
    assert first.primary.settings.password.path == tmp_path / "a.pw"
    assert first.standby is None
    assert (second.id, second.rpo, second.primary.settings) == ("b,c@x", None, BoxSettings("b"))
    assert second.standby is not None
    assert second.standby.settings == BoxSettings("b2")


def test_problems_of_a_csv_file_name_its_lines(problems: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(
        "id,rpo,primary_source,primary_usrname,primary_password\na@x,soon,corp,a,x\nb@x\nc@x,,crop,c,\n"
    )
    found = problems(SOURCE + '[mailboxes]\nfile = "boxes.csv"\n')
    assert [line.partition(" (known")[0] for line in found] == [
        "boxes.csv:1: unknown column 'primary_password'; did you mean \"primary_password_env\"?",
        "boxes.csv:1: unknown column 'primary_usrname'; did you mean \"primary_username\"?",
        'boxes.csv:2: primary: "username" is missing',
        'boxes.csv:2: rpo: a duration is needed, such as "90s", "15m", "2h" or "1d"',
        "boxes.csv:3: the row has not as many cells as the first line has columns",
        'boxes.csv:4: primary_source: there is no [source.crop]; did you mean "corp"?',
    ]


def test_a_column_that_stands_twice_in_a_csv_file(problems: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("id,primary_source,primary_username,primary_username\na@x,corp,a,b\n")
    assert problems(SOURCE + '[mailboxes]\nfile = "boxes.csv"\n') == [
        "boxes.csv:1: the column 'primary_username' stands there twice"
    ]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "replicator.toml"
    file.write_bytes(b"[mailstore]\npath = '\xff'\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_config(file, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "absent.toml", {})


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    platform = home / ".config" / "replicator" / "replicator.toml"
    for directory in (here, platform.parent):
        directory.mkdir(parents=True)
    environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    with pytest.raises(ConfigError, match="no configuration"):
        find_config(None, environment, here)
    platform.touch()
    assert find_config(None, environment, here) == platform
    (here / "replicator.toml").touch()
    assert find_config(None, environment, here) == here / "replicator.toml"
    environment["REPLICATOR_CONFIG"] = str(tmp_path / "named.toml")
    assert find_config(None, environment, here) == tmp_path / "named.toml"
    assert find_config("other.toml", environment, here) == here / "other.toml"


def test_thousands_of_mailboxes_are_read_in_a_moment(load: Load, tmp_path: Path) -> None:
    rows = "".join(f"u{number}@x,15m,corp,u{number},pw/u{number}\n" for number in range(5000))
    (tmp_path / "boxes.csv").write_text("id,rpo,primary_source,primary_username,primary_password_file\n" + rows)
    before = os.times().user
    assert len(load(SOURCE + '[mailboxes]\nfile = "boxes.csv"\n').mailboxes) == 5000
    assert os.times().user - before < 5


KEYS = [
    "mailstore", "source", "mailbox", "mailboxes", "path", "key", "file", "passphrase", "env", "command", "keyring",
    "corp", "connector", "host", "port", "tls", "ca_file", "id", "addresses", "rpo", "primary", "standby", "folders",
    "exclude", "username", "password", "a.b", "",
]  # fmt: skip
LEAVES = st.sampled_from(["mail", "corp", "a@x", "15m", "off", "", "\x00", "\\Trash", "x" * 300, 0, -1, 993, 1.5, True])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def as_toml(value: Any) -> str:
    """Inline TOML. JSON's texts and lists are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


@given(st.dictionaries(st.sampled_from(KEYS[:4]), VALUES))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_it_is_read_or_its_problems_are_named(load: Load, document: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {as_toml(value)}" for key, value in document.items())
    try:
        outcome = repr(load(text))
    except ConfigError as error:
        outcome = error.message
    assert outcome.startswith(("Config(", "one problem", *map(str, range(2, 10)), "1"))
    assert "INVALID" not in outcome
    assert repr(INVALID) not in outcome


WRITTEN = [
    '"]"',
    "[\n  1, # ]\n  '[',\n]",
    '"""\n[t]\n\\"""x = "\n"""',
    "'''\n[[m]]\n'''",
    "{ a = '}', b = [[]] }",
    "1 # [t]",
]


@given(st.lists(st.tuples(st.sampled_from(["", "[t{}]", "[[m]]", "[m.in]", "[ 'q.{}' ]"]), st.sampled_from(WRITTEN))))
def test_every_key_has_its_line(entries: list[tuple[str, str]]) -> None:
    text, current = "", ""
    expected: dict[str, int] = {}
    for number, (header, value) in enumerate(entries):
        if header and (header != "[m.in]" or current == "[[m]]"):
            current = header
            text += header.format(number) + "\n"
        expected[f"k{number}"] = text.count("\n") + 1
        text += f"  k{number} = {value}\n"
    found = Lines(text)
    document = tomllib.loads(text)
    assert {path[-1]: found.line(path) for path in paths(document) if path[-1] in expected} == expected


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every key of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*at, key)
        yield from paths(each, (*at, key))


def test_how_much_is_read_again(load: Load, problems: Callable[[str], list[str]]) -> None:
    assert load(MAILSTORE).mailstore.reread == 64_000_000
    assert load(MAILSTORE + 'reread = "1.5 GB"\n').mailstore.reread == 1_500_000_000
    assert load(MAILSTORE + 'reread = "0"\n').mailstore.reread == 0
    for wrong in ('"much"', "64", "[]"):
        assert problems(MAILSTORE + f"reread = {wrong}\n")[0].startswith("4: mailstore.reread: an amount of bytes")


def test_how_often_ids_are_compared(load: Load, problems: Callable[[str], list[str]]) -> None:
    assert load(MAILSTORE).mailstore.compare == 7 * 86400
    assert load(MAILSTORE + 'compare = "12h"\n').mailstore.compare == 12 * 3600
    for wrong in ('"0"', '"often"', "7"):
        assert problems(MAILSTORE + f"compare = {wrong}\n")[0].startswith("4: mailstore.compare: a duration")
