"""查找: cases by a piece of their number or title, though titles are sealed.

The index holds keyed hashes of pieces of one to four characters; a text that contains a word
contains all of its pieces. What the index finds is decrypted and looked at before it is shown, so
nothing is found that does not contain the word, and nothing in the table can be read.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, ClassVar, Final, NamedTuple

from psycopg import sql

from domain import facts as f
from domain.errors import BadInput
from eventlog.batch import Facts, batch_of
from eventlog.database import Connection
from eventlog.reader import read_positions, read_requests
from eventlog.records import Followed
from eventlog.runner import Policy
from eventlog.vault import SealedItem, Vault
from projections.ledger import Ledger
from projections.ledgers.cases import CASES
from projections.query import SEARCH, SORT, conditions, find_moment, snapshot, source
from projections.scope import Sight
from projections.seen import TITLE

NAME: Final = "search"
VERSION: Final = 1
CHECKPOINT: Final = f"{NAME}@{VERSION}"
FINGERPRINT: Final = str(VERSION)
MOST: Final = 1000
"""So many cases are looked at for one word; beyond them the word says too little."""
WORDS: Final = 8
LONGEST: Final = 64
"""Characters of what is looked for."""
NUMBER: Final = "number"
NUMBER_PIECES: Final = 4
"""Digits say little: of a number longer pieces are kept too."""
TITLE_PIECES: Final = 2
UNNAMED: Final = "reporter"
"""Whose texts may be kept from most readers: they cannot be looked for at all."""

# Whose texts are not erased. Whoever erases one of these waits until its row stands, and then takes
# it away; the vault may know a key for a while that is destroyed already.
GUARD: Final = """
    SELECT k.stream_id::text, k.subject FROM subject_key k
    JOIN unnest(%s::uuid[], %s::text[]) AS w (stream, subject)
        ON k.stream_id = w.stream AND k.subject = w.subject
    WHERE k.wrapped IS NOT NULL
    ORDER BY k.stream_id, k.subject FOR SHARE OF k
"""
PUT: Final = """
    INSERT INTO search (case_id, position, field, subject, grams)
    SELECT case_id, position, field, subject, grams::integer[]
    FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[])
         AS w (case_id, position, field, subject, grams)
    ON CONFLICT (case_id, position, field) DO UPDATE
    SET subject = excluded.subject, grams = excluded.grams
"""
REGISTER: Final = """
    INSERT INTO checkpoint (name, fingerprint) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
# The lease: the runner passes over a follower that is being rebuilt.
HOLD: Final = "SELECT position FROM checkpoint WHERE name = %s FOR UPDATE"
PUT_LIVE: Final = """
    UPDATE checkpoint SET position = %s, fingerprint = %s, state = 'live', detail = '',
                          updated_at = now()
    WHERE name = %s
"""
# Each word in the number or in a title; then within scope and as of the moment, as ledgers are.
CANDIDATES: Final = """
    SELECT r.case_id::text, r.number, r.title FROM ({cases}) r
    WHERE r.case_id IN ({found}) AND {where} LIMIT %(most)s
"""
CONTAINS: Final = """
    SELECT case_id FROM search
    WHERE (field = 'number' AND grams @> {number}::integer[])
       OR (field = ANY(%(fields)s) AND grams @> {title}::integer[])
"""


class NarrowSearch(BadInput):
    """“{words}”可能对应的事项超过 {most} 件。请多写几个字，或加上其他筛选条件。"""

    code: ClassVar[str] = "narrow-search"


class BadSearch(BadInput):
    """查找内容应为 1 至 {longest} 个字，最多 {words} 个词（以空格分开）。"""

    code: ClassVar[str] = "bad-search"


class _Text(NamedTuple):
    case_id: str
    position: int
    field: str
    subject: str
    grams: list[int]


RANGE: Final = 1_000
"""Facts at a time when it is rebuilt: they are read whole, with all that their records hold."""


