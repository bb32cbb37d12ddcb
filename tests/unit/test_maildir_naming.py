"""Folder names on disk and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.imap_utf7 import decode, encode

from connectors.errors import FolderRefused
from connectors.maildir.folders import directory_name
from connectors.maildir.naming import folder_name, folder_path, id_of, name_of, shifted

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


@given(TEXT)
def test_a_name_is_what_an_imap_server_makes_of_it(name: str) -> None:
    assert shifted(name) == encode(name).decode()
    assert decode(shifted(name).encode()) == name
    assert folder_name(shifted(name)) == name


@given(st.lists(TEXT, min_size=1, max_size=3).map(tuple))
def test_a_folder_has_its_directory_or_none(path: tuple[str, ...]) -> None:
    try:
        name = directory_name(path)
    except FolderRefused:
        assert any("." in part or "/" in part for part in path) or len(".".join(map(shifted, path))) > 254
    else:
        assert folder_path(name) == path
        assert name.isascii()
        assert "/" not in name


@pytest.mark.parametrize("path", [(), ("",), ("a", ""), ("a.b",), ("a/b",), ("..",), ("x" * 300,), ("\ud800",)])
def test_what_a_maildir_cannot_name(path: tuple[str, ...]) -> None:
    with pytest.raises(FolderRefused):
        directory_name(path)


@given(st.binary(min_size=1).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_an_id_says_which_file(raw: bytes) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    assert name_of(id_of(name)) == name
    assert id_of(name).isascii()
