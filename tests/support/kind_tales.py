"""A case of any kind and the slip of paper beside it: both hear of everything, and are compared."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import msgspec
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor
from domain.case import Case, blank
from domain.commands import Act, Command, Report, Settle
from domain.decide import decide
from domain.directory import Directory
from domain.errors import Refusal
from domain.evolve import evolve
from domain.world import Draft
from eventlog.records import NO_PREVIOUS, PROFILE, Body, Who, decode, encode
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g
from tests.support.case_model import CaseModel, Expected
from tests.support.courses import Course
from tests.support.kind_model import ENDING, OF_FORM, REVIVING, KindModel, pattern
from tests.support.kind_moves import OTHER, Attempt

Told = tuple[timedelta, Actor, Command]
"""How long after the one before who wanted what."""


class Tale(a.Story):
    """A story that begins beside another case of the same kind, which forms may name."""

    def __init__(self, kind_name: str) -> None:
        """Begin with that other case only."""
        g.Story.__init__(self, kind_name)
        self.directory = _directory()
        self.others[OTHER] = _other(kind_name)
        self.said: list[Told] = []

    def say(self, wait: timedelta, actor: Actor, command: Command) -> tuple[Draft, ...] | Refusal:
        """Let time pass, then somebody want something; remember it."""
        self.later(seconds=wait.total_seconds())
        self.said.append((wait, actor, command))
        self.when(actor, command)
        return self.refusal or self.drafts

    def again(self) -> "Tale":
        """Return what comes of it when the same is said once more, from the beginning."""
        other = Tale(self.kind.name)
        for wait, actor, command in self.said:
            other.say(wait, actor, command)
        return other

    def fork(self) -> "Tale":
        """Return another tale that goes on from here."""
        other = Tale(self.kind.name)
        other.case, other.now, other.others = self.case, self.now, dict(self.others)
        return other


@cache
def _directory() -> Directory:
    return a.directory()


@cache
def _other(kind_name: str) -> Case:
    """Return a case that stands where its kind begins, as far as anybody asks."""
    kind = g.kind(kind_name)
    return replace(
        blank(OTHER, kind.hash),
        kind=kind_name,
        number="610327-2026-0000002",
        stage=kind.initial.name,
        phase=kind.initial.phase,
        holder=g.unit(d.COMMUNITY),
        place=g.unit(d.COMMUNITY),
        reported_at=g.NOW,
    )


def read_back(draft: Draft, version: int) -> f.Fact:
    """Return a fact as the log gives it back."""
    fact = draft.fact
    body = Body(
        profile=PROFILE,
        district=d.DISTRICT,
        stream_type=fact.STREAM,
        stream=g.CASE_ID,
        version=version,
        event=g.CASE_ID,
        command=g.CASE_ID,
        type=fact.TYPE,
        schema=fact.SCHEMA,
        occurred_at=draft.occurred_at,
        actor=Who("admin", None, None, None, None),
        client="test",
        kind=None,
        reference_position=0,
        data=fact,
        sealed=(),
        prev=NO_PREVIOUS,
    )
    return decode(body.type, body.schema, encode(body)).data


class Walk:
    """One case with its slip of paper; every attempt is judged by both."""

    def __init__(self, kind: KindModel) -> None:
        """Begin before the report."""
        self.kind = kind
        self.tale = Tale(kind.name)
        self.paper = CaseModel(kind)
        self.folded = self.tale.case
        self.taken = 0
        """How many attempts were accepted."""

    @property
    def over(self) -> bool:
        """Whether nothing more can be done, as the file reads."""
        return bool(self.paper.stage) and not any(
            self.paper.stage in one.stages for one in self.kind.actions.values()
        )

    def fork(self) -> "Walk":
        """Return another walk that goes on from here."""
        other = Walk(self.kind)
        other.tale, other.paper, other.folded = self.tale.fork(), self.paper.fork(), self.folded
        return other

    def play(self, course: Course) -> None:
        """Let a whole course happen, one minute after the other."""
        for step in course:
            if isinstance(step, timedelta):
                self.settle(step)
                continue
            if self.paper.stage:
                self.settle(timedelta(minutes=1))
            actor, said = step
            command = g.actions(said)[0] if isinstance(said, str | tuple) else said
            assert isinstance(command, Act | Report)
            self.attempt(Attempt(actor=actor, command=command))

    def settle(self, wait: timedelta) -> None:
        """Let time pass, and what it brings."""
        drafts = self._said(wait, a.TIMER, Settle())
        assert not isinstance(drafts, Refusal), drafts
        self.paper.settled(drafts)
        self._follow(drafts)

    def attempt(self, attempt: Attempt) -> bool:
        """Let somebody try something; say whether it happened."""
        expected = self.paper.expected(attempt.actor, attempt.command, self.tale.now)
        before = self.paper.stage
        came = self._said(timedelta(0), attempt.actor, attempt.command)
        if isinstance(came, Refusal):
            self._refused(came, attempt, expected)
            return False
        assert attempt.sound, ("taken though wrongly filled in", attempt)
        assert expected.refusal is None, (expected.refusal, attempt, self.paper.stage)
        assert expected.at is not None
        if isinstance(attempt.command, Report):
            self.paper.reported(attempt.actor, attempt.command, expected.at)
        else:
            self.paper.acted(attempt.actor, attempt.command, expected.at)
        self.taken += 1
        self._facts(attempt, came)
        self._follow(came)
        self._ends(before, came)
        return True

    def _said(self, wait: timedelta, actor: Actor, command: Command) -> tuple[Draft, ...] | Refusal:
        """Decide twice: it comes to the same, and a refusal leaves everything as it was."""
        case, others = self.tale.case, dict(self.tale.others)
        bytes_before = msgspec.json.encode(case)
        came = self.tale.say(wait, actor, command)
        again: tuple[Draft, ...] | Refusal
        try:
            world = replace(self.tale.world(actor), others=others)
            again = decide(command, case, world)
        except Refusal as refusal:
            again = refusal
        assert msgspec.json.encode(case) == bytes_before
        if isinstance(came, Refusal):
            assert isinstance(again, Refusal)
            assert (again.code, str(again)) == (came.code, str(came))
            assert self.tale.case is case
            assert self.tale.others == others
        else:
            assert again == came
        return came

    def _refused(self, refusal: Refusal, attempt: Attempt, expected: Expected) -> None:
        assert "—" not in str(refusal), "a detail of the message is missing"
        if expected.refusal is not None:
            assert refusal.code == expected.refusal, (str(refusal), attempt, self.paper.stage)
            return
        known = expected.codes | (frozenset[str]() if attempt.sound else OF_FORM)
        assert refusal.code in known, (refusal.code, str(refusal), attempt, self.paper.stage)

    def _facts(self, attempt: Attempt, drafts: Sequence[Draft]) -> None:
        """Check that the facts are those that the file names, in its order."""
        command = attempt.command
        action = self.kind.report
        if isinstance(command, Act):
            action = self.kind.actions[command.action]
        own = [one.fact for one in drafts if one.stream is None]
        made = "".join(f"{one.TYPE} " for one in own if isinstance(one, f.CaseFact))
        assert pattern(action).fullmatch(made), (made, action.emits)

    def _follow(self, drafts: Sequence[Draft]) -> None:
        """Fold what was recorded, as it will be read back; and compare with the paper."""
        for draft in drafts:
            if draft.stream is None:
                fact = read_back(draft, self.folded.version + 1)
                assert fact == draft.fact
                self.folded = evolve(self.folded, fact, draft.occurred_at)
        case, paper = self.tale.case, self.paper
        g.same(self.folded, case)
        stands = {
            "stage": (case.stage, paper.stage),
            "holder": (_id(case.holder), paper.holder),
            "lead": (_id(case.lead), paper.lead),
            "place": (_id(case.place), paper.place),
            "accepted_by": (_id(case.accepted_by), paper.accepted_by),
            "claimant": (_id(case.civic.claimant), paper.claimant),
            "tasks": ({one.number: one.unit.id for one in case.open_tasks}, paper.tasks),
        }
        assert {name: pair for name, pair in stands.items() if pair[0] != pair[1]} == {}
        if paper.stage in self.kind.endings:
            counting = {one.name for one in case.open_clocks}
            assert counting <= self.kind.outliving, (counting, paper.stage)

    def _ends(self, before: str, drafts: Sequence[Draft]) -> None:
        """A case ends exactly by a fact that ends it, and goes on only by one that revives it."""
        names = {one.fact.TYPE for one in drafts if one.stream is None}
        was, ended = before in self.kind.endings, self.paper.stage in self.kind.endings
        if before and not was:
            assert ended == (not names.isdisjoint(ENDING)), (before, self.paper.stage, names)
        if was and not ended:
            assert not names.isdisjoint(REVIVING), (before, self.paper.stage, names)


def _id(unit: f.Unit | None) -> str | None:
    return unit.id if unit else None
