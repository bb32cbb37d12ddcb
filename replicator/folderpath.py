"""A folder's path as one line of text, the form that commands and reports use.

Components are joined with `/`; a `/` or `%` inside a name is `%2F`, `%25`. Nothing else is changed: no Unicode
normalisation, no case folding, so that two folders never become one.
"""

import re

_ESCAPE = re.compile("%(2F|25)", re.IGNORECASE)


def join_path(path: tuple[str, ...]) -> str:
    """The path as one line."""
    return "/".join(name.replace("%", "%25").replace("/", "%2F") for name in path)


def split_path(text: str) -> tuple[str, ...]:
    """The components of such a line; the reverse of `join_path`."""
    return tuple(_ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), part) for part in text.split("/"))
