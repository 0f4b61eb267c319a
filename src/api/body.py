"""The input gate: bytes of a request → one strict JSON object → a typed command.

Refused before anything else looks at them: too many bytes, invalid UTF-8, duplicate members, NaN
and Infinity, integers from 2^53, lone surrogates, deep nesting. Text is normalised to NFC.
"""

import json
import math
import re
import unicodedata
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from msgspec import Meta
from starlette.requests import ClientDisconnect, Request

from domain.errors import DuplicateMember, MalformedJson, Refusal, TooLarge, UnknownField

T = TypeVar("T")
Tree = dict[str, Any]

SentTime = Annotated[
    Any, Meta(extra_json_schema={"type": ["string", "null"], "format": "date-time"})
]
"""A time as it was sent: whatever it is, `times.moment` judges it, with a precise refusal."""
AttachmentIds = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=20)]
"""Ids of files that were uploaded before (附件), at most 20."""
SAFE_INTEGER: Final = 2**53
SAFE_DIGITS: Final = 17
DEEPEST: Final = 32
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.+?)`(?: - at `(.+)`)?$")
_MISSING: Final = re.compile(r"Object missing required field `(.+?)`(?: - at `(.+)`)?$")
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `(.+)`)?$")
_ENUM: Final = re.compile(r"Invalid enum value .*?(?: - at `([^`]+)`)?$")
_LENGTH: Final = re.compile(r"Expected `\w+` of length (<=|>=) ([0-9]+)(?: - at `(.+)`)?$")
_ANY: Final = re.compile(r"- at `([^`]+)`$")
_TYPES: Final = {
    "str": "文字",
    "int": "整数",
    "float": "数字",
    "bool": "true 或 false",
    "object": "对象",
    "array": "数组",
    "null": "空值",
}


async def tree_of(request: Request) -> Tree:
    """Return the object that a request carries. Raises as `read_body` and `parse`."""
    return parse(await read_body(request, request.app.state.door.services.max_body))


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body; a larger one is refused while it streams in.

    Raises:
        TooLarge: more than `limit` bytes are announced, or arrive.
        ClientDisconnect: nobody waits for an answer any more.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > SAFE_DIGITS or int(announced) > limit):
        raise TooLarge(limit=limit)
    receive = request.receive
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = cast("bytes", message.get("body", b""))
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit=limit)
        chunks.append(chunk)
        more = bool(message.get("more_body", False))
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse(raw: bytes) -> Tree:
    """Return the object that a body holds; an empty body is an empty object.

    Raises:
        MalformedJson: it is no JSON object, or one that two readers could read differently.
        DuplicateMember: a member stands in an object twice.
    """
    if not raw.strip():
        return {}
    try:
        text = raw.decode("utf-8")
        tree: object = _decode(text)
        _check_depth(tree, raw)
        if "\\u" in text or not unicodedata.is_normalized("NFC", text):
            tree = _normalised(tree)
    except Refusal:
        raise
    except UnicodeDecodeError as error:
        raise MalformedJson(detail=f"第 {error.start + 1} 个字节起不是 UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(detail=f"第 {error.lineno} 行第 {error.colno} 列") from None
    except RecursionError:
        raise MalformedJson(detail="嵌套过深") from None
    if not isinstance(tree, dict):
        raise MalformedJson(detail="最外层应为对象 {…}")
    return cast("Tree", tree)


def typed(tree: Tree, shape: type[T]) -> T:
    """Return the tree as a struct.

    Raises:
        UnknownField: a member is unknown, missing or of another type; `pointer` says which.
    """
    try:
        return msgspec.convert(tree, shape, strict=True)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _object(pairs: list[tuple[str, Any]]) -> Tree:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateMember(member=next(name for name in names if names.count(name) > 1))
    return found


def _integer(digits: str) -> int:
    if len(digits) > SAFE_DIGITS or abs(int(digits)) >= SAFE_INTEGER:
        raise MalformedJson(detail="整数超出 ±(2^53−1)，请改用文字")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise MalformedJson(detail="数字过大")
    return value


def _constant(name: str) -> None:
    raise MalformedJson(detail=f"{name} 不是 JSON 数字")


_decode: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
).decode


def _check_depth(tree: object, raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return
    level = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise MalformedJson(detail=f"嵌套超过 {DEEPEST} 层")


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(cast("dict[str, object]", node).values())
    return cast("list[object]", node) if isinstance(node, list) else []


def _normalised(node: object) -> object:
    if isinstance(node, str):
        return _text(node)
    if isinstance(node, list):
        return [_normalised(item) for item in cast("list[object]", node)]
    if isinstance(node, dict):
        members = cast("dict[str, object]", node).items()
        return _object([(_text(name), _normalised(value)) for name, value in members])
    return node


def _text(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedJson(detail="含有不成对的代理字符（\\ud800–\\udfff）")
    return unicodedata.normalize("NFC", text)


def _refusal(message: str) -> UnknownField:
    """Say in Chinese what msgspec found, and point at it."""
    if found := _UNKNOWN.match(message):
        return _at(found[2], found[1], "不认识这个字段，请删去或改正名称")
    if found := _MISSING.match(message):
        return _at(found[2], found[1], "必填，不能缺少")
    if found := _LENGTH.match(message):
        word = "最多" if found[1] == "<=" else "至少"
        return _at(found[3], None, f"长度{word} {found[2]}")
    if found := _EXPECTED.match(message):
        wanted = "或".join(_TYPES.get(one, one) for one in found[1].split(" | "))
        return _at(found[3], None, f"应为{wanted}，收到的是{_TYPES.get(found[2], found[2])}")
    if found := _ENUM.match(message):
        return _at(found[1], None, "不是可用的取值，请查阅接口文档")
    where = _ANY.search(message)
    return _at(where[1] if where else None, None, "不符合要求，请查阅接口文档")


def _at(path: str | None, member: str | None, detail: str) -> UnknownField:
    """Turn msgspec's `$.a[0].b` into the JSON pointer /a/0/b."""
    steps = re.findall(r"\.([^.\[\]]+)|\[([0-9]+)\]", path or "")
    names = [name or index for name, index in steps]
    if member is not None:
        names.append(member)
    pointer = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    return UnknownField(field=names[-1] if names else "正文", detail=detail, pointer=pointer)
