"""The code that a ledger's rows depend on, as a digest: changed code must not continue old rows.

From the functions that fold and show, everything they can reach is followed by name: functions and
classes of `projections` and `domain`, tables of functions, constants. Digested is what they say,
not how it is written: no comments, docstrings, annotations of functions, line breaks or names of
files, and the syntax tree without what other versions of Python add to it. Left out are

- the classes of facts: they stand for ever (only which of them a table or set names counts);
- in a table by class of fact, the entries that do nothing: a new fact of which a ledger takes no
  notice changes none of its rows;
- what does not run in a fold: the shared helpers that write rows. Who changes what these store
  raises `WRITING` in `projections/tables.py`.

Where code cannot be read (no source files), its bytecode stands for it.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from functools import cache, partial
from hashlib import sha256
from re import Pattern
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final, cast

from domain.facts import Fact

ROOMS: Final = ("projections", "domain")
"""Whose code counts; the rest is the standard library, or stands under a promise of its own."""
PLAIN: Final = (str, bytes, int, float, bool, type(None), datetime, date, timedelta, tzinfo)
_IGNORED: Final = frozenset({"type_comment", "type_params", "kind", "type_ignores", "ctx"})
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def code_digest(roots: Iterable[object]) -> str:
    """Return a digest of all that these functions and values reach."""
    found = _Reach()
    told = [found.tell(root) for root in roots]
    lines = [*told, *sorted(f"{name}={text}" for name, text in found.known.items())]
    return sha256("\n".join(lines).encode()).hexdigest()


class _Reach:
    """What was reached so far, by name; each thing is told once and named afterwards."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def tell(self, value: Any) -> str:  # noqa: ANN401 - whatever a module may hold
        """Return what stands for a value, and remember what it depends on."""
        if isinstance(value, Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, PLAIN):
            return repr(value)
        if isinstance(value, (list, tuple)):
            return f"[{','.join(self.tell(one) for one in cast('Iterable[Any]', value))}]"
        if isinstance(value, (set, frozenset)):
            return f"{{{','.join(sorted(self.tell(one) for one in cast('Iterable[Any]', value)))}}}"
        if isinstance(value, Mapping):
            table: Any = cast("Any", value)
            return self._table(table)
        if isinstance(value, Pattern):
            return repr(cast("Any", value).pattern)
        if isinstance(value, type):
            return self._class(cast("type[Any]", value))
        if isinstance(value, ModuleType):
            return value.__name__
        return self._callable(value)

    def _table(self, table: Mapping[Any, Any]) -> str:
        entries = [
            f"{self.tell(key)}:{self.tell(entry)}"
            for key, entry in table.items()
            if not (_is_fact(key) and _idle(entry))
        ]
        return f"{{{','.join(sorted(entries))}}}"

    def _class(self, found: type[Any]) -> str:
        name = f"{found.__module__}.{found.__qualname__}"
        if _is_fact(found) or not _ours(found.__module__) or name in self.known:
            return name
        self.known[name] = _source(found.__module__, found.__qualname__, None)
        for member in (*found.__bases__, *vars(found).values()):
            # A property, a cached one, a class or static method: the function within it.
            inner = (getattr(member, name, member) for name in ("fget", "func", "__func__"))
            for one in {id(one): one for one in inner}.values():
                if isinstance(one, FunctionType | type):
                    self.tell(one)
        return name

    def _callable(self, value: Any) -> str:  # noqa: ANN401 - as `tell`
        if isinstance(value, partial):
            return f"partial({self.tell([value.func, value.args, value.keywords])})"
        if isinstance(value, MethodType):
            return f"{self.tell(value.__self__)}.{self.tell(value.__func__)}"
        inner = getattr(value, "__wrapped__", value)
        if isinstance(inner, FunctionType):
            return self._function(inner)
        sort: Any = cast("Any", type(value))
        members: Iterable[str] = getattr(sort, "__struct_fields__", ())
        members = members or getattr(sort, "__dataclass_fields__", ())
        told = ",".join(f"{name}={self.tell(getattr(value, name))}" for name in members)
        return f"{sort.__module__}.{sort.__qualname__}({told})"

    def _function(self, function: FunctionType) -> str:
        name = f"{function.__module__}.{function.__qualname__}"
        if not _ours(function.__module__):
            return name
        cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
        bound = self.tell(cells) if cells else ""
        key = f"{name}@{sha256(bound.encode()).hexdigest()[:8]}" if bound else name
        if "<lambda>" in name:
            key += f"#{_source(function.__module__, '', function.__code__)}"
        if key in self.known:
            return key
        self.known[key] = ""
        code = function.__code__
        source = _source(function.__module__, function.__qualname__, code)
        told = [source, bound, self.tell(function.__defaults__)]
        told += [self.tell(value) for value in _reached(function)]
        self.known[key] = sha256("\n".join([told[0], *sorted(told[1:])]).encode()).hexdigest()
        return key


