"""How long to wait for a mail system that is in trouble, and when to give up."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from connectors.errors import ReplicationError


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait, in seconds, and how often to try without getting any further.

    `lone` is how many sessions one message must end, with nothing else to blame, before it is given up alone.
    A server that asks for a pause of more than `longest` is not waited for: whoever asked goes on with something else.
    """

    first: float = 1.0
    factor: float = 2.0
    longest: float = 60.0
    attempts: int = 6
    lone: int = 2

    def seconds(self, failures: int, chance: float) -> float:
        """The pause after so many failures in a row; `chance` in [0, 1) keeps many clients from coming back at once."""
        whole = min(self.longest, self.first * self.factor ** (failures - 1))
        return whole * (1 + chance) / 2


def tell_no_one(error: ReplicationError, pause: float) -> None:
    """For callers who do not want to hear of retries."""


class Patience:
    """Counts the failures since something was last gained."""

    def __init__(
        self,
        pauses: Pauses,
        sleep: Callable[[float], None],
        rng: Random,
        tell: Callable[[ReplicationError, float], None],
    ) -> None:
        self._pauses = pauses
        self._sleep = sleep
        self._rng = rng
        self._tell = tell
        self._failures = 0

    def renew(self) -> None:
        """Something was gained."""
        self._failures = 0

    def suffer(self, error: ReplicationError) -> None:
        """Waits, at least as long as the server asks; or raises the error, if it is permanent or one too many.

        Also if the server asks for a longer pause than there is patience for.
        """
        self._failures += 1
        wanted = error.retry_after or 0.0
        if not error.transient or self._failures >= self._pauses.attempts or wanted > self._pauses.longest:
            raise error
        pause = max(self._pauses.seconds(self._failures, self._rng.random()), wanted)
        self._tell(error, pause)
        self._sleep(pause)
