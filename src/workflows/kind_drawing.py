"""A kind as an SVG that any browser shows offline: a lane for each phase, the moves as arrows.

There is no script and no font in it; the same kind gives the same bytes.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from domain.kind import Kind
from workflows import kind_words as w
from workflows.kind_layout import HIGH, MARGIN, Laid, Pair, Point, lay_out
from workflows.kind_moves import ANYWHERE, EVERYWHERE, MADE, moves, several

FONT: Final = "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC',SimHei,sans-serif"
SIZE: Final = 14
LINE: Final = 20
COLOURS: Final[dict[str, tuple[str, str, str]]] = {
    "discovery": ("#f3f9fe", "#e3f2fd", "#1565c0"),
    "community_response": ("#f4fbf4", "#e8f5e9", "#2e7d32"),
    "tiered_response": ("#fffcf2", "#fff8e1", "#b26a00"),
    "joint_handling": ("#fef5f8", "#fce4ec", "#ad1457"),
}
"""Of each phase: its lane, its boxes, their borders."""
LABELLED: Final = 24
"""So many arrows may bear words; where there are more, numbers, explained below."""
HEAD: Final = '<path d="M0 0L8 4L0 8Z" fill="#555"/>'
COLUMN: Final = 460
"""How wide a column of the explanations is, in pixels."""
SQUARE: Final = "\u2e80"
"""From this character on, characters are as wide as high."""
PLACES: Final = (50, 40, 60, 30, 70, 20, 80)
"""Where along its arrow a label may stand, in hundredths: the first place that is free."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def svg(kind: Kind) -> str:
    """Return the diagram of a kind."""
    named = moves(kind)
    lanes, titles = _boxes(kind, named)
    widths = {name: _wide(title) + 24 for name, title in titles.items()}
    laid = lay_out(lanes, list(named), widths)
    texts = {pair: several(actions) for pair, actions in named.items()}
    numbered = len(texts) > LABELLED
    below = _legend(texts, titles, laid) if numbered else []
    height = laid.height + (_deep(len(below), laid) if below else 0)
    shown = {pair: str(n) if numbered else text for n, (pair, text) in enumerate(texts.items(), 1)}
    return "\n".join(
        [
            *_head(kind, laid.width, height),
            *_lanes(laid),
            *_arrows(laid, texts, titles),
            *_stages(kind, laid, titles, widths),
            *_labels(laid, shown, widths),
            *below,
            "</svg>",
        ]
    )


def _head(kind: Kind, width: int, height: int) -> Iterator[str]:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = f'font-family="{FONT}" font-size="{SIZE}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    yield f"<!-- 由 bihuan kinds draw 生成，{MADE} -->"
    yield f"<title>{escape(kind.title)} {kind.name}@{kind.version}</title>"
    marker = 'id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8"'
    yield f'<defs><marker {marker} orient="auto">{HEAD}</marker></defs>'
    yield f'<rect width="{width}" height="{height}" fill="#fff"/>'


