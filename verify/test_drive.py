"""Google Drive with its failures: thirty interruptions of each kind; what was read back stays."""

import pytest
from test_backup import FAULTS, drive, interrupt  # noqa: F401


@pytest.mark.parametrize("seed", range(100, 130))
@pytest.mark.parametrize("kind", FAULTS)
def test_a_session_that_ends_loses_no_checkpoint_that_was_there(kind, seed, tmp_path, drive):  # noqa: F811
    interrupt(kind, seed, tmp_path, drive)
