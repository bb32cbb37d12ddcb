"""Names and addresses out of header fields, as Graph has them: recipients, one by one."""

from collections.abc import Iterable
from email.utils import getaddresses

from connectors.graph.answer import Document
from connectors.graph.writing.words import readable, unfolded

FIELD_MOST = 1 << 18
"""Characters of a field, some thousands of people, that are looked at."""


def people(values: Iterable[str]) -> list[Document]:
    """Of all fields of a name. A group (RFC 5322 3.4) is its members: Graph has no groups, nor one without members.

    What is no address keeps its text as a name, so that it can still be seen.
    """
    found = []
    for value in (unfolded(each)[:FIELD_MOST] for each in values):
        pairs = _parsed(value)
        if not all(_is_address(address) for _, address in pairs) and not value.strip().endswith(";"):
            pairs = [(readable(value), "")]
        found += [person(name, address) for name, address in pairs if name or address]
    return found


def _parsed(value: str) -> list[tuple[str, str]]:
    try:
        pairs = [(readable(name), readable(address)) for name, address in getaddresses([value])]
    except (RecursionError, ValueError, IndexError):  # comments within comments, a thousand deep
        return [("", "")]
    return [pair for pair in pairs if any(pair)] or [("", "")]


def _is_address(text: str) -> bool:
    """Or a name in its place: whatever is not cut out of something else."""
    return text != "" and not text.startswith("@")


def person(name: str, address: str) -> Document:
    """One recipient. Without an address, the name stands for it, as Exchange shows what it cannot resolve."""
    return {"emailAddress": {"name": name or address, "address": address or name}}
