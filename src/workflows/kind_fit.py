"""Whether a kind fits the district that it is published in: its calendars and what came before."""

from domain.errors import Collision, UnknownCalendar
from domain.kind import Kind
from workflows.kind_migration import stranding
from workflows.kind_source import read
from workflows.language import BadKind
from workflows.reference import Reference


class VersionTaken(Collision):
    """{kind}@{version} 已发布，内容不同。已发布的版本不能改写，请换一个更高的版本号再发布。"""

    code = "version-taken"


def fits(kind: Kind, text: str, reference: Reference) -> None:
    """Refuse a kind that this district cannot use.

    Raises:
        UnknownCalendar: a clock, or a time to sign within, counts with a calendar that the
            district does not have.
        VersionTaken: this version was published with other content.
        BadKind: a migration rule would strand cases of a version that was published before.
    """
    named = [clock.calendar for clock in kind.clocks]
    named += [rule.calendar for rule in kind.notices if rule.acknowledge]
    for calendar in named:
        if calendar not in reference.calendars:
            known = "、".join(reference.calendars) or "无"
            raise UnknownCalendar(calendar=calendar, known=known)
    before = [one for one in reference.kinds.values() if one.name == kind.name]
    if any(one.version == kind.version and one.hash != kind.hash for one in before):
        raise VersionTaken(kind=kind.name, version=kind.version, pointer="/source")
    found = dict.fromkeys(problem for one in before for problem in stranding(one, kind))
    if found:
        raise BadKind([read(text).located(problem) for problem in found])