def _reached(function: FunctionType) -> Iterator[object]:
    """Yield the values that a function's names stand for, also as members of modules."""
    names = _names(function.__code__)
    spaces: Mapping[str, Any] = function.__globals__
    for name in sorted(names & spaces.keys()):
        value = spaces[name]
        if isinstance(value, ModuleType):
            if _ours(value.__name__):
                yield [vars(value)[one] for one in sorted(names & vars(value).keys())]
        elif not _foreign(value):
            yield value


def _foreign(value: object) -> bool:
    """Tell whether something is of another room, so that only its own name counts, or not even."""
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and callable(value) and not _ours(module)


def _names(code: CodeType) -> set[str]:
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _ours(module: str) -> bool:
    return module.partition(".")[0] in ROOMS


def _is_fact(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Fact)


def _filled(cell: Any) -> bool:  # noqa: ANN401 - a cell has no public type
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _idle(entry: object) -> bool:
    """Tell whether a function does nothing: it returns a constant, or nothing at all."""
    if not isinstance(entry, FunctionType) or entry.__closure__:
        return False
    node = _node(entry.__module__, entry.__qualname__, entry.__code__)
    if not isinstance(node, ast.FunctionDef):
        return False
    return all(
        isinstance(line, ast.Delete | ast.Pass)
        or (isinstance(line, ast.Return) and isinstance(line.value, ast.Constant | None))
        for line in _body(node)
    )


def _source(module: str, name: str, code: CodeType | None) -> str:
    """Return what a function or class says, digested."""
    node = _node(module, name, code)
    if node is None:
        return sha256(code.co_code if code else name.encode()).hexdigest()
    return sha256(_told(node).encode()).hexdigest()


def _node(module: str, name: str, code: CodeType | None) -> ast.AST | None:
    known = scopes_of(module).get(name)
    if known is None and code is not None:
        return lambdas_of(module).get(code.co_firstlineno)
    return known


@cache
def tree_of(module: str) -> ast.Module:
    """Return what a module's file says; nothing where it cannot be read."""
    try:
        return ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, SyntaxError, KeyError, TypeError):
        return ast.Module([], [])


@cache
def scopes_of(module: str) -> Mapping[str, ast.AST]:
    """Return the functions and classes of a module by qualified name."""
    found: dict[str, ast.AST] = {}
    _gather(tree_of(module), "", found)
    return found


@cache
def lambdas_of(module: str) -> Mapping[int, ast.AST]:
    """Return the lambdas of a module by line, the outermost of each."""
    found: dict[int, ast.AST] = {}
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, node)
    return found


def _gather(node: ast.AST, prefix: str, found: dict[str, ast.AST]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[prefix + child.name] = child
            inner = "." if isinstance(child, ast.ClassDef) else ".<locals>."
            _gather(child, prefix + child.name + inner, found)
        elif isinstance(child, ast.stmt):
            _gather(child, prefix, found)


def _told(node: object) -> str:
    """Write a syntax tree without what is only form."""
    if isinstance(node, list):
        return f"[{','.join(map(_told, cast('list[object]', node)))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    members = {name: value for name, value in ast.iter_fields(node) if name not in _IGNORED}
    if isinstance(node, _SCOPES):
        members["body"] = _body(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        del members["returns"]
    if isinstance(node, ast.arg):
        members.pop("annotation", None)
    told = [f"{name}={_told(value)}" for name, value in members.items() if value not in (None, [])]
    return f"{type(node).__name__}({','.join(told)})"


def _body(node: Any) -> list[ast.stmt]:  # noqa: ANN401 - whatever has one
    """Return the statements without docstrings and other loose texts."""
    lines = cast("list[ast.stmt]", node.body)
    return [
        line
        for line in lines
        if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
    ]
