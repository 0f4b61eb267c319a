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


VECTORS = [  # clocks.md; 2 without its threshold, 13 after the change of severity
    ("2026-09-30 17:00", "4wh", [], "2026-10-08 12:00"),
    ("2026-09-18 17:00", "4wh", [], "2026-09-20 12:00"),
    ("2026-10-08 09:00", "3wh", [], "2026-10-08 12:00"),
    ("2026-10-08 09:00", "181wm", [], "2026-10-08 14:01"),
    ("2026-10-08 20:00", "1wh", [], "2026-10-09 10:00"),
    ("2026-10-12 16:00", "4wh", ["2026-10-12 18:00/2026-10-13 09:00"], "2026-10-13 11:00"),
    ("2026-10-12 16:00", "4wh", ["2026-10-12 17:00/2026-10-13 10:00"], "2026-10-13 15:00"),
    ("2026-10-16 16:00", "7wh", ["2026-10-16 17:00/2026-10-19 15:00"], "2026-10-20 12:00"),
    ("2026-09-24 10:00", "5wd", [], "2026-10-09 18:00"),
    ("2026-10-09 10:00", "1wd", [], "2026-10-10 18:00"),
    ("2026-10-09 20:00", "1wd", [], "2026-10-10 18:00"),
    ("2026-10-12 10:00", "3wd", [], "2026-10-15 18:00"),
    ("2026-10-12 10:00", "3wd", ["2026-10-13 11:00/2026-10-15 09:00"], "2026-10-19 18:00"),
    ("2026-10-12 10:00", "3wd", ["2026-10-13 09:00/2026-10-13 17:00"], "2026-10-15 18:00"),
    ("2026-09-24 10:00", "10nd", [], "2026-10-08 18:00"),
    ("2026-09-30 17:00", "24nh", [], "2026-10-01 17:00"),
    ("2026-10-12 09:00", "24wh", ["2026-10-12 14:00/2026-10-12 16:00"], "2026-10-15 16:00"),
    ("2026-10-12 09:00", "8wh", ["2026-10-12 14:00/2026-10-12 16:00"], "2026-10-13 12:00"),
    ("2026-06-10 10:00", "1month", [], "2026-07-10 18:00"),
]


def written(moment: str) -> str:
    return f"{moment.replace(' ', 'T')}:00+08:00"


@pytest.mark.parametrize(("start", "budget", "pauses", "expected"), VECTORS)
def test_the_vectors_of_the_design(
    start: str, budget: str, pauses: list[str], expected: str
) -> None:
    options = [
        option
        for pause in pauses
        for option in ("--pause", "/".join(map(written, pause.split("/"))))
    ]
    answer = run("--start", written(start), "--budget", budget, *options)
    assert answer == (0, written(expected), "")


def test_the_vectors_in_one_batch(tmp_path: Path) -> None:
    questions = [
        {
            "start": written(start),
            "budget": budget,
            "calendar": "cn-office",
            "cutoff": "close_of_business",
            "pauses": [[written(end) for end in pause.split("/")] for pause in pauses],
            "extensions": [],
        }
        for start, budget, pauses, _ in VECTORS
    ]
    (tmp_path / "batch").write_text("\n".join(map(json.dumps, questions)), encoding="utf-8")
    code, out, _ = run("--batch", str(tmp_path / "batch"))
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"due": written(expected)} for *_, expected in VECTORS
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2018-12-25", "2019-01-16T23:59:59+08:00"), ("2018-03-15", "2018-04-08T23:59:59+08:00")],
)
def test_the_cases_from_real_data(start: str, expected: str) -> None:
    options = ("--start", f"{start}T00:00:00+08:00", "--budget", "15wd")
    assert run(*options, "--cutoff", "end_of_day") == (0, expected, "")


def test_a_start_off_hours_rolls_if_asked_to() -> None:
    saturday = ("--start", "2026-10-17T10:00:00+08:00", "--budget", "1wd")
    assert run(*saturday) == (0, "2026-10-19T18:00:00+08:00", "")
    assert run(*saturday, "--roll") == (0, "2026-10-20T18:00:00+08:00", "")


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


def test_explain_shows_the_whole_computation_and_then_the_due_date() -> None:
    _, out, _ = run("--start", "2026-09-18T17:00:00+08:00", "--budget", "4wh", "--explain")
    lines = out.splitlines()
    assert lines[0].split() == ["起", "止", "计时", "理由", "本段", "累计"]
    assert [line.split()[:1] + line.split()[5:] for line in lines[1:6]] == [
        ["2026-09-18", "18:00", "计", "工作时间", "1:00", "1:00"],
        ["2026-09-18", "00:00", "不计", "非工作时间", "1:00"],
        ["2026-09-19", "00:00", "不计", "休息日", "1:00"],
        ["2026-09-20", "09:00", "不计", "非工作时间", "1:00"],
        ["2026-09-20", "12:00", "计", "调休上班", "3:00", "4:00"],
    ]
    assert lines[6:] == ["2026-09-20T12:00:00+08:00"]


def test_explain_as_json_has_the_rows_in_one_document() -> None:
    _, out, _ = run("--start", START, "--budget", "4wh", "--explain", "--json")
    rows = json.loads(out)["rows"]
    assert [row["why"] for row in rows if row["counted"]] == ["working-time", "working-time"]
    assert rows[-1]["until"] == json.loads(out)["due"]
    assert (rows[-1]["total"], rows[-1]["total_text"]) == (4 * 3600, "4:00")


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
        f'{{"start": "{START}", "budget": "3wh", "roll": "yes"}}': "unknown-field",
        f'{{"start": "{START}", "budget": "1wd", "roll": false}}': "2026-10-08T18:00:00+08:00",
        '{"start": "2026-10-17T10:00:00+08:00", "budget": "1wd", "roll": true}': (
            "2026-10-20T18:00:00+08:00"
        ),
        f'{{"start": "{START}", "budget": "3months"}}': "bare-duration",
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


def test_a_batch_answers_each_line_before_it_reads_the_next() -> None:
    script = "from app.commands.clock import clock; clock()"
    question = f'{{"start": "{START}", "budget": "4wh"}}\n'
    with subprocess.Popen(
        [sys.executable, "-c", script, "due", "--batch", "-"],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as asked:
        assert asked.stdin is not None
        assert asked.stdout is not None
        for _ in range(3):
            asked.stdin.write(question)
            assert json.loads(asked.stdout.readline()) == {"due": "2026-10-08T12:00:00+08:00"}
        asked.stdin.close()
        assert asked.wait(timeout=30) == 0


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
