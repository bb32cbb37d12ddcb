"""This machine: room, clock, and the libraries that everything is built on."""

import os
import platform
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlcipher3 import dbapi2

from replicator.advice import advice_on, described
from replicator.doctor.check import Check

LEAST_FREE = 256 << 20
"""Bytes below which a run is about to fail: a segment, the write-ahead logs of databases, and some air."""
SCARCE = 5
"""Percent free, below which someone should make room."""
SKEW = 300
"""Seconds by which clocks may differ before anything is made of it."""


def check_disk(path: Path) -> Check:
    """The room where the mailstore is, or will be."""
    place = next(each for each in (path, *path.resolve().parents) if each.exists())
    try:
        system = os.statvfs(place)
    except OSError as error:
        return Check.bad("disk", f"{place} cannot be asked for its room: {error.strerror}", advice_on(error))
    free, size = system.f_bavail * system.f_frsize, system.f_blocks * system.f_frsize
    share = 100 * free // size if size else 0
    room = f"{free / 1e9:.1f} GB" if free >= 1e9 else f"{free / 1e6:.1f} MB"
    detail = f"{room} free, {share} %, at {place}"
    if free < LEAST_FREE or (system.f_files and not system.f_favail):
        inodes = "" if free < LEAST_FREE else "; no room for more files (inodes)"
        return Check.bad("disk", detail + inodes, "make room: the next run may not be able to keep what it reads")
    return Check("disk", ok=True, detail=detail, advice="make room soon" if share < SCARCE else "")


def check_clock(now: float, newest: float | None, told: dict[str, float]) -> Check:
    """Against what mail systems `told` of their clocks (the difference to ours), else against what we wrote last."""
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    wrong = {source: skew for source, skew in told.items() if abs(skew) > SKEW}
    if wrong:
        by = ", ".join(f"{source}: {skew:+.0f} s" for source, skew in wrong.items())
        return Check.bad("clock", f"{shown}; the servers' clocks differ ({by})", "let NTP set this machine's clock")
    if newest is not None and newest > now + SKEW:
        last = datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")
        detail = f"{shown}, which is before the last write to the mailstore ({last})"
        return Check.bad("clock", detail, "the clock was set back: let NTP set it")
    compared = f"as {', '.join(told)} says" if told else "no mail system told its own"
    return Check("clock", ok=True, detail=f"{shown}; {compared}")


def check_libraries() -> Check:
    """Their versions, and that the database library can encrypt and search."""
    connection = dbapi2.connect(":memory:")
    try:
        cipher = connection.execute("PRAGMA cipher_version").fetchone()
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    finally:
        connection.close()
    if cipher is None:
        return Check.bad("libraries", "sqlcipher3 is built without SQLCipher", "pip install sqlcipher3, as it is there")
    if "ENABLE_FTS5" not in options:
        return Check.bad("libraries", "sqlcipher3 is built without FTS5", "pip install sqlcipher3, as it is there")
    named = {
        "replicator": version("mailbox-replicator"),
        "Python": platform.python_version(),
        "SQLCipher": cipher[0],
        "SQLite": dbapi2.sqlite_version,
        "TLS": ssl.OPENSSL_VERSION,
        "cryptography": version("cryptography"),
    }
    return Check("libraries", ok=True, detail=", ".join(f"{name} {number}" for name, number in named.items()))


def guarded(name: str, look: Callable[[], Check]) -> Iterator[Check]:
    """A look that fails in a way that nobody foresaw hides none of the others."""
    try:
        yield look()
    except OSError as error:
        yield Check.bad(name, described(error), advice_on(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this check's finding
        yield Check.bad(name, f"it could not be checked: unexpected {type(error).__name__}", "a bug: report it")
