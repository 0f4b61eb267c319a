"""`bihuan clock set`: the trial clock of a demo or trial district."""

from pathlib import Path

from app.commands.shared import district, explained, moment, run
from app.output import say
from domain.errors import NaiveTime
from workflows.administration import set_trial_clock


def set_clock(now: str, code: str, data: Path | None) -> None:
    """Set the clock, or say why not."""
    with explained():
        wanted = moment(now)
        if wanted is None:
            raise NaiveTime(value=now)
    with district(data, code) as services:
        run(lambda: set_trial_clock(services.engine, wanted))
    say(f"区县 {code} 的时钟已设为 {wanted.isoformat()}，从此照常走时。")
