"""The recorded cases of tests/golden as requests to store, for tests of what folds them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from domain import facts as f
from domain.kind import Kind
from eventlog.appender import NewEvent
from tests.support.stories import Teller
from workflows.language import compile_kind, shipped_sources

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPES = {(fact.TYPE, fact.SCHEMA): fact for fact in f.FACTS}
Happened = tuple[f.Fact, datetime]


@cache
def shipped_kinds() -> tuple[Kind, ...]:
    """Return the kinds that come with the program."""
    return tuple(compile_kind(source.text) for source in shipped_sources())


@cache
def golden(kind: str) -> dict[str, list[Happened]]:
    """Return a kind's histories by name, each as facts with their times."""
    return {
        path.stem: [_happened(one) for one in json.loads(path.read_text("utf-8"))["facts"]]
        for path in sorted((GOLDEN / kind).glob("*.json"))
    }


def requests_of(
    teller: Teller, name: object, facts: Sequence[Happened]
) -> Iterator[list[NewEvent]]:
    """Yield a history's facts, those of one moment that follow each other as one request."""
    for _, some in groupby(facts, key=lambda one: one[1]):
        yield [
            teller.tell(name, fact, at, texts=["title"] * isinstance(fact, f.CaseReported))
            for fact, at in some
        ]


def all_requests(kinds: Iterable[str]) -> list[list[NewEvent]]:
    """Return the requests of all histories of these kinds."""
    teller = Teller()
    return [
        request
        for kind in kinds
        for name, facts in golden(kind).items()
        for request in requests_of(teller, f"{kind}/{name}", facts)
    ]


def _happened(one: dict[str, Any]) -> Happened:
    shape = SHAPES[one["type"], one["schema"]]
    return msgspec.convert(one["data"], shape), msgspec.convert(one["occurred_at"], datetime)