class SearchTable:
    """The index, as the runner carries it forward."""

    policy: Policy = "halt"
    name = CHECKPOINT
    fingerprint = FINGERPRINT
    facts: Facts = frozenset({f.CaseReported, f.CaseCorrected})

    def __init__(self, vault: Vault) -> None:
        """Open titles with this vault."""
        self._vault = vault
        # Few different pieces stand in very many texts.
        self._mark: Callable[[str], int] = lru_cache(maxsize=32_768)(partial(_mark, vault))

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write what changed."""
        told = batch_of(records).of(self.facts)
        texts = [*self._numbers(told), *self._titles(connection, told)]
        if texts:
            columns = [list(column) for column in zip(*texts, strict=True)]
            grams = ["{" + ",".join(map(str, text.grams)) + "}" for text in texts]
            connection.execute(PUT, [*columns[:-1], grams])

    def _numbers(self, records: Iterable[Followed]) -> Iterable[_Text]:
        for record in records:
            if isinstance(record.fact, f.CaseReported):
                pieces = pieces_of(normal(record.fact.number), NUMBER_PIECES)
                grams = self._grams(pieces)
                yield _Text(record.stream, record.position, NUMBER, "", grams)

    def _titles(self, connection: Connection, records: Iterable[Followed]) -> Iterable[_Text]:
        items = list(_titles_of(records))
        if not items:
            return
        owners = [[item.stream for item in items], [item.subject for item in items]]
        held = set(connection.execute(GUARD, owners).fetchall())
        items = [item for item in items if (item.stream, item.subject) in held]
        clear = self._vault.open(connection, items)
        for item in items:
            text = clear[item.position, item.field]
            if text is not None:
                grams = self._grams(pieces_of(normal(text), TITLE_PIECES))
                yield _Text(item.stream, item.position, TITLE, item.subject, grams)

    def _grams(self, pieces: Iterable[str]) -> list[int]:
        return sorted({self._mark(piece) for piece in pieces})


def rebuild(connection: Connection, vault: Vault, *, batch: int = RANGE) -> int:
    """Fold the index anew from the first fact, in one transaction; return the position."""
    table = SearchTable(vault)
    with connection.transaction():
        connection.execute(REGISTER, (CHECKPOINT, FINGERPRINT))
        connection.execute(HOLD, (CHECKPOINT,))
        connection.execute("DELETE FROM search")
        position = 0
        while records := read_requests(connection, position, batch):
            table.apply(connection, records)
            position = records[-1].position
        connection.execute(PUT_LIVE, (position, FINGERPRINT, CHECKPOINT))
    return position


class Asked(NamedTuple):
    """What a ledger is asked for, as its `page` takes it."""

    ledger: Ledger[Any, Any]
    filters: Mapping[str, str]
    scope: Sight
    as_of: datetime | None
    known_at: datetime | None
    now: datetime


def searched(
    connection: Connection, vault: Vault, asked: Asked, *, titles: bool
) -> Mapping[str, str]:
    """Return the filters with the cases found in place of the words looked for.

    `titles` says whether the caller may read texts; others look in numbers alone.

    Raises:
        NarrowSearch: too many cases might contain the words.
        BadSearch: no words, or too many.
    """
    given = asked.filters.get(SEARCH)
    if given is None:
        return asked.filters
    words = normal(given).split()
    if not words or len(words) > WORDS or len(given) > LONGEST:
        raise BadSearch(pointer=SEARCH, longest=LONGEST, words=WORDS)
    with snapshot(connection):
        found = _candidates(connection, vault, asked, words, titles=titles)
        if len(found) > MOST:
            raise NarrowSearch(pointer=SEARCH, words=given, most=MOST)
        shown = _shown(connection, vault, [place for _, _, place in found if place and titles])
    verified = [
        case_id
        for case_id, number, place in found
        if all(word in normal(number) or word in shown.get(place, "") for word in words)
    ]
    return {**asked.filters, SEARCH: ",".join(verified)}


def normal(text: str) -> str:
    """Return a text as it is compared: full-width as half-width, small letters, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def pieces_of(text: str, longest: int) -> set[str]:
    """Return all pieces of up to so many characters that stand within a word of a text."""
    return {
        word[start : start + length]
        for word in text.split()
        for length in range(1, longest + 1)
        for start in range(len(word) - length + 1)
    }


def _wanted(word: str, longest: int) -> set[str]:
    """Return the pieces that a text must have which contains a word: only the longest."""
    length = min(len(word), longest)
    return {word[start : start + length] for start in range(len(word) - length + 1)}


def _titles_of(records: Iterable[Followed]) -> Iterable[SealedItem]:
    for one in records:
        for text in one.body.sealed:
            if text.field == TITLE and text.subject != UNNAMED:
                yield SealedItem(
                    one.position, one.stream, one.version, text.field, text.subject, text.key
                )


def _candidates(
    connection: Connection, vault: Vault, asked: Asked, words: Sequence[str], *, titles: bool
) -> list[tuple[str, str, int | None]]:
    """Return the cases that may contain all words, one more than MOST at most."""
    ledger, shape = asked.ledger, CASES.shape
    moment = find_moment(
        connection, ledger.follows, as_of=asked.as_of, known_at=asked.known_at, now=asked.now
    )
    names = CASES.tables.names
    cases = source(names, shape.columns, moment)
    # What else is asked of the ledger of cases itself makes fewer; other ledgers have other rows.
    others = {name: value for name, value in asked.filters.items() if name not in {SEARCH, SORT}}
    where = conditions(
        CASES.filters,
        others if ledger.shape is shape else {},
        asked.scope,
        moment,
        names["current"],
    )
    parameters: dict[str, object] = {"most": MOST + 1, "fields": [TITLE] if titles else []}
    parts: list[sql.Composable] = []
    for place, word in enumerate(words):
        number, title = f"number_{place}", f"title_{place}"
        parameters[number] = [_mark(vault, one) for one in _wanted(word, NUMBER_PIECES)]
        parameters[title] = [_mark(vault, one) for one in _wanted(word, TITLE_PIECES)]
        held = {"number": sql.Placeholder(number), "title": sql.Placeholder(title)}
        parts.append(sql.SQL(CONTAINS).format(**held))
    query = sql.SQL(CANDIDATES).format(
        cases=cases.where, found=sql.SQL(" INTERSECT ").join(parts), where=where.where
    )
    return connection.execute(
        query, {**cases.parameters, **where.parameters, **parameters}
    ).fetchall()


def _shown(connection: Connection, vault: Vault, places: Sequence[int]) -> dict[int | None, str]:
    """Return the titles that stand at these positions, those that can still be opened."""
    items = list(_titles_of(read_positions(connection, places))) if places else []
    clear = vault.open(connection, items)
    texts = ((item.position, clear[item.position, item.field]) for item in items)
    return {position: normal(text) for position, text in texts if text is not None}


def _mark(vault: Vault, piece: str) -> int:
    return vault.mark(piece.encode())
