"""Conditions of actions (`when:`): CEL expressions, type-checked when a kind is published.

An expression is checked twice. First by its words: only what needs no clock and can never fail by
itself is let in (no division, no index, no times). Then by its types: every dotted variable has
one, and what may be absent is a nullable one, which must be compared with null first. It runs with
plain values; the library returns errors of a run as values, so whatever is no BOOL is no yes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any, Final, Literal

from cel_expr_python import cel
from msgspec import Struct

from domain.conditions import ACTOR_VALUES, CASE_VALUES
from domain.kind import SEALED, Condition, FieldType
from workflows.kind_text import ActionText, ConditionText, FieldText, KindText, unknown

Sort = Literal["string", "int", "bool", "list", "any"]


class Variable(Struct, frozen=True):
    """What a dotted name stands for; a nullable one may be absent."""

    sort: Sort
    nullable: bool = True


NULLABLE_OF_CASE: Final = frozenset(
    {"severity", "urgency", "tier", "category", "source_system", "duplicate_of"}
)
COUNTS_OF_CASE: Final = frozenset(
    {"cycle", "rework", "redo", "hops", "returns", "calls", "open_tasks"}
)
SORTS: Final[dict[FieldType, Sort]] = {
    "integer": "int",
    "boolean": "bool",
    "units": "list",
    "codes": "list",
}
"""Fields that are no single string: times are strings as well (RFC 3339 in UTC, comparable)."""
FUNCTIONS: Final = ("size", "startsWith", "endsWith", "contains", "all", "exists", "exists_one")
FORBIDDEN: Final[dict[str, str]] = {
    "/": "除法（/）",
    "%": "取余（%）",
    "{": "映射（{}）",
    "}": "映射（{}）",
    "timestamp": "时间（timestamp）",
    "duration": "时长（duration）",
    "now": "当前时间（now）",
    "has": "has()；请与 null 比较",
}
ROOTS: Final = ("case", "actor", "form", "data")
WORDS: Final = frozenset({"in", "true", "false", "null"})
TOKEN: Final = re.compile(
    r"""\s+
    |(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<sign>&&|\|\||[<>=!]=|[-<>!?:(),+*\[\].%/{}])""",
    re.VERBOSE | re.ASCII,
)
COMPLAINT: Final = re.compile(r"ERROR: <input>:\d+:(\d+): (.*)")
OVERLOAD: Final = re.compile(r"found no matching overload for '(.*?)' applied to '\((.*)\)'")
CHINESE: Final = {
    "string": "文字",
    "int": "整数",
    "bool": "是否",
    "null_type": "null",
    "dyn": "不定",
    "list": "列表",
}
STRICT: Final[dict[tuple[Sort, bool], cel.Type]] = {
    ("string", False): cel.Type.STRING,
    ("int", False): cel.Type.INT,
    ("bool", False): cel.Type.BOOL,
    ("string", True): cel.Type("google.protobuf.StringValue"),
    ("int", True): cel.Type("google.protobuf.Int64Value"),
    ("bool", True): cel.Type("google.protobuf.BoolValue"),
}
"""By which types an expression is checked; nullable ones may be compared with null as well."""
LIST: Final = cel.Type.List(cel.Type.STRING)
SAMPLES: Final[dict[Sort, object]] = {
    "string": "",
    "int": 0,
    "bool": False,
    "list": [],
    "any": "",
}
MOST_NULLABLE: Final = 6


def variables_of(kind: KindText, action: ActionText) -> dict[str, Variable]:
    """Return everything the conditions of an action may read, and of what type it is."""
    found = {name: _of_case(name.removeprefix("case.")) for name in CASE_VALUES}
    found |= {name: Variable("string", nullable=name == "actor.unit") for name in ACTOR_VALUES}
    found |= _of_data(kind)
    fields = {f"form.{name}": field for name, field in action.form.items()}
    return found | {name: of_field(field) for name, field in _clear(fields)}


def texts_of(kind: KindText, action: ActionText) -> set[str]:
    """Return the names whose values are sealed, so that nothing may be decided by them."""
    forms = (("data", kind.report.form), ("form", action.form))
    return {
        f"{root}.{name}"
        for root, form in forms
        for name, field in form.items()
        if field.type in SEALED
    }


def of_field(field: FieldText) -> Variable:
    """Return the type of a field in clear."""
    return Variable(SORTS.get(field.type, "string"), nullable=not field.required)


def condition_problems(kind: KindText, action: ActionText) -> list[str]:
    """Return what is wrong with the conditions of an action, each with its path."""
    written = _written(action)
    if not written:
        return []
    known, sealed = variables_of(kind, action), texts_of(kind, action)
    found: list[str] = []
    for where, text in written:
        wrong = _problems(text.expr, known, sealed)
        found += [f"{where}：“{text.expr}”{problem}" for problem in wrong]
    return found


def conditions_of(kind: KindText, action: ActionText) -> tuple[Condition, ...]:
    """Compile the conditions of an action that were checked."""
    written = _written(action)
    known = variables_of(kind, action) if written else {}
    return tuple(_condition(text, known) for _, text in written)


def _of_case(name: str) -> Variable:
    if name in COUNTS_OF_CASE:
        return Variable("int", nullable=False)
    if name in {"confidential", "merged"}:
        return Variable("bool", nullable=False)
    return Variable("string", nullable=name in NULLABLE_OF_CASE)


def _of_data(kind: KindText) -> dict[str, Variable]:
    """Return what the case's data may hold: of the report, and of what actions add to it."""
    fields = [(f"data.{name}", field) for name, field in kind.report.form.items()]
    found = {name: of_field(field) for name, field in _clear(dict(fields))}
    for action in kind.actions.values():
        added = {f"data.{name}": field for name, field in action.form.items()}
        more = {name: Variable(of_field(field).sort) for name, field in _clear(added)}
        constants = {f"data.{name}": _of_constant(value) for name, value in action.set_data.items()}
        for name, one in (more | constants).items():
            same = name not in found or found[name].sort == one.sort
            found.setdefault(name, one)
            if not same:
                found[name] = Variable("any")
    return found


