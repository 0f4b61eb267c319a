"""Samples of the facts of the directory, the catalogue and filing, for docs and golden files."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from domain import facts as f
from tests.support import catalogues as c
from tests.support import districts as d
from tests.support import given as g

POST: Final = "b5f1a3c2-0d6c-4f0e-9d38-6a0c8e1f2b01"
PERSON: Final = "0c9b7f5e-58a4-4b53-8a0f-3c1f9f1d7a02"
RELATION: Final = "liaison/610327100001/610327000000/R001/2026-01-01"
EAST: Final = "610327100011"
HASH: Final = "5a0c" + "0" * 60


def filing() -> Iterator[f.Fact]:
    """Yield what an action records of a case's filing."""
    move = f.Stage("handling", "handling", "joint_handling")
    step: dict[str, Any] = {"stage": move, "holder": g.unit(d.WATER)}
    yield f.CaseFiled(
        action="file_under",
        **step,
        item=c.COVER,
        condition=2,
        catalogue="city-management",
        version="1",
        limit="2wd",
        closing=HASH,
    )
    yield f.CategoryMapped(
        action="report", **step, system="hotline", code="0101", category=c.COVER, version="1"
    )
    yield f.AdmissionDecided(
        action="admit",
        **step,
        decision="admitted",
        item=c.CERTIFICATE,
        title="残疾人证办理",
        department=g.unit(d.HOUSING),
        people=1,
        money=20_000,
        since=date(2026, 11, 1),
    )
    yield f.CaseReallotted(
        action="reallot",
        **step,
        division="2026-split",
        place=g.unit(d.COMMUNITY),
        lead=g.unit(d.WATER),
        accepted_by=g.unit(d.COMMUNITY),
        assisting=(g.unit(d.HOUSING),),
        informed=(),
        tasks=(f.TaskHeld(1, g.unit(d.HOUSING)),),
        to_allot=False,
    )
    yield f.UnitsSucceeded(
        action="reallot",
        **step,
        division="2026-split",
        units=(f.UnitPassed(d.COMMUNITY, f.Unit(EAST, (d.COUNTY, d.TOWN, EAST))),),
        recused=(f.RecusalPassed(d.HOUSING, (g.unit(d.WATER),)),),
    )


def directory() -> Iterator[f.Fact]:
    """Yield what the directory knows beyond its tree."""
    since = date(2026, 1, 1)
    yield f.UnitRelated(
        relation=RELATION,
        sort="liaison",
        unit=d.COMMUNITY,
        other=d.COUNTY,
        person="R001",
        since=since,
        until=None,
    )
    yield f.RelationEnded(relation=RELATION, until=date(2026, 7, 1))
    yield f.DeputyNamed(post=POST, person=PERSON, since=since, until=None)
    yield f.PostLeft(post=POST, person=PERSON, until=date(2026, 7, 1))
    on = date(2027, 1, 1)
    yield f.UnitDissolved(unit=d.COMMUNITY, on=on, successors=(EAST,))
    yield f.DivisionDecreed(
        division="2026-split",
        on=on,
        established=(f.NewUnit(EAST, EAST, "东街东社区", "community", d.TOWN),),
        moves=(
            f.DivisionMove(d.GRID, EAST, ()),
            f.DivisionMove(d.COMMUNITY, None, (EAST,)),
        ),
    )
    yield f.DivisionCarriedOut(division="2026-split", cases=8, to_allot=5)


def catalogue() -> Iterator[f.Fact]:
    """Yield what the catalogue's own stream has."""
    yield c.published()
    yield c.admitted()
    yield f.ItemExited(item=c.CERTIFICATE, since=date(2027, 1, 1), case=g.CASE_ID)
    yield f.ItemAdjusted(
        item=c.CERTIFICATE,
        title="残疾人证办理",
        department=d.HOUSING,
        people=2,
        money=30_000,
        since=date(2026, 12, 1),
        case=g.CASE_ID,
    )
    yield c.TABLE


def samples() -> Iterator[f.Fact]:
    """Yield them all."""
    yield from filing()
    yield from directory()
    yield from catalogue()
