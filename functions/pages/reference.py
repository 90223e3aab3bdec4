"""The reference as one page of HTML, made of the OpenAPI document: every door by its tag, and every form."""

import json
from collections.abc import Iterator
from html import escape

from functions.pages.forms import form, kind
from functions.pages.frame import framed, prose, table
from shared.exact import Json

INTRODUCTION = """<h1>Signalbox: reference</h1>
<p>Every door of version {version}, what it takes and what it answers. The same for programs:
<a href="/openapi.json">OpenAPI</a>. Everything is on this page, so that the browser's search finds it.</p>
<h2 id="calling">Calling</h2>
<ul><li>Send a key or an access token: <code>Authorization: Bearer sbx_...</code>. What a key may do are its scopes.</li>
<li>A key means its section. A deployment key or a token names one in the header <code>Signalbox-Section</code>.</li>
<li>Bodies are JSON with <code>Content-Type: application/json</code>. Members that are not described are refused.</li>
<li>Every refusal is <code>application/problem+json</code> and says what to do: <a href="/problems">problems</a>.
Repeat only what was answered 429 or 503, unchanged, after the seconds in <code>Retry-After</code>.</li></ul>"""


def reference(document: Json) -> str:
    """The page (https://spec.openapis.org/oas/v3.1.1 says what the document is). Pure: the same page for the same document."""
    by_tag = _by_tag(document)
    parts = [INTRODUCTION.format(version=escape(document["info"]["version"])), _contents(by_tag)]
    for tag, operations in by_tag.items():
        doors = "".join(_door(document, *one) for one in operations)
        parts.append(f'<h2 id="tag-{escape(tag)}">{escape(tag)}</h2>{doors}')
    forms = "".join(form(*one) for one in sorted(document["components"]["schemas"].items()))
    parts.append(f'<h2 id="forms">Forms</h2>{forms}')
    return framed("Signalbox: reference", "".join(parts))


Operation = tuple[str, str, Json]
"""Method, path, and what is described of it."""


def _by_tag(document: Json) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            found.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return dict(sorted(found.items()))


def _contents(by_tag: dict[str, list[Operation]]) -> str:
    rows = []
    for tag, operations in by_tag.items():
        links = "".join(
            f'<li><a href="#{one["operationId"]}"><code>{method} {escape(path)}</code></a> {prose(one["summary"])}</li>'
            for method, path, one in operations
        )
        rows.append(f'<li><a href="#tag-{escape(tag)}">{escape(tag)}</a><ul>{links}</ul></li>')
    return f'<nav aria-labelledby="doors"><h2 id="doors">Doors</h2><ul>{"".join(rows)}<li><a href="#forms">Forms</a></li></ul></nav>'


def _door(document: Json, method: str, path: str, operation: Json) -> str:
    id = operation["operationId"]
    head = f'<h3 id="{id}"><a href="#{id}">{method} {escape(path)}</a></h3><p>{prose(operation["description"])}</p>'
    parts = (_parameters(operation), _body(operation), _answers(document, operation))
    return f'<article aria-labelledby="{id}">{head}{"".join(parts)}</article>'


def _parameters(operation: Json) -> str:
    rows = [
        (
            f"<code>{escape(one['name'])}</code>",
            one["in"],
            kind(one["schema"], required=one.get("required", False)),
            prose(one["description"]),
        )
        for one in operation["parameters"]
    ]
    return table("Parameters", ("Name", "In", "What", "About"), rows)


def _body(operation: Json) -> str:
    body = operation.get("requestBody")
    if body is None:
        return ""
    told = f"<h4>Body</h4><p>{prose(body['description'])}</p>"
    for media, content in body["content"].items():
        told += f"<p><code>{escape(media)}</code>: {kind(content.get('schema', True))}</p>"
        if "example" in content:
            shown = json.dumps(content["example"], indent=2, ensure_ascii=False)
            told += f"<pre><code>{escape(shown, quote=False)}</code></pre>"
    return told


def _answers(document: Json, operation: Json) -> str:
    rows = [
        (f"<code>{status}</code>", _told(resolved), ", ".join(_headers(resolved)))
        for status, response in sorted(operation["responses"].items())
        for resolved in (_resolved(document, response),)
    ]
    return table("Answers", ("Status", "What", "Headers"), rows)


def _resolved(document: Json, response: Json) -> Json:
    name = response.get("$ref", "").rpartition("/")[2]
    return document["components"]["responses"][name] if name else response


def _told(response: Json) -> str:
    """The problems of a refusal, each with its page, or the form of a good answer."""
    [content] = response.get("content", {}).values() or [None]
    if content is None:
        return prose(response["description"])
    types = content["schema"].get("properties", {}).get("type", {}).get("enum")
    if types is None:
        return kind(content["schema"])
    return ", ".join(f'<a href="{escape(one)}">{escape(one.rpartition("/")[2])}</a>' for one in types)


def _headers(response: Json) -> Iterator[str]:
    return (f"<code>{escape(name)}</code>" for name in response.get("headers", {}))
