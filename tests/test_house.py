"""The house itself: nothing unlisted, undocumented, unhandled or where it does not belong."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import domain
from domain import clock as clock_module
from domain import evolve as case_module
from domain import facts as f
from domain.beside import WRITTEN
from domain.errors import Refusal
from domain.steps import BUILDERS, FIELDS, NEEDED
from workflows.language import SHIPPED, compile_kind, shipped_sources

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
ROOMS = ("domain", "eventlog", "workflows", "projections", "api", "app")
SECTIONS = re.split(r"^### ", (ROOT / "docs/facts.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
DOCUMENTED = {section[1 : section.index("`", 1)]: section for section in SECTIONS}


def all_facts() -> set[type[f.Fact]]:
    members = [member for _, member in inspect.getmembers(f, inspect.isclass)]
    return {member for member in members if issubclass(member, f.Fact) and member.TYPE}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_comes_from_src(room: str) -> None:
    path = importlib.import_module(room).__file__
    assert path is not None
    assert Path(path) == SRC / room / "__init__.py"


def test_every_fact_is_listed_once_under_a_name_of_its_own() -> None:
    assert len(f.FACTS) == len(set(f.FACTS))
    assert set(f.FACTS) == all_facts()
    names = [fact.TYPE for fact in f.FACTS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in names)


def test_every_fact_of_a_case_is_handled_by_its_fold() -> None:
    assert set(get_args(case_module.CaseEvent)) == set(f.CASE_FACTS)
    assert set(get_args(clock_module.ClockEvent)) == set(f.CLOCK_FACTS)


def test_every_fact_of_a_case_can_be_made_by_some_action_or_by_a_register() -> None:
    told_otherwise = {f.CaseCorrected.TYPE, f.CaseMigrated.TYPE, f.EvidenceAttached.TYPE, *WRITTEN}
    assert set(BUILDERS) == {fact.TYPE for fact in f.CASE_FACTS} - told_otherwise
    assert set(FIELDS) <= set(BUILDERS)
    assert all(set(names) <= set(FIELDS[fact]) for fact, names in NEEDED.items())


def test_facts_are_documented_in_their_order_and_nothing_else_is() -> None:
    assert list(DOCUMENTED) == [fact.TYPE for fact in f.FACTS]


@pytest.mark.parametrize("fact", f.FACTS, ids=lambda fact: fact.TYPE)
def test_a_fact_is_documented_as_it_is(fact: type[f.Fact]) -> None:
    section = DOCUMENTED[fact.TYPE]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| (\d+) \|$", section, re.MULTILINE)
    assert [name for name, _ in rows] == list(fact.__struct_fields__)
    assert all(1 <= int(since) <= fact.SCHEMA for _, since in rows)
    assert f"Stream `{fact.STREAM}`." in section
    assert "\nSealed texts: " in section
    chinese = re.search(r"[\u4e00-\u9fff]+", fact.__doc__ or "")
    assert chinese is not None, "a fact's docstring opens with its Chinese name"
    assert chinese[0] in section.splitlines()[0]
    sample = re.search(r"```json\n(.*?)\n```", section, re.DOTALL)
    assert sample is not None
    told = json.loads(sample[1])
    assert json.loads(msgspec.json.encode(msgspec.convert(told, fact))) == told


def test_every_shipped_kind_may_be_published() -> None:
    files = {path.stem for path in (SRC / "workflows/kinds").glob("*.yaml")}
    assert files == set(SHIPPED)
    for source in shipped_sources():
        kind = compile_kind(source.text)
        assert kind.name in SHIPPED
        assert kind.hash == source.hash


def all_refusals() -> list[type[Refusal]]:
    for room in ROOMS:
        for module in pkgutil.walk_packages([str(SRC / room)], f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: list[type[Refusal]] = [Refusal]
    for refusal in found:
        found += refusal.__subclasses__()
    return [one for one in found if one.__module__.split(".")[0] in ROOMS]


def test_every_refusal_has_a_code_of_its_own_and_speaks_chinese() -> None:
    codes: dict[str, type[Refusal]] = {}
    for refusal in all_refusals():
        assert codes.setdefault(refusal.code, refusal) is refusal, refusal
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", refusal.code)
        assert re.search(r"[\u4e00-\u9fff]", refusal.title()), refusal
        assert refusal.title().endswith("。"), refusal


FORBIDDEN = {"random", "uuid", "time", "secrets", "os", "logging", "asyncio", "threading"}
CLOCKS = {"now", "utcnow", "today", "fromtimestamp"}
MODULES = sorted((SRC / "domain").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.stem}.{path.stem}")
def test_the_domain_reads_no_clock_and_makes_no_id(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported = {(node.module or "").split(".")[0]}
        else:
            imported = set()
        assert not imported & FORBIDDEN, f"{path.name}:{getattr(node, 'lineno', 0)}"
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in CLOCKS:
            owner = called.value
            assert not (isinstance(owner, ast.Name) and owner.id in {"datetime", "date"}), path


def test_every_module_of_the_domain_opens_with_a_sentence() -> None:
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        assert importlib.import_module(module.name).__doc__, module.name
