"""Forms as JSON Schema (2020-12) with data classes: which keywords a field may have, compiled.

Patterns run on an engine that needs linear time, so they know no look-around and no back-reference.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

from domain.kind import SEALED, FieldType, FormField
from workflows.kind_text import FieldText

TEXT: Final = frozenset({"minLength", "maxLength", "pattern", "format"})
LIST: Final = frozenset({"minItems", "maxItems"})
KEYWORDS: Final[dict[FieldType, frozenset[str]]] = {
    "text": TEXT,
    "code": TEXT,
    "texts": TEXT | LIST,
    "codes": TEXT | LIST,
    "units": LIST,
    "integer": frozenset({"minimum", "maximum"}),
}
"""Which keywords restrict a field of which type; the other types are restricted by themselves."""
LISTS: Final = frozenset({"texts", "codes", "units"})
DEFAULTS: Final[dict[FieldType, type]] = {
    "integer": int,
    "boolean": bool,
    "code": str,
    "choice": str,
}
MESSAGES: Final = {
    "minLength": "至少要有 {limit} 个字",
    "pattern": "不合格式 {pattern}",
    "format": "不是有效的{format}",
    "minimum": "不能小于 {limit}",
    "maximum": "不能大于 {limit}",
    "minItems": "至少要有 {limit} 项",
    "maxItems": "不能超过 {limit} 项",
}
FORMATS: Final = {
    "email": "电子邮件地址",
    "uri": "网址",
    "ipv4": " IPv4 地址",
    "uuid": " UUID",
    "time": "时间（如 09:30:00+08:00）",
}
PAIRS: Final = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))


def form_of(form: Mapping[str, FieldText]) -> tuple[FormField, ...]:
    """Compile a form that was checked."""
    return tuple(_field(name, field) for name, field in form.items())


def form_problems(where: str, form: Mapping[str, FieldText]) -> list[str]:
    """Return what is wrong with the fields of a form, each with its path."""
    return [
        f"{where}.{name}.{problem}" for name, field in form.items() for problem in _problems(field)
    ]


def _problems(field: FieldText) -> list[str]:
    found: list[str] = []
    if (field.type == "choice") != bool(field.values):
        found.append("values：choice 须列出取值，其他类型不能有取值")
    if len(set(field.values)) != len(field.values):
        found.append("values：取值重复，请只保留一个")
    if field.or_attachment and not (field.required and field.type in SEALED):
        found.append("or_attachment：只用于必填的 text、texts")
    found += _class_problems(field)
    wrong = _keyword_problems(field)
    return found + (wrong or _default_problems(field))


def _class_problems(field: FieldText) -> list[str]:
    sealed = field.type in SEALED
    if field.data_class is None:
        return []
    if sealed and field.data_class == "public":
        return [f"class：{field.type} 是密封的文字，不能公开；请改为 code 或 choice，或去掉 class"]
    if not sealed and field.data_class != "public":
        return [f"class：{field.type} 以明文记录，只能是 public；要密封请改为 text"]
    told = "subject" in field.model_fields_set
    if told and (field.subject == "reporter") != (field.data_class == "personal"):
        return ["class：与 subject 矛盾；请去掉 subject"]
    return []


def _keyword_problems(field: FieldText) -> list[str]:
    given = _restrictions(field)
    allowed = KEYWORDS.get(field.type, frozenset())
    found = [
        f"{name}：{field.type} 不能有这一项；可用：{'、'.join(sorted(allowed)) or '无'}"
        for name in given
        if name not in allowed
    ]
    for least, most in PAIRS:
        if least in given and most in given and given[least] > given[most]:
            found.append(f"{least}：不能大于 {most}")
    if field.pattern is not None and not _readable(field.pattern):
        found.append(
            f"pattern：“{field.pattern}”不是可用的正则表达式（不支持环视 (?=…) 和反向引用 \\1）"
        )
    return found


def _readable(pattern: str) -> bool:
    try:
        _validator({"pattern": pattern})
    except (ValidationError, ValueError):
        return False
    return True


def _default_problems(field: FieldText) -> list[str]:
    if field.default is None:
        return []
    if field.required:
        return ["default：必填的字段不能有默认值；请去掉其中一项"]
    expected = DEFAULTS.get(field.type)
    if expected is None:
        return [f"default：{field.type} 不能有默认值"]
    if type(field.default) is not expected:
        return ["default：与字段的类型不符"]
    if field.type == "choice" and field.default not in field.values:
        return [f"default：只能是：{'、'.join(field.values)}"]
    return [f"default：{detail}" for _, detail in _check(field)(field.default)]


def _restrictions(field: FieldText) -> dict[str, Any]:
    """Return the keywords that a value can break, as written."""
    found = {
        "minLength": field.min_length,
        "maxLength": field.max_length if "max_length" in field.model_fields_set else None,
        "pattern": field.pattern,
        "format": field.format,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "minItems": field.min_items,
        "maxItems": field.max_items,
    }
    return {name: value for name, value in found.items() if value is not None}


def _schemas(field: FieldText) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the keywords for the value itself, and for its items; lengths are FormField.limit."""
    given = {one: value for one, value in _restrictions(field).items() if one != "maxLength"}
    if field.type not in LISTS:
        return given, {}
    own = {one: value for one, value in given.items() if one in LIST}
    return own, {one: value for one, value in given.items() if one not in LIST}


def _field(name: str, field: FieldText) -> FormField:
    own, items = _schemas(field)
    remarks = {
        "description": field.description,
        "examples": field.examples or None,
        "default": field.default,
    }
    return FormField(
        name=name,
        title=field.title,
        type=field.type,
        required=field.required,
        or_attachment=field.or_attachment,
        subject=field.whose,
        values=tuple(field.values),
        max_length=field.max_length,
        keywords=own | {one: value for one, value in remarks.items() if value is not None},
        item_keywords=items,
        default=field.default,
        check=_check(field) if own or items else None,
    )


def _check(field: FieldText) -> Callable[[object], list[tuple[str, str]]]:
    """Compile a field's keywords; what is checked is the value as it is kept."""
    own, items = _schemas(field)
    validator = _validator(own | ({"items": items} if items else {}))

    def check(value: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - JSON of the field's type
        kept = _stripped(value)
        if validator.is_valid(kept):
            return []
        return [_told(error) for error in validator.iter_errors(kept)]

    return check


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, validate_formats=True, pattern_options=RegexOptions())


def _stripped(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value as it is kept: without blanks around it."""
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [_stripped(one) for one in items]
    return value.strip() if isinstance(value, str) else value


def _told(error: ValidationError) -> tuple[str, str]:
    """Say in Chinese where in the value which keyword is broken."""
    kind: Any = error.kind
    named = getattr(kind, "format", "")
    said = MESSAGES[kind.name].format(
        limit=getattr(kind, "limit", ""),
        pattern=getattr(kind, "pattern", ""),
        format=FORMATS.get(named, named),
    )
    return "".join(f"/{step}" for step in error.instance_path), said
