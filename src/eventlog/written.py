"""A definition's YAML 1.2 as somebody wrote it: its plain data, and on which line each part stands.

Kinds of case and registers are both written so. It stands in this room because both of the rooms
that read definitions may import it, and neither may import the other.

The text is read once. What people get wrong most (a key given twice, a colon without a space, a
tab) is told with its line, in their language.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import StringIO
from typing import Any, Final, cast

from msgspec import Struct
from msgspec.structs import replace
from ruamel.yaml import YAML, docinfo
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from domain.errors import Refusal

Node = Any
"""A node of the library's, which says of none of its members what they are."""
Path = tuple[str, ...]
"""Keys and indices from the top of the file down; empty for the file as a whole."""

MERGE: Final = "tag:yaml.org,2002:merge"
SAYINGS: Final[tuple[tuple[str, str], ...]] = (
    ("mapping values are not allowed", "这里不能再出现冒号；文字里有冒号时，请给整段文字加引号"),
    ("could not find expected ':'", "缺少冒号；请写成“名称: 值”，冒号后空一格"),
    (r"found character '\\t'", "用了制表符（Tab）；缩进请只用空格"),
    ("found character", "出现了 YAML 里有特殊含义的字符；请给整段文字加引号"),
    ("found unexpected end of stream", "引号没有配对，或内容没有写完；请补上"),
    ("found undefined alias", "* 表示引用别处的内容，这里没有可引用的；请给这段文字加引号"),
    ("expected ',' or", "括号里的各项要用逗号隔开，并用同一种括号收尾；请核对"),
    ("did not find expected", "括号或缩进没有对齐；请核对这一行和上一行"),
    ("expected <block end>", "缩进没有对齐；同一层的内容要从同一列开始"),
    ("expected the node content", "括号里有一项是空的，或少了内容；请补上或删去多余的逗号"),
    ("could not determine a constructor", "不认识这个标签（!…）；请删去"),
    ("found a duplicate anchor", "不要用锚点（&）；请把内容直接写出来"),
    (
        "but found another document|expected a single document",
        "一个文件只写一个{what}；请删去多余的“---”",
    ),
)
"""What the library says, as a regular expression, and what that means to whoever wrote it."""


