"""Why a file as a whole cannot be read, in words for the person who kept it.

RegisterError               code, message
├── TableError              the file: bad-encoding, unreadable-table, no-header, unknown-sheet, …
├── MappingError            the mapping: bad-mapping, one problem a line
│   └── ColumnError         the mapping and the file do not fit: missing-column, duplicate-column
└── BadDirectory            the directory, in directory.py, with its rows
"""

from collections.abc import Sequence


class RegisterError(ValueError):
    """A file was refused whole: `code` is stable, the message says in Chinese how to mend it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class TableError(RegisterError):
    """The file cannot be read as a table."""


class MappingError(RegisterError):
    """The mapping is wrong; `problems` names each one with line and path."""

    def __init__(self, problems: Sequence[str], *, code: str = "bad-mapping") -> None:
        super().__init__(code, "\n".join(problems))
        self.problems = tuple(problems)


class ColumnError(MappingError):
    """The mapping names columns that the file lacks, or has twice."""
