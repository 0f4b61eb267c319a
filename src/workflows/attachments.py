"""附件 on their way into a case: which a command may use, held while its facts are appended."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import psycopg

from domain.commands import Command
from domain.evidence import named_uploads
from domain.facts import EvidenceAttached
from domain.world import Draft, Upload
from eventlog.appender import Answer
from eventlog.attachments import KEPT, NOT_HELD, Attachments, Kept, Swept
from workflows.outcome import Caller
from workflows.sight import is_case_id
from workflows.steady import Steady, Trouble

T = TypeVar("T")
Written = tuple[Answer, T]

WAIT_SECONDS: Final = 0.05
"""How long to wait for another command that holds a file, before deciding again."""
SWEEP_SECONDS: Final = 600.0
"""How often abandoned files are looked for."""


class Uploads:
    """The files of a district, as the engine sees them."""

    def __init__(self, store: Attachments, real: Callable[[], datetime]) -> None:
        """Keep where they lie; `real` is the time outside, whatever a trial clock says."""
        self.store = store
        self._real = real

    async def named(self, command: Command, caller: Caller) -> dict[str, Upload]:
        """Return the files that a command refers to, as far as there are any."""
        wanted = [one.lower() for one in named_uploads(command) if is_case_id(one)]
        if not wanted:
            return {}
        found = await asyncio.to_thread(self.store.find, wanted)
        return {name: self._upload(kept, caller) for name, kept in found.items()}

    async def held(
        self,
        drafts: Sequence[Draft],
        case: str,
        caller: Caller,
        append: Callable[[], Awaitable[Written[T]]],
    ) -> Written[T] | None:
        """Append facts while the files that they refer to are held for the case.

        None: somebody else holds one of them, or took it meanwhile; decide again.
        """
        facts = [one.fact for one in drafts if type(one.fact) is EvidenceAttached]
        if not facts:
            return await append()
        wanted = {fact.attachment: fact.subject for fact in facts}
        claim, at = f"{caller.client} {caller.key}", self._real()
        if not await asyncio.to_thread(self.store.claim, wanted, case, claim, at):
            await asyncio.sleep(WAIT_SECONDS)
            return None
        try:
            return await append()
        except psycopg.Error as error:
            if error.sqlstate != NOT_HELD:
                raise
            return None
        finally:
            # What was appended is no longer a claim; also where nobody waits any more.
            await asyncio.shield(asyncio.to_thread(self.store.release, claim))

    def sweep(self) -> Swept:
        """Delete what no case has referred to in time; blocks."""
        return self.store.sweep(self._real())

    def _upload(self, kept: Kept, caller: Caller) -> Upload:
        return Upload(
            id=kept.id,
            sha256=kept.sha256,
            size=kept.size,
            media_type=kept.media_type,
            own=kept.client == caller.client,
            case=kept.case if kept.state == "attached" else None,
            expired=self._real() - kept.uploaded_at > KEPT,
        )


class Sweeper(Steady):
    """Deletes files that no case refers to, again and again; any number may run at once."""

    def __init__(self, uploads: Uploads, trouble: Trouble) -> None:
        """Nothing is deleted before `run`."""
        super().__init__(trouble, SWEEP_SECONDS)
        self._uploads = uploads

    async def look(self) -> float:
        """Sweep at once and then every ten minutes."""
        await asyncio.to_thread(self._uploads.sweep)
        return SWEEP_SECONDS
