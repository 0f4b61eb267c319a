"""A small catalogue for tests, and stories in a district that has one."""

from datetime import date, datetime
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor
from domain.catalogue import Catalogues, fold_catalogues
from domain.world import World
from tests.support import districts as d
from tests.support import given as g

COVER: Final = "component-01-01"
TREE: Final = "event-01-22"
CERTIFICATE: Final = "civil-001"
LONG_AGO: Final = date(2020, 1, 1)


def condition(number: int, text: str, limit: str, closing: str = "恢复") -> dict[str, Any]:
    return {
        "number": number,
        "condition": text,
        "closing": closing,
        "limit": limit,
        "closing_hash": f"{number:064x}",
    }


def published(version: str = "1", *, urgent: str = "2nh") -> f.CataloguePublished:
    """Return a version in which a manhole cover has two conditions, and a tree one."""
    items = [
        {
            "code": COVER,
            "sort": "部件",
            "major": "公用设施",
            "minor": "上水井盖",
            "conditions": [condition(1, "缺失、移位", urgent), condition(2, "破损", "2wd")],
        },
        {
            "code": TREE,
            "sort": "事件",
            "major": "市容环境",
            "minor": "非法伐树",
            "conditions": [condition(1, "未经审批砍伐", "4wh", "制止")],
        },
    ]
    return f.CataloguePublished(
        name="city-management", version=version, hash=version * 64, document={"items": items}
    )


def admitted(item: str = CERTIFICATE, since: date = LONG_AGO) -> f.ItemAdmitted:
    return f.ItemAdmitted(
        item=item,
        title="残疾人证办理",
        department=d.HOUSING,
        people=1,
        money=20_000,
        since=since,
        case=g.CASE_ID,
    )


TABLE: Final = f.CodeTablePublished(
    system="hotline", version="1", hash="0" * 64, codes=(f.CodePair("0101", COVER),)
)


class Filed(g.Story):
    """A story in a district with a catalogue, a table of codes, and what else is said."""

    def __init__(self, *facts: f.Fact, now: datetime = g.NOW) -> None:
        """Begin with a case of which nothing is known."""
        super().__init__("closed-loop", now)
        self.catalogues = fold_catalogues(Catalogues(), [published(), TABLE, *facts])

    def world(self, actor: Actor) -> World:
        """Return the world of a decision."""
        return replace(super().world(actor), catalogues=self.catalogues)
