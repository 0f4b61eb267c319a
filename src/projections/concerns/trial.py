"""The rule tried on a file of messages: how many groups it finds, and how pure they are.

A register of messages may have a category, a place, both or neither. Where there is none, titles
are compared. With labels (a category that people gave) the precision tells how often two messages
of a group have the same one.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from projections.concerns.likeness import Alike, alike, groups
from projections.concerns.rule import Recurring, Rule


class Message(Struct, frozen=True, kw_only=True):
    """One line of the file, as far as the rule looks at it."""

    number: str
    title: str
    at: datetime
    answered_at: datetime | None = None
    category: str | None = None
    place: str | None = None


class Group(Struct, frozen=True):
    """Messages that say the same."""

    numbers: tuple[str, ...]
    words: tuple[str, ...]
    """Words that the most similar two share."""
    recurring: bool
    """So many within so many days that the rule calls it recurring."""


class Trial(Struct, frozen=True, kw_only=True):
    """What came out; shares as counts, so that nothing is rounded."""

    rule: str
    messages: int
    groups: int
    grouped: int
    largest: int
    recurring: int
    """Groups that reach the rule's number within its days."""
    pairs: int
    """Pairs of labelled messages that the words alone call alike."""
    right: int
    """…of which both have the same label."""
    group_pairs: int
    """All pairs within a group."""
    group_right: int
    expected: int
    """How many of as many pairs taken blindly would be right."""
    cells: int
    """Categories of a place that recur, where the file has both."""
    unsolved: int
    """Messages answered later than the rule's days of chronic issues, or never."""
    found: tuple[Group, ...] = ()


def tried(rule: Rule, messages: Sequence[Message]) -> Trial:
    """Try the rule on messages, in any order."""
    ordered = sorted(messages, key=lambda one: (one.at, one.number))
    pairs = list(alike([one.title for one in ordered], rule.likeness))
    together = [one for one in groups(len(ordered), pairs) if len(one) >= rule.likeness.cases]
    words = {(pair.one, pair.other): pair for pair in pairs}
    found = tuple(_group(rule, ordered, one, words) for one in together)
    labels = [one.category for one in ordered]
    inner = [(a, b) for group in together for i, a in enumerate(group) for b in group[i + 1 :]]
    labelled = [(pair.one, pair.other) for pair in pairs]
    return Trial(
        rule=rule.label,
        messages=len(ordered),
        groups=len(together),
        grouped=sum(map(len, together)),
        largest=max(map(len, together), default=0),
        recurring=sum(group.recurring for group in found),
        pairs=len(_both(labels, labelled)),
        right=_same(labels, labelled),
        group_pairs=len(_both(labels, inner)),
        group_right=_same(labels, inner),
        expected=_blindly(labels, len(_both(labels, labelled))),
        cells=_cells(rule.recurring, ordered),
        unsolved=_unsolved(ordered, rule.chronic.open_days),
        found=found,
    )


def recurs(moments: Sequence[datetime], rule: Recurring) -> bool:
    """Say whether so many of these moments lie within so many days, anywhere."""
    ordered, span = sorted(moments), timedelta(days=rule.days)
    last = len(ordered) - rule.cases + 1
    return any(ordered[at + rule.cases - 1] - ordered[at] < span for at in range(last))


def _group(
    rule: Rule, messages: Sequence[Message], group: list[int], words: dict[tuple[int, int], Alike]
) -> Group:
    inner = (words.get((a, b)) for i, a in enumerate(group) for b in group[i + 1 :])
    closest = max((len(one.words), one.words) for one in inner if one is not None)
    return Group(
        numbers=tuple(messages[place].number for place in group),
        words=closest[1],
        recurring=recurs([messages[place].at for place in group], rule.recurring),
    )


def _both(
    labels: Sequence[str | None], pairs: Sequence[tuple[int, int]]
) -> list[tuple[str | None, str | None]]:
    found = ((labels[one], labels[other]) for one, other in pairs)
    return [pair for pair in found if None not in pair]


def _same(labels: Sequence[str | None], pairs: Sequence[tuple[int, int]]) -> int:
    return sum(one == other for one, other in _both(labels, pairs))


def _blindly(labels: Sequence[str | None], pairs: int) -> int:
    """Return how many pairs would have the same label if they were taken by lot."""
    counts = Counter(one for one in labels if one is not None)
    total = sum(counts.values())
    if total <= 1:
        return 0
    same = sum(count * (count - 1) for count in counts.values())
    return pairs * same // (total * (total - 1))


def _cells(rule: Recurring, messages: Sequence[Message]) -> int:
    cells: dict[tuple[str, str], list[datetime]] = {}
    for one in messages:
        if one.category and one.place:
            cells.setdefault((one.category, one.place), []).append(one.at)
    return sum(recurs(moments, rule) for moments in cells.values())


def _unsolved(messages: Sequence[Message], days: int) -> int:
    """Count those answered late or never; none, where the file knows no answers at all."""
    if not any(one.answered_at for one in messages):
        return 0
    most = timedelta(days=days)
    return sum(one.answered_at is None or one.answered_at - one.at > most for one in messages)
