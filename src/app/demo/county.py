"""The demo county (演示数据): its units, posts and people, all invented; small, or ten times it.

One county seat as in the design: 5 communities, 59 grids, 31 departments, 40 mediators, 110 grid
workers. At scale 10 and above: 24 towns and streets, 117 communities.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

from msgspec import Struct

from workflows.administration import UnitRow

ROOT: Final = "610327000000"
NAME: Final = "云岭县"
TOWNS: Final = (
    ("610327101000", "云溪镇", ("槐荫里社区", "文昌阁社区", "柳泉社区")),
    ("610327102000", "石桥镇", ("老街社区", "西塬社区")),
)
GRIDS: Final = (12, 12, 12, 12, 11)
"""How many each of the five communities has: 59."""
LARGER: Final = (
    *("东关街道", "西关街道", "南关街道", "北关街道", "鼓楼街道", "钟楼街道", "河东街道"),
    *("河西街道", "望岭街道", "听泉街道", "松坪街道", "桃源街道", "杏林街道", "梧桐街道"),
    *("平安街道", "长乐街道", "永宁街道", "新华街道", "和平街道", "光明街道"),
    *("云溪镇", "石桥镇", "青峰镇", "白鹤镇"),
)
LARGER_COMMUNITIES: Final = 117
LARGER_GRIDS: Final = 12
DEPARTMENTS: Final = (
    *("住房和城乡建设局", "城市管理局", "民政局", "供热供水服务中心", "公安局", "司法局"),
    *("人力资源和社会保障局", "教育局", "卫生健康局", "应急管理局", "市场监督管理局"),
    *("自然资源局", "生态环境局", "交通运输局", "水利局", "农业农村局", "文化和旅游局"),
    *("退役军人事务局", "信访局", "行政审批服务局", "医疗保障局", "残疾人联合会", "妇女联合会"),
    *("共青团县委", "工业和信息化局", "发展和改革局", "财政局", "审计局", "林业局"),
    *("消防救援大队", "政法委员会"),
)
NUMERALS: Final = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
STREETS: Final = ("朝阳", "春晖", "锦绣", "翠竹", "映山", "临江", "安康", "祥和", "迎宾", "育才")
SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜"
GIVEN: Final = "文斌志强晓燕建国秀兰海霞玉梅立军红英永刚春玲振华淑芳新民桂香卫东亚丽"


class Officer(Struct, frozen=True):
    """A post, and who has held it all the time; nobody for a vacancy (缺位)."""

    post: str
    unit: str
    title: str
    role: str
    person: str | None
    name: str


class County(Struct, frozen=True):
    """Who there is."""

    units: tuple[UnitRow, ...]
    officers: tuple[Officer, ...]

    def of_level(self, level: str) -> list[UnitRow]:
        """Return the units of a level, in order."""
        return [unit for unit in self.units if unit.level == level]

    def below(self, unit: str, level: str) -> list[UnitRow]:
        """Return the units of a level right below another."""
        return [one for one in self.of_level(level) if one.parent == unit]

    def officer(self, unit: str, role: str) -> Officer | None:
        """Return who has a role in a unit."""
        found = (one for one in self.officers if (one.unit, one.role) == (unit, role))
        return next((one for one in found if one.person), None)


def county(random: Random, *, scale: int = 1) -> County:
    """Invent the county; the same random numbers give the same one."""
    units = (UnitRow(ROOT, NAME, "county", None), *_towns(scale), *_departments())
    return County(units, tuple(_officers(units, random)))


def _departments() -> Iterator[UnitRow]:
    for n, name in enumerate(DEPARTMENTS, 1):
        yield UnitRow(f"6103279{n:02}000", name, "department", ROOT)


def _towns(scale: int) -> Iterator[UnitRow]:
    towns = TOWNS if scale < 10 else tuple(_larger())  # noqa: PLR2004 - from ten times on
    grids = iter(GRIDS)
    for code, town, communities in towns:
        yield UnitRow(code, town, "town", ROOT)
        for n, community in enumerate(communities, 1):
            own = f"{code[:9]}{n:03}"
            yield UnitRow(own, community, "community", code)
            for grid in range(next(grids, LARGER_GRIDS)):
                name = f"{community.removesuffix('社区')}第{NUMERALS[grid]}网格"
                yield UnitRow(f"{own}{grid + 1:02}", name, "grid", own)


def _larger() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for n, town in enumerate(LARGER):
        share = LARGER_COMMUNITIES // len(LARGER) + (n < LARGER_COMMUNITIES % len(LARGER))
        stem = town[:2]
        names = tuple(f"{stem}{STREETS[one]}社区" for one in range(share))
        yield f"610327{n + 101}000", town, names


def _officers(units: tuple[UnitRow, ...], random: Random) -> Iterator[Officer]:
    """Give every unit its people: one or two grid workers a grid, a leader a town and so on."""
    posts = {
        "county": (
            ("分管副县长", "leader"),
            ("督查室主任", "supervisor"),
            ("派遣员", "dispatcher"),
        ),
        "department": (("分管副局长", "department_officer"),),
        "town": (("分管副镇长", "leader"), ("综治办主任", "town_officer")),
        "community": (("社区党支部书记", "community_officer"), ("调解员", "community_officer")),
        "grid": (("网格员", "grid_worker"), ("副网格员", "grid_worker")),
    }
    for unit in units:
        for n, (title, role) in enumerate(posts[unit.level], 1):
            # A few seats of assistants are empty, as they are everywhere.
            vacant = n > 1 and unit.level == "grid" and random.random() < 0.14  # noqa: PLR2004
            name = random.choice(SURNAMES) + "".join(random.sample(GIVEN, random.choice((1, 2))))
            stem = f"{unit.code:0<16}{n:04}"[:20]
            yield Officer(
                post=f"d0{stem[:6]}-{stem[6:10]}-4{stem[10:13]}-8{stem[13:16]}-{stem[16:]:0>12}",
                unit=unit.code,
                title=title,
                role=role,
                person=None if vacant else _person(stem),
                name=name,
            )


def _person(stem: str) -> str:
    return f"e0{stem[:6]}-{stem[6:10]}-4{stem[10:13]}-8{stem[13:16]}-{stem[16:]:0>12}"
