"""A compiled kind as rows that people read: its stages, who may do what and when, its clocks."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.kind import (
    PHASES,
    Action,
    ClockDefinition,
    FormField,
    Kind,
    NoticeRule,
    RoleRule,
    Rung,
    StageDefinition,
    Trigger,
)
from domain.parties import words_of
from workflows import kind_words as w

FACTS: Final = {fact.TYPE: fact for fact in f.CASE_FACTS}


class Table(Struct, frozen=True):
    """Rows under headings."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.headings, tuple("---" for _ in self.headings), *self.rows]
        return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def tables(kind: Kind) -> list[Table]:
    """Return all that a page shows of a kind, without what it has nothing of."""
    timed = (clocks(kind), ladders(kind), notices(kind), pauses(kind))
    found = [stages(kind), roles(kind), actions(kind), *timed]
    return [table for table in found if table.rows]


def stages_by_phase(kind: Kind) -> Iterator[tuple[str, list[StageDefinition]]]:
    """Yield the phases in order, each with its stages as the file has them."""
    for phase in PHASES:
        here = [stage for stage in kind.stages.values() if stage.phase == phase]
        if here:
            yield phase, here


def stages(kind: Kind) -> Table:
    """Return the stages, phase by phase."""
    rows = [
        (w.PHASE_TITLES[phase], stage.title, f"`{stage.name}`", _mark(stage))
        for phase, here in stages_by_phase(kind)
        for stage in here
    ]
    return Table("环节", ("阶段", "环节", "代码", "说明"), tuple(rows))


def _mark(stage: StageDefinition) -> str:
    return "起点" if stage.initial else "办结，不再有下一步" if stage.ending else ""


def roles(kind: Kind) -> Table:
    """Return who plays which role: by their key's role, and by how their unit stands to it."""
    every = (*kind.report.by, *(rule for action in kind.actions.values() for rule in action.by))
    rows = [
        (
            rule.title,
            "、".join(w.ROLES[role.value] for role in rule.held_by),
            w.relation_title(rule.relation),
        )
        for rule in dict.fromkeys(every)
    ]
    return Table("角色", ("角色", "由谁担任", "须是"), tuple(rows))


def actions(kind: Kind) -> Table:
    """Return who may do what, where, with which form, and where it leads."""
    rows = [
        _action(kind, kind.report, "（新事项）"),
        *(_action(kind, one, _where(kind, one)) for one in kind.actions.values() if one.by),
    ]
    return Table(
        "谁能办什么", ("操作", "谁", "在哪个环节", "要填", "条件", "办完之后"), tuple(rows)
    )


def _action(kind: Kind, action: Action, where: str) -> tuple[str, ...]:
    return (
        action.title,
        _people(action.by),
        where,
        "、".join(_field(one) for one in action.form),
        "；".join(_conditions(action)),
        _after(kind, action),
    )


def _people(rules: Sequence[RoleRule]) -> str:
    return "、".join(rule.title for rule in rules)


def _where(kind: Kind, action: Action) -> str:
    if action.stages == opened(kind):
        return "未结束的任何环节"
    return "、".join(stage.title for stage in kind.stages.values() if stage.name in action.stages)


def opened(kind: Kind) -> frozenset[str]:
    """Return the stages in which a case has not ended."""
    return frozenset(stage.name for stage in kind.stages.values() if not stage.ending)


def _field(one: FormField) -> str:
    return f"{one.title}（必填）" if one.required else one.title


def _conditions(action: Action) -> Iterator[str]:
    for name in action.requires:
        yield w.REQUIREMENTS.get(name, name)
    for condition in action.when:
        yield f"否则：{condition.otherwise}" if condition.otherwise else f"`{condition.text}`"
    if action.decide is not None:
        yield f"按决策表“{action.decide.title}”判定"


def _after(kind: Kind, action: Action) -> str:
    parts = [f"进入“{kind.stages[action.to].title}”"] if action.to else []
    if action.holder.value in w.HOLDERS:
        parts.append(f"由{w.HOLDERS[action.holder.value]}持有")
    return "，".join(parts) or "环节不变"


