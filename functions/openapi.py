"""The app describes itself: an OpenAPI 3.1 document, made on first use of what the doors declare."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from functions.answers.problems import Problem
from functions.doors import DOORS, FOR_PAGES, Door, Gives
from functions.replies import JSON
from functions.schemas import Schemas, schemas_of
from shared.access.caller import SECTION_HEADER
from shared.errors import (
    BodyTooLarge,
    Forbidden,
    Invalid,
    LengthRequired,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    QuotaExceeded,
    SignalboxError,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from shared.exact import Json
from shared.operations.funnel import STEPS
from shared.operations.listing import MOST
from shared.stages.receive import MAX_BODY_BYTES
from shared.stages.translate import MAX_KEY

VERSION = "0.1.0"
"""That of CHANGELOG.md."""

Doc = dict[str, Json]
Kinds = tuple[type[SignalboxError], ...]
EXAMPLES = Path(__file__).with_name("examples.json")
"""A body for each door that the documentation shows one for. `python -m tests.functions.written` writes them."""

_KEYED = (Unauthenticated, Forbidden, NotFound, QuotaExceeded, Unavailable)
_READING = (MalformedBody, LengthRequired, BodyTooLarge, UnsupportedMediaType, Invalid)
_PARAMETERS: Mapping[str, tuple[Doc, str]] = {
    "{id}": ({"type": "string"}, "The id that its list, or the answer that created it, tells."),
    "{event}": ({"type": "string"}, "An event's name, such as transactions.order-placed."),
    "{version}": ({"type": "string"}, "A version's id."),
    "{type}": ({"type": "string"}, "The last part of a problem's `type`, such as not-found."),
    "{source}": ({"type": "string"}, "The last part of the source's hookPath."),
    "limit": ({"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST // 2}, "How many at most."),
    "before": ({"type": "string", "format": "uuid"}, "An event's id: what is older than it."),
    "after": ({"type": "string"}, "An id to go on from, or an earlier answer's `next`."),
    "since": (
        {"type": "string", "format": "date-time"},
        "The beginning; by default 24 hours before the end.",
    ),
    "until": ({"type": "string", "format": "date-time"}, "The end; by default now."),
    "step": ({"enum": [*STEPS], "default": "hour"}, "How long its parts are. Days are those of UTC."),
    "confirm": ({"type": "string"}, "The id once more: nothing is deleted without it."),
    "cause": ({"type": "string"}, "Only what is there for this cause."),
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
        "Your own id for the event: sent again, it counts once. The body's `id` means the same.",
    ),
    "section": ({"type": "string"}, f"What the header {SECTION_HEADER} says, where it is not sent."),
    "If-None-Match": (
        {"type": "string"},
        "The `ETag` of what you have: if it still holds, the answer is 304.",
    ),
    SECTION_HEADER: (
        {"type": "string"},
        "The section that a deployment key or a token means. Another key may name its own, or none.",
    ),
}
_HEADERS: Mapping[str, tuple[Doc, str]] = {
    "Location": ({"type": "string"}, "The path of what was created."),
    "Idempotency-Replayed": ({"const": "true"}, "There when this is the first answer again."),
    "WebHook-Allowed-Origin": ({"type": "string"}, "Who may send webhooks: whoever asked."),
    "WebHook-Allowed-Rate": ({"type": "string"}, "How many a minute: `*` is as many as wanted."),
    "Retry-After": ({"type": "integer"}, "Seconds after which the same request may be sent again."),
    "RateLimit": ({"type": "string"}, "What is left of the quota, and when it is whole again."),
    "RateLimit-Policy": ({"type": "string"}, "The quota a minute: requests, and the events of a batch."),
    "WWW-Authenticate": ({"type": "string"}, "Which credential is asked for."),
    "Access-Control-Allow-Origin": ({"const": "*"}, "Scripts of every page may read the answer."),
    "Access-Control-Expose-Headers": ({"type": "string"}, "The headers that they may read."),
    "Access-Control-Allow-Methods": ({"const": "POST"}, "What a page may ask."),
    "Access-Control-Allow-Headers": ({"type": "string"}, "The headers that it may send."),
    "Access-Control-Max-Age": ({"type": "string"}, "Seconds for which this holds."),
    "Content-Disposition": (
        {"type": "string"},
        "A name for the file: kind and case, such as `shopify.orders-create.json`.",
    ),
    "ETag": (
        {"type": "string"},
        "A tag of this content: send it as `If-None-Match` to ask whether it has changed.",
    ),
    "Cache-Control": ({"type": "string"}, "How long a cache may keep it."),
    "Allow": ({"type": "string"}, "The methods that the path takes."),
}
_WITH: Mapping[type[SignalboxError], tuple[str, ...]] = {
    Unavailable: ("Retry-After",),
    QuotaExceeded: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    Unauthenticated: ("WWW-Authenticate",),
    MethodNotAllowed: ("Allow",),
}


@cache
def document() -> Doc:
    """The document (https://spec.openapis.org/oas/v3.1.1)."""
    doors = sorted(DOORS, key=_place)
    forms = [gives.form for door in doors for gives in door.gives.all if gives.form is not None]
    schemas = schemas_of([Problem, *forms, *(_body(door)[0] for door in doors if door.wants.body)])
    paths: dict[str, Doc] = {}
    for door in doors:
        paths.setdefault(door.path, {})[door.methods[0].lower()] = _operation(door, schemas)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Signalbox", "version": VERSION, "summary": "Takes events in and passes them on."},
        "servers": [{"url": "/"}],
        "security": [],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {name: _problem(kinds, schemas) for door in doors for name, kinds in _bad(door)},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "sbx_...",
                    "description": "A key, or an access token of Microsoft Entra.",
                }
            },
        },
    }


