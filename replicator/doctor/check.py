"""What one look found."""

from dataclasses import dataclass
from typing import Any

from connectors.errors import ReplicationError


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` with an `advice` is a warning. `exit_code` is what a command ends with that fails over this; 0 if `ok`."""

    name: str
    ok: bool
    detail: str
    advice: str = ""
    exit_code: int = 0

    @classmethod
    def failed(cls, name: str, error: ReplicationError) -> "Check":
        """From the error that a command would end with."""
        return cls(name, ok=False, detail=error.message, advice=error.advice, exit_code=error.exit_code)

    @classmethod
    def bad(cls, name: str, detail: str, advice: str, exit_code: int = 1) -> "Check":
        """Something that no error stands for."""
        return cls(name, ok=False, detail=detail, advice=advice, exit_code=exit_code)

    @property
    def warns(self) -> bool:
        """Whether it works, and should be seen to all the same."""
        return self.ok and bool(self.advice)

    def as_json(self) -> dict[str, Any]:
        """The fields of the contract, and whether it is a warning."""
        return {
            "name": self.name,
            "ok": self.ok,
            "warning": self.warns,
            "detail": self.detail,
            "advice": self.advice,
        }