def _of_constant(value: str | int | bool) -> Variable:  # noqa: FBT001 - what YAML gives
    if isinstance(value, bool):
        return Variable("bool")
    return Variable("int" if isinstance(value, int) else "string")


def _clear(fields: Mapping[str, FieldText]) -> Iterator[tuple[str, FieldText]]:
    return ((name, field) for name, field in fields.items() if field.type not in SEALED)


def _written(action: ActionText) -> list[tuple[str, ConditionText]]:
    """Return the conditions, with their path, in their long form."""
    given = action.when
    several = isinstance(given, list)
    listed = given if isinstance(given, list) else [] if given is None else [given]
    return [
        (
            f"when.{number}" if several else "when",
            one if isinstance(one, ConditionText) else ConditionText(expr=one),
        )
        for number, one in enumerate(listed)
    ]


def _problems(text: str, known: Mapping[str, Variable], sealed: set[str]) -> list[str]:
    words = _words(text)
    if isinstance(words, str):
        return [f"中的 {words} 无法识别"]
    found = [*_forbidden(words), *_unknown(_names(words), known, sealed)]
    return found or _type_problems(text, _names(words), known)


def _words(text: str) -> list[tuple[str, str]] | str:
    """Split an expression into (sort, word); return what cannot be read instead, if anything."""
    words: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            return text[at : at + 10]
        if match.lastgroup:
            words.append((match.lastgroup, match[0]))
        at = match.end()
    return words


def _forbidden(words: list[tuple[str, str]]) -> list[str]:
    """Name what is not let in: what can fail by itself, reads a clock, or is no whole number."""
    found: dict[str, None] = {}
    for number, (sort, word) in enumerate(words):
        before = words[number - 1] if number else ("", "")
        called = sort == "name" and words[number + 1 : number + 2] == [("sign", "(")]
        function = word.rpartition(".")[2]
        if sort == "sign" and word in FORBIDDEN:
            found[f"不能用{FORBIDDEN[word]}"] = None
        elif word == "[" and _is_value(before):
            found["不能用下标（[]）"] = None
        elif sort == "number" and "." in word:
            found["不能用小数"] = None
        elif called and word not in WORDS and function not in FUNCTIONS:
            usable = "、".join(FUNCTIONS)
            found[f"不能用{FORBIDDEN.get(function, f'函数 {function}')}；可用的函数：{usable}"] = (
                None
            )
    return list(found)


def _is_value(word: tuple[str, str]) -> bool:
    return (
        word[0] == "text" or word[1] in {")", "]"} or (word[0] == "name" and word[1] not in WORDS)
    )


def _names(words: list[tuple[str, str]]) -> list[str]:
    """Return the variables of the case, the actor, the form and the data that are read."""
    found: dict[str, None] = {}
    for number, (sort, word) in enumerate(words):
        if sort != "name" or word.partition(".")[0] not in ROOTS:
            continue
        called = words[number + 1 : number + 2] == [("sign", "(")]
        found[word.rpartition(".")[0] if called else word] = None
    return list(found)


