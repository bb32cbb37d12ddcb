"""The example in docs/connectors.md is run as it stands there, and docs/errors.md says what is true of every error."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from connectors import errors
from connectors.errors import ReplicationError
from connectors.model import Capabilities
from connectors.registry import GROUP
from connectors.testing.driver import Driver

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "connectors.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", GUIDE, re.M | re.S))
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| .+ \| .+ \|$", (DOCS / "errors.md").read_text("utf-8"), re.M)
ERRORS = {each.__name__: each for each in vars(errors).values() if isinstance(each, type)}
del ERRORS["Scope"], ERRORS["IntEnum"], ERRORS["ReplicationError"]


def module(file: str, **needed: ModuleType) -> ModuleType:
    """The block as a module; `needed` is what it imports by name."""
    made = ModuleType(file.removesuffix(".py"))
    made.__file__ = f"docs/connectors.md:{file}"
    with pytest.MonkeyPatch.context() as patch:
        for name, each in {**needed, made.__name__: made}.items():
            patch.setitem(sys.modules, name, each)
        exec(compile(BLOCKS[file], made.__file__, "exec"), vars(made))
    return made


EML = module("eml.py")
TEST = module("test_eml.py", eml=EML)
TestEml = TEST.TestEml
test_the_faults_in_the_guide = module("test_faults.py").test_a_pass_and_a_body_survive_the_loss_of_the_connection


def test_the_examples_types_are_those_of_the_contract(tmp_path: Path) -> None:
    """Strictly checked, and assigned to the protocols that they claim to be."""
    for file in ("eml.py", "test_eml.py"):
        (tmp_path / file).write_text(BLOCKS[file], "utf-8")
    claims = "from connectors.protocols import Connector\nfrom connectors.testing.suite import Driver\n"
    claims += "import eml\nimport pathlib\nimport test_eml\n\nconnector: Connector = eml.CONNECTOR\n"
    claims += "driver: Driver = test_eml.EmlDriver(pathlib.Path())\n"
    (tmp_path / "claims.py").write_text(claims, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "claims.py"]
    run = subprocess.run(
        command, cwd=tmp_path, env={"MYPYPATH": str(DOCS.parent)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_example_lists_what_it_can_open(tmp_path: Path) -> None:
    source = EML.CONNECTOR.open_source(EML.EmlSystem(), EML.EmlMailbox(tmp_path))
    assert [folder.path for folder in source.folders()] == [("INBOX",)]
    with pytest.raises(errors.Unreachable):
        EML.CONNECTOR.open_source(EML.EmlSystem(), EML.EmlMailbox(tmp_path / "absent"))


def test_the_entry_point_is_of_our_group() -> None:
    group = tomllib.loads(BLOCKS["pyproject.toml"])["project"]["entry-points"][GROUP]
    name, _, value = group["eml"].partition(":")
    assert group.keys() == {EML.CONNECTOR.name}
    assert getattr({"eml": EML}[name], value) is EML.CONNECTOR


def test_the_configuration_names_the_examples_settings() -> None:
    config = tomllib.loads(BLOCKS["replicator.toml"])
    assert config["source"]["archive"] == {"connector": EML.CONNECTOR.name}
    assert config["mailbox"][0]["primary"].keys() - {"source"} == set(EML.EmlMailbox.__slots__)


def test_the_guide_knows_every_capability_and_every_method_of_a_driver() -> None:
    table = set(re.findall(r"^\| `(\w+)` \| ", GUIDE, re.M))
    assert set(Capabilities.__slots__) - {"extensions"} <= table
    methods = {name for name in vars(Driver) if not name.startswith("_")}
    assert methods <= set(vars(TEST.EmlDriver))


def test_every_error_is_documented_once() -> None:
    assert sorted(name for name, _, _ in ROWS) == sorted(ERRORS)


@pytest.mark.parametrize(("name", "again", "scope"), ROWS)
def test_an_error_is_documented_as_it_is(name: str, again: str, scope: str) -> None:
    error: type[ReplicationError] = ERRORS[name]
    assert again == ("transient" if error.transient else "permanent")
    assert scope == error.scope.name.lower()
