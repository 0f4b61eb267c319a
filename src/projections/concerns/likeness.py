"""Which texts say the same, by the words they share: for what has neither category nor place.

A word here is a pair of neighbouring characters (相邻两字). Two titles are alike if they share
enough of the shorter one's words (containment); the result shows which. Words that many titles
have say little, so that they are not compared by those alone.

Titles are sealed: only whoever may read texts runs this, and nothing of it is kept.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from projections.concerns.rule import Likeness

_BETWEEN: Final = re.compile(r"[^0-9A-Za-z\u3400-\u9fff]+")
COMMON: Final = 50
"""A word that more than one in so many titles has says nothing of what they are about."""
FEW: Final = 8
"""…unless it is in no more than so many titles."""


class Alike(Struct, frozen=True):
    """Two texts that say the same, and why."""

    one: int
    other: int
    share: str
    """What part of the shorter one's words: `7/9`."""
    words: tuple[str, ...]
    """The words they share, in the order of the first."""


def words_of(text: str) -> tuple[str, ...]:
    """Return a text's pairs of neighbouring characters, each once, in their order."""
    pieces = _BETWEEN.split(text.lower())
    pairs = (piece[at : at + 2] for piece in pieces for at in range(len(piece) - 1))
    return tuple(dict.fromkeys(pairs))


def alike(texts: Sequence[str], rule: Likeness) -> Iterator[Alike]:
    """Yield the pairs of texts that say the same; every pair once, by their places."""
    known = [words_of(text) for text in texts]
    used = Counter(word for words in known for word in words)
    most = max(FEW, len(texts) // COMMON)
    telling = [frozenset(word for word in words if used[word] <= most) for words in known]
    places: dict[str, list[int]] = {}
    for other, words in enumerate(telling):
        shared = Counter(one for word in words for one in places.get(word, ()))
        for one in sorted(shared):
            least = min(len(telling[one]), len(words))
            if shared[one] >= rule.words and shared[one] >= rule.share * least:
                both = tuple(word for word in known[one] if word in telling[one] & words)
                yield Alike(one, other, f"{shared[one]}/{least}", both)
        for word in words:
            places.setdefault(word, []).append(other)


def groups(count: int, pairs: Iterable[Alike]) -> list[list[int]]:
    """Return the places of texts that hang together, the largest group first."""
    above = list(range(count))

    def top(place: int) -> int:
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    for pair in pairs:
        above[top(pair.other)] = top(pair.one)
    found: dict[int, list[int]] = {}
    for place in range(count):
        found.setdefault(top(place), []).append(place)
    several = (group for group in found.values() if len(group) > 1)
    return sorted(several, key=lambda group: (-len(group), group))
