"""Strikes secrets out of what a server says: some repeat the command that they did not like, whole or in part."""

import re
from base64 import b64encode
from collections.abc import Iterable

STRUCK = "***"

_WORD = re.compile(r"[^\s\"'()\[\]{}<>]{6,}")
"""What may be a part of a secret; anything shorter tells too little of it, and is a word of any language."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, their base64, and words that are parts of either."""
    forms = [form for secret in secrets if secret for form in _forms(secret)]
    for form in sorted(forms, key=len, reverse=True):
        text = re.sub(_alone(form), STRUCK, text)
    return _WORD.sub(lambda word: STRUCK if _is_part(word[0], forms) else word[0], text)


def _alone(form: str) -> str:
    """A pattern for it; a short one only as a word, since the gaps that it left in others would spell it."""
    pattern = re.escape(form)
    return pattern if len(form) >= 6 else rf"(?<!\w){pattern}(?!\w)"


def _forms(secret: str) -> tuple[str, ...]:
    raw = secret.encode()
    return secret, secret.replace("\\", "\\\\").replace('"', '\\"'), b64encode(raw).decode()


def _is_part(word: str, forms: list[str]) -> bool:
    bare = word.rstrip(".…=,;:")
    return len(bare) >= 6 and any(bare in form for form in forms)
