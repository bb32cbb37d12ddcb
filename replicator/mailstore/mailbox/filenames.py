"""The file name of a part, in whichever of its forms it was written (RFC 2183, 2231, 2047, or 8-bit)."""

from email.message import Message

from reconcile.canonical.charset import decoded
from reconcile.canonical.fields import decoded_words
from reconcile.entity import Entity

VALUE_MAX = 4096
"""Bytes of a field that are read; the parser of the standard library takes quadratic time."""


def file_name(entity: Entity) -> str:
    """Decoded; empty if there is none, or none that can be read."""
    if not entity.is_named:
        return ""
    return _parameter(entity.disposition, "filename") or _parameter(entity.content_type, "name")


def _parameter(field: bytes, name: str) -> str:
    """A parameter of a field. Like mail clients, it reads encoded words where there should be none."""
    text = decoded(field[:VALUE_MAX], "").replace("\r", "").replace("\n", "")
    message = Message()
    message["x"] = text
    value = message.get_param(name, "", header="x")
    if isinstance(value, tuple):  # RFC 2231: charset, language, and the bytes as characters of Latin-1
        charset, _, characters = value
        return decoded(characters.encode("latin-1", "replace"), charset or "")
    return decoded_words(str(value).encode("utf-8", "replace"))
