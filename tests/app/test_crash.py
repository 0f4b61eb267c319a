"""The crash drill, short: what was acknowledged survives kill -9 of PostgreSQL and the server."""

import pytest

from benchmarks import crash


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled_when_everything_is_killed_under_writers() -> None:
    found = crash.run(10)
    assert found.clean, found
    assert found.in_doubt > 0


@pytest.mark.slow
def test_a_database_that_forgets_is_found_out_by_the_same_drill() -> None:
    found = crash.run(3, forgetful=True)
    assert found.lost > 0
