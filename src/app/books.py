"""The directory's workbook for the API: the same reader and writer that the command line uses."""

from collections.abc import Mapping
from pathlib import Path

from api.books import BadBookRow, BadDirectoryFile
from app.register.directory import BadDirectory, BadRow, read_directory
from app.register.errors import RegisterError
from app.register.workbook import UNITS, is_workbook, read_workbook, write_workbook
from domain.directory import Directory
from workflows.administration import UnitRow
from workflows.directory_office import Book


class Workbooks:
    """A workbook, or a plain table of units (csv or xlsx)."""

    def read(self, path: Path, directory: Directory) -> tuple[Book, tuple[str, ...]]:
        """Read and check a file as a whole.

        Raises:
            BadDirectoryFile: naming every bad row.
        """
        try:
            if is_workbook(path):
                return read_workbook(path, directory)
            table = read_directory(path)
        except BadDirectory as error:
            raise BadDirectoryFile(
                f"{len(error.rows)} 处有误", [_row(one) for one in error.rows]
            ) from None
        except RegisterError as error:
            # The file lies under a name of ours, which says nothing to whoever sent it.
            detail = error.message.replace(str(path), "文件").replace(path.name, "文件")
            raise BadDirectoryFile(detail.rstrip("。")) from None
        units = tuple(UnitRow(row.code, row.name, row.level, row.parent) for row in table.rows)
        return Book(units=units), table.notes

    def write(self, path: Path, book: Book, notes: Mapping[str, str]) -> None:
        """Write a workbook that imports as it stands."""
        write_workbook(path, book, notes)


def _row(one: BadRow) -> BadBookRow:
    return BadBookRow(one.sheet or UNITS, one.row, one.code, f"{one.unit}：{one.reason}".strip())
