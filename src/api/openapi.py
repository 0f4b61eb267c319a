"""The API's description: FastAPI's, with our shapes, the problem and the key scheme added."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, Problem

REFERENCE: Final = "#/components/schemas/{name}"
DESCRIPTION: Final = (
    "事项从发现到办结的每一步都是不可更改的办理记录。时间一律为 RFC 3339 带时区；"
    "办理操作须带 Idempotency-Key，可带 If-Match；出错时返回 application/problem+json，"
    "code 稳定不变；不存在与无权查看同样返回 404。"
)
KEY_PARAMETER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "这次操作的编号；重试时用同一个，得到第一次的答复",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
MATCH_PARAMETER: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "看到的版本（ETag）；已有更新的办理记录时拒绝",
    "schema": {"type": "string"},
}
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_shapes: Final[dict[str, type[msgspec.Struct]]] = {"Problem": Problem}


def shape_of(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Return a reference to a struct's schema, which the description will then carry."""
    _shapes[shape.__name__] = shape
    return {"$ref": REFERENCE.format(name=shape.__name__)}


def returns(
    shape: type[msgspec.Struct] | None, description: str, *, status: int = 200, many: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Describe a good answer."""
    schema: dict[str, Any] = shape_of(shape) if shape else {"type": "object"}
    if many:
        schema = {"type": "array", "items": schema}
    content = {"application/json": {"schema": schema}}
    return {status: {"description": description, "content": content}}


def command(body: type[msgspec.Struct] | None, *, match: bool = False) -> dict[str, Any]:
    """Describe what a command needs: its key, perhaps a version, its body."""
    parameters = [KEY_PARAMETER, MATCH_PARAMETER] if match else [KEY_PARAMETER]
    described: dict[str, Any] = {"parameters": parameters}
    if body is not None:
        content = {"application/json": {"schema": shape_of(body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description=app.description,
            routes=app.routes,
        )
        app.openapi_schema = _completed(made)
    return app.openapi_schema


def _completed(made: dict[str, Any]) -> dict[str, Any]:
    components = made.setdefault("components", {})
    _, schemas = msgspec.json.schema_components(_shapes.values(), ref_template=REFERENCE)
    components["schemas"] = schemas
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete(operation, guarded="{district}" in path)
    return made


def _complete(operation: dict[str, Any], *, guarded: bool) -> None:
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own error shape, which we never send
    content = {MEDIA_TYPE: {"schema": shape_of(Problem)}}
    responses["default"] = {"description": "问题说明（RFC 9457）", "content": content}
    if guarded:
        operation["security"] = [{"key": []}]
    operation["parameters"] = _unique(operation.get("parameters", []))


def _unique(parameters: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep one of each parameter, the last said."""
    return list({(one["in"], one["name"].lower()): one for one in parameters}.values())
