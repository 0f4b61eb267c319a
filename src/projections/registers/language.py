"""The language of registers: YAML in, a ledger out, or every problem with its line.

A register is known by the hash of its data as written (RFC 8785 canonical JSON, before defaults),
as kinds of case are.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import rfc8785
from msgspec import Struct
from pydantic import ValidationError

from domain.kind import Kind
from eventlog.written import BadDefinition, Written, read
from projections.ledger import Ledger
from projections.registers.checking import problems
from projections.registers.compiling import ledger_of
from projections.registers.plan import Plan, Planner
from projections.registers.text import RegisterText

SHIPPED: Final = (
    "disputes",
    "campaigns",
    "hazards",
    "buildings",
    "pairings",
    "claims",
    "patrols",
    "disclosures",
    "wall-chart",
    "seals",
)
"""What comes with the program, in the order of docs/registers.md."""
WHAT: Final = "台账"
MEMBERS: Final = "register、version、title、columns…"
SHAPE_PROBLEMS: Final = {
    "missing": "缺少这一项；请补上",
    "extra_forbidden": "没有这一项；请删去，或改正拼写",
    "literal_error": "只能是 {expected}；请改正",
    "string_type": "须为文字；像数字或日期的请加引号",
    "string_pattern_mismatch": "不合格式 {pattern}；请改正",
    "string_too_long": "最多 {max_length} 个字；请缩短",
    "string_too_short": "不能为空；请补上",
    "list_type": "须为列表；请写成 [甲, 乙]",
    "too_short": "至少要有 {min_length} 项；请补上",
    "too_long": "最多 {max_length} 项；请删去多余的",
    "dict_type": "须为映射；请写成 {{名称: 值}}",
    "model_type": "须为映射；请写成 {{名称: 值}}",
    "int_type": "须为整数；请改正",
    "greater_than_equal": "不能小于 {ge}；请改正",
    "less_than_equal": "不能大于 {le}；请改正",
}
"""What pydantic calls a problem, and what people read."""
BRANCHES: Final = frozenset({"RowsText", "FilterText", "str", "bool", "int", "literal['case']"})
"""What pydantic adds to a path where several shapes are possible."""


class BadRegister(BadDefinition):
    """台账定义有误：{problems}。"""

    code = "bad-register"


class Register(Struct, frozen=True):
    """A register that may be published, and the ledger it is."""

    name: str
    version: str
    title: str
    hash: str
    text: str
    kinds: tuple[str, ...] | None
    """Which kinds of case it is of; None for all."""
    ledger: Ledger[Any, Any]


def checked_register(text: str, kinds: Iterable[Kind] | None = None) -> Register:
    """Parse, check and compile a register that is to be published.

    `kinds` are those of the district; None: what they record is not looked at.

    Raises:
        BadRegister: with every problem found, each with its line and its path in the file.
    """
    written, parsed = _parse(text)
    planner = Planner(parsed)
    plan = planner.plan()
    told = planner.problems or problems(plan, kinds)
    found = [*written.oddities, *map(written.located, told)]
    if found:
        raise BadRegister(found)
    return _register(text, written, plan)


@lru_cache(maxsize=256)
def published_register(text: str) -> Register:
    """Compile a register that was published, perhaps when less was asked of one.

    Raises:
        BadRegister: it cannot be kept by this program.
    """
    written, parsed = _parse(text)
    planner = Planner(parsed)
    plan = planner.plan()
    found = planner.problems or problems(plan, None)
    if found:
        raise BadRegister([*map(written.located, found)])
    return _register(text, written, plan)


@lru_cache(maxsize=1)
def shipped_registers() -> tuple[Register, ...]:
    """Return the registers that come with the program."""
    folder = files("projections") / "registers"
    return tuple(
        published_register((folder / f"{name}.yaml").read_text("utf-8")) for name in SHIPPED
    )


def _register(text: str, written: Written, plan: Plan) -> Register:
    digest = sha256(rfc8785.dumps(written.data)).hexdigest()
    parsed = plan.text
    ledger = ledger_of(plan, digest)
    kinds = None if parsed.kinds is None else tuple(parsed.kinds)
    return Register(parsed.name, parsed.version, parsed.title, digest, text, kinds, ledger)


def _parse(text: str) -> tuple[Written, RegisterText]:
    written = read(text, WHAT, MEMBERS)
    if written.faults:
        raise BadRegister(written.faults)
    try:
        return written, RegisterText.model_validate(written.data)
    except ValidationError as error:
        found = dict.fromkeys(_shape_problem(problem) for problem in error.errors())
        raise BadRegister([written.located(one) for one in found]) from None


def _shape_problem(problem: Mapping[str, Any]) -> str:
    path = ".".join(str(step) for step in problem["loc"] if _is_written(step))
    context: Mapping[str, Any] = problem.get("ctx", {})
    said = SHAPE_PROBLEMS.get(problem["type"], "取值有误（{msg}）；请改正")
    expected = str(context.get("expected", "")).replace(" or ", "、").replace(", ", "、")
    return f"{path}：{said.format_map({**context, 'expected': expected, 'msg': problem['msg']})}"


def _is_written(step: object) -> bool:
    """Say whether a step of pydantic's stands in the file."""
    return not (isinstance(step, str) and (step in BRANCHES or "[" in step))
