"""The shape of the code: sizes, names, and the direction of imports."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("connectors", "reconcile", "replicator")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CHECKED = [*SOURCES, *sorted(path for top in ("tests", "fixtures", "bench") for path in (ROOT / top).rglob("*.py"))]
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
FORBIDDEN_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager|base)(_|$)")
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|except\s*:|# type: ignore(?!\[)")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_sizes(path: Path) -> None:
    assert path.read_text().count("\n") <= LONGEST_FILE
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions(path)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", CHECKED, ids=relative)
def test_names(path: Path) -> None:
    assert not FORBIDDEN_NAMES.search(path.stem)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_marks_that_a_reader_stumbles_over(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if MARKS.search(line)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_types_are_for_others_too(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_imports_point_downwards() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_linter_would_notice(tmp_path: Path) -> None:
    """A planted upward import is reported, so that the test above can fail."""
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "connectors" / "upward.py").write_text("import replicator\n")
    text = (ROOT / "setup.cfg").read_text()
    contract = text.index("[importlinter:contract:mailstore]")
    (tmp_path / "setup.cfg").write_text(text[:contract])
    program = Path(sys.executable).with_name("lint-imports")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [program, "--no-cache"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "connectors.upward -> replicator" in done.stdout
