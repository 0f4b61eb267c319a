"""Where the boxes and arrows of a diagram stand: in layers from the top, each box in its lane.

The usual way of drawing layered graphs (Sugiyama): arrows that lead back are turned round, layers
are longest paths, long arrows bend at a point in every layer between, and what stands in a layer
is put in the order of its neighbours. Whole numbers and the order of the file only, so that the
same kind is drawn with the same bytes everywhere.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

LAYER: Final = 108
"""Pixels from one layer to the next."""
HIGH: Final = 36
GAP: Final = 26
BEND: Final = 20
"""How much room an arrow takes in a layer that it passes."""
MARGIN: Final = 24
HEAD: Final = 96
"""Room above the first layer."""
SWEEPS: Final = 6

Pair = tuple[str, str]
Point = tuple[int, int]


class Laid(Struct, frozen=True):
    """Centres of boxes, ways of arrows, and where each lane begins and ends; in pixels."""

    boxes: dict[str, Point]
    ways: dict[Pair, list[Point]]
    """From the edge of the first box to that of the second, through the bends between."""
    lanes: dict[str, tuple[int, int]]
    width: int
    height: int


class _Graph(Struct):
    """Boxes and bends: in which lane and layer each stands, and what is next to what."""

    lanes: dict[str, str]
    layers: dict[str, int]
    chains: dict[Pair, list[str]]
    """Each arrow from top to bottom, through its bends."""

    def rows(self) -> dict[tuple[str, int], list[str]]:
        """Return what stands in each lane and layer, in its first order."""
        found: dict[tuple[str, int], list[str]] = {}
        for name, lane in self.lanes.items():
            found.setdefault((lane, self.layers[name]), []).append(name)
        return found

    def neighbours(self) -> dict[str, list[str]]:
        """Return with what each box or bend is linked."""
        found: dict[str, list[str]] = {name: [] for name in self.lanes}
        for chain in self.chains.values():
            for upper, lower in pairwise(chain):
                found[upper].append(lower)
                found[lower].append(upper)
        return found


def lay_out(lanes: Mapping[str, str], arrows: Sequence[Pair], widths: Mapping[str, int]) -> Laid:
    """Place boxes (name → lane, in the order of the file) of these widths, and their arrows."""
    down = _downwards(list(lanes), arrows)
    layers = _layers(list(lanes), [pair for pair, _ in down])
    graph = _Graph(dict(lanes), layers, {})
    for (upper, lower), given in down:
        bends = [f"{given[0]}>{given[1]}#{n}" for n in range(layers[upper] + 1, layers[lower])]
        graph.chains[given] = [upper, *bends, lower]
        graph.lanes |= dict.fromkeys(bends, lanes[lower])
        graph.layers |= {bend: n for n, bend in enumerate(bends, layers[upper] + 1)}
    room = {name: widths.get(name, BEND) for name in graph.lanes}
    across, spans = _across(graph, room, list(dict.fromkeys(lanes.values())))
    boxes = {name: (across[name], HEAD + LAYER * layers[name]) for name in lanes}
    height = HEAD + LAYER * max(layers.values()) + HIGH + MARGIN
    ways = _ways(graph, across, widths)
    return Laid(boxes, ways, spans, max(end for _, end in spans.values()) + MARGIN, height)


def _downwards(names: Sequence[str], arrows: Sequence[Pair]) -> list[tuple[Pair, Pair]]:
    """Return each arrow from top to bottom with the arrow as given: no circle is left."""
    back = _back(names, arrows)
    return [((pair[1], pair[0]) if pair in back else pair, pair) for pair in arrows]


def _back(names: Sequence[str], arrows: Sequence[Pair]) -> set[Pair]:
    """Return the arrows that lead to a box from which one came, walking in the given order."""
    back: set[Pair] = set()
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        for pair in (pair for pair in arrows if pair[0] == name):
            if pair[1] in way:
                back.add(pair)
            elif pair[1] not in done:
                walk(pair[1], (*way, pair[1]))
        done.add(name)

    for name in names:
        if name not in done:
            walk(name, (name,))
    return back


def _layers(names: Sequence[str], down: Sequence[Pair]) -> dict[str, int]:
    """Return how far from the top each box stands: below all that lead to it."""
    layers = dict.fromkeys(names, 0)
    moved = True
    while moved:
        moved = False
        for upper, lower in down:
            if layers[lower] <= layers[upper]:
                layers[lower], moved = layers[upper] + 1, True
    return layers


def _across(
    graph: _Graph, room: Mapping[str, int], lanes: Sequence[str]
) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """Return the centre of everything from the left, and where each lane begins and ends."""
    rows, linked = graph.rows(), graph.neighbours()
    spans: dict[str, tuple[int, int]] = {}
    left = MARGIN
    for lane in lanes:
        wide = max(_wide(row, room) for (named, _), row in rows.items() if named == lane)
        spans[lane] = (left, left + max(wide + 2 * GAP, 160))
        left = spans[lane][1]
    across: dict[str, int] = {}
    for _ in range(SWEEPS):
        for (lane, _), row in sorted(rows.items(), key=lambda one: one[0][1]):
            if across:
                row.sort(key=lambda name: _middle(linked[name], across, across.get(name, 0)))
            across |= _spread(row, room, spans[lane])
    return across, spans


def _wide(row: Sequence[str], room: Mapping[str, int]) -> int:
    return sum(room[name] for name in row) + GAP * (len(row) - 1)


def _middle(names: Sequence[str], across: Mapping[str, int], otherwise: int) -> int:
    """Return the mean place of the neighbours that have one."""
    known = [across[name] for name in names if name in across]
    return sum(known) // len(known) if known else otherwise


def _spread(row: Sequence[str], room: Mapping[str, int], span: tuple[int, int]) -> dict[str, int]:
    """Place a row in the middle of its lane, with the rest of the room between its boxes."""
    spare = (span[1] - span[0] - sum(room[name] for name in row)) // (len(row) + 1)
    found: dict[str, int] = {}
    left = span[0] + spare
    for name in row:
        found[name] = left + room[name] // 2
        left += room[name] + spare
    return found


def _ways(
    graph: _Graph, across: Mapping[str, int], widths: Mapping[str, int]
) -> dict[Pair, list[Point]]:
    """Return the points of every arrow; those at one edge of a box do not touch each other."""
    at: dict[tuple[str, bool], list[tuple[int, Pair]]] = {}
    for given, chain in graph.chains.items():
        at.setdefault((chain[0], True), []).append((across[chain[1]], given))
        at.setdefault((chain[-1], False), []).append((across[chain[-2]], given))
    ports: dict[tuple[Pair, bool], Point] = {}
    for (name, below), arriving in at.items():
        step = widths[name] // (len(arriving) + 1)
        edge = HEAD + LAYER * graph.layers[name] + (HIGH // 2 if below else -HIGH // 2)
        for number, (_, given) in enumerate(sorted(arriving), 1):
            ports[given, below] = (across[name] - widths[name] // 2 + step * number, edge)
    found: dict[Pair, list[Point]] = {}
    for given, chain in graph.chains.items():
        bends = [(across[one], HEAD + LAYER * graph.layers[one]) for one in chain[1:-1]]
        way = [ports[given, True], *bends, ports[given, False]]
        found[given] = way if chain[0] == given[0] else way[::-1]
    return found
