"""Capture: a kept webhook, or an event, as a fixture, with a substitute for each value that may be somebody's.

The form of a webhook's is that of tests/fixtures/sources, which docs/adding-a-source.md describes. Facts and mapping are those of the
redacted request, so the shared tests of sources take the fixture as it is.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from shared import exact, mapping, sources
from shared.access.caller import Caller
from shared.access.sources import Source
from shared.errors import BrokenSource, Invalid, MalformedBody, SignalboxError
from shared.exact import Json
from shared.line import Line
from shared.operations import listing
from shared.redaction import Redaction, tokens_of
from shared.sources import Facts, Received, SourceKind
from shared.stages import receive, translate
from shared.stores.kept import Item

POSTED = "post_event"
"""The folder of bodies that are posted, in tests/fixtures/api."""
ORIGIN = "written from a captured request, with substitutes for its values"
_MEDIA = re.compile(r"[a-z]+/[\w.+-]+(?:; ?charset=[\w-]+)?", re.ASCII | re.IGNORECASE)
_TYPE = re.compile(r"(?!.*\d{4})[A-Za-z][\w.:/-]{0,99}", re.ASCII)
"""A word of the vendor: no text, no address, no number of anybody."""
_BETWEEN = re.compile(r"[./:|-]+")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\S+@\S+", re.ASCII | re.IGNORECASE)
_UNQUOTED = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""Beside letters and digits; the rest is percent-encoded in ce-* headers (CloudEvents' HTTP binding, section 3.1.3.2)."""
_MOST_OF_A_NAME = 60


@dataclass(frozen=True, slots=True)
class Fixture:
    """A fixture of a kind of source, or of POSTED; `case` is what its file is called."""

    kind: str
    case: str
    doc: Mapping[str, Json]


async def fixture(line: Line, section: str, id: str) -> Fixture:
    """The fixture of a kept webhook, the same each time, as long as its source stays as it is.

    Raises NotFound, BrokenSource, and Unavailable.
    """
    item = await line.quarantine.read(section, id)
    source = await line.sources.fresh(section, item.source)
    # Reading it all and writing it anew takes a large body seconds, and others wait.
    return await asyncio.to_thread(captured, source, translate.kind_of(source), item)


async def posted(line: Line, caller: Caller, id: str) -> Fixture:
    """The fixture of an event: a body that can be posted and fits the same definition. Raises NotFound.

    Of a webhook that was taken in, only the event is stored that its mapping made.
    """
    told = await listing.receipt(line, caller, id)
    event = str(told["event"])
    body = {name: told[name] for name in ("occurredAt", "source", "person", "properties", "test")}
    redaction = Redaction({event, *_BETWEEN.split(event)}, body)
    return Fixture(POSTED, _file_name(event), {"event": event, **redaction.value(body)})


def captured(source: Source, kind: SourceKind, item: Item) -> Fixture:
    """The same of what was read. Raises BrokenSource."""
    request = _plain(item)
    found = _facts(kind, request)
    types = [] if isinstance(found, SignalboxError) else [one.type for one in found]
    redacted, settings = _redacted(source, kind, request, types)
    doc = {
        "origin": ORIGIN,
        **({"settings": settings} if sources.is_set_up(source.kind) else {}),
        "headers": redacted.headers,
        "body": redacted.body.decode(),
        **_told(sources.load(source.kind, settings), redacted),
    }
    case = types[0] if types and _TYPE.fullmatch(types[0]) else item.cause.value
    return Fixture(source.kind, _file_name(case), doc)


def _file_name(case: str) -> str:
    return re.sub("[^a-z0-9]+", "-", case.lower()).strip("-")[:_MOST_OF_A_NAME]


def _plain(item: Item) -> Received:
    """The request as its kind reads it; as it came where it cannot be unpacked."""
    came = Received("POST", f"/v1/hooks/{item.source}", item.headers, item.body or b"")
    headers = {name: value for name, value in item.headers.items() if name != "content-encoding"}
    return replace(receive.unpacked(came), headers=headers)