class Problem(Struct, frozen=True):
    """One thing that is wrong: where (dotted path, line from 1, 0 if unknown), what, the mend."""

    path: str
    line: int
    detail: str

    def __str__(self) -> str:
        """Say it as one line."""
        where = f"第 {self.line} 行 " if self.line else ""
        return f"{where}{self.path}：{self.detail}" if self.path else f"{where}{self.detail}"

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer."""
        steps = self.path.split(".") if self.path else []
        return "".join(f"/{step}" for step in steps)


class BadDefinition(Refusal):
    """定义有误：{problems}。请照提示改正。"""

    code = "bad-definition"

    def __init__(self, found: Sequence[Problem]) -> None:
        """Keep every problem, in the order of the file."""
        self.found = tuple(sorted(found, key=lambda one: one.line))
        super().__init__(problems="；".join(map(str, self.found)), found=self.found)


class Written(Struct, frozen=True):
    """A definition as written. Without a mapping on top `data` is empty and `faults` say why."""

    data: dict[str, Any]
    lines: dict[Path, int]
    faults: tuple[Problem, ...] = ()
    """What makes the text unreadable, or readable in more than one way."""
    oddities: tuple[Problem, ...] = ()
    """What was read once and still is, but is refused of whoever publishes now."""

    def located(self, said: str) -> Problem:
        """Return a problem told as `dotted.path：what` with the line that it is about."""
        path, _, detail = said.partition("：")
        if not detail or not _PATH.fullmatch(path):
            return Problem("", 0, said)
        return Problem(path, self.line(path), detail)

    def line(self, path: str) -> int:
        """Return the line of a dotted path, or of the deepest part of it that there is."""
        steps = self._steps(path)
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return self.lines.get(steps, 0)

    def _steps(self, dotted: str) -> Path:
        """Part a path: keys hold dots themselves now and then (`migration.from.2.0.x`)."""
        words, steps = dotted.split("."), cast("Path", ())
        while words:
            for size in range(len(words), 0, -1):
                step = (*steps, ".".join(words[:size]))
                if step in self.lines:
                    break
            else:
                size, step = 1, (*steps, words[0])
            words, steps = words[size:], step
        return steps


_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
# A path may hold what people wrote in place of a name (report.form.人数), but neither blanks nor
# the marks of a sentence.
_PATH: Final = re.compile(r"[^\s，。；：、“”（）]+")


@lru_cache(maxsize=64)
def read(
    text: str, what: str = "事项类型", members: str = "document、roles、stages、actions…"
) -> Written:
    """Read a definition's text; what is wrong with it as YAML comes back as faults.

    `what` says in Chinese what it defines, `members` what stands at its top.

    The scanner in C is far faster. It does not tell of anchors nor keep to another version
    of YAML, and what it cannot read is read again by the other, whose sayings we translate.
    """
    quick = None if "&" in text or _DIRECTIVE.search(text) else _read(text, members, pure=False)
    if quick is not None and not quick.faults:
        return quick
    found = _read(text, members, pure=True)
    told = [replace(one, detail=one.detail.replace("{what}", what)) for one in found.faults]
    return replace(found, faults=tuple(told))


def _read(text: str, members: str, *, pure: bool) -> Written:
    yaml = YAML(typ="safe", pure=pure)
    if pure:
        yaml.version = (1, 2)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        loader: Node = yaml
        # As `load` prepares itself; a `%YAML` line would find nothing to write to.
        told: Node = docinfo
        loader.doc_infos.append(told.DocInfo(requested_version=told.version(loader.version)))
        loader.tags = {}
        constructor, parser = loader.get_constructor_parser(StringIO(text))
        node: Node = (constructor.composer if pure else parser).get_single_node()
        lines, twice, odd = _walked(node)
        if twice:
            return Written({}, lines, tuple(twice))
        data: object = constructor.construct_document(node) if node is not None else None
    except YAMLError as error:
        return Written({}, {}, (_fault(error),))
    except RecursionError:
        return Written({}, {}, (Problem("", 0, "YAML 无法读取：内容层层套得太深"),))
    if not isinstance(data, dict):
        detail = f"文件须为一个映射（{members}）"
        return Written({}, lines, (Problem("", 1, detail),))
    if found := _DIRECTIVE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        odd.insert(0, Problem("", line, "不要写以 % 开头的指令，一律按 YAML 1.2 读；请删去这一行"))
    return Written(cast("dict[str, Any]", data), lines, (), tuple(odd))


def _walked(root: Node) -> tuple[dict[Path, int], list[Problem], list[Problem]]:
    """Return each path's line, the keys given twice, and what refers to elsewhere."""
    lines: dict[Path, int] = {}
    twice: list[Problem] = []
    odd: list[Problem] = []
    todo: list[tuple[Path, Node, int]] = [((), root, 1)] if root is not None else []
    seen: set[int] = set()
    while todo:
        path, node, line = todo.pop()
        lines[path] = line
        if node.anchor is not None:
            dotted = ".".join(path)
            odd.append(Problem(dotted, line, "不要用锚点（&、*）；请把内容直接写出来"))
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.id == "mapping":
            twice += _twice(path, node)
            odd += _merged(path, node)
            todo += _members(path, node)
        elif node.id == "sequence":
            todo += [((*path, str(index)), one, _line(one)) for index, one in enumerate(node.value)]
    return lines, sorted(twice, key=_by_line), sorted(odd, key=_by_line)


def _members(path: Path, node: Node) -> Iterator[tuple[Path, Node, int]]:
    for key, value in node.value:
        yield ((*path, _name(key)), value, _line(key))


def _twice(path: Path, node: Node) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        name, line = _name(key), _line(key)
        if name in first:
            detail = f"重复：第 {first[name]} 行已经写过；请只保留一个"
            yield Problem(".".join((*path, name)), line, detail)
        first.setdefault(name, line)


def _merged(path: Path, node: Node) -> Iterator[Problem]:
    for key, _ in node.value:
        if key.tag == MERGE:
            yield Problem(".".join(path), _line(key), "不要用“<<”合并；请把内容直接写出来")


def _name(key: Node) -> str:
    return str(key.value) if key.id == "scalar" else "?"


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _by_line(problem: Problem) -> int:
    return problem.line


def _fault(error: YAMLError) -> Problem:
    """Tell what the library says of a text that is no YAML."""
    if not isinstance(error, MarkedYAMLError):
        return Problem("", 0, "YAML 无法读取：含有不允许的字符；请删去看不见的控制字符")
    told: Node = error
    mark = told.problem_mark or told.context_mark
    said = str(told.problem or told.context or "")
    known = next((meant for saying, meant in SAYINGS if re.search(saying, said)), None)
    detail = known or f"写法不合 YAML（{said}）；请核对这一行和上一行"
    column = f"（第 {mark.column + 1} 列）" if mark else ""
    return Problem("", mark.line + 1 if mark else 0, f"YAML 无法读取{column}：{detail}")
