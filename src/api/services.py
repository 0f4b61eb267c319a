"""What the routes work with: the districts this process serves, each with its engine and log."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.books import Books, NoBooks
from eventlog.database import Database
from eventlog.runner import Runner
from eventlog.vault import Vault
from projections.rebuilding import Rebuilder
from projections.registers.district import DistrictLedgers
from projections.remembered import Remembered
from workflows.engine import Engine
from workflows.timers.worker import Tally
from workflows.unallotted import Unallotted


@dataclass(frozen=True, slots=True)
class DistrictServices:
    """One district: `id` is its schema's district id, the code in the path of the API."""

    id: str
    database: Database
    engine: Engine
    vault: Vault
    runner: Runner
    timers: Tally = field(default_factory=Tally)
    """What this process's timer worker has done here."""
    books: Books = field(default_factory=NoBooks)
    """Reads and writes the directory's workbook."""
    unallotted: Unallotted = field(default_factory=Unallotted)
    """What this process has read of the list 待划归."""
    ledgers: DistrictLedgers = field(default_factory=DistrictLedgers)
    """The ledgers in code, and the registers that the district has in use."""
    remembered: Remembered = field(default_factory=Remembered)
    """Answers about now that nothing has changed since."""
    rebuilder: Rebuilder | None = None
    """Folds ledgers anew in the background."""


@dataclass(frozen=True, slots=True)
class Services:
    """All districts by id, and whether the process may be used."""

    districts: Mapping[str, DistrictServices] = field(default_factory=dict[str, DistrictServices])
    max_body: int = 1_048_576
    """Bytes of a request body; larger ones are refused."""
