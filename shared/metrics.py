"""Metrics: the closed list of what is measured, each with its unit and the only values that its attributes take.

Names that makers chose (sections, definitions, sources, destinations) are attributes of none: there may be any number of
them, and `GET /v1/metrics` has them by section. Nothing of a person or a request is one either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal

OTHER = "other"
"""What a value that is not on the list is counted as, so that a list stays closed whatever is given."""
NONE = "none"
"""Nothing in particular: the reason of what went well."""

DOORS = ("event", "batch", "webhook", "mended", "own")
"""Where an event comes in: by itself, with many, as a webhook; out of quarantine; or it is one of ours."""
KINDS = (
    *sorted(one.name for one in iter_modules([str(Path(__file__).parent / "destinations" / "kinds")])),
    NONE,
)
"""The kinds of destinations, as their files are called; `none` where there is no such destination any more."""
REFUSALS = (
    *("malformed-body", "idempotency-keys-differ", "unauthenticated", "forbidden", "not-found"),
    *("method-not-allowed", "conflict", "limit-reached", "length-required", "body-too-large"),
    *("unsupported-media-type", "invalid", "unknown-event", "unknown-version", "idempotency-key-reused"),
    *("unknown-type", "broken-source", "paused", "quota-exceeded", "unavailable", "internal"),
)
"""Why an event is not taken in: the types of problems (`shared.errors`)."""
CAUSES = (
    *("bad_url", "broken", "broken_destination", "expired", "exhausted", "gateway_timeout", "gone", "limits"),
    *("mapping", "no_access", "no_destination", "no_http", "outcome_unknown", "redirected"),
    *("refused_address", "rejected", "resting", "server_error", "throttled", "timeout", "tls"),
    *("unreachable", "unresolved"),
)
"""Why a delivery does not arrive (`shared.destinations.outcomes.Cause`)."""
STOPS = ("opted_out", "unsubscribed", "section_paused", "destination_paused")
"""Why a delivery is not to go out, or not now (`shared.stores.reasons.Reason`)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One measure: `sum` adds up, `gauge` is how it stands now, `histogram` shows how values are spread.

    `unit` is UCUM's, in braces where things are counted. `attributes` are all that there may be, with all their values.
    `bounds` are the upper edges of a histogram's buckets.
    """

    name: str
    kind: Literal["sum", "gauge", "histogram"]
    unit: str
    what: str
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()

    def closed(self, of: Mapping[str, str]) -> dict[str, str]:
        """The attributes with every value that is not on the list made OTHER. Raises ValueError for other attributes."""
        if of.keys() != self.attributes.keys():
            raise ValueError(f"{self.name} has the attributes {sorted(self.attributes)}, not {sorted(of)}")
        return {name: value if value in self.attributes[name] else OTHER for name, value in of.items()}


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0)

EVENTS = Metric(
    "signalbox.events",
    "sum",
    "{event}",
    "events that came, by what became of them at the door",
    {"door": DOORS, "outcome": ("accepted", "duplicate", "rejected", "retry"), "reason": (NONE, *REFUSALS)},
)
DELIVERIES = Metric(
    "signalbox.deliveries",
    "sum",
    "{delivery}",
    "steps of deliveries, by what each came to",
    {
        "kind": KINDS,
        "outcome": ("delivered", "retry", "held", "dead", "refused", "parked"),
        "reason": (NONE, *CAUSES, *STOPS),
    },
)
DELIVERY_DURATION = Metric(
    "signalbox.delivery.duration",
    "histogram",
    "s",
    "how long a request to a destination takes, answered or not",
    {"kind": KINDS},
    _SECONDS,
)
EVENT_DURATION = Metric(
    "signalbox.event.duration",
    "histogram",
    "s",
    "from when an event was received until it was delivered",
    {"kind": KINDS},
    _LONG,
)
UNFINISHED_AGE = Metric(
    "signalbox.unfinished.age", "gauge", "s", "age of the oldest event that is accepted and not finished"
)
WAITING = Metric(
    "signalbox.waiting",
    "gauge",
    "{item}",
    "what waits for somebody: deliveries, and webhooks in quarantine",
    {"state": ("held", "dead", "parked", "quarantined")},
)
THROTTLED = Metric(
    "signalbox.throttled",
    "sum",
    "{request}",
    "requests that were told to come later, by who said so",
    {"by": ("tables", "bus", "destination", "quota")},
)
SILENT = Metric(
    "signalbox.silent", "gauge", "{item}", "definitions and sources from which nothing comes though it should"
)
UNUSUAL = Metric("signalbox.unusual", "gauge", "{item}", "definitions and sources with an unusual volume")

METRICS = (
    *(EVENTS, DELIVERIES, DELIVERY_DURATION, EVENT_DURATION),
    *(UNFINISHED_AGE, WAITING, THROTTLED, SILENT, UNUSUAL),
)
"""All that there are."""
