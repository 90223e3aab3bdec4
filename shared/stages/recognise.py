"""Recognise: the identifiers that a webhook mentions, by its mapping and by their form, so that it is found by them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain

from shared import exact, logs
from shared.access.sections import Section
from shared.access.sources import Source
from shared.errors import SignalboxError
from shared.people.identifiers import Identifier, identifiers
from shared.people.mentions import mentioned, mentioned_in_text
from shared.sources import Received
from shared.stages import receive, translate

MAX_MENTIONS = 90
"""Identifiers of one request that find it again: their rows and its own go in one transaction."""
MORE = "more"
"""Stands among a request's mentions where there were more of them."""


def recognise(section: Section, source: Source, request: Received) -> tuple[str, ...]:
    """The keyed hashes of what a genuine webhook mentions, those that its mapping names first; at most MAX_MENTIONS, then MORE.

    What cannot be read says nothing by its mapping; whatever it is, its text is looked through. Raises nothing: what could
    not be looked through counts as MORE, because the request has to be kept.
    """
    found: dict[str, None] = {}
    try:
        plain = receive.unpacked(request)
        for one in chain(_mapped(section, source, plain), _seen(section, plain)):
            hashed = one.hash(section.hash_key)
            if len(found) == MAX_MENTIONS and hashed not in found:
                return (*found, MORE)
            found[hashed] = None
    except Exception as error:  # noqa: BLE001  (whatever broke)
        logs.fail(
            "recognise",
            "not looked through",
            section=section.id,
            source=source.label,
            error=logs.told_of(error),
        )
        return (*found, MORE)
    return tuple(found)


def meant(source: Source, request: Received, told: Sequence[object]) -> Mapping[str, int]:
    """How many events of which definition a webhook was to be that is kept: those of which it is `told` that they are none.

    Only what its source's types say; of what cannot be read nothing is known. Raises nothing.
    """
    try:
        found = translate.facts(source, receive.unpacked(request))
    except SignalboxError:
        return {}
    verdicts = told if len(told) == len(found) else [told[0]] * len(found)
    kept = (one for one, verdict in zip(found, verdicts, strict=True) if isinstance(verdict, SignalboxError))
    return Counter(source.types[one.type].event for one in kept if one.type in source.types)


def _mapped(section: Section, source: Source, request: Received) -> Iterator[Identifier]:
    with suppress(SignalboxError):
        for one in translate.facts(source, request):
            yield from identifiers(translate.person_of(source, one), section.country)


def _seen(section: Section, request: Received) -> Iterator[Identifier]:
    yield from mentioned(dict(request.headers), section.country)
    try:
        payload = exact.loads(request.body)
    except SignalboxError:
        yield from mentioned_in_text(request.body.decode(errors="replace"), section.country)
    else:
        yield from mentioned(payload, section.country)
