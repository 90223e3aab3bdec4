"""The index for programs that read: what Signalbox is in a few sentences, and where to read on (https://llmstxt.org)."""

from collections.abc import Iterable

from functions.pages.problems import every_problem

SUMMARY = """# Signalbox

> Signalbox takes in events from other systems (webhooks, REST, web pages) and passes them on to customer journeys and
> other destinations. Each event is checked against its definition, counted once, stored, and has a receipt.

- Post one event: `POST /v1/events` with `Authorization: Bearer sbx_...`, JSON with `event`, `id` (your own id: sent again
  it counts once), `occurredAt`, `person` and `properties`. 202 means that it is stored.
- `GET /v1/events/{id}` is its receipt: what became of it, at which destination, and why.
- Which properties an event has says its definition: `GET /v1/definitions/{event}/schema` answers JSON Schema.
- Every refusal is `application/problem+json` with a `type` that never changes, and a `detail` that says what to do. Repeat only
  429 and 503, unchanged, after `Retry-After` seconds.
- Numbers keep their text, members that are not described are refused, and times have an offset (RFC 3339).
"""
Link = tuple[str, str, str]
"""Name, address, and what is there, if the name does not say it."""
SERVED: tuple[Link, ...] = (
    (
        "OpenAPI",
        "/openapi.json",
        "every door with its parameters, scope, body, answers and problems, as OpenAPI 3.1",
    ),
    ("Reference", "/reference", "the same as one page of HTML, with examples"),
)


def llms(sections: Iterable[tuple[str, Iterable[Link]]]) -> str:
    """The whole text: the summary, and a list of links under each heading."""
    lists = (
        f"\n## {heading}\n\n"
        + "".join(f"- [{name}]({at}){': ' if about else ''}{about}\n" for name, at, about in links)
        for heading, links in sections
    )
    return SUMMARY + "".join(lists)


def served() -> str:
    """What the app serves: it links what it serves itself, for a deployment has no documentation beside it."""
    problems = [
        (type, f"/problems/{type}", f"{told['status']}, {told['title']}")
        for type, told in every_problem().items()
    ]
    return llms((("API", SERVED), ("Problems", problems)))
