"""A mapping file read strictly: every mistake at once, each with its line, path and mend."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.register.errors import ColumnError, MappingError
from app.register.mapping import Mapping
from app.register.outline import Location, Outline, compose, dotted
from app.register.tables import Table

_LARGEST: Final = 1 << 20
_MENDS: Final = {
    "missing": "缺少这一项",
    "model_type": "要写成 {column: 列名} 或 {constant: 固定值} 这样的一组",
    "dict_type": "要写成“键: 值”的一组",
    "tuple_type": "要写成一个列表",
    "string_type": "要写成一个文字",
    "string_too_short": "不能是空的",
    "int_parsing": "要写成整数",
    "greater_than_equal": "要从 1 起",
}


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file (YAML 1.2, UTF-8).

    Raises:
        MappingError: `bad-mapping`; `problems` holds one line for each mistake.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise MappingError([f"映射文件超过 1 MB：{path.name}。请核对是不是这份文件。"])
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingError([f"映射文件打不开：{path}。请核对路径和权限。"]) from error
    except UnicodeDecodeError as error:
        raise MappingError(
            [f"映射文件不是 UTF-8（第 {error.start + 1} 字节读不通）。请另存为 UTF-8。"]
        ) from error
    return parse_mapping(text)


def parse_mapping(text: str) -> Mapping:
    """Check a mapping given as text; errors as `load_mapping`."""
    outline = Outline(compose(text))
    if outline.problems:
        raise MappingError(outline.problems)
    if outline.data is None:
        raise MappingError(["第 1 行：映射要写成“键: 值”，例如 kind: public-reply"])
    try:
        return Mapping.model_validate(outline.data)
    except ValidationError as error:
        problems = [
            (outline.line(detail["loc"]), _explain(detail, outline.line(detail["loc"])))
            for detail in error.errors(include_url=False)
        ]
        raise MappingError([problem for _, problem in sorted(problems)]) from error


def _explain(detail: ErrorDetails, line: int) -> str:
    location = detail["loc"]
    return f"第 {line} 行 {dotted(location)}：{_mend(detail, location)}"


def _mend(detail: ErrorDetails, location: Location) -> str:
    if detail["type"] == "extra_forbidden":
        return _unknown_key(location)
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"]) if "ctx" in detail else detail["msg"]
    return _MENDS.get(detail["type"], detail["msg"])


def _unknown_key(location: Location) -> str:
    known = list(_model_at(location[:-1]).model_fields)
    near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    if near:
        return f"没有这一项，是不是 {near[0]}？"
    return f"没有这一项；这里可以写 {'、'.join(known)}"


def _model_at(location: Location) -> type[BaseModel]:
    model: type[BaseModel] = Mapping
    for step in location:
        field = model.model_fields.get(str(step))
        if field is not None:  # else a free key below `data`, whose model is known already
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from _models(get_args(annotation)[0])
    else:
        for argument in get_args(annotation):
            yield from _models(argument)


def locate_columns(mapping: Mapping, table: Table) -> dict[str, int]:
    """Return the place of every column that the mapping names.

    Raises:
        ColumnError: `missing-column` naming all that are missing and all that there are, or
            `duplicate-column` for a name that the header has twice.
    """
    wanted = mapping.columns()
    missing = [name for name in wanted if name not in table.headers]
    if missing:
        present = "、".join(name for name in table.headers if name)
        problem = (
            f"表头（第 {table.header_row} 行）里没有映射所写的列：{'、'.join(missing)}。"
            f"现有的列：{present}。请改正映射里的列名，或用 header_row 写明表头所在行。"
        )
        raise ColumnError([problem], code="missing-column")
    twice = [name for name in wanted if table.headers.count(name) > 1]
    if twice:
        raise ColumnError(
            [f"表头里这些列名出现了不止一次：{'、'.join(twice)}。请给重复的列改名后重试。"],
            code="duplicate-column",
        )
    return {name: table.headers.index(name) for name in wanted}
