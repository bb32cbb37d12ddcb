"""What fits. Graph v1.0 tells of no quota of mail: neither of its limit nor of what is used."""

from connectors.model import Quota

LARGEST = 150_000_000
"""Bytes of a message with its attachments, the most that Exchange Online lets an administrator allow.

35 MB are allowed where none has changed it (learn.microsoft.com/graph/api/attachment-createuploadsession); of a
mailbox's own limit Graph speaks only when a message exceeds it: ErrorMessageSizeExceeded.
"""

QUOTA = Quota(largest=LARGEST, told=False)
"""Usage is in daily reports (reports/getMailboxUsageDetail), which need a permission over the whole tenant."""