def _place(door: Door) -> tuple[str, bool, str]:
    """Where a door stands in the document, whichever module was imported first: by path, reading before the rest."""
    method = door.methods[0]
    return door.path, method != "GET", method


def refusals(door: Door) -> set[type[SignalboxError]]:
    """Every refusal that a door can give: those of its sort, and its own."""
    found: set[type[SignalboxError]] = {SignalboxError, *door.wants.refuses}
    if door.keyed:
        found.update(_KEYED)
    if door.wants.body not in (None, bytes):
        found.update(_READING)
    if door.wants.query:
        found.add(Invalid)
    if "{" in door.path:
        found.add(NotFound)
    return found


def _operation(door: Door, schemas: Schemas) -> Doc:
    told = door.handler.__doc__ or ""
    scope = f" Needs the scope {' and '.join(f'`{one}`' for one in door.needs)}." if door.needs else ""
    operation: Doc = {
        "operationId": door.handler.__name__,
        "summary": told.partition(". ")[0].removesuffix("."),
        "description": told + scope,
        "tags": [door.path.removeprefix("/v1").split("/")[1]],
        "security": [{"key": [str(one) for one in door.needs]}] if door.keyed else [],
        "parameters": list(_parameters(door)),
        "responses": {
            **{str(gives.status): _good(door, gives, schemas) for gives in door.gives.all},
            **{
                str(kinds[0].status): {"$ref": f"#/components/responses/{name}"} for name, kinds in _bad(door)
            },
        },
    }
    return operation | ({"requestBody": _request_body(door, schemas)} if door.wants.body else {})


def _parameters(door: Door) -> Iterator[Doc]:
    in_path = [segment for segment in door.path.split("/") if segment.startswith("{")]
    keyed = (SECTION_HEADER,) if door.needs else ()
    query = (*door.wants.query, *(("section",) if door.wants.section_in_query else ()))
    named = {"path": in_path, "query": query, "header": (*door.wants.headers, *keyed)}
    for place, names in named.items():
        for name in names:
            schema, text = _PARAMETERS[name]
            about = {"name": name.strip("{}"), "in": place, "description": text, "schema": schema}
            yield about | ({"required": True} if place == "path" else {})


def _body(door: Door) -> tuple[Any, bool]:
    """The form of a door's body, and whether it must be there."""
    sides = get_args(door.wants.body)
    return (sides[0], False) if type(None) in sides else (door.wants.body, True)


def _request_body(door: Door, schemas: Schemas) -> Doc:
    form, required = _body(door)
    if form is bytes:
        return {"description": "What the vendor sends.", "content": {"*/*": {}}}
    limits = f"At most {MAX_BODY_BYTES} bytes, unpacked. It may be compressed: `Content-Encoding: gzip`."
    content = {"schema": schemas.of[form]}
    if door.handler.__name__ in _examples():
        content["example"] = _examples()[door.handler.__name__]
    return {"description": limits, "required": required, "content": {JSON: content}}


@cache
def _examples() -> Doc:
    return json.loads(EXAMPLES.read_bytes())  # type: ignore[no-any-return]


def _good(door: Door, gives: Gives, schemas: Schemas) -> Doc:
    form = gives.form
    content = {"content": {gives.media: {"schema": schemas.of[form]}}} if form is not None else {}
    quota = ("RateLimit", "RateLimit-Policy") if door.keyed else ()
    pages = tuple(FOR_PAGES) if door.wants.pages else ()
    told = "It is what you have." if gives.status == 304 else "It is done."
    return {"description": told} | content | _headers((*gives.headers, *quota, *pages))


def _bad(door: Door) -> Iterator[tuple[str, Kinds]]:
    """The refusals of each status under a name of their own, which other doors with the same refusals share."""
    found = sorted(refusals(door), key=lambda kind: (kind.status, kind.type))
    for _, group in groupby(found, key=lambda kind: kind.status):
        kinds = tuple(group)
        yield ".".join(kind.type for kind in kinds), kinds


def _problem(kinds: Kinds, schemas: Schemas) -> Doc:
    """A refusal of one status: the types of problem that it may be."""
    types = {"type": {"enum": [f"/problems/{kind.type}" for kind in kinds]}}
    content = {"application/problem+json": {"schema": {**schemas.of[Problem], "properties": types}}}
    about = {"description": "; or ".join(kind.title for kind in kinds) + ".", "content": content}
    return about | _headers(tuple(name for kind in kinds for name in _WITH.get(kind, ())))


def _headers(names: tuple[str, ...]) -> Doc:
    told = {name: dict(zip(("schema", "description"), _HEADERS[name], strict=True)) for name in names}
    return {"headers": told} if told else {}