def _unknown(names: list[str], known: Mapping[str, Variable], sealed: set[str]) -> list[str]:
    found = [f"：{name} 是密封的文字，不能用作条件" for name in names if name in sealed]
    for name in names:
        if name not in known and name not in sealed:
            root = name.partition(".")[0]
            found += unknown("", [name], [one for one in known if one.startswith(f"{root}.")])
    return found


def _type_problems(text: str, names: list[str], known: Mapping[str, Variable]) -> list[str]:
    types = {name: _strict(known[name]) for name in names}
    try:
        checked = cel.NewEnv(variables=types).compile(text)
    except RuntimeError as error:
        return [f"：{_in_chinese(str(error))}"]
    if checked.return_type() != cel.Type.BOOL:
        return ["：结果须为是或否（BOOL），不能是其他类型"]
    return _null_problems(text, names, known)


def _strict(variable: Variable) -> cel.Type:
    if variable.sort == "list":
        return LIST
    return STRICT.get((variable.sort, variable.nullable), cel.Type.DYN)


def _null_problems(text: str, names: list[str], known: Mapping[str, Variable]) -> list[str]:
    """Let it run with every nullable value absent and present: it must always say yes or no."""
    nullable = [name for name in names if known[name].nullable and known[name].sort != "list"]
    holds = _program(text, {name: known[name] for name in names})
    samples = {name: SAMPLES[known[name].sort] for name in names}
    for chosen in product((True, False), repeat=min(len(nullable), MOST_NULLABLE)):
        absent = [name for name, gone in zip(nullable, chosen, strict=False) if gone]
        if absent and holds({**samples, **dict.fromkeys(absent)}) is None:
            return [f"：{'、'.join(absent)} 可能为空，请先与 null 比较"]
    return []


def _condition(text: ConditionText, known: Mapping[str, Variable]) -> Condition:
    words = _words(text.expr)
    names = [] if isinstance(words, str) else _names(words)
    return Condition(
        text=text.expr,
        otherwise=text.otherwise.rstrip("。"),
        reads=tuple(names),
        holds=_program(text.expr, {name: known[name] for name in names}),
    )


def _program(
    text: str, variables: Mapping[str, Variable]
) -> Callable[[Mapping[str, Any]], bool | None]:
    """Return the expression as a plain callable; None for whatever is no BOOL."""
    types = tuple((name, variable.sort == "list") for name, variable in variables.items())
    known = tuple((name, _loose(variable)) for name, variable in variables.items())
    run = _environment(known).compile(text).eval
    lists = [name for name, is_list in types if is_list]

    def holds(values: Mapping[str, Any]) -> bool | None:
        filled: Mapping[str, Any] = values
        if lists:
            filled = {**values, **{name: values[name] or [] for name in lists}}
        result = run(data=filled)
        held = result.value() if result.type() == cel.Type.BOOL else None
        return held if isinstance(held, bool) else None

    return holds


def _loose(variable: Variable) -> str:
    return variable.sort if not variable.nullable or variable.sort == "list" else "any"


@cache
def _environment(variables: tuple[tuple[str, str], ...]) -> cel.Env:
    loose = {"string": cel.Type.STRING, "int": cel.Type.INT, "bool": cel.Type.BOOL, "list": LIST}
    return cel.NewEnv(variables={name: loose.get(sort, cel.Type.DYN) for name, sort in variables})


def _in_chinese(message: str) -> str:
    found = COMPLAINT.search(message)
    if found is None:
        return f"无法编译（{message.splitlines()[0]}）"
    column, complaint = found[1], found[2].removesuffix("[INVALID_ARGUMENT]").strip()
    overload = OVERLOAD.match(complaint)
    if overload:
        sign = overload[1].replace("_", "").removeprefix("@") or overload[1]
        return f"类型不符：{sign} 不能用于（{_sorts(overload[2].split(', '))}）"
    if complaint.startswith("undeclared reference"):
        return f"没有{complaint.split(chr(39))[1]}"
    return f"语法有误，在第 {column} 个字符附近"


def _sorts(names: Iterable[str]) -> str:
    bare = [re.sub(r"wrapper\((\w+)\)", r"\1", name) for name in names]
    return "、".join(CHINESE.get(name.partition("(")[0], name) for name in bare)
