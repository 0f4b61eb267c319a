"""`bihuan clock due`, as scripts call it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands.clock import clock

SRC = Path(__file__).parents[2] / "src"
START = "2026-09-30T17:00:00+08:00"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(clock, ["due", *arguments])
    return result.exit_code, result.stdout.strip(), result.stderr.strip()


def test_it_prints_the_due_date_alone() -> None:
    assert run("--start", START, "--budget", "4wh") == (0, "2026-10-08T12:00:00+08:00", "")


def test_json_is_one_document() -> None:
    code, out, _ = run("--start", "2026-09-30T09:00:00Z", "--budget", "4wh", "--json")
    assert code == 0
    assert json.loads(out)["due"] == "2026-10-08T12:00:00+08:00"


def test_pauses_and_extensions_are_repeatable() -> None:
    code, out, _ = run(
        *("--start", "2026-10-12T16:00:00+08:00", "--budget", "4wh"),
        *("--pause", "2026-10-12T17:00:00+08:00/2026-10-12T18:00:00+08:00"),
        *("--pause", "2026-10-13T09:00:00+08:00/2026-10-13T10:00:00+08:00"),
        *("--extend", "1wh", "--extend", "1wh"),
    )
    assert (code, out) == (0, "2026-10-13T17:00:00+08:00")


def test_explain_shows_each_day_and_then_the_due_date() -> None:
    _, out, _ = run("--start", "2026-09-18T17:00:00+08:00", "--budget", "4wh", "--explain")
    lines = out.splitlines()
    assert [line.split()[:4] for line in lines[:3]] == [
        ["2026-09-18", "周五", "工作日", "1:00:00"],
        ["2026-09-19", "周六", "休息日", "0:00:00"],
        ["2026-09-20", "周日", "工作日", "3:00:00"],
    ]
    assert lines[3:] == ["2026-09-20T12:00:00+08:00"]


def test_an_assumed_day_is_marked_beside_the_answer() -> None:
    code, out, error = run("--start", "2026-12-30T17:00:00+08:00", "--budget", "5wd")
    assert (code, out) == (0, "2027-01-06T18:00:00+08:00")
    assert "provisional" in error


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--start", START, "--budget", "3"], "bare-duration"),
        (["--start", START, "--budget", "0wh"], "zero-budget"),
        (["--start", START[:-6], "--budget", "3wh"], "naive-time"),
        (["--start", "2026-09-30T17:00:60+08:00", "--budget", "3wh"], "naive-time"),
        (["--start", START, "--budget", "3wh", "--calendar", "x"], "unknown-calendar"),
        (["--start", START, "--budget", "3wh", "--pause", "x"], "unknown-field"),
        (["--start", START, "--budget", "3wh", "--cutoff", "noon"], "noon"),
        (["--start", START], "--budget"),
        (["--batch", "no-such-file"], "no-such-file"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], word: str) -> None:
    code, out, error = run(*arguments)
    assert (code, out) == (2, "")
    assert word in error


def test_a_limit_that_cannot_be_counted_is_exit_code_1() -> None:
    code, out, _ = run("--start", "9999-12-01T00:00:00Z", "--budget", "99wd", "--json")
    assert (code, json.loads(out)["error"]) == (1, "no-opening")


def test_a_batch_answers_each_line_with_one_line(tmp_path: Path) -> None:
    lines = {
        f'{{"start": "{START}", "budget": "4wh"}}': "2026-10-08T12:00:00+08:00",
        f'{{"start": "{START}", "budget": "3天"}}': "bare-duration",
        f'{{"start": "{START}", "budget": 3}}': "bare-duration",
        '{"start": 1790000000, "budget": "3wh"}': "naive-time",
        f'{{"start": "{START}", "start": "x"}}': "duplicate-member",
        f'{{"start": "{START}", "budget": NaN}}': "malformed-json",
        "[" * 100_000: "malformed-json",
        "": "malformed-json",
        f'{{"start": "{START}"}}': "unknown-field",
        f'{{"start": "{START}", "budget": "3wh", "due": 1}}': "unknown-field",
        f'{{"start": "{START}", "budget": "3wh", "pauses": [["{START}"]]}}': "unknown-field",
        f'{{"start": "{START}", "budget": "3wh", "extensions": ["1wd"]}}': "unit-mismatch",
        f'{{"start": "{START}", "budget": "\\ud800"}}': "bare-duration",
        f'{{"start": "{START}", "budget": "24nh", "pauses": [], "extensions": ["1nh"]}}': (
            "2026-10-01T18:00:00+08:00"
        ),
    }
    (tmp_path / "batch").write_text("\n".join(lines), encoding="utf-8")
    code, out, _ = run("--batch", str(tmp_path / "batch"))
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer.get("due", answer.get("error")) for answer in answers] == list(lines.values())
    assert all(("due" in answer) != ("detail" in answer) for answer in answers)
    assert code == 3


def test_bytes_that_are_no_utf8_spoil_only_their_line(tmp_path: Path) -> None:
    good = f'{{"start": "{START}", "budget": "4wh"}}\n'.encode()
    (tmp_path / "batch").write_bytes(b'{"start": "\xff"}\n' + good)
    code, out, _ = run("--batch", str(tmp_path / "batch"))
    assert code == 3
    assert ["error" in json.loads(line) for line in out.splitlines()] == [True, False]


def test_the_command_loads_neither_a_server_nor_a_database() -> None:
    names = "{'fastapi', 'psycopg', 'eventsourcing', 'pydantic'}"
    script = f"import sys, app.commands.clock; print(sorted({names} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
