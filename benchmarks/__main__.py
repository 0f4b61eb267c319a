"""Runs all measurements, or those named, and writes benchmarks/results."""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any, Final

from benchmarks import district, machine, report
from benchmarks.measure import Result

RESULTS: Final = Path(__file__).parent / "results"
# One line a measurement: its name on the command line, its module.
MODULES: Final[dict[str, str]] = {
    "micro": "benchmarks.micro",
    "append": "benchmarks.append",
    "http": "benchmarks.over_http",
    "runner": "benchmarks.follow",
    "register": "benchmarks.register",
    "timers": "benchmarks.timers",
    "recount": "benchmarks.recount",
    "growth": "benchmarks.growth",
    "dashboards": "benchmarks.dashboards",
}


def main() -> int:
    """Run and write; 1 if a claim was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="、".join(MODULES))
    parser.add_argument("--quick", action="store_true", help="short, for trying the rig only")
    given = parser.parse_args()
    unknown = set(given.names) - set(MODULES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(MODULES)}")
    with district.server() as dsn:
        about = machine.describe(dsn)
    missed = False
    for name in given.names or MODULES:
        result = _run(name, quick=given.quick)
        missed |= not all(claim.holds for claim in result.claims)
        _write(result, about)
    return int(missed and not given.quick)


def _run(name: str, *, quick: bool) -> Result:
    print(f"{name}", flush=True)
    result: Result = importlib.import_module(MODULES[name]).run(quick=quick)
    return result


def _write(result: Result, about: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result.document(about), ensure_ascii=False, indent=2)
    (RESULTS / f"{result.name}.json").write_text(text + "\n", encoding="utf-8")
    report.write(RESULTS, list(MODULES))


if __name__ == "__main__":
    raise SystemExit(main())
