"""All the looks, in the order in which a run would stumble over what they find."""

from collections.abc import Callable, Iterator

from connectors.errors import PARTLY, ConfigError
from replicator.config import Config
from replicator.doctor.check import Check
from replicator.doctor.machine import check_clock, check_disk, check_libraries, guarded
from replicator.doctor.sources import check_sources
from replicator.doctor.storage import check_key, check_mailstore, check_permissions, newest_write

Reading = Callable[[bool], Config]
"""Reads the configuration; with True, also the modes of the files that hold mailboxes' secrets. Raises ConfigError."""


def examine(
    read: Reading,
    chosen: Callable[[Config], list[str]],
    clock: Callable[[], float],
    timer: Callable[[], float],
    seconds: float,
) -> Iterator[Check]:
    """Every check. `chosen` picks the mailboxes whose logins are tried; `seconds` bounds what servers may take."""
    yield from guarded("libraries", check_libraries)
    try:
        config = read(False)
    except ConfigError as error:
        yield Check.failed("config", error)
        return
    names = chosen(config)
    yield Check("config", ok=True, detail=f"{config.file}; mailboxes: {len(config.mailboxes)}")
    yield from _secrets(read)
    yield from guarded("permissions", lambda: check_permissions(config))
    yield from guarded("key", lambda: check_key(config))
    yield from guarded("mailstore", lambda: check_mailstore(config))
    yield from guarded("disk", lambda: check_disk(config.mailstore.path))
    findings = check_sources(config, names, clock, timer, seconds)
    yield from guarded("clock", lambda: check_clock(clock(), newest_write(config.mailstore.path), findings.skews))
    yield from findings.checks


def exit_code(checks: list[Check]) -> int:
    """0 if all is well; else that of the first failed check. Of mail systems 14 only if no login succeeded, else 3."""
    failed = [check for check in checks if not check.ok]
    local = [check.exit_code for check in failed if not _is_remote(check)]
    if local or not failed:
        return local[0] if local else 0
    reached = any(check.ok and _is_login(check) for check in checks)
    return PARTLY if reached else failed[0].exit_code


def _secrets(read: Reading) -> Iterator[Check]:
    try:
        read(True)
    except ConfigError as error:
        yield Check.failed("secrets", error)
    else:
        yield Check("secrets", ok=True, detail="no file that holds one can be read by others")


def _is_login(check: Check) -> bool:
    return check.name.startswith("login ")


def _is_remote(check: Check) -> bool:
    return _is_login(check) or check.name.startswith("source ")
