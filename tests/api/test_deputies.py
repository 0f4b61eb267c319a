"""代理: who acts as somebody's deputy is recorded with the one for whom they act."""

from datetime import date

import pytest

from api.access import actor_of
from domain import facts as f
from domain.actor import Role
from domain.directory import Directory, fold_directory
from domain.relations import Relations, Term
from workflows.reference import Grant, Reference

TODAY = date(2026, 10, 12)
POST, CHIEF, DEPUTY = "post-1", "chief", "deputy"


def reference(holder: str | None, deputy: str | None) -> Reference:
    """Return a directory with one post, who holds it and who deputises."""
    told: list[f.Fact] = [f.PostEstablished(post=POST, unit="u", title="局长", role="leader")]
    if holder is not None:
        told.append(f.PostTaken(post=POST, person=holder, since=date(2020, 1, 1), until=None))
    known = fold_directory(Directory(), told)
    terms: dict[str, tuple[Term, ...]] = {}
    if deputy is not None:
        terms[POST] = ((deputy, date(2026, 10, 1), date(2026, 10, 20)),)
    relations = Relations(deputies=terms)
    return Reference(directory=Directory(known.units, known.posts, relations=relations))


def grant(person: str | None, post: str | None = POST) -> Grant:
    return Grant("key", Role.LEADER, None, 1, post, person)


@pytest.mark.parametrize(
    ("known", "asking", "for_whom"),
    [
        (reference(CHIEF, DEPUTY), grant(DEPUTY), CHIEF),
        (reference(CHIEF, DEPUTY), grant(CHIEF), None),
        (reference(None, DEPUTY), grant(DEPUTY), None),
        (reference(CHIEF, None), grant(DEPUTY), None),
        (reference(CHIEF, DEPUTY), grant(None), None),
        (reference(CHIEF, DEPUTY), grant(DEPUTY, None), None),
        (reference(CHIEF, DEPUTY), grant(DEPUTY, "post-2"), None),
    ],
    ids=["deputy", "holder", "vacant", "no deputy", "a key", "no post", "another post"],
)
def test_a_deputy_acts_for_whoever_holds_the_post(
    known: Reference, asking: Grant, for_whom: str | None
) -> None:
    assert actor_of(asking, known, TODAY).on_behalf_of == for_whom


def test_a_deputy_whose_days_are_over_acts_for_nobody() -> None:
    known = reference(CHIEF, DEPUTY)
    assert actor_of(grant(DEPUTY), known, date(2026, 10, 20)).on_behalf_of is None
