"""A formula of an indicator (指标) as data: read from YAML, checked, ready to be counted.

Everything that is wrong is told at once, with its line and how to mend it, in Chinese.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Literal, cast

import rfc8785
from msgspec import Struct
from msgspec.structs import replace

from domain.directory import LEVELS
from eventlog.written import BadDefinition, read
from projections.indicators.columns import COLUMNS, SUMMABLE
from projections.indicators.conditions import Tests, columns_of, exact, read_tests
from projections.measured_rows import CALL, DISPATCH, ROUND, SUPERVISION
from projections.reading import Reader

Unit = Literal["percent", "hours", "days", "points", "count", "score"]

UNITS: Final = {
    "percent": "%",
    "hours": "小时",
    "days": "天",
    "points": "分",
    "count": "件",
    "score": "分（1 至 5）",
}
DIVIDED: Final = ("percent", "hours", "days", "score")
"""Units that need a denominator."""
THINGS: Final = {ROUND: "办理轮次", DISPATCH: "派遣", CALL: "吹哨", SUPERVISION: "督办"}
BASES: Final[dict[str, dict[str, str]]] = {
    ROUND: {"reported": "at", "due": "due", "closed": "closed_at", "ended": "ended_at"},
    DISPATCH: {"happened": "at"},
    CALL: {"happened": "at", "due": "due"},
    SUPERVISION: {"happened": "at"},
}
"""By what a thing falls into a period, and the column that says it."""
JUDGED: Final = {"unit": "考核单位", "other": "相关单位"}
MOST_DECIMALS: Final = 6
MOST_TERMS: Final = 20
NATURAL: Final = "natural"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_TERM: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VERSION: Final = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")
_PERIOD: Final = re.compile(r"(\d{1,2})-(\d{1,2})")
_TOP: Final = (
    "indicator", "meaning", "unit", "decimals", "period", "levels", "of", "basis", "judged",
    "exclude", "denominator", "numerator", "terms",
)  # fmt: skip
_HEAD: Final = ("name", "version", "title")
_PART: Final = ("when", "sum")
_OF_TERM: Final = ("title", "weight", "of", "basis", "judged", "exclude", *_PART)
MEMBERS: Final = "indicator、unit、of、basis、denominator、numerator…"


class BadFormula(BadDefinition):
    """指标定义有误：{problems}。请照提示改正后重新提交。"""

    code = "bad-formula"


class Part(Struct, frozen=True, kw_only=True):
    """What is counted, or added up: which things, in which period, under which conditions."""

    name: str
    """`numerator`, `denominator`, or the name of a term."""
    title: str
    of: str
    basis: str
    """The column that says into which period a thing falls."""
    judged: str
    """The column that says to whom it counts."""
    when: Tests
    exclude: tuple[Tests, ...]
    sums: tuple[str, ...] = ()
    """Columns that are added up; none: the things themselves are counted."""
    weight: Decimal = Decimal(1)

    @property
    def columns(self) -> set[str]:
        """All columns that decide whether, and how much, a thing counts."""
        tests = (self.when, *self.exclude)
        return {self.basis, *self.sums, *(name for one in tests for name in columns_of(one))}


class Formula(Struct, frozen=True, kw_only=True):
    """A version of an indicator."""

    hash: str
    name: str
    version: str
    title: str
    meaning: str
    unit: Unit
    decimals: int
    start: int
    """The day of the month on which its months begin."""
    levels: tuple[str, ...]
    """Which levels of units are compared, unless somebody asks for others."""
    numerator: Part | None
    denominator: Part | None
    terms: tuple[Part, ...]

    @property
    def counted(self) -> tuple[Part, ...]:
        """What is added up: the numerator, or the weighted terms."""
        return self.terms or tuple(filter(None, [self.numerator]))

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that is counted, each by its name."""
        return (*self.counted, *filter(None, [self.denominator]))

    @property
    def label(self) -> str:
        """How answers call it: `on-time-rate@1.0.0`."""
        return f"{self.name}@{self.version}"

    def part(self, name: str) -> Part | None:
        """Return a part by its name."""
        return next((one for one in self.parts if one.name == name), None)


