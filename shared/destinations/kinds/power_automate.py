"""Starts a flow of Power Automate, or a workflow of Azure Logic Apps, whose trigger is an HTTP request.

https://learn.microsoft.com/azure/connectors/connectors-native-reqres and
https://learn.microsoft.com/power-automate/oauth-authentication
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from shared import exact
from shared.destinations import DestinationKind, Limits, Parcel, Secret
from shared.destinations.outcomes import NO_ACCESS, Cause, Meaning, Ruling
from shared.destinations.settings import DestinationSettings, is_url
from shared.destinations.whole import message
from shared.ports import Outgoing


class Settings(DestinationSettings):
    """Nothing of its own: where it goes is a secret."""


def build(_settings: Settings, secrets: Mapping[str, str], parcel: Parcel, _now: datetime) -> Outgoing:
    """The event as a webhook has it. The delivery's id becomes the run's tracking id, by which a maker finds it.

    https://learn.microsoft.com/azure/logic-apps/monitor-workflows-collect-diagnostic-data (custom tracking IDs): it is for
    finding only, and two requests with one are two runs.
    """
    headers = {
        "content-type": "application/json",
        "user-agent": "Signalbox/1.0",
        "x-ms-client-tracking-id": parcel.id,
    }
    return Outgoing("POST", secrets["url"], headers, exact.dumps(message(parcel)).encode())


def _is_signed(url: str) -> bool:
    """Whoever has it starts the flow, by the signature in its query."""
    return is_url(url) and bool(parse_qs(urlsplit(url).query).get("sig"))


DESTINATION = DestinationKind(
    settings=Settings,
    build=build,
    secrets={"url": Secret("the trigger's HTTP URL, whole, with its sig", _is_signed)},
    answers={
        401: NO_ACCESS,
        # The flow ran, and ended without its Response action.
        502: Ruling(Meaning.UNKNOWN, Cause.GATEWAY_TIMEOUT),
    },
    # https://learn.microsoft.com/power-automate/limits-and-config (message size)
    limits=Limits(body=100 * 1024 * 1024),
)