def clocks(kind: Kind) -> Table:
    """Return the clocks with their budgets, and what starts and stops them."""
    rows = [
        (
            clock.title,
            limit_title(clock),
            _facts(clock.start),
            _facts(clock.stop),
            clock.calendar,
            "、".join(_notes(clock)),
        )
        for clock in kind.clocks
    ]
    headings = ("时限", "多久", "从何时起", "到何时止", "日历", "说明")
    return Table("时限", headings, tuple(rows))


def limit_title(clock: ClockDefinition) -> str:
    """Return how much time a clock gives, in words."""
    if clock.date is not None:
        return f"到{w.DATES.get(clock.date, clock.date)}"
    if len(clock.budgets) == 1:
        return w.budget_title(clock.budgets[0][1])
    return "；".join(
        f"{w.VALUES.get(value, value)} {w.budget_title(budget)}" for value, budget in clock.budgets
    )


def _facts(triggers: frozenset[Trigger]) -> str:
    order = list(w.FACT_TITLES)
    named = sorted(triggers, key=lambda one: (order.index(one.fact), one.value))
    return "、".join(w.fact_title(one.fact, one.value) for one in named)


def _notes(clock: ClockDefinition) -> Iterator[str]:
    if clock.total:
        yield "总时限"
    if clock.per != "case":
        yield f"{w.PER[clock.per]}一个"
    for warning in clock.warn:
        if warning.left is None:
            yield f"用去 {warning.percent}% 预警"
        else:
            yield f"剩 {w.budget_title(warning.left)}预警"
    if clock.extension is not None:
        yield f"可延期 {clock.extension.max} 次"
    if clock.rework is not None:
        yield f"返工为原时限的 {clock.rework.percent}%"


def ladders(kind: Kind) -> Table:
    """Return what happens around the due of each clock that has a ladder."""
    rows = [
        (clock.title, _at(rung), w.STEPS[rung.step], _to(rung), _again(rung))
        for clock in kind.clocks
        for rung in clock.ladder
    ]
    return Table("到期前后", ("时限", "何时", "做什么", "告诉谁", "说明"), tuple(rows))


def _at(rung: Rung) -> str:
    if rung.before is not None:
        return f"到期前 {w.budget_title(rung.before)}"
    return f"超期 {w.budget_title(rung.after)}" if rung.after is not None else "到期未办结"


def _to(rung: Rung) -> str:
    return w.TOLD.get(rung.to) or w.ROLES.get(rung.to, rung.to)


def _again(rung: Rung) -> str:
    parts = [f"须在 {w.budget_title(rung.acknowledge)}内签收"] if rung.acknowledge else []
    parts += [f"此后每 {w.budget_title(rung.every)}一次"] if rung.every else []
    return "，".join(parts)


def notices(kind: Kind) -> Table:
    """Return who is told of what somebody did, and how soon they sign for it."""
    rows = [
        (
            "、".join(w.fact_title(one.fact, one.value) for one in rule.on),
            "、".join(_told(word, rule) for word in rule.to),
            f"须在 {w.budget_title(rule.acknowledge)}内签收" if rule.acknowledge else "",
        )
        for rule in kind.notices
    ]
    return Table("谁会收到告知", ("发生什么", "告诉谁", "说明"), tuple(rows))


def _told(word: str, rule: NoticeRule) -> str:
    """Name a word: a role's title, unless a fact of the rule means a unit of its own by it."""
    own = any(word in words_of(FACTS[one.fact]) for one in rule.on)
    if word in w.ROLES and not own:
        return w.ROLES[word]
    return w.PARTIES.get(word, word)


def pauses(kind: Kind) -> Table:
    """Return the reasons for which clocks may stand still."""
    titles = {clock.name: clock.title for clock in kind.clocks}
    rows = [
        (
            one.title,
            "、".join(titles.get(name, name) for name in sorted(one.clocks)),
            w.budget_title(one.cap) if one.cap else "不限",
        )
        for one in kind.suspensions.values()
    ]
    return Table("可以挂账的理由", ("理由", "暂停哪些时限", "最长"), tuple(rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
