"""Writes the sections of docs/facts.md that are missing, from the facts themselves.

`python -m tests.support.document_facts`, after the samples were recorded. What stands there is left
as it is, but for its place: the sections follow the order of the vocabulary.
"""

import ast
import inspect
import json
import re
from datetime import date, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from domain import facts as f

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs/facts.md"
SAMPLES: Final = ROOT / "tests/golden/facts"
SEALED: Final = "the texts of the form, if there are any."
NAMES: Final[dict[Any, str]] = {
    str: "text",
    int: "integer",
    bool: "true or false",
    datetime: "time",
    date: "day",
}


def main() -> None:
    """Add what is missing, and put all of it in order."""
    page = PAGE.read_text("utf-8")
    _, known = _parted(page)
    common = _meanings(known)
    for fact in f.FACTS:
        if fact.TYPE not in known:
            known[fact.TYPE] = _section(fact, common)
    PAGE.write_text(_joined(page, known), "utf-8")


def _parted(page: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first section, and the sections by name."""
    first, *sections = re.split(r"(?=^### )", page, flags=re.MULTILINE)
    return first, {re.match(r"### `([^`]+)`", one)[1]: one for one in sections}  # type: ignore[index]


def _joined(page: str, sections: dict[str, str]) -> str:
    """Return the page with every section in its place; chapters open before their first fact."""
    first, _ = _parted(page)
    chapters: dict[str, str] = {}
    for name, section in _parted(page)[1].items():
        body, found, chapter = section.partition("\n## ")
        if found:
            chapters[_next(name)] = "## " + chapter
            sections[name] = body.rstrip() + "\n\n"
    told = [first]
    for fact in f.FACTS:
        told += [chapters.get(fact.TYPE, ""), sections[fact.TYPE].rstrip() + "\n\n"]
    return "".join(told).rstrip() + "\n"


def _next(name: str) -> str:
    """Return the fact that follows another which closes a chapter."""
    order = [fact.TYPE for fact in f.FACTS]
    known = order.index(name)
    streams = {fact.TYPE: fact.STREAM for fact in f.FACTS}
    clock = {fact.TYPE for fact in f.CLOCK_FACTS}
    for later in order[known + 1 :]:
        if streams[later] != streams[name] or (later in clock) != (name in clock):
            return later
    return order[-1]


def _meanings(sections: dict[str, str]) -> dict[str, str]:
    """Return what members mean that have been explained before."""
    found: dict[str, str] = {}
    for section in sections.values():
        row = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", re.MULTILINE)
        for name, meaning in row.findall(section):
            found.setdefault(name, meaning)
    return found


def _section(fact: type[f.Fact], common: dict[str, str]) -> str:
    told = inspect.cleandoc(fact.__doc__ or "")
    heading = re.match(r"[^:：;；,，.。 ]+", told)
    assert heading is not None
    rest = told[heading.end() :].lstrip(":：;；,，.。 ").replace("\n", " ")
    sentence = (rest[:1].upper() + rest[1:]) or heading[0] + "."
    own = _docstrings(fact)
    rows = [
        f"| `{name}` | {_type(hint)} | {own.get(name) or common.get(name) or _words(name)} | 1 |"
        for name, hint in _hints(fact).items()
    ]
    sample = json.loads((SAMPLES / f"{fact.TYPE}.{fact.SCHEMA}.json").read_text("utf-8"))
    lines = [
        f"### `{fact.TYPE}` {heading[0]}",
        "",
        f"{sentence.rstrip('.')}. Stream `{fact.STREAM}`.",
        "",
        "| member | type | meaning | since |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Sealed texts: {SEALED if issubclass(fact, f.CaseFact) else 'none.'}",
        "",
        "```json",
        json.dumps(sample, ensure_ascii=False, sort_keys=True),
        "```",
    ]
    return "\n".join(lines) + "\n\n"


def _hints(fact: type[f.Fact]) -> dict[str, Any]:
    hints = get_type_hints(fact)
    return {name: hints[name] for name in fact.__struct_fields__}


def _type(hint: Any) -> str:  # noqa: ANN401 - any annotation of a fact
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join("null" if one is NoneType else _type(one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0])}"
    if get_origin(hint) is dict or hint is dict:
        return "object"
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint.__name__
    return NAMES.get(hint, "text")


def _docstrings(fact: type[f.Fact]) -> dict[str, str]:
    """Return what stands below the members of a fact and of those it is made from."""
    found: dict[str, str] = {}
    for base in reversed(fact.__mro__):
        if not (isinstance(base, type) and issubclass(base, f.Fact)):
            continue
        [body] = ast.parse(inspect.cleandoc("\n" + inspect.getsource(base))).body
        assert isinstance(body, ast.ClassDef)
        for member, below in zip(body.body, body.body[1:], strict=False):
            told = below.value if isinstance(below, ast.Expr) else None
            name = member.target if isinstance(member, ast.AnnAssign) else None
            if isinstance(told, ast.Constant) and isinstance(name, ast.Name):
                text = " ".join(str(told.value).split()).replace("|", "/").rstrip(".")
                found[name.id] = text[:1].lower() + text[1:]
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    main()
