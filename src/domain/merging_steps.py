"""并案 and 拆分 in the case's own stream; what they write elsewhere: `domain/beside.py`."""

from typing import Final

from domain import facts as f
from domain.case import Case
from domain.errors import MergeNotAllowed, NotFound, UnknownField
from domain.step import Builder, Step

INTO: Final = "/data/into"
PARTS: Final = range(2, 21)
"""So many cases one may be split into."""
TITLES: Final = "titles."
"""What the sealed titles of parts are called, before their number."""


def _merged(step: Step) -> tuple[f.Fact, ...]:
    """Merge into the case that the form names; what had joined this one moves along."""
    primary = primary_of(step)
    merged = f.CaseMerged(
        **step.base(), into=primary.id, number=primary.number, back_to=step.case.stage
    )
    return (merged,)


def primary_of(step: Step) -> Case:
    """Return the case that is merged into; a merged one never is, so there are no chains.

    Raises:
        NotFound: no such case, or out of the actor's sight.
        MergeNotAllowed: itself, of another kind, ended, or merged already.
    """
    named = str(step.values["into"]).lower()
    if named == step.case.id:
        raise MergeNotAllowed(detail="不能并入自己", pointer=INTO)
    primary = step.world.others.get(named)
    if primary is None:
        raise NotFound(what="要并入的事项", pointer=INTO)
    if primary.kind != step.case.kind:
        raise MergeNotAllowed(detail=f"事项 {primary.number} 是另一种类型", pointer=INTO)
    if primary.aftercare.merged_into is not None:
        final = primary.aftercare.merged_number
        detail = f"事项 {primary.number} 已并入 {final}，请并入 {final}"
        raise MergeNotAllowed(detail=detail, pointer=INTO)
    if ended(primary, step):
        raise MergeNotAllowed(detail=f"事项 {primary.number} 已经办结", pointer=INTO)
    return primary


def ended(case: Case, step: Step) -> bool:
    """Whether another case stands in an ending stage of its own version of the kind."""
    kind = step.world.kinds.get(case.kind_hash, step.world.kind)
    stage = kind.stages.get(case.stage)
    return stage is not None and stage.ending


def _unmerged(step: Step) -> tuple[f.Fact, ...]:
    """Go back to the stage it came from, whatever became of the primary since."""
    care, stages = step.case.aftercare, step.world.kind.stages
    if care.merged_into is None or care.came_from not in stages:
        raise MergeNotAllowed(detail="本事项没有并入其他事项")
    back = stages[care.came_from]
    members = step.base()
    members["stage"] = f.Stage(step.case.stage, back.name, back.phase)
    unmerged = f.CaseUnmerged(
        **members, parted_from=care.merged_into, number=care.merged_number, back_to=back.name
    )
    return (unmerged,)


def _split(step: Step) -> tuple[f.Fact, ...]:
    """Split into as many cases as titles were given.

    Raises:
        UnknownField: too few, too many, or more units or categories than titles.
    """
    count = sum(text.field.startswith(TITLES) for text in step.texts)
    if count not in PARTS:
        detail = f"须拆成 {PARTS.start} 至 {PARTS.stop - 1} 件，每件写一个标题"
        raise UnknownField(field="各件标题", detail=detail, pointer="/data/titles")
    for name, title in (("units", "各件所在单元"), ("categories", "各件类别")):
        if len(step.values.get(name, ())) > count:
            raise UnknownField(field=title, detail="比标题多", pointer=f"/data/{name}")
    parts = tuple(
        f.CaseReference(step.world.part_id(n), f"{step.case.number}-{n}")
        for n in range(1, count + 1)
    )
    return (f.CaseSplit(**step.base(), parts=parts),)


FIELDS: Final[dict[str, dict[str, frozenset[str]]]] = {
    f.CaseMerged.TYPE: {"into": frozenset({"case"})},
    f.CaseUnmerged.TYPE: {},
    f.CaseSplit.TYPE: {"units": frozenset({"codes"}), "categories": frozenset({"codes"})},
}
"""Which fields of a form go into which fact; of a split also the texts `titles`."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {f.CaseMerged.TYPE: ("into",)}
BUILDERS: Final[dict[str, Builder]] = {
    f.CaseMerged.TYPE: _merged,
    f.CaseUnmerged.TYPE: _unmerged,
    f.CaseSplit.TYPE: _split,
}
