"""One table of all results that were written, for people."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import shown


def write(folder: Path, names: Sequence[str]) -> None:
    """Write README.md from the JSON beside it."""
    found = [folder / f"{name}.json" for name in names]
    documents = [json.loads(path.read_text("utf-8")) for path in found if path.exists()]
    parts = ["# Measured\n", "Medians of five, smallest and largest beside them. `make bench`.\n"]
    parts += [_section(document) for document in documents]
    (folder / "README.md").write_text("\n".join(parts), encoding="utf-8")


def _section(document: dict[str, Any]) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in document["machine"].items())
    quick = " **Short run, for trying the rig only.**" if document["quick"] else ""
    lines = [f"## {document['name']}\n", f"{document['method']}{quick}\n", f"({machine})\n"]
    lines += ["| figure | median | min–max | promised |", "|---|---|---|---|"]
    claims = {claim["name"]: claim for claim in document["claims"]}
    lines += [_row(figure, claims.get(figure["name"])) for figure in document["figures"]]
    return "\n".join([*lines, ""])


def _row(figure: dict[str, Any], claim: dict[str, Any] | None) -> str:
    unit = figure["unit"]
    median = f"{shown(figure['median'])} {unit}"
    spread = f"{shown(figure['min'])}–{shown(figure['max'])}"
    if len(figure["samples"]) == 1:
        spread = ""
    promised = f"{claim['promised']} {'✓' if claim['holds'] else '✗'}" if claim else ""
    note = f" ({figure['note']})" if figure["note"] else ""
    return f"| {figure['name']}{note} | {median} | {spread} | {promised} |"
