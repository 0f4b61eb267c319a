"""Generated facts and bodies: anything the record's profile allows."""

from datetime import UTC, date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from hypothesis import strategies as st
from msgspec import Struct

from domain.facts import FACTS, Fact
from eventlog.records import NO_PREVIOUS, PROFILE, Body, Sealed, Who

S = TypeVar("S", bound=Struct)

# Text as it comes: Chinese, emoji, control characters; lone surrogates are stopped at the gate.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["垃圾清运", "🧹️", "\x00\x1f\x7f\u2028", '"\\/\b\f\n\r\t', "é\u0301", "\uffff\U0001f600"]
)
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
# Hypothesis takes naive bounds and adds the zone.
moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 - see above
    datetime(2100, 1, 1),  # noqa: DTZ001 - see above
    timezones=st.just(UTC),
)
keys = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="_-"))
trees = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: numbers,
    bool: st.booleans(),
    datetime: moments,
    date: st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    NoneType: st.none(),
    dict[str, Any]: st.dictionaries(keys, trees, max_size=4),
    dict[str, int]: st.dictionaries(keys, numbers, max_size=4),
}


def of_type(wanted: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any annotation of a fact
    """Return values of an annotation that facts use."""
    if wanted in PLAIN:
        return PLAIN[wanted]
    if get_origin(wanted) in {Union, UnionType}:
        return st.one_of([of_type(part) for part in get_args(wanted)])
    if get_origin(wanted) is Literal:
        return st.sampled_from(get_args(wanted))
    if get_origin(wanted) is tuple:
        return st.lists(of_type(get_args(wanted)[0]), max_size=3).map(tuple)
    return structs(wanted)


def structs(shape: type[S]) -> st.SearchStrategy[S]:
    """Return instances of a struct."""
    return _structs(shape)


@cache
def _structs(shape: type[Struct]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(shape)
    fields = {name: of_type(hints[name]) for name in shape.__struct_fields__}
    return st.builds(shape, **fields)


def bodies(fact: st.SearchStrategy[Fact]) -> st.SearchStrategy[Body[Fact]]:
    """Return bodies around a fact."""
    ids = st.uuids().map(str)
    return st.builds(
        _around,
        fact,
        stream=ids,
        version=st.integers(1, 2**31 - 1),
        event=ids,
        command=ids,
        occurred_at=moments,
        actor=structs(Who),
        client=texts,
        kind=st.none() | texts,
        reference_position=st.integers(0, 2**53 - 1),
        sealed=st.lists(structs(Sealed), max_size=2).map(tuple),
    )


def _around(fact: Fact, **members: Any) -> Body[Fact]:  # noqa: ANN401 - members
    return Body(
        profile=PROFILE,
        district="610327",
        stream_type=fact.STREAM,
        type=fact.TYPE,
        schema=fact.SCHEMA,
        data=fact,
        prev=NO_PREVIOUS,
        **members,
    )


any_fact: st.SearchStrategy[Fact] = st.sampled_from(FACTS).flatmap(structs)
any_body = bodies(any_fact)


def number_id(number: int) -> str:
    """Return the UUID with this number."""
    return str(UUID(int=number))
