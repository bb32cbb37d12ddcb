"""What an export has done."""

from dataclasses import dataclass, field
from typing import Any

from connectors.errors import PARTLY, Tampered


@dataclass(slots=True)
class ExportReport:
    """What was written. `missing` are the messages that were not, each with its reason.

    `remarks` are those that were written, and about which whoever reads them without the manifest has to know more.
    """

    messages: int = 0
    bytes: int = 0
    manifest_sha256: str = ""
    damaged: bool = False
    missing: list[dict[str, str]] = field(default_factory=list)
    remarks: list[dict[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if everything was written, 13 if stored bytes are damaged, 3 if anything else is missing."""
        if self.damaged:
            return Tampered.exit_code
        return PARTLY if self.missing else 0

    def as_json(self) -> dict[str, Any]:
        """The document that `export --json` prints."""
        return {
            "messages": self.messages,
            "bytes": self.bytes,
            "manifest_sha256": self.manifest_sha256,
            "exceptions": [*self.missing, *self.remarks],
        }
