"""The API's description as one HTML page: no script, no font, nothing from elsewhere."""

import json
from html import escape
from typing import Any, Final

_STYLE: Final = """
body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
h2{margin-top:2.5rem;border-bottom:1px solid #ccc}
section{margin:1.2rem 0;padding:.4rem 1rem;border-left:4px solid #2b6cb0;background:#f7fafc}
code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow:auto;background:#edf2f7;padding:.6rem}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top}b.method{color:#2b6cb0}
"""


def render(description: dict[str, Any]) -> str:
    """Return the page."""
    info = description["info"]
    sections: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["其他"])[0]
            sections.setdefault(tag, []).append(_operation(method, path, operation))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(all_)}" for tag, all_ in sections.items())
    schemas = description["components"]["schemas"]
    shapes = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])}</p>"
        '<p>机器可读：<a href="/v1/openapi.json">/v1/openapi.json</a></p>'
        f"{body}<h2>数据结构</h2>{shapes}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    method_name = f'<b class="method">{method.upper()}</b>'
    summary = escape(operation.get("summary", ""))
    parts = [
        f"<section><h3>{method_name} <code>{escape(path)}</code> {summary}</h3>",
        f"<p>{escape(operation.get('description', ''))}</p>",
        _parameters(operation.get("parameters", [])),
    ]
    body = operation.get("requestBody")
    if body:
        parts.append(f"<p>正文：{_link(body['content'])}</p>")
    for status, response in operation["responses"].items():
        shape = _link(response.get("content", {}))
        parts.append(f"<p>{escape(str(status))}：{escape(response['description'])} {shape}</p>")
    return "".join(parts) + "</section>"


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{'必填' if one.get('required') else ''}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in parameters
    )
    return f"<table><tr><th>参数</th><th>位置</th><th></th><th>说明</th></tr>{rows}</table>"


def _link(content: dict[str, Any]) -> str:
    for media in content.values():
        schema = media.get("schema", {})
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
        if reference:
            name = escape(reference.rpartition("/")[2])
            return f'<a href="#{name}"><code>{name}</code></a>'
    return ""


def _schema(name: str, schema: dict[str, Any]) -> str:
    text = escape(json.dumps(schema, ensure_ascii=False, indent=2))
    return f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3><pre>{text}</pre>'
