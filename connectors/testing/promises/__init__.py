"""The promises of a Source, one test each. They are put together in `connectors.testing.suite`."""

import pytest

for _module in ("bodies", "bookkeeping", "changes", "listing"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")
