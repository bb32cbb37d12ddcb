"""When the ids of a folder are compared though its books seem in order, where `changes` may have gaps."""

from hashlib import blake2b

WEEK = 7 * 86400.0


def is_due(folder: str, before: float, now: float, period: float) -> bool:
    """Whether the folder's turn came after one look at its side and not after another (seconds since the epoch).

    Turns are a `period` apart, and its id says when: so the turns of many folders are spread over it, and nothing has
    to be kept.
    """
    phase = int.from_bytes(blake2b(folder.encode(), digest_size=8).digest(), "big") % period
    return (before - phase) // period < (now - phase) // period
