"""The mail systems: their doors, and each mailbox's login. Bounded in time, whatever a server does."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.abilities import Surveying
from connectors.errors import ReplicationError, Scope, SourceError, Unanswered
from connectors.protocols import Source
from connectors.registry import find_connector
from replicator.config import Config, SideSettings
from replicator.doctor.check import Check

WARN_DAYS = 21
"""A certificate that ends sooner is warned of."""


@dataclass(slots=True)
class Findings:
    """What was found, and by how much each source's clock goes before ours, in seconds."""

    checks: list[Check] = field(default_factory=list)
    skews: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Login:
    mailbox: str
    side: str
    settings: SideSettings

    @property
    def name(self) -> str:
        """As the check is called."""
        return f"login {self.mailbox}" + ("" if self.side == "primary" else f" ({self.side})")


def check_sources(
    config: Config, mailboxes: list[str], clock: Callable[[], float], timer: Callable[[], float], seconds: float
) -> Findings:
    """Each source in a thread of its own, until all have answered or so many seconds have gone (of `timer`)."""
    logins = _logins(config, mailboxes)
    answers: queue.SimpleQueue[tuple[str, Check | float | None]] = queue.SimpleQueue()
    deadline = timer() + seconds
    for source, its in logins.items():
        work = _Source(config, source, its, clock, lambda: timer() >= deadline)
        # A daemon: nobody waits longer than he said for a server that is silent.
        threading.Thread(target=work.run, args=(answers,), name=f"doctor {source}", daemon=True).start()
    findings, busy = Findings(), {source: list(its) for source, its in logins.items()}
    while busy:
        try:
            source, answer = answers.get(timeout=max(deadline - timer(), 0) + 0.5)
        except queue.Empty:
            break
        _take(findings, busy, source, answer)
    for source, left in busy.items():
        findings.checks.append(_unanswered(source, left, seconds))
    return findings


def _take(findings: Findings, busy: dict[str, list[_Login]], source: str, answer: Check | float | None) -> None:
    match answer:
        case None:
            del busy[source]
        case Check():
            findings.checks.append(answer)
            busy[source] = [login for login in busy[source] if login.name != answer.name]
        case float():
            findings.skews[source] = answer


def _unanswered(source: str, left: list[_Login], seconds: float) -> Check:
    names = ", ".join(login.mailbox for login in left[:5]) + (", …" if len(left) > 5 else "")
    detail = f"{source} did not come to an end within {seconds:g} s; not tried: {names or 'none'}"
    return Check.bad(f"source {source}", detail, "give it more with --timeout, or name the mailboxes to try", 14)


def _logins(config: Config, mailboxes: list[str]) -> dict[str, list[_Login]]:
    """Those of the mailboxes, by source, and each source once though no mailbox uses it."""
    found: dict[str, list[_Login]] = {} if len(mailboxes) < len(config.mailboxes) else {n: [] for n in config.sources}
    for name in mailboxes:
        mailbox = config.mailboxes[name]
        for side, settings in (("primary", mailbox.primary), ("standby", mailbox.standby)):
            if settings is not None:
                found.setdefault(settings.source, []).append(_Login(name, side, settings))
    return found


class _Source:
    """One source's looks, one after the other."""

    def __init__(
        self,
        config: Config,
        name: str,
        logins: list[_Login],
        clock: Callable[[], float],
        expired: Callable[[], bool],
    ) -> None:
        self._settings = config.sources[name]
        self._name = name
        self._logins = logins
        self._clock = clock
        self._expired = expired
        self._dead: SourceError | None = None

    def run(self, answers: "queue.SimpleQueue[tuple[str, Check | float | None]]") -> None:
        """Puts what it finds, and None at the end; nothing after the time is over."""
        for answer in self._answers():
            answers.put((self._name, answer))
            if self._expired():
                return
        answers.put((self._name, None))

    def _answers(self) -> Iterator[Check | float]:
        yield from self._guarded(self._survey)
        yield from self._guarded(self._all_logins)

    def _guarded(self, look: Callable[[], Iterator[Check | float]]) -> Iterator[Check | float]:
        """A connector's bug is a finding, and hides no other."""
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001 - whatever it is
            text = f"it could not be checked: unexpected {type(error).__name__}"
            yield Check.bad(f"source {self._name}", text, "a bug: report it")

    def _all_logins(self) -> Iterator[Check | float]:
        for login in self._logins:
            yield self._login(login)

    def _survey(self) -> Iterator[Check | float]:
        name = f"source {self._name}"
        connector = find_connector(self._settings.connector)
        if not isinstance(connector, Surveying):
            return
        try:
            survey = connector.survey(self._settings.settings)
        except ReplicationError as error:
            if isinstance(error, Unanswered):  # each login would wait as long again
                self._dead = error
            yield Check.failed(name, error)
            return
        if survey.clock is not None:
            yield survey.clock.timestamp() - self._clock()
        yield _certificate(name, survey.seen, survey.expires, self._clock())

    def _login(self, login: _Login) -> Check:
        """One login, and what it shows; the error of a source that no one can reach stands for all that follow."""
        if self._dead is not None:
            detail = f"not tried: {self._dead.message}"
            return Check.bad(login.name, detail, f"see to the source {self._name} first", self._dead.exit_code)
        connector = find_connector(self._settings.connector)
        try:
            source = connector.open_source(self._settings.settings, login.settings.settings)
            try:
                return _seen(login, source)
            finally:
                source.close()
        except ReplicationError as error:
            if isinstance(error, SourceError) and error.scope is Scope.SOURCE:
                self._dead = error
            return Check.failed(login.name, error)


def _seen(login: _Login, source: Source) -> Check:
    folders = sum(1 for _ in source.folders())
    able = source.capabilities
    words = [f"folders: {folders}"]
    words.append("removals are reported" if able.reports_removals else "removals are found by comparing lists")
    if not able.exact_bytes:
        words.append("messages are made anew by the server each time")
    return Check(login.name, ok=True, detail=f"at {login.settings.source}; {'; '.join(words)}")


def _certificate(name: str, seen: str, expires: datetime | None, now: float) -> Check:
    if expires is None:
        return Check(name, ok=True, detail=seen)
    days = int((expires.timestamp() - now) // 86400)
    detail = f"{seen}; its certificate ends on {expires.astimezone(UTC).date()}, in {days} days"
    advice = "have it renewed: after that day nothing is replicated from there" if days < WARN_DAYS else ""
    return Check(name, ok=True, detail=detail, advice=advice)
