"""Recorded cases and stored facts, replayed for ever: what was written once must read the same.

Never change these files (tests/golden/README.md). A new shape of a fact gets a new schema version
and one more sample.
"""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.case import Case, blank
from domain.evolve import fold
from domain.facts import CASE_FACTS, CLOCK_FACTS, FACTS, Fact
from workflows.language import SHIPPED

GOLDEN = Path(__file__).parents[1] / "golden"
SEVERAL = {
    "closed-loop",
    "dispute-adoption",
    "public-reply",
    "volunteer-order",
    "one-stop-service",
    "catalogue-admission",
    "screening-round",
    "hazard-remedy",
}
"""Kinds of which several courses are recorded (workflow.md §4)."""
HISTORIES = sorted(path for path in GOLDEN.glob("*/*.json") if path.parent.name != "facts")
SAMPLES = sorted((GOLDEN / "facts").glob("*.json"))
SHAPES: dict[tuple[str, int], type[Fact]] = {(fact.TYPE, fact.SCHEMA): fact for fact in FACTS}


def read(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text("utf-8"))


def fact_of(type_: str, schema: int, data: object) -> Fact:
    return msgspec.convert(data, SHAPES[type_, schema])


def happened(history: Any) -> list[tuple[Fact, datetime]]:  # noqa: ANN401 - JSON
    """Return the facts of a history with their times."""
    return [
        (
            fact_of(one["type"], one["schema"], one["data"]),
            msgspec.convert(one["occurred_at"], datetime),
        )
        for one in history["facts"]
    ]


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recorded_case_folds_to_its_recorded_state(path: Path) -> None:
    history = read(path)
    case = fold(blank(history["case"], history["kind_hash"]), happened(history))
    state = json.loads(msgspec.json.encode(case))
    # What a case has come to hold since then is not in the file.
    assert {name: state[name] for name in history["state"]} == history["state"]
    assert msgspec.convert({**state, **history["state"]}, Case) == case


def test_every_shipped_kind_has_its_histories() -> None:
    told = Counter(path.parent.name for path in HISTORIES)
    wanted = {name: 3 if name in SEVERAL else 1 for name in SHIPPED}
    assert {name: told[name] for name in wanted if told[name] < wanted[name]} == {}
    assert set(told) <= set(SHIPPED)


def test_all_that_a_shipped_kind_can_record_stands_in_some_history() -> None:
    told = {one["type"] for path in HISTORIES for one in read(path)["facts"]}
    of_a_case = {fact.TYPE for fact in (*CASE_FACTS, *CLOCK_FACTS)}
    assert of_a_case - told == {"evidence-attached", "case-migrated"}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_stored_fact_still_reads(path: Path) -> None:
    type_, schema = path.stem.rsplit(".", 1)
    sample = read(path)
    fact = fact_of(type_, int(schema), sample)
    assert json.loads(msgspec.json.encode(fact)) == sample


def test_every_fact_has_a_sample_of_each_of_its_shapes() -> None:
    wanted = {f"{fact.TYPE}.{n}" for fact in FACTS for n in range(1, fact.SCHEMA + 1)}
    assert {path.stem for path in SAMPLES} == wanted
