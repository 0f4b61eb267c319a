"""The directory as a file (工作簿): what the routes need of whoever reads and writes such files.

Reading Excel is the application's business: it hands its reader in where everything is put
together (`app/wiring.py`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from domain.directory import Directory
from domain.errors import BadInput
from workflows.directory_office import Book


class BadBookRow(Struct, frozen=True):
    """A row that nothing can be imported with; `row` as Excel counts."""

    sheet: str
    row: int
    code: str
    detail: str


class BadDirectoryFile(BadInput):
    """组织目录整份没有导入：{detail}。请改正后整份重新上传。"""

    code = "bad-directory"

    def __init__(self, detail: str, rows: Sequence[BadBookRow] = ()) -> None:
        """Keep every bad row, in the order of the file."""
        self.rows = tuple(rows)
        super().__init__(detail=detail)


class Books(Protocol):
    """Reads and writes the directory's workbook."""

    def read(self, path: Path, directory: Directory) -> tuple[Book, tuple[str, ...]]:
        """Read and check a file as a whole; with notes in Chinese for whoever imports it.

        Raises:
            BadDirectoryFile: naming every bad row.
        """
        ...

    def write(self, path: Path, book: Book, notes: Mapping[str, str]) -> None:
        """Write a workbook that imports as it stands."""
        ...


class NoBooks:
    """Where nobody has handed in a reader: a program that only uses the routes' other parts."""

    def read(self, path: Path, directory: Directory) -> tuple[Book, tuple[str, ...]]:
        """Refuse: there is no reader."""
        del directory
        raise BadDirectoryFile(f"本服务不能读取 {path.name}")

    def write(self, path: Path, book: Book, notes: Mapping[str, str]) -> None:
        """Refuse: there is no writer."""
        del book, notes
        raise BadDirectoryFile(f"本服务不能写出 {path.name}")
