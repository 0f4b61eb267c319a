"""Array literals: the server reads one text faster than the driver adapts a list."""

from collections.abc import Iterable


def array(values: Iterable[object]) -> str:
    """Return values of any one type as an array literal; None is NULL."""
    return "{" + ",".join(["NULL" if one is None else _quoted(str(one)) for one in values]) + "}"


def _quoted(value: str) -> str:
    if '"' in value or "\\" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
