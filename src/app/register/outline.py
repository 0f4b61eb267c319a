"""A YAML file as plain data that remembers on which line everything stands.

Scalars are taken as they are written: `0917` and `610327` stay texts, `on:` is no boolean.
"""

# ruamel.yaml's nodes and marks carry no types; this file is where they end.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from typing import Final, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from app.register.errors import MappingError

_DEEPEST: Final = 20
_MOST_NODES: Final = 10_000
_NULLS: Final = {"", "~", "null", "Null", "NULL"}

Location = tuple[str | int, ...]


class Outline:
    """The plain data of a YAML tree, the line of every path, and the keys written twice."""

    def __init__(self, root: Node | None) -> None:
        self.lines: dict[Location, int] = {}
        self.problems: list[str] = []
        self._nodes = 0
        plain = None if root is None else self._plain(root, ())
        self.data: dict[str, object] | None = plain if isinstance(plain, dict) else None

    def line(self, location: Location) -> int:
        """Return the line of the path, or of the nearest thing around it that exists."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def _plain(self, node: Node, at: Location) -> object:
        self.lines.setdefault(at, _line_of(node))
        self._nodes += 1
        if len(at) > _DEEPEST or self._nodes > _MOST_NODES:  # anchors may repeat without end
            raise MappingError([f"第 {_line_of(node)} 行：嵌套太深或太多"])
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            items = cast("list[Node]", node.value)
            return [self._plain(item, (*at, index)) for index, item in enumerate(items)]
        text = str(node.value)
        is_null = isinstance(node, ScalarNode) and not node.style and text in _NULLS
        return None if is_null else text

    def _mapping(self, node: MappingNode, at: Location) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in cast("list[tuple[Node, Node]]", node.value):
            key = str(key_node.value)
            path = (*at, key)
            if key in data:
                first = self.lines[path]
                self.problems.append(
                    f"第 {_line_of(key_node)} 行 {dotted(path)}：写了两次（第 {first} 行已有），"
                    "请删去一个"
                )
                continue
            self.lines[path] = _line_of(key_node)
            data[key] = self._plain(value_node, path)
        return data


def _line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


def dotted(location: Location) -> str:
    """Return a path as people write it: source.id.column."""
    return ".".join(map(str, location)) or "整个文件"


def compose(text: str) -> Node | None:
    """Parse YAML 1.2 into its tree.

    Raises:
        MappingError: naming the line where the text stops being YAML.
    """
    try:
        return cast("Node | None", YAML(typ="safe", pure=True).compose(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else int(mark.line) + 1
        raise MappingError(
            [f"第 {line} 行：不是合格的 YAML（{error.problem or error.context}）"]
        ) from error
    except YAMLError as error:
        raise MappingError([f"不是合格的 YAML：{error}"]) from error
