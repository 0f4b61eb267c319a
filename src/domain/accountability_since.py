"""From when a change of who answers takes effect: never before a breach that is on record."""

from datetime import datetime

from domain.errors import EffectiveTooEarly, EvidenceMissing, UnknownField
from domain.step import Step


def takes_effect(step: Step, *, change: bool) -> datetime:
    """Return from when somebody answers: as the form says, else from now on.

    Only a change may lie ahead: what is fixed for the first time stands at once.

    Raises:
        EffectiveTooEarly: before a recorded breach (who answered for that is frozen), or before
            the case itself.
        UnknownField: the first one would take effect later.
    """
    since: datetime = step.values.get("effective_at") or step.at
    floors = [clock.breached_at for clock in step.case.clocks if clock.breached_at is not None]
    if step.case.reported_at is not None:
        floors.append(step.case.reported_at)
    earliest = max(floors, default=since)
    if since < earliest:
        raise EffectiveTooEarly(earliest=earliest, pointer="/data/effective_at")
    if since > step.at and not change:
        raise UnknownField(
            field="生效时间", detail="首次确定时不能晚于现在", pointer="/data/effective_at"
        )
    return since


def refuse_unsigned(step: Step) -> None:
    """Ask for the handover note of whoever is replaced.

    Raises:
        EvidenceMissing.
    """
    if not any(text.field == "handover" for text in step.texts):
        raise EvidenceMissing(field="交接说明", pointer="/data/handover")
