"""The engine: load a case, decide, record. The only writer of cases, for every caller.

It is async and lives on one event loop; what blocks (cold loads, keys, numbers) is grouped into
single statements on threads of their own, and appends are grouped by the appender.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from msgspec.structs import replace

from domain.actor import Actor
from domain.case import Case, blank
from domain.commands import (
    Act,
    Command,
    Delivery,
    Import,
    Migrate,
    Reallot,
    Recount,
    Report,
    Settle,
    Sign,
    Update,
)
from domain.decide import decide
from domain.errors import Busy, KeyReused, NotFound, Refusal, SourceConflict, VersionStale
from domain.facts import CASE
from domain.forms import named_cases
from domain.world import Draft, World
from eventlog.appender import Answer, Appender, Request
from eventlog.attachments import Attachments
from eventlog.database import Database
from eventlog.envelope import Envelope, Tail
from eventlog.grouped import Grouped
from eventlog.records import NO_PREVIOUS, new_id
from eventlog.streams import part_of
from eventlog.vault import Vault
from workflows.attachments import Uploads
from workflows.cache import Cache
from workflows.loading import (
    Held,
    folded,
    found,
    load_cases,
    load_command,
    load_reference,
    load_tail,
    load_tails,
    load_through,
)
from workflows.neighbours import Others, others_of
from workflows.numbering import Numbering, case_id
from workflows.outcome import Caller, Outcome
from workflows.reference import Reference
from workflows.sight import visible
from workflows.writing import elsewhere, enclosed, parts, secrets

__all__ = ["Caller", "Engine", "Outcome"]

ATTEMPTS: Final = 12
REFRESH_SECONDS: Final = 1.0
CACHED_CASES: Final = 20_000

Drafting = Callable[[Reference], Sequence[Draft]]
"""What to record, as of the reference data known then."""


class Engine:
    """One district's engine in one process."""

    def __init__(
        self,
        database: Database,
        district: str,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        committed: Callable[[int], None] | None = None,
        cached_cases: int = CACHED_CASES,
    ) -> None:
        """Start the threads; `refresh` must run once before the first command."""
        self.database = database
        self.district = district
        self.vault = vault
        self.reference = Reference()
        self._clock = clock
        self._appender = Appender(database, committed=committed)
        self._loads: Grouped[str, Held | None] = Grouped("loader", partial(load_cases, database))
        self._keys: Grouped[set[tuple[str, str]], None] = Grouped("keys", vault.prepare_all)
        self._numbers = Numbering(database, district)
        self.uploads = Uploads(Attachments(database, district, vault), clock)
        self._cache = Cache(cached_cases)
        self._refreshed = 0.0
        self._refreshing = asyncio.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def close(self) -> None:
        """Finish what is under way, then stop."""
        self._appender.close()
        self._loads.close()
        self._keys.close()

    def real(self) -> datetime:
        """Return the time outside, whatever a trial clock says."""
        return self._clock()

    def now(self) -> datetime:
        """Return the district's time in whole seconds."""
        return self.reference.now(self._clock())

    async def report(
        self, command: Report | Import, caller: Caller, *, updating: bool = False
    ) -> Outcome:
        """Take in an issue, or a case with its past.

        The same source reference with the same content returns the case that exists; with other
        content it is refused, or taken over as an update where `updating`.

        Raises:
            SourceConflict, KeyReused, Busy, or what `decide` refuses.
        """
        try:
            return await self._report(command, caller, updating=updating)
        except KeyReused:
            raise
        except Refusal:
            # What was taken in once stays so, even if it would be refused today.
            replayed = await self._replayed(caller)
            if replayed is not None:
                return replayed
            raise

    async def _report(self, command: Report | Import, caller: Caller, *, updating: bool) -> Outcome:
        report = command.report if isinstance(command, Import) else command
        stream = case_id(self.district, report)
        await self.current()
        for _ in range(ATTEMPTS):
            try:
                outcome = await self._begin(command, report, stream, caller)
            except KeyReused:
                raise
            except Refusal:
                # Perhaps it was taken in before, or reference data has just changed elsewhere.
                known = await self._load(stream) if report.source else None
                if known is None and not await self._learnt():
                    raise
            else:
                if outcome is not None:
                    return outcome
                known = await self._load(stream)
            if known is not None:
                return await self._known(command, report, known, caller, updating=updating)
        raise Busy

    async def _begin(
        self, command: Report | Import, report: Report, stream: str, caller: Caller
    ) -> Outcome | None:
        """Try to make a new case of it; None if its stream is there already."""
        kind = self.reference.kind(report.kind)
        number = await self._numbers.take(report.occurred_at or self.now())
        fresh = Held(blank(stream, kind.hash), Tail(stream, CASE, 0, NO_PREVIOUS))
        return await self._attempt(command, fresh, caller, number=number)

    async def act(
        self, case_id: str, command: Act, caller: Caller, *, expected: int | None = None
    ) -> Outcome:
        """Take an action of a case; `expected` is the version the caller saw (If-Match).

        Raises:
            NotFound, VersionStale, KeyReused, Busy, or what `decide` refuses.
        """
        return await self._change(case_id, command, caller, expected=expected)

    async def recount(self, case_id: str, caller: Caller) -> Outcome:
        """Count a case's open clocks by the calendars as they are now (clocks.md R13).

        Raises:
            NotFound, KeyReused, Busy, or what `decide` refuses.
        """
        return await self._change(case_id, Recount(), caller, expected=None)

    async def migrate(self, case_id: str, command: Migrate, caller: Caller) -> Outcome:
        """Let a case follow a new version of its kind, by an approved rule.

        Raises:
            NotFound, KeyReused, Busy, or what `decide` refuses.
        """
        return await self._change(case_id, command, caller, expected=None)

    async def reallot(self, case_id: str, division: str, caller: Caller) -> Outcome:
        """Let a case follow its units through a re-division. Raises as `settle`."""
        return await self._change(case_id, Reallot(division), caller, expected=None)

    async def settle(self, case_id: str, caller: Caller) -> Outcome:
        """Let happen to a case what time has brought by now; perhaps nothing (clocks.md R14).

        Raises:
            NotFound, KeyReused, Busy, or what `decide` refuses.
        """
        return await self._change(case_id, Settle(), caller, expected=None)

    async def sign(
        self, case_id: str, notice: int, caller: Caller, *, expected: int | None = None
    ) -> Outcome:
        """签收: whoever was told by a notice says so. Raises as `act`."""
        return await self._change(case_id, Sign(notice), caller, expected=expected)

    async def deliver(self, case_id: str, delivery: Delivery, caller: Caller) -> Outcome:
        """Record what became of a notice on its channel. Raises as `settle`."""
        return await self._change(case_id, delivery, caller, expected=None)

    async def case(self, case_id: str) -> Case:
        """Return a case as it is now, from the log itself.

        Raises:
            NotFound: no such case.
        """
        held = await self._load(case_id)
        if held is None:
            raise NotFound(what="事项")
        return held.case

    def world(self, case: Case, actor: Actor, *, number: str = "", client: str = "") -> World:
        """Return the world a decision about this case is made in now."""
        reference = self.reference
        return World(
            now=self.now(),
            actor=actor,
            kind=reference.kinds[case.kind_hash],
            directory=reference.directory,
            calendars=reference.calendars,
            reference_position=reference.position,
            number=number,
            who=actor.person or client,
            outages=reference.approved_outages,
            catalogues=reference.catalogues,
            kinds=reference.kinds,
            active=reference.active,
            part_id=partial(part_of, self.district, case.id),
        )

    async def record(
        self, stream_type: str, stream: str, drafts: Sequence[Draft] | Drafting, caller: Caller
    ) -> Answer:
        """Append reference facts to their stream, and know them at once.

        A function decides anew at each attempt, knowing all that the stream holds then: two who
        write at once cannot both go by what there was before.

        Raises:
            KeyReused, Busy, or what the function refuses.
        """
        for _ in range(ATTEMPTS):
            tail = await asyncio.to_thread(load_tail, self.database, stream_type, stream)
            wanted = drafts(await self.refresh()) if callable(drafts) else drafts
            answer = await self._append(wanted, tail, caller, {})
            if answer[0].outcome in {"stored", "replayed"}:
                await self.refresh()
                return answer[0]
            if answer[0].outcome == "reused":
                raise KeyReused
        raise Busy

    async def refresh(self) -> Reference:
        """Read the reference facts that came since the last time."""
        async with self._refreshing:
            return await self._refresh()

    async def current(self) -> Reference:
        """Return reference data that is at most a second behind; one read serves all who wait."""
        if self._stale():
            async with self._refreshing:
                if self._stale():
                    await self._refresh()
        return self.reference

    async def _learnt(self) -> bool:
        """Whether reference data has changed since it was last read."""
        before = self.reference.position
        return (await self.refresh()).position != before

    def _stale(self) -> bool:
        return asyncio.get_running_loop().time() - self._refreshed > REFRESH_SECONDS

    async def _refresh(self) -> Reference:
        """Read on; the caller holds the lock."""
        self.reference = await asyncio.to_thread(load_reference, self.database, self.reference)
        self._refreshed = asyncio.get_running_loop().time()
        return self.reference

    async def _change(
        self, case_id: str, command: Command, caller: Caller, *, expected: int | None
    ) -> Outcome:
        await self.current()
        # One at a time: each needs the version that the one before it makes.
        async with self._turn(case_id):
            return await self._change_alone(case_id, command, caller, expected=expected)

    def _turn(self, case_id: str) -> asyncio.Lock:
        """Return where this process's callers queue for a case; gone when nobody does."""
        return self._turns.setdefault(case_id, asyncio.Lock())

    async def _change_alone(
        self, case_id: str, command: Command, caller: Caller, *, expected: int | None
    ) -> Outcome:
        held = self._cache.get(case_id)
        for _ in range(ATTEMPTS):
            cached = held is not None
            held = held or await self._load(case_id)
            try:
                outcome = await self._attempt(command, found(held), caller, expected=expected)
            except Refusal:
                if cached:
                    # Another process may have moved the case on: look again before refusing.
                    held = None
                    continue
                replayed = await self._replayed(caller)
                if replayed is not None:
                    return replayed
                if not await self._learnt():
                    raise
            else:
                if outcome is not None and (outcome.position or not cached):
                    return outcome
                # A case that has moved on elsewhere is also why nothing seems to be left to do.
            held = None
        raise Busy

    async def _attempt(
        self,
        command: Command,
        held: Held,
        caller: Caller,
        *,
        expected: int | None = None,
        number: str = "",
    ) -> Outcome | None:
        """Decide and append once; None if somebody else was faster."""
        case = held.case
        if case.version > 0 and not visible(case, caller.actor):
            raise NotFound(what="事项")
        if expected is not None and case.version != expected:
            raise VersionStale(expected=expected, current=case.version)
        drafts, others = await self._decided(command, case, caller, number)
        if not drafts:
            return Outcome(case=case, first=0, position=0, recorded_at=None)
        append = partial(self._append, drafts, held, caller, others)
        done = await self.uploads.held(drafts, case.id, caller, append)
        if done is None:
            return None
        answer, written = done
        match answer.outcome:
            case "stored":
                self._cache.keep(*written)
                return Outcome(
                    case=written[0].case,
                    first=answer.first,
                    position=answer.last,
                    recorded_at=answer.recorded_at,
                    created=held.case.version == 0,
                )
            case "replayed":
                return await self._replay(answer.first, answer.last, answer.recorded_at)
            case "reused":
                raise KeyReused
            case "conflict":
                self._cache.forget(case.id, *others)
                return None

    async def _decided(
        self, command: Command, case: Case, caller: Caller, number: str
    ) -> tuple[tuple[Draft, ...], Others]:
        if case.kind_hash not in self.reference.kinds:
            await self.refresh()  # another process has just published it
        world = self.world(case, caller.actor, number=number, client=caller.client)
        named = named_cases(command, world.kind)
        others: Others = {}
        if named or case.bound:
            others = await others_of(case, named, caller.actor, self._load)
        if others:
            world = replace(world, others={one: held.case for one, held in others.items()})
        if uploads := await self.uploads.named(command, caller):
            world = replace(world, uploads=uploads)
        return decide(command, case, world), others

    async def _append(
        self, drafts: Sequence[Draft], own: Held | Tail, caller: Caller, others: Others
    ) -> tuple[Answer, list[Held]]:
        """Append facts to a stream, and to others that they name; all of it or nothing.

        Returns the cases as they are then, the own one first.
        """
        named = elsewhere(drafts, self.district)
        tails = await asyncio.to_thread(load_tails, self.database, named) if named else {}
        written = parts(drafts, own, others, tails)
        wanted = secrets(written)
        if wanted and not self.vault.ready(wanted):
            await self._keys.submit(wanted)
        at = self.reference.trial_offset(self._clock())
        envelope = Envelope(
            district=self.district,
            actor=caller.actor,
            client=caller.client,
            command=new_id(at),
            kind=None,
            reference_position=self.reference.position,
            now=at,
        )
        events, ends = enclosed(written, envelope, self.vault)
        request = Request(caller.client, caller.key, caller.digest, envelope.command, at, events)
        answer = await self._appender.submit_here(request)
        if answer.reference_head > self.reference.position:
            self._refreshed = 0.0
        if answer.outcome != "stored":
            return answer, []
        held = [part.after(end) for part, end in zip(written, ends, strict=True)]
        return answer, [one for one in held if one is not None]

    async def _known(
        self,
        command: Report | Import,
        report: Report,
        held: Held,
        caller: Caller,
        *,
        updating: bool,
    ) -> Outcome:
        """Answer a report of a source reference that has a case already."""
        case = held.case
        if case.content == report.content and report.content is not None:
            return Outcome(case=case, first=0, position=0, recorded_at=None)
        replayed = await self._replayed(caller)
        if replayed is not None:
            return replayed
        if not updating:
            source = report.source
            raise SourceConflict(
                system=source.system if source else "",
                source_id=source.id if source else "",
                number=case.number,
                pointer="/source/id",
            )
        steps = command.steps if isinstance(command, Import) else ()
        update = Update(report=report, steps=steps)
        return await self._change(case.id, update, caller, expected=None)

    async def _replayed(self, caller: Caller) -> Outcome | None:
        """Return the first answer to this key, if it was used before.

        Raises:
            KeyReused: it was used for another request.
        """
        stored = await asyncio.to_thread(load_command, self.database, caller.client, caller.key)
        if stored is None:
            return None
        if stored.request != caller.digest:
            raise KeyReused
        return await self._replay(stored.first, stored.last, stored.recorded_at)

    async def _replay(self, first: int, last: int, recorded_at: datetime | None) -> Outcome:
        """Fold the case as it was right after these positions were written."""
        records = await asyncio.to_thread(load_through, self.database, first, last)
        case = folded(records)
        return Outcome(
            case=case,
            first=first,
            position=last,
            recorded_at=recorded_at,
            created=any(record.position == first and record.version == 1 for record in records),
            replayed=True,
        )

    async def _load(self, case_id: str) -> Held | None:
        held = await self._loads.submit(case_id)
        if held is not None:
            self._cache.keep(held)
        return held
