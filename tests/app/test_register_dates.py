"""Moments are read in every shape that offices write, and never guessed."""

# ruff: noqa: DTZ001 - a cell of Excel knows no zone

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.register.dates import DateError, parse_moment

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2017/12/31 16:50:00", "2017-12-31T16:50:00+08:00"),
        ("2017-12-31 16:50", "2017-12-31T16:50:00+08:00"),
        ("2017.12.31 16:50:07", "2017-12-31T16:50:07+08:00"),
        ("2017年12月31日 16:50", "2017-12-31T16:50:00+08:00"),
        ("2017年12月31日16时50分", "2017-12-31T16:50:00+08:00"),
        ("2017年1月3日16时5分9秒", "2017-01-03T16:05:09+08:00"),
        ("2017年1月3日 9点", "2017-01-03T09:00:00+08:00"),
        ("2017/1/3 9:05", "2017-01-03T09:05:00+08:00"),
        ("２０１７／１／３　９：０５：０１", "2017-01-03T09:05:01+08:00"),
        ("\t2017-1-3 9:05 \u3000", "2017-01-03T09:05:00+08:00"),
        ("2017–01–03 09:05", "2017-01-03T09:05:00+08:00"),
        ("2017/1/3 下午 3:05:00", "2017-01-03T15:05:00+08:00"),
        ("2017/1/3 下午3:05", "2017-01-03T15:05:00+08:00"),
        ("2017/1/3 下午 12:05", "2017-01-03T12:05:00+08:00"),
        ("2017/1/3 下午 15:05", "2017-01-03T15:05:00+08:00"),
        ("2017/1/3 上午 12:05", "2017-01-03T00:05:00+08:00"),
        ("2017/1/3 上午 9:05", "2017-01-03T09:05:00+08:00"),
        ("2017/1/3 晚上 8:05", "2017-01-03T20:05:00+08:00"),
        ("2017/1/3 3:05 PM", "2017-01-03T15:05:00+08:00"),
        ("2017/1/3 星期二 9:05", "2017-01-03T09:05:00+08:00"),
        ("20171231 16:50", "2017-12-31T16:50:00+08:00"),
        ("20171231165007", "2017-12-31T16:50:07+08:00"),
        ("2017-12-31T16:50:00", "2017-12-31T16:50:00+08:00"),
        ("2017-12-31T16:50:00Z", "2017-12-31T16:50:00+00:00"),
        ("2017-12-31T16:50:00.987654+08:00", "2017-12-31T16:50:00+08:00"),
        ("2017-12-31T16:50:00-05:00", "2017-12-31T16:50:00-05:00"),
        ("2017-12-31 16:50:00.999", "2017-12-31T16:50:00+08:00"),
        (datetime(2017, 12, 31, 16, 50, 0, 900_000), "2017-12-31T16:50:00+08:00"),
        (43100.701388888889, "2017-12-31T16:50:00+08:00"),
        ("43100.7013888889", "2017-12-31T16:50:00+08:00"),
    ],
)
def test_a_moment_is_read_in_every_shape(cell: str | float | datetime, moment: str) -> None:
    found = parse_moment(cell, SHANGHAI)
    assert found is not None
    assert not found.whole_day
    assert found.earliest == found.latest == utc(moment)
    assert found.earliest.tzinfo is UTC


@pytest.mark.parametrize(
    "cell",
    [
        "2017/12/31",
        "2017-12-31",
        "2017.12.31",
        "2017年12月31日",
        "2017年12月31号",
        "20171231",
        20171231.0,
        43100.0,
        "43100",
        date(2017, 12, 31),
        datetime(2017, 12, 31),
        "2017/12/31 星期日",
    ],
)
def test_a_date_without_time_is_a_whole_day(cell: str | float | date) -> None:
    found = parse_moment(cell, SHANGHAI)
    assert found is not None
    assert found.whole_day
    assert found.earliest == utc("2017-12-31T00:00:00+08:00")
    assert found.latest == utc("2017-12-31T23:59:59+08:00")


def test_a_written_midnight_is_a_moment_not_a_day() -> None:
    found = parse_moment("2017/12/31 0:00:00", SHANGHAI)
    assert found is not None
    assert found.latest == utc("2017-12-31T00:00:00+08:00")


@pytest.mark.parametrize("cell", [None, "", " \u3000\t\n\ufeff"])
def test_an_empty_cell_is_no_moment(cell: str | None) -> None:
    assert parse_moment(cell, SHANGHAI) is None


