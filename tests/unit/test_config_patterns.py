"""Folder patterns and folder paths as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.model import Role
from replicator.config.patterns import matches
from replicator.folderpath import join_path, split_path


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("Lists", "Lists", True),
        ("Lists", "lists", False),
        ("Lists", "Lists/a", False),
        ("Lists/*", "Lists/a", True),
        ("Lists/*", "Lists", False),
        ("Lists/*", "Lists/a/b", False),
        ("Lists/**", "Lists/a/b", True),
        ("**", "any/thing", True),
        ("**/Old", "Old", True),
        ("**/Old", "a/b/Old", True),
        ("**/Old", "a/NotOld", False),
        ("*.tmp", "x.tmp", True),
        ("*.tmp", "xxtmp", False),
        ("a%2Fb", "a%2Fb", True),
        ("a%2fb", "a%2Fb", True),
        ("a/b", "a%2Fb", False),
        ("100%25", "100%25", True),
        ("a%2Ab", "a*b", True),
        ("a%2Ab", "axb", False),
        ("%5CSeen", "\\Seen", True),
        ("[a]+", "[a]+", True),
        ("ligne*", "ligne\nbrisée", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, split_path(path), Role.NONE) is expected


def test_roles_go_by_special_use_and_not_by_name() -> None:
    assert matches("\\Trash", ("Papierkorb",), Role.TRASH)
    assert matches("\\trash", ("Papierkorb",), Role.TRASH)
    assert not matches("\\Trash", ("Trash",), Role.NONE)


@given(st.lists(st.text(min_size=1), min_size=1).map(tuple))
def test_a_path_survives_its_text_form(path: tuple[str, ...]) -> None:
    assert split_path(join_path(path)) == path


@given(
    st.lists(st.text("ab/%2F5", min_size=1), min_size=1).map(tuple), st.lists(st.text("ab/%2F5", min_size=1)).map(tuple)
)
def test_two_paths_never_have_one_text(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (join_path(one) == join_path(other)) == (one == other or {one, other} == {(), ("",)})


@given(st.lists(st.text(min_size=1), min_size=1).map(tuple))
def test_a_path_matches_itself_once_stars_are_written_out(path: tuple[str, ...]) -> None:
    pattern = join_path(path).replace("*", "%2A")
    pattern = "%5C" + pattern[1:] if pattern.startswith("\\") else pattern
    assert matches(pattern, path, Role.NONE)
