"""The promises of a Source, one test each, put together in `connectors.testing.suite`.

Those of a Target are in `connectors.testing.target_suite`: appends, marks, edits, losses, making.
"""

import pytest

for _module in (
    *("appends", "bodies", "bookkeeping", "changes", "edits", "listing", "losses", "making", "marks", "writing"),
    *("recognition", "revisions"),
):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")
