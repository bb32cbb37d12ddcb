"""Names on disk and names in the contract: ids that any database can hold, and folder paths as users know them."""

import binascii
import os
import re
from string import printable
from urllib.parse import quote_from_bytes, unquote_to_bytes

ROOT = "."
SAFE = printable.replace("%", "")
SHIFTED = re.compile("&([A-Za-z0-9+,]*)-")
UNSAFE = re.compile("[^ -~]+")


def id_of(name: str) -> str:
    """The file name itself, but for bytes outside ASCII and `%`, which are escaped: a name need not be UTF-8."""
    if name.isascii() and name.isprintable() and "%" not in name:
        return name
    return quote_from_bytes(os.fsencode(name), safe=SAFE)


def name_of(identity: str) -> str:
    """The file name that has this id."""
    return os.fsdecode(unquote_to_bytes(identity))


def folder_path(directory: str) -> tuple[str, ...]:
    """`.A.B` is A/B, each part in modified UTF-7 (RFC 3501 5.1.3) or, where it is not that, as it stands."""
    if directory == ROOT:
        return ("INBOX",)
    return tuple(folder_name(part) for part in directory[1:].split("."))


def folder_name(name: str) -> str:
    """One level of a folder's path, from its name on disk."""
    return SHIFTED.sub(_unshift, os.fsencode(name).decode("utf-8", "backslashreplace"))


def shifted(name: str) -> str:
    """One level of a folder's path as IMAP servers name it on disk; `folder_name` gives it back."""
    return UNSAFE.sub(_shift, name.replace("&", "&-"))


def _shift(match: re.Match[str]) -> str:
    coded = binascii.b2a_base64(match[0].encode("utf-16-be", "surrogatepass"), newline=False).decode()
    return f"&{coded.rstrip('=').replace('/', ',')}-"


def _unshift(match: re.Match[str]) -> str:
    coded = match[1].replace(",", "/")
    try:
        text = binascii.a2b_base64(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")
    except ValueError:
        return match[0]
    return text or "&"
