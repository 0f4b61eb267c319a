"""Compiling and checking whom a kind tells (告知), of which facts, and how soon they sign."""

from collections.abc import Iterator
from typing import Final

from domain import facts as f
from domain.kind import NoticeRule
from domain.parties import OF_A_CASE, words_of
from domain.values import TOLD_BY
from workflows.clock_rules import RECIPIENTS, unreadable
from workflows.kind_clocks import budget_of, trigger_of
from workflows.kind_implied import implied
from workflows.kind_text import KindText, NoticeText, form_values, unknown

FACTS: Final = {fact.TYPE: fact for fact in f.CASE_FACTS}


def notices_of(kind: KindText) -> tuple[NoticeRule, ...]:
    """Compile whom a kind tells, in the order of the file."""
    return tuple(
        NoticeRule(
            on=tuple(map(trigger_of, listed(rule.on))),
            to=tuple(listed(rule.to)),
            acknowledge=budget_of(rule.acknowledge),
            calendar=rule.calendar or _calendar(kind),
        )
        for rule in kind.notices
    )


def listed(named: str | list[str]) -> list[str]:
    """Return one name, or several, as a list."""
    return [named] if isinstance(named, str) else named


def _calendar(kind: KindText) -> str:
    """Return the calendar that counts where a notice names none: the first clock's."""
    return next((clock.calendar for clock in kind.clocks.values()), "")


def notice_problems(kind: KindText) -> list[str]:
    """Return what is wrong with whom a kind tells."""
    happens = sorted(
        {
            f.CaseReported.TYPE,
            *(fact for one in kind.actions.values() for fact in one.emits),
            *implied(kind),
        }
        & FACTS.keys()
    )
    found: list[str] = []
    for number, rule in enumerate(kind.notices):
        named = unknown("on", (trigger_of(one).fact for one in listed(rule.on)), happens)
        its = named or [*_value_problems(rule, kind), *_word_problems(rule), *_twice(rule)]
        its += unreadable("acknowledge", rule.acknowledge)
        if rule.acknowledge and not (rule.calendar or _calendar(kind)):
            its.append("calendar：签收时限要按日历计算；请写明 calendar")
        if rule.calendar and not rule.acknowledge:
            its.append("calendar：没有 acknowledge 就用不到日历；请去掉")
        if rule in kind.notices[:number]:
            its.append("on：与前面的一条完全相同；请只保留一条")
        found += [f"notices.{number}.{problem}" for problem in its]
    return found


def _value_problems(rule: NoticeText, kind: KindText) -> Iterator[str]:
    for trigger in map(trigger_of, listed(rule.on)):
        if trigger.value and trigger.fact not in TOLD_BY:
            usable = "、".join(sorted(TOLD_BY))
            yield f"on：{trigger.fact} 不能带取值；只有 {usable} 可以"
        elif trigger.value:
            unmerged = trigger.fact == f.CaseUnmerged.TYPE
            said = form_values(kind, trigger.fact, TOLD_BY[trigger.fact])
            yield from unknown("on", [trigger.value], list(kind.stages) if unmerged else said)


def _word_problems(rule: NoticeText) -> list[str]:
    """Say if a word names nobody: it must be known to every fact of the rule."""
    return [
        problem
        for fact in dict.fromkeys(trigger_of(one).fact for one in listed(rule.on))
        for problem in unknown("to", listed(rule.to), words_for(fact))
    ]


def words_for(fact: str) -> list[str]:
    """Return every word by which somebody can be told of a fact."""
    return list(dict.fromkeys((*words_of(FACTS[fact]), *OF_A_CASE, *RECIPIENTS)))


def _twice(rule: NoticeText) -> Iterator[str]:
    """Say what is written twice: whoever it is would be told once all the same."""
    for where, names in (("on", listed(rule.on)), ("to", listed(rule.to))):
        for name in dict.fromkeys(one for one in names if names.count(one) > 1):
            yield f"{where}：“{name}”写了两次；请只保留一个"
