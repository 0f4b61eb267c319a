"""Places compared: the public pairs of GCJ-02 and WGS-84, and distances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts import Location
from domain.places import DEGREE, apart, box, gcj02_of_wgs84, in_wgs84, wgs84_of_gcj02

# Published with the widely used conversion "eviltransform": Shanghai, Shenzhen, Beijing.
PAIRS = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
]


def point(longitude: float, latitude: float) -> tuple[int, int]:
    return round(longitude * DEGREE), round(latitude * DEGREE)


@pytest.mark.parametrize(("wgs84", "gcj02"), PAIRS)
def test_the_published_pairs_agree_both_ways(
    wgs84: tuple[float, float], gcj02: tuple[float, float]
) -> None:
    assert apart(point(*gcj02_of_wgs84(*wgs84)), point(*gcj02)) < 1
    assert apart(point(*wgs84_of_gcj02(*gcj02)), point(*wgs84)) < 1


@given(st.floats(73.5, 134.8), st.floats(18.2, 53.5))
def test_in_all_of_china_the_way_back_leads_home(longitude: float, latitude: float) -> None:
    shown = gcj02_of_wgs84(longitude, latitude)
    assert apart(point(*wgs84_of_gcj02(*shown)), point(longitude, latitude)) < 0.1


def test_outside_china_nothing_is_shifted() -> None:
    assert wgs84_of_gcj02(13.4, 52.5) == (13.4, 52.5)


def test_only_gcj02_is_converted() -> None:
    given = (1_078_000_000, 344_000_000)
    assert in_wgs84(Location("wgs84", *given)) == given
    assert in_wgs84(Location("cgcs2000", *given)) == given
    shifted = in_wgs84(Location("gcj02", *given))
    assert 300 < apart(given, shifted) < 700, "which is why it matters within 50 m"


def test_a_degree_of_latitude_is_as_long_as_it_is() -> None:
    assert apart(point(107.8, 34.0), point(107.8, 35.0)) == pytest.approx(111_195, abs=1)


@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(1, 1000))
def test_whatever_is_near_lies_within_the_box(
    longitude: float, latitude: float, radius: float
) -> None:
    centre = point(longitude, latitude)
    west, east, south, north = box(centre, radius)
    for corner in ((west, centre[1]), (east, centre[1]), (centre[0], south), (centre[0], north)):
        assert apart(centre, corner) >= radius * 0.999