@pytest.mark.parametrize(
    "cell",
    [
        "17/12/31",
        "12/31/2017",
        "31.12.2017",
        "2017/12",
        "2017-12/31",
        "2017-02-30",
        "2017/13/01",
        "2017-12-31 24:00",
        "2017-12-31 16:60",
        "2017-12-31 16:50:60",
        "2017-12-31 16",
        "2017/1/19:05",
        "2017/1/3 上午 15:05",
        "2017/1/3 晚上 12:05",
        "2017/1/3 上午 9:05 PM",
        "2017-12-31 08:00-09:00",
        "2017-12-31 16:50:00+15:00",
        "0217/12/31",
        "2117/12/31",
        "昨天",
        "2017/12/31 16:50 左右",
        "\u0662\u0660\u0661\u0667/12/31",
        7019.0,
        True,
        time(9, 5),
        timedelta(hours=30),
        "99999",
        date(1900, 1, 1),
    ],
)
def test_what_is_ambiguous_or_impossible_is_refused_with_its_text(cell: str | float | time) -> None:
    with pytest.raises(DateError) as refusal:
        parse_moment(cell, SHANGHAI)
    assert "“" in str(refusal.value)
    if isinstance(cell, str):
        assert f"“{cell}”" in str(refusal.value)


def test_a_format_of_the_mapping_settles_what_would_be_ambiguous() -> None:
    found = parse_moment("３/4/2017 9:05", SHANGHAI, ["%d.%m.%Y", "%d/%m/%Y %H:%M"])
    assert found is not None
    assert found.latest == utc("2017-04-03T09:05:00+08:00")
    whole = parse_moment("03.04.2017", SHANGHAI, ["%d.%m.%Y", "%d/%m/%Y %H:%M"])
    assert whole is not None
    assert whole.whole_day


def test_a_format_of_the_mapping_binds_texts_but_not_real_dates() -> None:
    with pytest.raises(DateError, match="%d/%m/%Y"):
        parse_moment("2017-04-03", SHANGHAI, ["%d/%m/%Y"])
    assert parse_moment(date(2017, 4, 3), SHANGHAI, ["%d/%m/%Y"]) is not None


def test_another_zone_moves_the_moment() -> None:
    found = parse_moment("2017-12-31 16:50", ZoneInfo("Asia/Urumqi"))
    assert found is not None
    assert found.earliest == utc("2017-12-31T16:50:00+06:00")


FULLWIDTH = str.maketrans("0123456789:/-.", "０１２３４５６７８９：／－．")
SHAPES = [
    "{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02}:{t.second:02}",
    "{t:%Y-%m-%d %H:%M:%S}",
    "{t:%Y.%m.%d  %H:%M:%S}",
    "{t.year}年{t.month}月{t.day}日 {t.hour}:{t.minute}:{t.second}",
    "{t.year}年{t.month}月{t.day}日{t.hour}时{t.minute}分{t.second}秒",
    "{t:%Y%m%d%H%M%S}",
    "{t:%Y-%m-%dT%H:%M:%S}+08:00",
    "{t:%Y/%m/%d} {half} {hour}:{t:%M:%S}",
]


@settings(max_examples=200, deadline=None)
@given(
    moment=st.datetimes(datetime(1992, 1, 1), datetime(2099, 12, 31)),
    shape=st.sampled_from(SHAPES),
    fullwidth=st.booleans(),
)
def test_every_moment_survives_every_shape(moment: datetime, shape: str, fullwidth: bool) -> None:  # noqa: FBT001 - drawn
    moment = moment.replace(microsecond=0)
    half, hour = ("下午" if moment.hour >= 12 else "上午"), (moment.hour - 1) % 12 + 1
    text = shape.format(t=moment, half=half, hour=hour)
    found = parse_moment(text.translate(FULLWIDTH) if fullwidth else text, SHANGHAI)
    assert found is not None
    assert found.earliest == moment.replace(tzinfo=SHANGHAI).astimezone(UTC)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("0123456789/-.:年月日 时分T下午上+Z"), max_size=22))
def test_no_text_ends_in_anything_but_a_moment_or_a_refusal(text: str) -> None:
    try:
        found = parse_moment(text, SHANGHAI)
    except DateError:
        return
    assert found is None or 1990 <= found.local.year < 2100
