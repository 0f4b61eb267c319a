"""The tables of a ledger as SQL, from its shape: for registers as data, and to write migrations."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from projections.counts import DAY_FACETS, FACETS
from projections.ledger import Ledger

TYPES: Final[dict[object, str]] = {
    str: "text",
    int: "bigint",
    bool: "boolean",
    datetime: "timestamptz",
    date: "date",
    tuple[str, ...]: "text[]",
}
KEYS: Final = {"case_id": "uuid", "row_key": "text"}
NOW: Final = {"valid_from": "timestamptz", "position_from": "bigint"}
PAST: Final = {
    "valid_from": "timestamptz",
    "valid_to": "timestamptz",
    "ended_position": "bigint",
    "position_from": "bigint",
    "position_to": "bigint",
}


def declared(ledger: Ledger[Any, Any], *, suffix: str = "") -> str:
    """Return the SQL that makes a ledger's three tables; they stand empty afterwards.

    `suffix` ends the names of all of them, as in `projections/tables.py`.
    """
    return "\n".join(_statements(ledger, ledger.shape.name, suffix))


def _statements(ledger: Ledger[Any, Any], name: str, suffix: str) -> Iterator[str]:
    columns = dict(_columns(ledger.shape.row))
    keys = {column: f"{sort} NOT NULL" for column, sort in KEYS.items()}
    now = {column: f"{sort} NOT NULL" for column, sort in NOW.items()}
    past = {column: f"{sort} NOT NULL" for column, sort in PAST.items()}
    primary = f"    CONSTRAINT {name}_key{suffix} PRIMARY KEY (case_id, row_key)"
    yield _table(f"{name}{suffix}", keys | now | columns, primary)
    yield f"COMMENT ON TABLE {name}{suffix} IS {_quoted(ledger.title)};"
    for column in ledger.columns:
        if column.name in columns:
            yield f"COMMENT ON COLUMN {name}{suffix}.{column.name} IS {_quoted(column.label)};"
    yield _table(f"{name}_history{suffix}", keys | past | columns)
    told = f"{ledger.title}的历史：被取代或被更正的每一行；各列同 {name}"
    yield f"COMMENT ON TABLE {name}_history{suffix} IS {_quoted(told)};"
    kept = f"    CONSTRAINT {name}_state_key{suffix} PRIMARY KEY (case_id)"
    state = {"case_id": "uuid NOT NULL", "state": "bytea NOT NULL"}
    yield _table(f"{name}_state{suffix}", state, kept).replace(");", ") WITH (fillfactor = 70);")
    told = f"{ledger.title}续算所需的中间状态；不供查询"
    yield f"COMMENT ON TABLE {name}_state{suffix} IS {_quoted(told)};"
    if ledger.shape.tally is not None:
        yield from _counts(ledger, name, suffix)
    past_name = f"{name}_history{suffix}"
    yield f"CREATE INDEX {name}_history_case{suffix} ON {past_name} (case_id);"
    valid = f"CREATE INDEX {name}_history_valid{suffix} ON {past_name}"
    yield f"{valid} USING gist (tstzrange(valid_from, valid_to));"
    yield f"CREATE INDEX {name}_history_ended{suffix} ON {past_name} (ended_position);"


def _counts(ledger: Ledger[Any, Any], name: str, suffix: str) -> Iterator[str]:
    tally = ledger.shape.tally
    measures = tally.measures if tally else ()
    sorts = {"day": "date", "confidential": "boolean"}
    columns = {facet: f"{sorts.get(facet, 'text')} NOT NULL" for facet in FACETS}
    columns |= dict.fromkeys(measures, "integer NOT NULL")
    key = f"    CONSTRAINT {name}_counts_key{suffix} PRIMARY KEY ({', '.join(FACETS)})"
    made = _table(f"{name}_counts{suffix}", columns, key)
    yield made.replace(");", ") WITH (fillfactor = 80);")
    told = f"{ledger.title}的计数：按单元（空为全区县）、日期、事项类型、类别、严重程度"
    yield f"COMMENT ON TABLE {name}_counts{suffix} IS {_quoted(told)};"
    columns = {facet: f"{sorts.get(facet, 'text')} NOT NULL" for facet in DAY_FACETS}
    columns |= dict.fromkeys(measures, "integer NOT NULL")
    key = f"    CONSTRAINT {name}_days_key{suffix} PRIMARY KEY ({', '.join(DAY_FACETS)})"
    made = _table(f"{name}_days{suffix}", columns, key)
    yield made.replace(");", ") WITH (fillfactor = 80);")
    told = f"{ledger.title}的逐日计数：只按单元（空为全区县）和日期"
    yield f"COMMENT ON TABLE {name}_days{suffix} IS {_quoted(told)};"
    facets = ("unit", "confidential", *(tally.stock.facets if tally else ()))
    columns = {facet: f"{sorts.get(facet, 'text')} NOT NULL" for facet in facets}
    columns["number"] = "integer NOT NULL"
    key = f"    CONSTRAINT {name}_stock_key{suffix} PRIMARY KEY ({', '.join(facets)})"
    made = _table(f"{name}_stock{suffix}", columns, key)
    yield made.replace(");", ") WITH (fillfactor = 80);")
    told = f"{ledger.title}的存量：按单元（空为全区县）和现状，各有多少行"
    yield f"COMMENT ON TABLE {name}_stock{suffix} IS {_quoted(told)};"


def _columns(row: type[Any]) -> Iterator[tuple[str, str]]:
    for name, hint in get_type_hints(row).items():
        if name not in row.__struct_fields__:
            continue
        members = get_args(hint) if get_origin(hint) in {UnionType, Union} else (hint,)
        sort = next(TYPES[member] for member in members if member is not NoneType)
        yield name, sort if NoneType in members else f"{sort} NOT NULL"


def _table(name: str, columns: Mapping[str, str], constraint: str = "") -> str:
    lines = [f"    {column} {sort}" for column, sort in columns.items()]
    return f"CREATE TABLE {name} (\n" + ",\n".join([*lines, *filter(None, [constraint])]) + "\n);"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
