"""Names on disk and names in the contract: ids that any database can hold, and folder paths as users know them."""

import binascii
import os
import re
from string import printable
from urllib.parse import quote_from_bytes, unquote_to_bytes

ROOT = "."
SAFE = printable.replace("%", "")
SHIFTED = re.compile("&([A-Za-z0-9+,]*)-")


def id_of(name: str) -> str:
    """The file name itself, but for bytes outside ASCII and `%`, which are escaped: a name need not be UTF-8."""
    return quote_from_bytes(os.fsencode(name), safe=SAFE)


def name_of(identity: str) -> str:
    """The file name that has this id."""
    return os.fsdecode(unquote_to_bytes(identity))


def folder_path(directory: str) -> tuple[str, ...]:
    """`.A.B` is A/B, each part in modified UTF-7 (RFC 3501 5.1.3) or, where it is not that, as it stands."""
    if directory == ROOT:
        return ("INBOX",)
    plain = os.fsencode(directory).decode("utf-8", "backslashreplace")
    return tuple(SHIFTED.sub(_unshift, part) for part in plain[1:].split("."))


def _unshift(match: re.Match[str]) -> str:
    coded = match[1].replace(",", "/")
    try:
        text = binascii.a2b_base64(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")
    except ValueError:
        return match[0]
    return text or "&"
