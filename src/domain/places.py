"""Places compared: GCJ-02 turned into WGS-84, and how far two points are apart.

Coordinates are stored as they were given and converted for comparing only (interface.md): GCJ-02,
which maps in China use, is off by some 400 m here, and the duplicate radius is 50 m. CGCS2000 and
WGS-84 differ by centimetres and count as one. The shift is the one in public use; it is inverted
by iteration, to less than a millimetre of its own accuracy.
"""

from collections.abc import Iterable
from math import asin, cos, pi, radians, sin, sqrt
from typing import Final

from domain.facts import Location

DEGREE: Final = 10_000_000
"""Facts hold integers of 1e-7 degree."""
EARTH: Final = 6_371_008.8
"""Mean radius in metres, for distances."""
METRES: Final = EARTH * pi / 180
"""Of one degree of latitude."""
_AXIS: Final = 6_378_245.0
"""Of the ellipsoid that the shift is reckoned on (Krasovsky 1940)."""
_ECCENTRICITY: Final = 0.006_693_421_622_965_943
_ORIGIN: Final = (105.0, 35.0)
_SHIFTED: Final = ((72.004, 137.8347), (0.8293, 55.8271))
"""Where the shift applies: longitudes and latitudes."""
_ROUNDS: Final = 10


def in_wgs84(location: Location) -> tuple[int, int]:
    """Return longitude and latitude in WGS-84, in 1e-7 degree."""
    if location.crs != "gcj02":
        return location.longitude, location.latitude
    longitude, latitude = wgs84_of_gcj02(location.longitude / DEGREE, location.latitude / DEGREE)
    return round(longitude * DEGREE), round(latitude * DEGREE)


def wgs84_of_gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """Return the point whose shifted place this is, in degrees."""
    east, north = longitude, latitude
    for _ in range(_ROUNDS):
        shifted_east, shifted_north = gcj02_of_wgs84(east, north)
        east, north = east + longitude - shifted_east, north + latitude - shifted_north
    return east, north


def gcj02_of_wgs84(longitude: float, latitude: float) -> tuple[float, float]:
    """Return a point as Chinese maps show it, in degrees; outside China it is where it is."""
    easts, norths = _SHIFTED
    if not (easts[0] <= longitude <= easts[1] and norths[0] <= latitude <= norths[1]):
        return longitude, latitude
    x, y = longitude - _ORIGIN[0], latitude - _ORIGIN[1]
    sine = sin(radians(latitude))
    bend = 1 - _ECCENTRICITY * sine * sine
    across = _AXIS / sqrt(bend) * cos(radians(latitude)) * pi / 180
    along = _AXIS * (1 - _ECCENTRICITY) / (bend * sqrt(bend)) * pi / 180
    return longitude + _eastward(x, y) / across, latitude + _northward(x, y) / along


def _eastward(x: float, y: float) -> float:
    """Return by how many metres a place is shown too far east."""
    plain = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    return plain + _waves(x, _ACROSS) + _waves(x, ((150, 12), (300, 30)))


def _northward(x: float, y: float) -> float:
    """Return by how many metres a place is shown too far north."""
    plain = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    return plain + _waves(x, _TWICE) + _waves(y, _ALONG) + _waves(y, ((160, 12), (320, 30)))


_TWICE: Final = ((20.0, 1 / 6), (20.0, 1 / 2))
_ALONG: Final = ((20.0, 1.0), (40.0, 3.0))
_ACROSS: Final = (*_TWICE, *_ALONG)


def _waves(at: float, waves: Iterable[tuple[float, float]]) -> float:
    """Return the sum of sines: each has an amplitude in metres, and half a length in degrees."""
    return sum(height * sin(pi * at / length) for height, length in waves) * 2 / 3


def apart(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return the distance of two points in WGS-84, in metres (haversine)."""
    east, north = radians(one[0] / DEGREE), radians(one[1] / DEGREE)
    to_east, to_north = radians(other[0] / DEGREE), radians(other[1] / DEGREE)
    rise, run = sin((to_north - north) / 2), sin((to_east - east) / 2)
    return 2 * EARTH * asin(min(1.0, sqrt(rise * rise + cos(north) * cos(to_north) * run * run)))


def box(centre: tuple[int, int], radius: float) -> tuple[int, int, int, int]:
    """Return the least and greatest longitude, then latitude, within so many metres."""
    longitude, latitude = centre
    up = round(radius / METRES * DEGREE) + 1
    narrow = max(cos(radians(latitude / DEGREE)), 0.01)
    side = round(radius / (METRES * narrow) * DEGREE) + 1
    return longitude - side, longitude + side, latitude - up, latitude + up
