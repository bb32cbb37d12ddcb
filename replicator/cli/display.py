"""What reaches a terminal or a script. Mail is written by strangers: nothing in it may steer the reader's terminal."""

import json
import os
import re
import sys
from typing import IO, Any
from unicodedata import combining, east_asian_width

import click

# Control characters (C0, DEL, C1), the marks that turn the direction of text, line and paragraph separators, and halves
# of surrogate pairs, which stand for bytes that were no UTF-8.
_UNSAFE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_UNSAFE_TEXT = re.compile(f"[{_UNSAFE}]")
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_ENCODE_ASCII = json.JSONEncoder().encode
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


class OutputLost(Exception):
    """stdout could not be written. No OSError, so that nothing else is taken for it, and it for nothing else."""

    def __init__(self, cause: OSError | None) -> None:
        super().__init__(cause.strerror if cause else "it is closed")
        self.reader_left = isinstance(cause, BrokenPipeError)


def safe_text(text: str, keep: str = "") -> str:
    """The text with every unsafe character shown as an escape; those in `keep` stay."""
    return _UNSAFE_TEXT.sub(lambda found: found.group() if found.group() in keep else escaped(found.group()), text)


def escaped(character: str) -> str:
    """`\\x1b` or `\\u202e`."""
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"


def json_line(value: Any) -> str:
    """The value as one line of JSON, exact, and with every unsafe character in JSON's own escape."""
    text = (_ENCODE if _speaks_utf8() else _ENCODE_ASCII)(value)
    return _UNSAFE_TEXT.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _speaks_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"


def print_json(value: Any) -> None:
    """One JSON document, or one line of many; not flushed, for there can be millions."""
    _write(json_line(value) + "\n")


def print_text(text: str) -> None:
    """One line of text for a person; what the terminal cannot show is replaced."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    _write(safe_text(text).encode(encoding, "replace").decode(encoding) + "\n")


def print_bytes(data: bytes) -> None:
    """Exactly these bytes."""
    try:
        _stdout().buffer.write(data)  # type: ignore[attr-defined]
    except OSError as error:
        raise OutputLost(error) from error


def flush_output() -> None:
    """Hands over what was printed. Every function that prints raises OutputLost if it cannot."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise OutputLost(error) from error


def abandon_output() -> None:
    """What is still unwritten goes nowhere, and the interpreter will not fail over it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _write(text: str) -> None:
    try:
        _stdout().write(text)
    except OSError as error:
        raise OutputLost(error) from error


def _stdout() -> IO[str]:
    if sys.stdout is None:  # what Python makes of `>&-`
        raise OutputLost(None)
    return sys.stdout


def print_error(message: str, advice: str = "") -> None:
    """What went wrong, and what to do next, on stderr."""
    click.echo(safe_text(message, keep="\n"), err=True)
    if advice:
        click.echo(safe_text(f"  {advice}", keep="\n"), err=True)


def print_note(message: str) -> None:
    """What is worth knowing beside the data, on stderr, after what was printed before it."""
    flush_output()
    click.echo(safe_text(message), err=True)


def print_table(rows: list[tuple[str, ...]], right: frozenset[int] = frozenset()) -> None:
    """Rows in columns as wide as they need; `right` names the columns of numbers."""
    shown = [tuple(safe_text(cell) for cell in row) for row in rows]
    widths = [max(map(columns, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        gaps = [" " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [gap + cell if n in right else cell + gap for n, (cell, gap) in enumerate(zip(row, gaps, strict=True))]
        print_text("  ".join(cells).rstrip())


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: East Asian letters two, combining marks none."""
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def human_bytes(count: int) -> str:
    """`131.2 MB`, in decimal units."""
    size = float(count)
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError(count)


def counted(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
