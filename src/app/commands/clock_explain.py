"""`bihuan clock explain`: why a clock of a case is due when it is, for anybody to check."""

from datetime import UTC, datetime
from pathlib import Path

from api.timed import reason_titles
from app.commands.case_records import case_records
from app.commands.shared import district, explained, moment
from app.output import document, result
from domain.clock_names import find_clock
from domain.explain import explain
from domain.explain_text import as_document, as_lines
from workflows.history import select, state
from workflows.loading import load_reference


def explain_clock(
    case: str, clock: str, code: str, *, as_of: str, known_at: str, as_json: bool, data: Path | None
) -> None:
    """Print the whole computation of one clock, as it stood at a moment."""
    with explained():
        then, known = moment(as_of), moment(known_at)
    with district(data, code) as services:
        records = select(case_records(services, case), as_of=then, known_at=known)
        stood = state(records)
        reference = load_reference(services.database, services.engine.reference)
        found = explain(
            [(record.fact, record.occurred_at) for record in records],
            find_clock(stood.clocks, clock).instance,
            reference.almanacs,
            then or known or reference.now(datetime.now(UTC)),
        )
    units = {unit.id: unit.name for unit in reference.directory.units.values()}
    titles = reason_titles(reference.kinds.get(stood.kind_hash))
    if as_json:
        document(as_document(found, units, titles))
        return
    for line in as_lines(found, units, titles):
        result(line)
