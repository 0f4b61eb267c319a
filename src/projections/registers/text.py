"""The shape of a register's YAML: what may stand where, before anything is looked up."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_NAME = 24
"""Of a register: with a digest and an ending it must still be a name that PostgreSQL takes."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""What a column is called in addresses, JSON and SQL."""
Words = Annotated[str, Field(min_length=1, max_length=100)]
"""What people read: headings."""
Take = Literal["last", "first", "any", "count", "sum", "highest", "lowest"]
"""Which of several facts counts, or what is made of all of them."""
Type = Literal["text", "number", "flag", "date", "time", "unit"]
"""What the value of a form is."""


class PartText(BaseModel):
    """A part of the file: no member that is not asked for, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class RowsText(PartText):
    """A row for each of these facts, or for each value of the members in `by`."""

    each: str
    by: list[str] = []


class ColumnText(PartText):
    """A column: its heading, and where its value comes from (`from`, `days` or `later`)."""

    name: Name | None = None
    label: Words | None = None
    source: str | list[str] | None = Field(None, alias="from")
    take: Take = "last"
    where: dict[str, bool | int | str | list[bool | int | str]] = {}
    clear: list[str] = []
    """Facts after which the value counts no more."""
    type: Type | None = None
    days: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    later: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    data_class: Literal["public", "internal", "personal"] = Field("public", alias="class")
    words: dict[str, str] = {}
    """What people read in place of a code."""

    @property
    def sources(self) -> list[str]:
        """Where the value comes from, one way or several."""
        if self.source is None:
            return []
        return [self.source] if isinstance(self.source, str) else list(self.source)

    @property
    def case_column(self) -> str:
        """The column of the ledger of cases that this is; empty if it is the register's own."""
        source = self.source if isinstance(self.source, str) else ""
        return source.removeprefix("case.") if source.startswith("case.") else ""

    @property
    def called(self) -> str:
        """What it is called; a case's own column keeps its name."""
        return self.name or self.case_column


class AgeingText(PartText):
    """How old open rows are: so many natural days since a column."""

    since: str
    days: Annotated[list[Annotated[int, Field(strict=True, ge=1)]], Field(min_length=1)]


class SummaryText(PartText):
    """What is counted beside `total` and `open`."""

    by: list[str] = []
    count: list[str] = []
    sum: list[str] = []
    ageing: AgeingText | None = None


class GroupText(PartText):
    """A heading above several columns that stand side by side."""

    label: Words
    columns: Annotated[list[str], Field(min_length=1)]


class WorkbookText(PartText):
    """How the workbook looks."""

    title: Words | None = None
    frozen: Annotated[int, Field(strict=True, ge=0, le=20)] = 0
    widths: dict[str, Annotated[int, Field(strict=True, ge=4, le=100)]] = {}
    groups: list[GroupText] = []


class FilterText(PartText):
    """A filter that a column's type does not give by itself: whether there is a value."""

    given: str


class RegisterText(PartText):
    """A register as written."""

    name: Annotated[
        str, Field(alias="register", pattern=r"^[a-z][a-z0-9-]*$", max_length=LONGEST_NAME)
    ]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Words
    kinds: Annotated[list[str], Field(min_length=1)] | None = None
    """Which kinds of case; absent: all of them."""
    rows: Literal["case"] | RowsText = "case"
    needs: list[str] = []
    """A case is listed from the moment on when all of these columns have a value."""
    columns: Annotated[list[ColumnText], Field(min_length=1)]
    filters: list[str | FilterText] = []
    sort: list[str] = []
    summary: SummaryText = SummaryText()
    workbook: WorkbookText = WorkbookText()
