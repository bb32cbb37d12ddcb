"""Directories of an export: safe on any file system, and one for each folder."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.export import LONGEST_NAME, FolderNames, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("INBOX", "INBOX"),
        ("Entwürfe 2026", "Entwürfe 2026"),
        ("件名", "件名"),
        ("..", "_"),
        (".", "_"),
        (".hidden", "_hidden"),
        ("a/b\\c:d*e", "a_b_c_d_e"),
        ("nul", "_nul"),
        ("COM1.txt", "_COM1.txt"),
        ("trailing. ", "_trailing"),
        ("\x1b[2J", "__2J"),
        ("-rf", "-rf"),
        ("\ud800", "_"),
        ("c70e1f5d910c417a.p7.eml", "c70e1f5d910c417a.p7.eml_"),
        ("manifest.jsonl.TMP", "manifest.jsonl.TMP_"),
        (".eml", "_eml"),
        ("é" * 300, "é" * (LONGEST_NAME // 2)),
    ],
)
def test_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple), max_size=20))
def test_every_folder_has_a_directory_of_its_own(paths: list[tuple[str, ...]]) -> None:
    names = FolderNames()
    directories = {path: names.directory(path) for path in paths}
    assert {path: names.directory(path) for path in paths} == directories
    assert len({directory.as_posix().casefold() for directory in directories.values()}) == len(set(paths))
    for path, directory in directories.items():
        assert len(directory.parts) == len(path)
        assert not PurePosixPath(directory).is_absolute()
        assert all(part not in (".", "..") and len(part.encode()) < 120 for part in directory.parts)


def test_the_manifest_keeps_its_names() -> None:
    names = FolderNames()
    assert names.directory(("Manifest.jsonl",)) == Path("Manifest.jsonl~2")
    assert names.directory(("manifest.jsonl",)) == Path("manifest.jsonl~3")
    assert names.directory(("a", "manifest.jsonl")) == Path("a/manifest.jsonl")
    assert names.directory(("manifest.jsonl.tmp",)) == Path("manifest.jsonl.tmp_")


def test_names_that_differ_by_case_or_composition_only() -> None:
    names = FolderNames()
    assert names.directory(("Ä",)) == Path("Ä")
    assert names.directory(("ä",)) == Path("ä~2")
    assert names.directory(("A\u0308",)) != names.directory(("Ä",))
