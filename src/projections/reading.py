"""How definitions are read in this room: what is wrong is collected, so that it is told at once."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from eventlog.written import Problem, Written


class Fault(Struct, frozen=True):
    """What is wrong, at which dotted path."""

    path: str
    detail: str


class Reader:
    """Reads the parts of one definition; `faults` grow with every mistake."""

    def __init__(self, written: Written) -> None:
        """Read a text that is a mapping."""
        self.data = written.data
        self.faults: list[Fault] = []
        self._written = written

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong, each with its line: in the text as such, then in its parts."""
        written = self._written
        found = [Problem(one.path, written.line(one.path), one.detail) for one in self.faults]
        return [*written.faults, *written.oddities, *found]

    def _mapping(self, path: str, written: object, known: Sequence[str]) -> dict[str, Any]:
        if not isinstance(written, dict):
            told = "缺少" if written is None else "写法有误"
            self._wrong(path, f"{told}；须为映射，可写 {'、'.join(known)}")
            return {}
        members = cast("dict[str, Any]", written)
        self._known(f"{path}.", members, known)
        return members

    def _known(self, path: str, data: Mapping[str, Any], known: Sequence[str]) -> None:
        for name in data:
            if name not in known:
                self._wrong(f"{path}{name}", f"没有“{name}”；可用：{'、'.join(known)}")

    def _wrong(self, path: str, detail: str) -> None:
        self.faults.append(Fault(path, detail))
