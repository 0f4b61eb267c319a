"""What Hypothesis draws for laws of counting: starts, budgets, pauses, calendars, almanacs."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st

from domain.almanac import Almanac, Regime
from domain.calendar import Calendar
from domain.due import SHANGHAI, Budget, Cutoff, Pause, Unit

unhurried = settings(deadline=None)
"""On a busy machine one example may take long; that is no fault of the law."""
MOMENTS = st.datetimes(datetime(2019, 12, 1), datetime(2026, 10, 31)).map(  # noqa: DTZ001 # next line
    lambda moment: moment.replace(microsecond=0, tzinfo=SHANGHAI)
)
AUTUMN = st.datetimes(datetime(2026, 9, 1), datetime(2026, 10, 31)).map(  # noqa: DTZ001 # next line
    lambda moment: moment.replace(microsecond=0, tzinfo=SHANGHAI)
)
"""When the calendars of `almanacs` change."""
UNITS = st.sampled_from(Unit)
CUTOFFS = st.sampled_from(Cutoff)
BUDGETS = st.builds(Budget, st.integers(1, 60), UNITS)
HOURS = (
    ((32_400, 43_200), (50_400, 64_800)),
    ((30_600, 43_200), (52_200, 66_600)),
    ((0, 86_400),),
    ((36_000, 36_060),),
)


@st.composite
def paused_starts(
    draw: Callable[..., object], starts: st.SearchStrategy[datetime] = MOMENTS
) -> tuple[datetime, list[Pause]]:
    """A start, and up to three pauses near it."""
    start = draw(starts)
    assert isinstance(start, datetime)
    hours = draw(st.lists(st.integers(-20, 300), max_size=6, unique=True))
    assert isinstance(hours, list)
    moments = sorted(start + timedelta(hours=h) for h in hours)
    return start, list(zip(moments[::2], moments[1::2], strict=False))


@st.composite
def almanacs(draw: Callable[..., object]) -> Almanac:
    """Up to three calendars of other hours and days, that take over in the autumn of 2026."""
    days = draw(st.lists(st.integers(0, 40), max_size=2, unique=True))
    assert isinstance(days, list)
    starts = [None, *(date(2026, 9, 10) + timedelta(day) for day in sorted(days))]
    return Almanac("drawn", tuple(Regime(since, _calendar(draw)) for since in starts))


def _calendar(draw: Callable[..., object]) -> Calendar:
    hours, shifted = draw(st.sampled_from(HOURS)), draw(_EXCEPTIONS)
    assert isinstance(hours, tuple)
    assert isinstance(shifted, dict)
    return Calendar("drawn", "1", hours, shifted, date(2026, 1, 1), date(2026, 12, 31))


_EXCEPTIONS = st.dictionaries(
    st.dates(date(2026, 9, 1), date(2026, 10, 31)), st.booleans(), max_size=40
)
