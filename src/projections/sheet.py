"""A ledger as a table to take away: Chinese headings, times of +08:00, titles decrypted last.

Where the reader has no right to texts, references stay hidden; an erased text reads 已删除.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from domain.directory import Directory
from eventlog.database import Connection
from eventlog.reader import read_positions
from eventlog.vault import Vault
from projections import export, query
from projections.ledger import Item
from projections.readable import Readable

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
CHUNK: Final = 500
ERASED: Final = "已删除"
HIDDEN: Final = "（无权查看）"
_SHOWN_AS_IS: Final = frozenset({str, int, datetime, type(None)})
_KINDS: Final[dict[str, Literal["text", "number", "datetime", "date"]]] = {
    "time": "datetime",
    "date": "date",
    "number": "number",
}


def headings(ledger: Readable) -> list[export.Column]:
    """Return the ledger's columns as an export has them, the case's id first."""
    return [
        export.Column("id", "事项标识"),
        *(
            export.Column(column.name, column.label, _KINDS.get(column.kind, "text"))
            for column in ledger.columns
        ),
    ]


def revealed(
    items: Iterable[Item],
    columns: Sequence[query.Column],
    connection: Connection,
    vault: Vault | None,
) -> Iterator[Item]:
    """Put the texts in the place of references, some hundred rows at a time.

    `vault` is None where the reader may not see texts.
    """
    references = {
        column.name: column.field or column.name for column in columns if column.kind == "reference"
    }
    remaining = iter(items)
    while chunk := list(islice(remaining, CHUNK)):
        texts = _texts(chunk, references, connection, vault)
        for item in chunk:
            shown = {name: texts.get((item[name], field), "") for name, field in references.items()}
            yield item | shown


def _texts(
    chunk: Sequence[Item],
    references: Mapping[str, str],
    connection: Connection,
    vault: Vault | None,
) -> Mapping[tuple[int | None, str], str]:
    wanted = {
        (item[name], field) for item in chunk for name, field in references.items() if item[name]
    }
    if vault is None:
        return dict.fromkeys(wanted, HIDDEN)
    records = read_positions(connection, sorted({position for position, _ in wanted}))
    opened = vault.open_records(records, connection=connection)
    return {
        (position, field): ERASED if text is None else text
        for (position, field), text in opened.items()
    }


def in_words(
    items: Iterable[Item], columns: Sequence[query.Column], directory: Directory
) -> Iterator[Item]:
    """Put the names of units in the place of their ids, and what people read in that of codes."""
    units = [column.name for column in columns if column.kind == "unit"]
    coded = [column for column in columns if column.words]
    for item in items:
        known = {name: directory.units.get(item[name]) for name in units}
        names = {name: entry.name for name, entry in known.items() if entry}
        words = {one.name: one.words.get(item[one.name], item[one.name]) for one in coded}
        yield item | words | names


def table(items: Iterable[Item], columns: Sequence[export.Column]) -> Iterator[list[export.Value]]:
    """Return the rows of an export."""
    names = [column.name for column in columns]
    for item in items:
        values = [item[name] for name in names]
        yield [value if type(value) in _SHOWN_AS_IS else cell(value) for value in values]


def cell(value: Any) -> export.Value:  # noqa: ANN401 - cells are of many types
    """Return what one cell shows: several values stand side by side, a flag is 是 or 否."""
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, bool):
        return "是" if value else "否"
    shown: export.Value = value
    return shown


def provenance(
    ledger: Readable,
    *,
    district: str,
    as_of: datetime | None,
    position: int,
    final: bool,
    filters: Mapping[str, str],
    now: datetime,
) -> dict[str, str]:
    """Return what the sheet «说明» says: which ledger, as of when, up to which position."""
    told = "、".join(f"{name}={value}" for name, value in filters.items())
    return {
        "台账": f"{ledger.title}（{ledger.name}）",
        "区县": district,
        "截至（发生时间）": _local(as_of) if as_of else "现在",
        "位点": str(position),
        "是否定稿": "是" if final else "否（之后的补录仍可能改变）",
        "筛选": told or "无",
        "导出时间": _local(now),
    }


def _local(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")
