"""Faults as data: what goes wrong, in which call, after how many elements. One that never happened fails the test.

    with Faults(Raise("changes", Disconnected("cut"), after=2), Cut(Disconnected("cut"), at=100)) as faults:
        source = Faulty(MemorySource(mailbox), faults)
        ...

Calls are counted over all sources that share one `Faults`, so a script goes on through reopened sessions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, TypeVar

from connectors.body import Body
from connectors.errors import ReplicationError
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Heading, Source, Wary

T = TypeVar("T")

EACH = 0
"""As a call number: every call."""


@dataclass(frozen=True, slots=True)
class Raise:
    """The call raises `error` instead of giving the element after `after` elements (or instead of its end)."""

    method: str
    error: ReplicationError
    call: int = 1
    after: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """At that point `act` is called, to change the mailbox under the reader's feet, and the call goes on."""

    method: str
    act: Callable[[], object]
    call: int = 1
    after: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """In that call of `fetch`, the body of the `nth` message raises `error` once `at` bytes of it have been given."""

    error: ReplicationError
    at: int
    call: int = 1
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Refuse:
    """In that call of `fetch`, the message with this `Ref.id` is answered by a Failure."""

    ref_id: str
    error: ReplicationError
    call: int = 1


@dataclass(frozen=True, slots=True)
class Lose:
    """The connection of a Target dies in that call, and what was to be written is written as `happened` says."""

    method: str
    happened: Literal["never", "at once", "later"]
    call: int = 1


Fault = Raise | Act | Cut | Refuse | Lose


class Faults:
    """A script of faults and what has become of it."""

    def __init__(self, *script: Fault) -> None:
        self._script = script
        self._calls: Counter[str] = Counter()
        self._happened: set[int] = set()

    def __enter__(self) -> "Faults":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.verify()

    @property
    def unfired(self) -> tuple[Fault, ...]:
        """What has not happened yet."""
        return tuple(fault for index, fault in enumerate(self._script) if index not in self._happened)

    def verify(self) -> None:
        """Raises AssertionError if a fault did not happen: the test then did not test what it says."""
        if self.unfired:
            raise AssertionError(f"these faults did not happen: {self.unfired}; calls were {dict(self._calls)}")

    def opening(self, open_source: Callable[[], Source]) -> Callable[[], Source]:
        """The same function, with faults for the method "open" and, in what it opens, for all others."""

        def open_faulty() -> Source:
            self.strike("open", self.begin("open"))
            return Faulty(open_source(), self)

        return open_faulty

    def begin(self, method: str) -> int:
        """Counts a call and gives its number, from 1."""
        self._calls[method] += 1
        return self._calls[method]

    def strike(self, method: str, call: int, given: int = 0) -> None:
        """Whatever is scripted for this call once it has given so many elements."""
        for index, fault in enumerate(self._script):
            if isinstance(fault, Raise | Act) and (fault.method, fault.after) == (method, given) and _in(fault, call):
                self._happened.add(index)
                if isinstance(fault, Raise):
                    raise fault.error
                fault.act()

    def bend(self, answer: Message | Failure, call: int, nth: int) -> Message | Failure:
        """The answer as the script wants it."""
        for index, fault in enumerate(self._script):
            if isinstance(fault, Refuse) and fault.ref_id == answer.ref.id and _in(fault, call):
                self._happened.add(index)
                return Failure(answer.ref, fault.error)
            if isinstance(fault, Cut) and isinstance(answer, Message) and fault.nth == nth and _in(fault, call):
                return replace(answer, raw=Body(self._cut(answer.raw, fault, index)))
        return answer

    def loses(self, method: str, call: int) -> Lose | None:
        """The loss that is scripted for this call of a Target."""
        for index, fault in enumerate(self._script):
            if isinstance(fault, Lose) and fault.method == method and _in(fault, call):
                self._happened.add(index)
                return fault
        return None

    def _cut(self, raw: Iterable[bytes], fault: Cut, index: int) -> Iterator[bytes]:
        left = fault.at
        for chunk in raw:
            if len(chunk) > left:
                yield chunk[:left]
                self._happened.add(index)
                raise fault.error
            left -= len(chunk)
            yield chunk


class Faulty:
    """A Source around a Source that fails as scripted."""

    def __init__(self, source: Source, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    @property
    def capabilities(self) -> Capabilities:
        """The source's own."""
        return self._source.capabilities

    def folders(self) -> Iterator[Folder]:
        """Faults for "folders"."""
        return self._struck("folders", self._source.folders())

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """Faults for "changes"; an element is a page."""
        return self._struck("changes", self._source.changes(folder, since))

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """Faults for "fetch"; an element is an answer."""
        call = self._faults.begin("fetch")
        return self._bent(self._each("fetch", call, self._source.fetch(refs)), call)

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """Faults for "inventory"."""
        return self._struck("inventory", self._source.inventory(folder))

    def count(self, folder: Folder) -> int:
        """Faults for "count"."""
        self._faults.strike("count", self._faults.begin("count"))
        return self._source.count(folder)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """Faults for "headers"; an element is a header block."""
        return self._struck("headers", self._source.headers(refs) if isinstance(self._source, Heading) else iter(()))

    def beware(self, folder: Folder) -> None:
        """Passed on to a source that can."""
        if isinstance(self._source, Wary):
            self._source.beware(folder)

    def close(self) -> None:
        """Never fails."""
        self._source.close()

    def verify(self) -> None:
        """As `Faults.verify`."""
        self._faults.verify()

    def _struck(self, method: str, elements: Iterator[T]) -> Iterator[T]:
        return self._each(method, self._faults.begin(method), elements)

    def _each(self, method: str, call: int, elements: Iterator[T]) -> Iterator[T]:
        self._faults.strike(method, call)
        for given, element in enumerate(elements, start=1):
            yield element
            self._faults.strike(method, call, given)

    def _bent(self, answers: Iterator[Message | Failure], call: int) -> Iterator[Message | Failure]:
        for nth, answer in enumerate(answers, start=1):
            bent = self._faults.bend(answer, call, nth)
            yield bent
            if isinstance(bent, Message) and isinstance(bent.raw, Body):
                bent.raw.expire()


def _in(fault: Fault, call: int) -> bool:
    return fault.call in (EACH, call)
