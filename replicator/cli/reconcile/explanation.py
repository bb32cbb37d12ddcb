"""Two copies side by side, for someone who has to decide."""

from pathlib import Path
from typing import Any

from replicator.cli.display import human_bytes, print_table, print_text
from replicator.forensics import examine

_ROWS = ("message_id", "date", "from", "to", "cc", "subject", "hops", "text", "html", "attachments", "defects", "size")
_LABELS = {"message_id": "Message-ID", "text": "Plain text", "html": "HTML", "hops": "Way"}


def show_explanation(files: tuple[str, str]) -> None:
    """What each says, row by row; `*` marks the rows in which they differ. Raises OSError."""
    one, other = (examine(Path(file)) for file in files)
    for file, detail in zip(files, (one, other), strict=True):
        if detail["note"]:
            print_text(f"{file}: {detail['note']}")
    rows: list[tuple[str, ...]] = []
    for name in _ROWS:
        left, right = _lines(name, one), _lines(name, other)
        mark = "" if left == right else "*"
        for at in range(max(len(left), len(right))):
            first = (mark, _LABELS.get(name, name.capitalize())) if at == 0 else ("", "")
            rows.append((*first, *(lines[at] if at < len(lines) else "" for lines in (left, right))))
    print_table(rows)


def _lines(name: str, detail: dict[str, Any]) -> list[str]:
    """The value in lines that fit beside each other."""
    value = detail.get(name, "")
    if name == "hops":
        return [f"{hop['date'] or '?'} by {hop['by']}"[:60] for hop in value]
    if name == "attachments":
        return [f"{each['filename']} ({human_bytes(each['size'])}, {each['sha256'][:12]})"[:60] for each in value]
    if name in ("text", "html"):
        return [f"{length} characters" for length in value]
    if name == "size":
        return [human_bytes(value)]
    return [str(each)[:60] for each in (value if isinstance(value, list) else [value])]