@lru_cache(maxsize=256)
def read_formula(text: str) -> Formula:
    """Read and check a formula.

    Raises:
        BadFormula: with every problem found, each with its line and path.
    """
    written = read(text, "指标", MEMBERS)
    reader = _Reader(written)
    formula = reader.formula() if written.data or not reader.problems else None
    if formula is None or reader.problems:
        raise BadFormula(reader.problems)
    return formula


class _Reader(Reader):
    """Reads one formula."""

    def formula(self) -> Formula | None:
        data = self.data
        self._known("", data, _TOP)
        head = self._mapping("indicator", data.get("indicator"), _HEAD)
        unit = self._choice("unit", data.get("unit"), UNITS)
        numerator, denominator, terms = self._parts()
        self._fitting(unit, denominator, numerator)
        made = Formula(
            hash=self._hash(),
            name=self._text("indicator.name", head.get("name"), _NAME, "小写字母、数字和连字符"),
            version=self._text("indicator.version", head.get("version"), _VERSION, "1.0.0 的形式"),
            title=self._text("indicator.title", head.get("title")),
            meaning=self._text("meaning", data.get("meaning", "")) if "meaning" in data else "",
            unit=cast("Unit", unit),
            decimals=self._decimals(),
            start=self._start(),
            levels=self._levels(),
            numerator=numerator,
            denominator=denominator,
            terms=terms,
        )
        return None if self.faults else made

    def _hash(self) -> str:
        try:
            return sha256(rfc8785.dumps(self.data)).hexdigest()
        except rfc8785.CanonicalizationError:
            self._wrong("", "含有不能使用的取值（日期、过大的数）；请给它加引号")
            return ""

    def _parts(self) -> tuple[Part | None, Part | None, tuple[Part, ...]]:
        if "terms" in self.data:
            for name in ("numerator", "denominator", "of", "basis", "judged", "exclude"):
                if name in self.data:
                    self._wrong(name, "与 terms 不能同时写；请写进各个 term，或删去 terms")
            return None, None, self._terms()
        if "numerator" not in self.data:
            self._wrong("numerator", "缺少分子；请写 numerator: {when: {列名: 取值}}")
        shared = self._shared("", self.data)
        denominator = None
        if "denominator" in self.data:
            denominator = self._part("denominator", "分母", shared)
        numerator = self._part("numerator", "分子", shared) if "numerator" in self.data else None
        if numerator is not None and denominator is not None:
            # A numerator is picked from among what its denominator counts.
            numerator = replace(numerator, when=(*denominator.when, *numerator.when))
        return numerator, denominator, ()

    def _fitting(self, unit: str, denominator: Part | None, numerator: Part | None) -> None:
        if unit in DIVIDED and denominator is None:
            self._wrong("denominator", f"单位是{UNITS[unit]}时必须有分母；请写 denominator")
        if unit in {"hours", "days"} and (numerator is None or numerator.sums != ("duration",)):
            self._wrong("numerator", "以小时或天计的指标，分子须为 sum: duration")

    def _terms(self) -> tuple[Part, ...]:
        written = self.data["terms"]
        if not isinstance(written, Mapping) or not 1 <= len(cast("Any", written)) <= MOST_TERMS:
            self._wrong("terms", f"须为 1 至 {MOST_TERMS} 项“名称: 内容”的映射")
            return ()
        return tuple(self._term(str(name), one) for name, one in written.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

    def _term(self, name: str, written: object) -> Part:
        path = f"terms.{name}"
        if not _TERM.fullmatch(name):
            self._wrong(path, "名称须为小写字母、数字和下划线，以字母开头")
        data = self._mapping(path, written, _OF_TERM)
        weight = exact(data.get("weight"))
        if weight is None:
            self._wrong(f"{path}.weight", '权重须为整数，或加引号的小数，如 -5、"0.5"')
        title = self._text(f"{path}.title", data.get("title"))
        shared = self._shared(f"{path}.", data)
        counted = self._counted(path, data)
        return Part(name=name, title=title, weight=weight or Decimal(0), **shared, **counted)

    def _shared(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        of = self._choice(f"{path}of", data.get("of"), THINGS)
        basis = self._choice(f"{path}basis", data.get("basis"), BASES.get(of, BASES[ROUND]))
        judged = self._choice(f"{path}judged", data.get("judged", "unit"), JUDGED)
        column = BASES.get(of, {}).get(basis, "at")
        return {
            "of": of,
            "basis": column,
            "judged": judged,
            "exclude": self._exclude(f"{path}exclude", data.get("exclude", [])),
        }

    def _exclude(self, path: str, written: object) -> tuple[Tests, ...]:
        if not isinstance(written, list):
            self._wrong(path, "须为条件的列表；每项前写“- ”，满足任何一项即剔除")
            return ()
        listed = cast("list[object]", written)
        return tuple(
            read_tests(f"{path}.{index}", one, self.faults) for index, one in enumerate(listed)
        )

    def _part(self, name: str, title: str, shared: Mapping[str, Any]) -> Part:
        data = self._mapping(name, self.data[name], _PART)
        return Part(name=name, title=title, **shared, **self._counted(name, data))

    def _counted(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        when = read_tests(f"{path}.when", data["when"], self.faults) if "when" in data else ()
        return {"when": when, "sums": self._sums(f"{path}.sum", data.get("sum", []))}

    def _sums(self, path: str, written: object) -> tuple[str, ...]:
        listed = cast("list[object]", written) if isinstance(written, list) else [written]
        for one in listed:
            if str(one) not in COLUMNS:
                self._wrong(path, f"没有“{one}”；可用：{'、'.join(SUMMABLE)}")
            elif str(one) not in SUMMABLE:
                self._wrong(path, f"“{one}”不是数，不能相加；可用：{'、'.join(SUMMABLE)}")
        return tuple(str(one) for one in listed)

    def _decimals(self) -> int:
        written = self.data.get("decimals", 2)
        if type(written) is int and 0 <= written <= MOST_DECIMALS:
            return written
        self._wrong("decimals", f"小数位数须为 0 至 {MOST_DECIMALS} 的整数")
        return 0

    def _start(self) -> int:
        written = self.data.get("period", NATURAL)
        found = _PERIOD.fullmatch(written) if isinstance(written, str) else None
        if written == NATURAL:
            return 1
        if found and 2 <= int(found[1]) <= 28 and int(found[2]) == int(found[1]) - 1:  # noqa: PLR2004
            return int(found[1])
        self._wrong("period", "周期须为 natural（自然月），或 26-25 这样的起止日")
        return 1

    def _levels(self) -> tuple[str, ...]:
        written = self.data.get("levels", ["department", "town", "community"])
        levels = cast("list[object]", written) if isinstance(written, list) else [written]
        unknown = [str(one) for one in levels if one not in LEVELS]
        if unknown or not levels:
            self._wrong("levels", f"没有“{'、'.join(unknown)}”；可用：{'、'.join(LEVELS)}")
        return tuple(str(one) for one in levels)

    def _choice(self, path: str, written: object, known: Mapping[str, object]) -> str:
        if isinstance(written, str) and written in known:
            return written
        told = "缺少这一项" if written is None else f"没有“{written}”"
        self._wrong(path, f"{told}；可用：{'、'.join(known)}")
        return ""

    def _text(
        self, path: str, written: object, form: re.Pattern[str] | None = None, how: str = ""
    ) -> str:
        if isinstance(written, str) and written.strip() and (not form or form.fullmatch(written)):
            return written
        told = "缺少这一项" if written is None else "写法有误"
        wanted = f"须为{how}" if how else "须为文字"
        self._wrong(path, f"{told}；{wanted}")
        return ""
