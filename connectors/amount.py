"""Amounts of bytes as people write them in a configuration."""

import re

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) *(kB|MB|GB|TB)?")
_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def read_amount(text: str) -> int:
    """`"2500 MB"`, `"2.5 GB"` or `"1000000"`, in bytes; a thousand bytes are a kB. Raises ValueError."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{text!r} is no amount of bytes, such as "500 kB", "2500 MB" or "2.5 GB"')
    return int(float(match[1]) * _UNITS[match[2] or ""])
