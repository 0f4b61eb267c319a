"""The rule of concerns on texts: what says the same is found by shared words, and tried on data."""

import csv
import os
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from projections.concerns.likeness import alike, groups, words_of
from projections.concerns.rule import Likeness, Recurring, shipped_rule
from projections.concerns.trial import Message, Trial, recurs, tried

DATA = Path(os.environ.get("BIHUAN_TEST_DATA", "../shared/data")) / "replies"
RULE = Likeness(words=4, cases=2, share=Fraction(1, 2))
START = datetime(2026, 3, 2)  # noqa: DTZ001 - only differences count


def test_words_are_pairs_of_neighbouring_characters() -> None:
    assert words_of("路灯不亮，路灯") == ("路灯", "灯不", "不亮")
    assert words_of("，") == ()


def test_titles_that_share_enough_of_the_shorter_one_are_alike_and_say_why() -> None:
    texts = ["幸福路路灯整夜不亮", "请修幸福路路灯", "菜市场噪声扰民"]
    (found,) = alike(texts, RULE)
    assert (found.one, found.other, found.share) == (0, 1, "4/6")
    assert found.words == ("幸福", "福路", "路路", "路灯")
    assert groups(3, [found]) == [[0, 1]]


def test_words_that_most_titles_have_make_nothing_alike() -> None:
    texts = [f"关于解决问题{chr(0x4E00 + 3 * n)}{chr(0x4E00 + 3 * n + 1)}" for n in range(60)]
    assert list(alike(texts, RULE)) == []


def test_so_many_within_so_many_days_anywhere_recur() -> None:
    rule = Recurring(cases=3, days=10)
    assert recurs([START + timedelta(days=day) for day in (0, 50, 55, 59)], rule)
    assert not recurs([START + timedelta(days=day) for day in (0, 5, 10)], rule)


def test_a_trial_counts_how_often_two_of_a_group_have_the_same_label() -> None:
    titles = ["幸福路路灯整夜不亮", "请修幸福路路灯", "幸福路路灯何时修"]
    messages = [
        Message(number=str(n), title=title, at=START, category="市政" if n else "环保")
        for n, title in enumerate(titles)
    ]
    trial = tried(shipped_rule(), messages)
    assert (trial.groups, trial.grouped) == (1, 3)
    assert (trial.group_pairs, trial.group_right) == (3, 1)


def trial_of(name: str, answered: str = "") -> Trial:
    path = DATA / name
    if not path.exists():
        pytest.skip("BIHUAN_TEST_DATA is not there")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return tried(
        shipped_rule(),
        [
            Message(
                number=row["留言编号"],
                title=row["留言主题"],
                at=_read(row["留言时间"]),
                answered_at=_read(row[answered]) if answered and row[answered].strip() else None,
                category=row.get("一级分类"),
            )
            for row in rows
        ],
    )


def _read(text: str) -> datetime:
    day, _, time = text.strip().partition(" ")
    year, month, date = map(int, day.split("/"))
    hour, minute = map(int, (time or "0:0").split(":")[:2])
    return datetime(year, month, date, hour, minute)  # noqa: DTZ001 - only differences count


def test_on_the_labelled_sample_fourteen_of_fifteen_pairs_have_the_same_label() -> None:
    trial = trial_of("labelled_sample_495.csv")
    assert (trial.messages, trial.groups, trial.grouped) == (495, 12, 27)
    assert (trial.pairs, trial.right, trial.expected) == (15, 14, 2)
    assert (trial.group_pairs, trial.group_right) == (19, 18)


def test_on_the_replies_it_finds_what_comes_back_and_what_waited_long() -> None:
    trial = trial_of("replies_2011_2017_1079.csv", "答复时间")
    assert (trial.messages, trial.groups, trial.grouped, trial.largest) == (1079, 52, 126, 5)
    assert trial.unsolved == 26
