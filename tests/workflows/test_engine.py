"""The engine: every command through the real log, alone and in races."""

import asyncio

from domain.actor import Role
from domain.commands import Act, Report
from eventlog.database import Database
from tests.support import districts as d
from tests.support.given import OVERRIDE


def test_a_case_walks_through_all_four_phases(district: Database) -> None:
    asyncio.run(_walk(district))


async def _walk(district: Database) -> None:
    async with d.district_engine(district) as engine:
        grid = d.caller(Role.GRID_WORKER, d.GRID)
        outcome = await engine.report(
            Report(kind="closed-loop", title="井盖破损", description="路口井盖破了"), grid
        )
        case = outcome.case
        phases = [case.phase]
        steps: list[tuple[Role, str | None, str, dict[str, object]]] = [
            (Role.COMMUNITY_OFFICER, d.COMMUNITY, "accept", {}),
            (Role.COMMUNITY_OFFICER, d.COMMUNITY, "grade", {"severity": "general", **OVERRIDE}),
            (Role.DISPATCHER, None, "dispatch", {"lead": d.WATER, "assisting": [d.HOUSING]}),
            (Role.DEPARTMENT_OFFICER, d.WATER, "start_handling", {}),
            (Role.DEPARTMENT_OFFICER, d.HOUSING, "complete_task", {"evidence": "已围挡"}),
            (Role.DEPARTMENT_OFFICER, d.WATER, "claim_completion", {"evidence": "已换新井盖"}),
            (Role.COMMUNITY_OFFICER, d.COMMUNITY, "rework", {"reason": "周边未清理"}),
            (Role.DEPARTMENT_OFFICER, d.WATER, "claim_completion", {"evidence": "已清理"}),
            (Role.COMMUNITY_OFFICER, d.COMMUNITY, "verify", {}),
            (Role.COMMUNITY_OFFICER, d.COMMUNITY, "close", {"grade": "substantive"}),
            (Role.SUPERVISOR, None, "reopen", {"reason": "再次破损"}),
        ]
        for role, unit, action, data in steps:
            done = await engine.act(case.id, Act(action=action, data=data), d.caller(role, unit))
            phases.append(done.case.phase)
        assert list(dict.fromkeys(phases)) == [
            "discovery",
            "community_response",
            "tiered_response",
            "joint_handling",
        ]
        assert done.case.stage == "awaiting_dispatch"
        assert done.case.cycle == 2
        assert [clock.name for clock in done.case.open_clocks] == ["total"]
        engine._cache.clear()  # noqa: SLF001 - a cold load must give the same case
        assert await engine.case(case.id) == done.case
