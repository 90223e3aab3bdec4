"""Holds answers to the app's own description of them, as `GET /openapi.json` gives it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

PROBLEM = "application/problem+json"
TELLING = frozenset(
    {"location", "idempotency-replayed", "retry-after", "www-authenticate", "ratelimit", "ratelimit-policy"}
)
"""Headers that say something about the answer: one that comes has to be described."""
ALWAYS = {401: "www-authenticate", 429: "retry-after", 503: "retry-after"}

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, with what was asked. Names of headers are lower case, `doc` is None where there was no body."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    doc: Any


class Description:
    """What a served document says of answers."""

    def __init__(self, document: Doc) -> None:
        self._document = document
        # An answer may not have a member that is not described, though a caller has to bear with it.
        self._components = {
            **document["components"],
            "schemas": {name: _closed(schema) for name, schema in document["components"]["schemas"].items()},
        }
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "/?", re.IGNORECASE), item)
            for path, item in document["paths"].items()
        ]
        self._checks: dict[str, jsonschema_rs.Validator] = {}

    def operation(self, method: str, path: str) -> Doc | None:
        """What is described for a request; `path` has no query."""
        named = "get" if method == "HEAD" else method.lower()
        found = (item[named] for pattern, item in self._paths if named in item and pattern.fullmatch(path))
        return next(found, None)

    def faults(self, answer: Answered) -> Iterator[str]:
        """Where an answer is not as described."""
        operation = self.operation(answer.method, answer.path)
        if operation is None:
            yield from self._refused(answer)
        elif str(answer.status) not in operation["responses"]:
            yield f"the status {answer.status} is not described"
        else:
            response = operation["responses"][str(answer.status)]
            yield from self._not_as(self._resolved(response), answer)

    def _refused(self, answer: Answered) -> Iterator[str]:
        """Where there is no door, a problem says so."""
        if (answer.status, "allow" in answer.headers) not in ((404, False), (405, True)):
            yield f"the status {answer.status} where there is no door"
        problem = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        yield from self._not_as(problem, answer)

    def _not_as(self, response: Doc, answer: Answered) -> Iterator[str]:
        described = {name.lower() for name in response.get("headers", {})}
        yield from (
            f"the header {name} is not described" for name in TELLING & answer.headers.keys() - described
        )
        if answer.status in ALWAYS and ALWAYS[answer.status] not in answer.headers:
            yield f"the header {ALWAYS[answer.status]} is missing"
        media = answer.headers.get("content-type", "none").partition(";")[0]
        # The runtime gives every answer a content type, an empty one too.
        content = response.get("content", {media: {"schema": {"type": "null"}}})
        if media not in content:
            yield f"the content type {media} is not described"
        elif answer.method != "HEAD":
            yield from self._misfits(content[media]["schema"], answer.doc)

    def _misfits(self, schema: Doc, doc: Any) -> Iterator[str]:
        text = json.dumps(schema)
        if text not in self._checks:
            self._checks[text] = jsonschema_rs.validator_for({**schema, "components": self._components})
        errors = self._checks[text].iter_errors(doc)
        yield from (f"{error.instance_path}: {error.message}" for error in errors)

    def _resolved(self, response: Doc) -> Doc:
        reference = response.get("$ref")
        found: Doc = (
            self._document["components"]["responses"][reference.rpartition("/")[2]] if reference else response
        )
        return found


def _closed(schema: Doc) -> Doc:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema
