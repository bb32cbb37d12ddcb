"""What a message says of itself and of the way it took, for someone who has to decide; never for a verdict.

Read by mail-parser, which knows much of Received fields and of what is malformed, and fails on some of it.
"""

import hashlib
from pathlib import Path
from typing import Any

LARGEST = 32 << 20
"""A larger message is not examined: the parser needs several times its size in memory."""


def examine(file: Path) -> dict[str, Any]:
    """The message in the file, as JSON has it. `note` says why there is nothing more, and is empty otherwise.

    `hops` are in the order of travel, `delay` in seconds. `defects` are kinds of malformation. Raises OSError.
    """
    size = file.stat().st_size
    if size > LARGEST:
        return {"size": size, "note": f"larger than {LARGEST >> 20} MiB"}
    raw = file.read_bytes()
    try:
        return {"size": size, "note": "", **_examined(raw)}
    except Exception as error:  # noqa: BLE001 - it raises almost anything over malformed mail, and none of it matters here
        return {"size": size, "note": f"mail-parser cannot read it ({type(error).__name__})"}


def _examined(raw: bytes) -> dict[str, Any]:
    import mailparser  # noqa: PLC0415 - 70 ms that only this needs

    mail = mailparser.parse_from_bytes(raw)
    return {
        "message_id": str(mail.message_id or ""),
        "date": mail.date.isoformat() if mail.date else "",
        "from": _people(mail.from_),
        "to": _people(mail.to),
        "cc": _people(mail.cc),
        "subject": str(mail.subject or ""),
        "hops": [_hop(hop) for hop in mail.received],
        "text": [len(text) for text in mail.text_plain],
        "html": [len(text) for text in mail.text_html],
        "attachments": [_attachment(attachment) for attachment in mail.attachments],
        "defects": sorted(mail.defects_categories),
    }


def _people(addresses: Any) -> list[str]:
    return [f"{name} <{address}>" if name else address for name, address in addresses]


def _hop(hop: dict[str, Any]) -> dict[str, Any]:
    return {
        "by": hop.get("by", ""),
        "from": hop.get("from", ""),
        "date": hop.get("date_utc"),
        "delay": hop.get("delay"),
    }


def _attachment(attachment: dict[str, Any]) -> dict[str, Any]:
    import pybase64  # noqa: PLC0415

    payload = str(attachment["payload"])
    content = pybase64.b64decode(payload) if attachment["binary"] else payload.encode("utf-8", "surrogateescape")
    return {
        "filename": attachment["filename"],
        "content_type": attachment["mail_content_type"],
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
