"""A placement as `list`, `show` and the manifest of an export give it."""

from typing import Any

from replicator.folderpath import join_path
from replicator.mailstore.mailbox.history import Listed


def listed_fields(listed: Listed) -> dict[str, Any]:
    """The contract's fields, in its order; `item`, `size` and `sha256` are null where no bytes could be taken."""
    content = listed.content
    return {
        "id": listed.id,
        "item": listed.item,
        "side": listed.side,
        "folder": join_path(listed.path),
        "uid": listed.ref.native,
        "flags": list(listed.flags),
        "internaldate": listed.internaldate,
        "size": content.size if content else None,
        "sha256": content.sha256.hex() if content else None,
        "message_id": listed.message_id,
        "subject": listed.subject,
        "origin": listed.origin,
        "state": str(listed.state),
        "unverified": listed.unverified,
    }
