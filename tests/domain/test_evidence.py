"""附件 in decisions: which files a command may refer to, and the facts that say it did."""

import pytest
from msgspec.structs import replace
from typing_extensions import override

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Act
from domain.evidence import MOST
from domain.kind import FormField, json_schema
from domain.world import Upload, World
from tests.support import given as g
from workflows.language import BadKind, compile_kind, shipped_sources

ADMIN = Actor(role=Role.ADMIN)


def upload(
    number: int = 1, *, own: bool = True, case: str | None = None, expired: bool = False
) -> Upload:
    return Upload(
        id=f"019df0a1-6f0c-7a6f-8f0a-{number:012d}",
        sha256=f"{number:064x}",
        size=1000 + number,
        media_type="image/png",
        own=own,
        case=case,
        expired=expired,
    )


class Story(g.Story):
    """A story in whose world some files were uploaded."""

    uploads: tuple[Upload, ...] = ()

    @override
    def world(self, actor: Actor) -> World:
        return replace(super().world(actor), uploads={one.id: one for one in self.uploads})


def having(*uploads: Upload) -> Story:
    """Begin with files and a case that was reported."""
    story = Story()
    story.uploads = uploads
    story.given(*g.REPORTED)
    return story


def note(*uploads: Upload, **data: object) -> Act:
    told = {"note": "进展", **data}
    return Act(action="note", data=told, attachments=tuple(one.id for one in uploads))


def attached(story: g.Story) -> list[f.EvidenceAttached]:
    facts = [draft.fact for draft in story.drafts]
    return [fact for fact in facts if isinstance(fact, f.EvidenceAttached)]


def test_each_file_is_a_fact_after_the_actions_own_and_the_case_knows_it() -> None:
    one, two = upload(1), upload(2)
    story = having(one, two).when(g.GRID, note(two, one))
    story.then("note-recorded", "evidence-attached", "evidence-attached")
    facts = attached(story)
    assert [(fact.attachment, fact.sha256, fact.size) for fact in facts] == [
        (two.id, two.sha256, two.size),
        (one.id, one.sha256, one.size),
    ]
    assert {fact.subject for fact in facts} == {"narrative"}
    assert story.case.attached == (two.id, one.id)
    assert [len(draft.texts) for draft in story.drafts] == [1, 0, 0]


def test_of_an_action_that_moves_the_case_the_files_move_it_no_further() -> None:
    story = having(upload())
    act = Act(action="accept", attachments=(upload().id,))
    story.when(g.COMMUNITY, act)
    [fact] = attached(story)
    assert fact.action == "accept"
    assert fact.stage.source == fact.stage.target == story.case.stage == "awaiting_grading"
    types = [draft.fact.TYPE for draft in story.drafts]
    own, clocks = types.index("evidence-attached"), [t.startswith("clock-") for t in types]
    assert not any(clocks[:own])


def test_what_comes_with_a_report_is_the_reporters() -> None:
    story = Story()
    story.uploads = (upload(),)
    story.when(g.GRID, g.report(attachments=(upload().id,)))
    [fact] = attached(story)
    assert fact.subject == "reporter"
    assert story.case.attached == (upload().id,)


REFUSED = {
    "somebody else's": (upload(own=False), "同一密钥"),
    "used elsewhere": (upload(case="another"), "另一事项"),
    "used here": (upload(case=g.CASE_ID), "本事项"),
    "too old": (upload(expired=True), "24 小时"),
}


@pytest.mark.parametrize(("one", "said"), REFUSED.values(), ids=list(REFUSED))
def test_a_file_that_cannot_be_used_is_refused(one: Upload, said: str) -> None:
    other = upload(2)
    story = having(other, one).when(g.GRID, note(other, one))
    refusal = story.refused("attachment-unusable", "/attachments/1")
    assert said in str(refusal)


def test_an_unknown_file_reads_like_somebody_elses() -> None:
    unknown = having().when(g.GRID, note(upload())).refused("attachment-unusable")
    foreign = having(upload(own=False)).when(g.GRID, note(upload())).refused("attachment-unusable")
    assert str(unknown) == str(foreign)


def test_an_administrator_may_use_anybodys_file_but_no_expired_one() -> None:
    act = g.report(attachments=(upload().id,))
    story = Story()
    story.uploads = (upload(own=False),)
    story.when(ADMIN, act)
    assert story.case.attached == (upload().id,)
    story = Story()
    story.uploads = (upload(own=False, expired=True),)
    story.when(ADMIN, act).refused("attachment-unusable", "/attachments/0")


def test_a_file_named_twice_or_too_many_are_refused() -> None:
    having(upload()).when(g.GRID, note(upload(), upload())).refused(
        "unknown-field", "/attachments/1"
    )
    many = [upload(n) for n in range(MOST + 1)]
    having(*many).when(g.GRID, note(*many)).refused("unknown-field", "/attachments")
    having(*many).when(g.GRID, note(*many[:MOST])).then(
        "note-recorded", *["evidence-attached"] * MOST
    )


def test_a_file_does_for_a_required_text_only_where_the_field_says_so() -> None:
    contain = Act(action="contain", attachments=(upload().id,))
    having(upload()).when(g.GRID, contain).then("containment-taken", "evidence-attached")
    having().when(g.GRID, Act(action="contain")).refused("evidence-missing", "/data/evidence")
    having(upload()).when(g.GRID, note(upload(), note="")).refused("evidence-missing", "/data/note")


def test_the_schema_of_a_form_does_not_require_what_a_file_may_replace() -> None:
    fields = (
        FormField(name="a", title="甲", type="text", required=True, or_attachment=True),
        FormField(name="b", title="乙", type="text", required=True),
    )
    assert json_schema(fields)["required"] == ["b"]


def test_a_kind_says_so_of_required_texts_only() -> None:
    text = next(one.text for one in shipped_sources() if one.name == "public-reply")
    broken = text.replace("required: true", "required: false, or_attachment: true", 1)
    assert broken != text
    with pytest.raises(BadKind, match="or_attachment"):
        compile_kind(broken)
