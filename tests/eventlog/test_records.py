"""The record's bytes: canonical for everything the profile allows, and read back unchanged."""

import json

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings

from domain.facts import FACTS, Fact
from eventlog.records import Body, UnknownFact, decode, decode_rows, encode, uuid7
from tests.support.log import NOON, new_event, new_id
from tests.support.samples import any_body, bodies, structs


@given(any_body)
@settings(max_examples=150, deadline=None)
def test_the_bytes_are_those_of_the_rfc_8785_library(body: Body[Fact]) -> None:
    raw = encode(body)
    assert raw == rfc8785.dumps(json.loads(raw))
    assert raw == rfc8785.dumps(msgspec.to_builtins(body))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.TYPE)
def test_every_fact_reads_back_as_it_was_written(fact: type[Fact]) -> None:
    @given(bodies(structs(fact)))
    @settings(max_examples=15, deadline=None)
    def check(body: Body[Fact]) -> None:
        assert decode(body.type, body.schema, encode(body)) == body

    check()


def test_an_unsorted_body_would_be_noticed() -> None:
    raw = json.loads(new_event(new_id()).body)
    unsorted = json.dumps(dict(reversed(raw.items())), separators=(",", ":")).encode()
    assert unsorted != rfc8785.dumps(raw)


@pytest.mark.parametrize(("type_", "schema"), [("case-dreamt", 1), ("note-recorded", 99)])
def test_an_unknown_fact_or_version_is_an_error_in_chinese(type_: str, schema: int) -> None:
    body = new_event(new_id()).body
    with pytest.raises(UnknownFact, match=f"不认识的办理记录 {type_}（第 {schema} 版）"):
        decode(type_, schema, body)
    with pytest.raises(UnknownFact, match=type_):
        decode_rows([(1, NOON, type_, schema, body)])


def test_a_member_that_the_fact_does_not_have_is_an_error() -> None:
    raw = json.loads(new_event(new_id()).body)
    raw["data"]["extra"] = 1
    with pytest.raises(msgspec.ValidationError, match="extra"):
        decode("note-recorded", 1, rfc8785.dumps(raw))


def test_text_that_is_no_unicode_cannot_be_encoded() -> None:
    body = decode("note-recorded", 1, new_event(new_id()).body)
    with pytest.raises(UnicodeEncodeError):
        encode(msgspec.structs.replace(body, client="\ud800"))


def test_ids_of_later_milliseconds_sort_later() -> None:
    ids = [uuid7(NOON.replace(microsecond=1000 * n)) for n in range(50)]
    assert ids == sorted(ids)
    assert {(id_.version, id_.variant) for id_ in ids} == {(7, "specified in RFC 4122")}
