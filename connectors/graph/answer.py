"""What Graph answers, as far as it can be trusted: JSON objects, errors in OData's shape, pauses that are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from json import JSONDecodeError, loads
from typing import Any

Document = dict[str, Any]

MOST = 32 << 20
"""Bytes of JSON: a page of rows is far below. What is larger is not read."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is none: Graph's own code and words, and the id under which Microsoft finds the request."""

    status: int
    code: str = ""
    said: str = ""
    request_id: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, status: int, content: Any, headers: Mapping[str, str]) -> "Refusal":
        """From a body in OData's shape, or from any other."""
        error = as_object(as_object(content).get("error"))
        inner = as_object(error.get("innerError"))
        request_id = headers.get("request-id") or inner.get("request-id") or ""
        code, said, traced = map(_text, (error.get("code"), error.get("message"), request_id))
        return cls(status, code, said, traced, seconds(headers))


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer out of a batch: its object if it was had, else the refusal."""

    document: Document = field(default_factory=dict)
    refusal: Refusal | None = None


def as_object(value: Any) -> Document:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def parsed(content: bytes) -> Any:
    """The JSON, or None if it is none."""
    try:
        return loads(content)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None


def seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After (RFC 9110 10.2.3), in seconds; a date counts from the answer's own, whatever our clock says."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds())
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
