"""A re-division carried out: every open case follows, in batches that can be begun again."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from app.register.division import BadDivisionFile, read_division
from domain import facts as f
from domain.actor import Role
from domain.commands import Report
from domain.divisions import BadDivision
from domain.errors import Collision
from eventlog.database import Database
from eventlog.reader import read_head
from tests.support import districts as d
from tests.support.given import directory
from tests.support.timed import ACCEPTED, Timed, run
from workflows.divisions import decree, planned, preview, reallot_all
from workflows.unallotted import to_be_allotted

TODAY = date(2026, 10, 12)
EAST, WEST = "610327100011", "610327100012"
PLAN = f"""
division: 2026-split
units:
  - {{code: "{EAST}", name: 东街东社区, level: community, parent: "{d.TOWN}"}}
  - {{code: "{WEST}", name: 东街西社区, level: community, parent: "{d.TOWN}"}}
moves:
  - {{unit: "{d.COMMUNITY}", into: ["{EAST}", "{WEST}"]}}
  - {{unit: "{d.GRID}", parent: "{EAST}"}}
"""


def plan(tmp_path: Path, timed: Timed, text: str = PLAN, on: date = TODAY) -> f.DivisionDecreed:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_division(path, on, timed.engine.reference.directory)


async def cases(timed: Timed) -> tuple[str, str, str]:
    """Report one in the grid, one only in the community, and one elsewhere."""
    places = (d.GRID, d.COMMUNITY, d.OTHER_COMMUNITY)
    found: list[str] = []
    for unit in places:
        told = Report(kind="closed-loop", title="井盖破损", unit=unit)
        outcome = await timed.engine.report(told, d.caller(Role.INTEGRATOR))
        found.append(outcome.case.id)
    return found[0], found[1], found[2]


def head(timed: Timed) -> int:
    with timed.database.connection() as connection:
        return read_head(connection).position


def test_open_cases_follow_and_what_nobody_can_place_is_listed(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        in_grid, in_community, elsewhere = await cases(timed)
        closed = await timed.reported((Role.INTEGRATOR, None, "withdraw", {"reason": "重复"}))
        clocks = {case: timed.facts(case, f.ClockFact) for case in (in_grid, in_community)}
        before, wanted = head(timed), plan(tmp_path, timed)
        shown = {one.case: (one.after, one.to_allot) for one in preview(engine, wanted)}
        assert head(timed) == before, "a preview writes nothing"
        assert shown == {in_grid: (EAST, False), in_community: (d.TOWN, True)}
        assert await decree(engine, wanted)
        done = await reallot_all(engine, wanted.division)
        assert (done.changed, done.to_allot, done.failures) == (2, 1, [])
        holder = (await engine.case(in_grid)).holder
        assert holder is not None
        assert holder.path == (d.COUNTY, d.TOWN, EAST)
        assert [one.id for one in to_be_allotted(timed.engine)] == [in_community]
        for case in (elsewhere, closed):
            assert timed.facts(case, f.CaseReallotted) == []
        stays = (await engine.case(closed)).holder
        assert stays is not None
        assert stays.id == d.COMMUNITY
        for case, facts in clocks.items():
            assert timed.facts(case, f.ClockFact) == facts, "clocks do not notice"

    run(district, story)


def test_a_run_that_was_broken_off_is_begun_again_and_finds_the_rest(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        found = [await timed.reported(*ACCEPTED) for _ in range(3)]
        wanted = plan(tmp_path, timed)
        assert await decree(engine, wanted)
        # The first was done when the process died.
        await engine.reallot(found[0], wanted.division, d.caller(Role.ADMIN))
        assert await decree(engine, wanted), "decreed twice is decreed once"
        done = await reallot_all(engine, wanted.division)
        assert (done.examined, done.changed) == (3, 2)
        again = await reallot_all(engine, wanted.division)
        assert (again.examined, again.changed) == (3, 0)
        for case in found:
            assert len(timed.facts(case, f.CaseReallotted)) == 1

    run(district, story)


def test_before_its_day_only_the_decree_stands(district: Database, tmp_path: Path) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        [in_grid, _, _] = await cases(timed)
        wanted = plan(tmp_path, timed, on=TODAY + timedelta(days=7))
        assert not await decree(engine, wanted)
        known = (await engine.refresh()).directory
        assert known.divisions == {"2026-split": wanted}
        assert EAST not in known.units
        assert (await reallot_all(engine, wanted.division)).changed == 0
        timed.later(days=7)
        assert await decree(engine, wanted)
        assert engine.reference.directory.units[d.COMMUNITY].dissolved == wanted.on
        assert (await reallot_all(engine, wanted.division)).changed == 2
        holder = (await engine.case(in_grid)).holder
        assert holder is not None
        assert holder.id == EAST

    run(district, story)


def test_a_division_that_breaks_the_tree_writes_nothing(district: Database, tmp_path: Path) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        before = head(timed)
        orphaned = PLAN.replace(f'  - {{unit: "{d.GRID}", parent: "{EAST}"}}\n', "")
        with pytest.raises(BadDivision, match="东街一网格"):
            await decree(engine, plan(tmp_path, timed, orphaned))
        assert head(timed) == before
        wanted = plan(tmp_path, timed)
        await decree(engine, wanted)
        other = plan(tmp_path, timed, PLAN.replace(EAST, "610327100013"))
        with pytest.raises(Collision):
            planned(other, engine.reference)

    run(district, story)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("units: []\n", "一条调整也没有"),
        ("- a\n", "最外层应为对象"),
        ("moves: [{parent: x}]\n", "moves 第 1 条：缺少 unit"),
        ("moves: [{unit: x}]\n", "二者选一"),
        ("units: [{code: x, name: y, level: z, parent: p}]\n", "不认识级别“z”"),
        ("units: [{code: x}]\n", "缺少 name、level、parent"),
        ("moves: [\n", "不是有效的 YAML"),
    ],
)
def test_a_plan_that_cannot_be_read_names_the_entry(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadDivisionFile, match=told):
        read_division(path, TODAY, directory())
