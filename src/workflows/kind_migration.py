"""`migration:` of a kind: how open cases of older versions pass to this one, compiled and checked.

```yaml
migration:
  from:
    2.0.x:
      stages: {process: handling}            # old: new; what is not named keeps its name
      clocks: {handling: restart, old: cancel}   # or keep, restart or cancel for all; default keep
      start: {watch: [handling]}             # a clock of this version begins in these stages
```
"""

from hashlib import sha256
from typing import Final

import rfc8785

from domain.kind import Kind, Migration
from workflows.kind_text import ClockChange, KindText, MigrationRuleText, unknown

WHERE: Final = "migration.from"
KEPT: Final[dict[str, ClockChange]] = {"": "keep"}


def migrations_of(kind: KindText) -> tuple[Migration, ...]:
    """Compile the rules, the most particular first: `2.0.1` before `2.0.x` before `2.x`."""
    rules = kind.migration.since if kind.migration else {}
    found = [_compiled(versions, rule) for versions, rule in rules.items()]
    return tuple(sorted(found, key=lambda one: (one.versions.endswith("x"), -len(one.versions))))


def _compiled(versions: str, rule: MigrationRuleText) -> Migration:
    named: dict[str, ClockChange] = (
        rule.clocks if isinstance(rule.clocks, dict) else {"": rule.clocks}
    )
    written = rfc8785.dumps(
        {"from": versions, **rule.model_dump(exclude_unset=True, exclude_none=True)}
    )
    return Migration(
        versions=versions,
        stages=dict(rule.stages),
        clocks={**KEPT, **named},
        start={clock: frozenset(stages) for clock, stages in rule.start.items()},
        digest=sha256(written).hexdigest(),
    )


def migration_problems(kind: KindText) -> list[str]:
    """Return what is wrong with the rules as far as this version alone can tell."""
    found: list[str] = []
    for versions, rule in (kind.migration.since if kind.migration else {}).items():
        where = f"{WHERE}.{versions}"
        found += unknown(f"{where}.stages", rule.stages.values(), kind.stages)
        found += unknown(f"{where}.start", rule.start, kind.clocks)
        found += _ended(where, kind, rule)
        for clock, stages in rule.start.items():
            found += unknown(f"{where}.start.{clock}", stages, kind.stages)
            if clock in kind.clocks and kind.clocks[clock].per != "case":
                found.append(f"{where}.start.{clock}：只能是整个事项的时限，不能是协办等分项的时限")
        named = rule.clocks if isinstance(rule.clocks, dict) else {}
        again = [clock for clock, change in named.items() if change == "restart"]
        found += unknown(f"{where}.clocks", again, kind.clocks)
    return found


def _ended(where: str, kind: KindText, rule: MigrationRuleText) -> list[str]:
    return [
        f"{where}.stages.{old}：“{new}”是结束环节；迁移不能使事项办结，请改为未结束的环节"
        for old, new in rule.stages.items()
        if new in kind.stages and kind.stages[new].ending
    ]


def stranding(old: Kind, new: Kind) -> list[str]:
    """Return which cases of an older version the new one's rule would leave without a way on.

    Empty where there is no rule for it: then no case of it can be migrated at all.
    """
    rule = new.migration_from(old.version)
    if rule is None:
        return []
    where, told = f"{WHERE}.{rule.versions}", f"{old.name}@{old.version}"
    found = [
        f"{where}.stages.{name}：{told} 没有环节“{name}”；请删去，或改正拼写"
        for name in rule.stages
        if rule.versions == old.version and name not in old.stages
    ]
    for stage in old.stages.values():
        target = rule.stages.get(stage.name, stage.name)
        if stage.ending:
            continue
        if target not in new.stages:
            found.append(
                f"{where}.stages：处于 {told} 的环节“{stage.name}”（{stage.title}）的事项无处可去；"
                f"请写明“{stage.name}: 新环节”"
            )
        elif new.stages[target].ending:
            found.append(
                f"{where}.stages：“{stage.name}”在新版中是结束环节；请写明它对应哪个未结束的环节"
            )
    return found + [
        f"{where}.clocks：{told} 的时限“{clock.name}”在新版中没有了；"
        f"请写明“{clock.name}: cancel”，或保留这个时限"
        for clock in old.clocks
        if new.clock(clock.name) is None and rule.of_clock(clock.name) != "cancel"
    ]
