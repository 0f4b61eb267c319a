"""What a simulation shows people: titles and numbers, never the names of the file."""

import pytest

from tests.support.kinds import REPAIR, next_version
from workflows.difference_words import WHAT, Words
from workflows.language import compile_kind
from workflows.simulating import Difference

WORDS = Words([compile_kind(REPAIR), compile_kind(next_version())])


def row(what: str, before: str | None, after: str | None, clock: str = "") -> tuple[str, ...]:
    told = Difference(
        case="x", number="610327-2026-1", what=what, clock=clock, before=before, after=after
    )
    number, said, *rest = WORDS.row(told)
    assert (number, said) == ("610327-2026-1", WHAT[what])
    return tuple(rest)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (row("stage", "process", "done"), ("", "处理中", "已办结")),
        (row("severity", "general", None), ("", "一般", "—")),
        (row("tier", "town", "county"), ("", "镇街", "区县")),
        (row("breach", "no", "yes", "total//1/1"), ("总时限", "未超期", "超期")),
        (
            row("due", None, "2026-12-09T10:00:00Z", "handling/task:2/2/3"),
            ("办理时限（协办 2，第 2 轮，第 3 次）", "—", "2026-12-09T18:00:00+08:00"),
        ),
        (row("refused", None, "缺少凭据。", "grade"), ("分级", "—", "缺少凭据。")),
        (row("stage", "gone", "done"), ("", "gone", "已办结")),
    ],
)
def test_a_difference_is_told_in_words(shown: tuple[str, ...], said: tuple[str, ...]) -> None:
    assert shown == said