def _boxes(kind: Kind, named: dict[Pair, list[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the lane and the title of every box, phase by phase."""
    ordered = [
        stage for phase in w.PHASE_TITLES for stage in kind.stages.values() if stage.phase == phase
    ]
    lanes = {stage.name: stage.phase for stage in ordered}
    titles = {stage.name: stage.title for stage in ordered}
    if any(source == ANYWHERE for source, _ in named):
        target = next(target for source, target in named if source == ANYWHERE)
        lanes, titles = {**lanes, ANYWHERE: lanes[target]}, {**titles, ANYWHERE: EVERYWHERE}
    first = kind.initial.name
    # The way goes down from where a case begins.
    return {first: lanes[first], **lanes}, titles


def _lanes(laid: Laid) -> Iterator[str]:
    bottom = laid.height - MARGIN // 2
    for phase, (left, right) in laid.lanes.items():
        fill, _, border = COLOURS[phase]
        yield (
            f'<rect x="{left}" y="{MARGIN}" width="{right - left}" height="{bottom - MARGIN}"'
            f' fill="{fill}" stroke="{border}" stroke-opacity="0.35"/>'
        )
        yield (
            f'<text x="{(left + right) // 2}" y="{MARGIN + 22}" text-anchor="middle"'
            f' font-weight="bold" fill="{border}">{w.PHASE_TITLES[phase]}</text>'
        )


def _stages(
    kind: Kind, laid: Laid, titles: dict[str, str], widths: dict[str, int]
) -> Iterator[str]:
    """Draw the boxes: round where a case begins, with a double border where it ends."""
    for name, (x, y) in laid.boxes.items():
        stage = kind.stages.get(name)
        _, fill, border = COLOURS[stage.phase] if stage else ("", "#fff", "#777")
        wide, left, top = widths[name], x - widths[name] // 2, y - HIGH // 2
        round_, dashed = (18 if stage and stage.initial else 6), "" if stage else " 4"
        style = f'rx="{round_}" stroke="{border}"' + (' stroke-dasharray="4"' if dashed else "")
        yield f'<rect x="{left}" y="{top}" width="{wide}" height="{HIGH}" {style} fill="{fill}"/>'
        if stage and stage.ending:
            yield (
                f'<rect x="{left + 3}" y="{top + 3}" width="{wide - 6}" height="{HIGH - 6}"'
                f' rx="4" stroke="{border}" fill="none"/>'
            )
        text = escape(titles[name])
        yield f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#222">{text}</text>'
        if stage and stage.initial:
            yield from _begins(kind, x, top)


def _begins(kind: Kind, x: int, top: int) -> Iterator[str]:
    yield f'<circle cx="{x}" cy="{top - 30}" r="5" fill="#333"/>'
    yield f'<path d="M{x} {top - 25}V{top - 1}" stroke="#555" marker-end="url(#head)"/>'
    title = escape(kind.report.title)
    yield f'<text x="{x + 10}" y="{top - 12}" font-size="12" fill="#333">{title}</text>'


def _arrows(laid: Laid, texts: dict[Pair, str], titles: dict[str, str]) -> Iterator[str]:
    """Draw the arrows as curves; pointing at one shows in words what it is."""
    for pair, way in laid.ways.items():
        said = escape(_said(pair, texts[pair], titles))
        yield (
            f'<path d="{_curve(way)}" fill="none" stroke="#777" marker-end="url(#head)">'
            f"<title>{said}</title></path>"
        )


def _curve(way: list[Point]) -> str:
    """Return a line through the points that leaves and reaches every layer upright."""
    (x, y), *rest = way
    parts = [f"M{x} {y}"]
    for to_x, to_y in rest:
        middle = (y + to_y) // 2
        parts.append(f"C{x} {middle} {to_x} {middle} {to_x} {to_y}")
        x, y = to_x, to_y
    return "".join(parts)


def _labels(laid: Laid, shown: dict[Pair, str], widths: dict[str, int]) -> Iterator[str]:
    """Write on each arrow where nothing else stands yet."""
    taken: list[Box] = [
        (x - widths[name] // 2, y - HIGH // 2, x + widths[name] // 2, y + HIGH // 2)
        for name, (x, y) in laid.boxes.items()
    ]
    for pair, text in shown.items():
        half = _wide(text) * 12 // SIZE // 2 + 3
        places = [_box(_along(laid.ways[pair], share), half) for share in PLACES]
        box = next((one for one in places if not _overlaps(one, taken)), places[0])
        taken.append(box)
        x, y = (box[0] + box[2]) // 2, box[3] - 5
        yield (
            f'<text x="{x}" y="{y}" text-anchor="middle" font-size="12" fill="#333" stroke="#fff"'
            f' stroke-width="4" paint-order="stroke">{escape(text)}</text>'
        )


def _along(way: list[Point], share: int) -> Point:
    """Return a point of the curve at so many hundredths of its pieces."""
    place = share * (len(way) - 1)
    piece, rest = min(place // 100, len(way) - 2), place % 100
    (x, y), (to_x, to_y) = way[piece], way[piece + 1]
    eased = rest * rest * (300 - 2 * rest) // 10_000  # as the curve goes: 3t² - 2t³
    return x + (to_x - x) * eased // 100, y + (to_y - y) * rest // 100


def _box(point: Point, half: int) -> Box:
    x, y = point
    return x - half, y - 9, x + half, y + 9


def _overlaps(box: Box, taken: list[Box]) -> bool:
    left, top, right, bottom = box
    return any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
        for other in taken
    )


def _legend(texts: dict[Pair, str], titles: dict[str, str], laid: Laid) -> list[str]:
    """Say what the numbers mean, in columns below."""
    columns = max(1, laid.width // COLUMN)
    each = -(-len(texts) // columns)
    return [
        f'<text x="{MARGIN + COLUMN * (n // each)}" y="{laid.height + LINE * (n % each + 1)}"'
        f' fill="#333">{n + 1}　{escape(_said(pair, text, titles))}</text>'
        for n, (pair, text) in enumerate(texts.items())
    ]


def _deep(texts: int, laid: Laid) -> int:
    """Return how high the explanations are."""
    return LINE * (-(-texts // max(1, laid.width // COLUMN)) + 1)


def _said(pair: Pair, text: str, titles: dict[str, str]) -> str:
    return f"{text}：{titles[pair[0]]} → {titles[pair[1]]}"


def _wide(text: str) -> int:
    """Return about how many pixels a text takes: a Chinese character is square, others half."""
    return sum(SIZE if mark >= SQUARE else SIZE * 6 // 10 for mark in text)