def _facts(kind: SourceKind, request: Received) -> Sequence[Facts] | SignalboxError:
    """What a request says, or why it cannot be read. Raises BrokenSource."""
    try:
        return kind.read(request)
    except (Invalid, MalformedBody) as error:
        return error
    except Exception as error:  # noqa: BLE001  (whatever broke in this version)
        raise BrokenSource(f"The kind broke: {type(error).__name__}. Update it, then try again.") from None


def _redacted(
    source: Source, kind: SourceKind, request: Received, types: Sequence[str]
) -> tuple[Received, Json]:
    """The request and its source's settings, with the same substitutes."""
    is_json, body = _parsed(request.body)
    headers = {name: unquote(value) for name, value in request.headers.items()}
    redaction = Redaction({*_known(source, kind, types)}, headers, body if is_json else tokens_of(body))
    named = {name: _header(redaction, name, value) for name, value in request.headers.items()}
    told = exact.dumps(redaction.value(body)) if is_json else redaction.raw(body)
    settings = _settings(redaction, dict(source.settings))
    return replace(request, headers=named, body=told.encode()), settings


def _parsed(body: bytes) -> tuple[bool, Json]:
    """Whether the body is JSON, and that, or else its text."""
    try:
        return True, exact.loads(body)
    except MalformedBody:
        return False, body.decode(errors="replace")


def _header(redaction: Redaction, name: str, value: str) -> str:
    if name == "content-type":
        return value if _MEDIA.fullmatch(value) else redaction.text(value)
    return quote(redaction.text(unquote(value)), safe=_UNQUOTED)


def _settings(redaction: Redaction, value: Json) -> Json:
    """How its kind is set up: what looks like somebody's id is replaced, all else was written for a machine."""
    if isinstance(value, dict):
        return {name: _settings(redaction, member) for name, member in value.items()}
    if isinstance(value, list):
        return [_settings(redaction, item) for item in value]
    return redaction.text(value) if isinstance(value, str) and _ID.fullmatch(value) else value


def _known(source: Source, kind: SourceKind, types: Sequence[str]) -> Iterator[str]:
    """The words that are nobody's: the kind's own, the types' and the mappings'."""
    yield from kind.words
    told = [one for one in types if _TYPE.fullmatch(one)]
    for one in (*kind.mappings, *source.types, *told):
        yield from (one, *_BETWEEN.split(one))
    own = [meaning.mapping for meaning in source.types.values() if meaning.mapping]
    for doc in (*kind.mappings.values(), *own):
        yield from mapping.words(mapping.compiled(doc))


def _told(kind: SourceKind, request: Received) -> dict[str, Json]:
    """What the fixture expects of its request."""
    found = _facts(kind, request)
    if isinstance(found, SignalboxError):
        return {"refused": found.detail}
    payloads = [one.payload for one in found]
    facts = [
        {"type": one.type, "deliveryId": one.delivery_id, "occurredAt": one.occurred_at} for one in found
    ]
    return {
        **({"payload": payloads} if _differ(payloads, request.body) else {}),
        "facts": _single(facts),
        "mapped": _single([_mapped(kind, one) for one in found]),
    }


def _differ(payloads: Sequence[Json], body: bytes) -> bool:
    is_json, whole = _parsed(body)
    listed = whole if isinstance(whole, list) else [whole]
    return not is_json or exact.dumps(payloads) != exact.dumps(listed)


def _mapped(kind: SourceKind, found: Facts) -> Json:
    doc = kind.mappings.get(found.type)
    if doc is None:
        return None
    try:
        return mapping.apply(mapping.compiled(doc), found.payload)
    except Invalid as error:
        return {"faults": [fault.pointer for fault in error.faults]}


def _single(several: list[Json]) -> Json:
    return several[0] if len(several) == 1 else several
