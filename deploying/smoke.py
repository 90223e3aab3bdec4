"""The smoke test of a deployment: it lives, takes an event, and the event's receipt says that it was processed."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from deploying.patience import Patience, Say
from deploying.smoke_event import event
from deploying.trouble import NotYet, Trouble
from deploying.vault import SMOKE_KEY
from local.client import Client, Response

LIVE_SECONDS = 300
"""A first start installs nothing any more, but a cold one, and the name of a new app, take their time."""
ACCEPT_SECONDS = 600
"""Until the app's own roles on storage and bus count."""
PROCESS_SECONDS = 180
"""Until a queue trigger that nobody has used yet wakes up."""
_HINT = "See docs/deploying.md#when-something-fails."


@dataclass(frozen=True, slots=True)
class Waits:
    """How long each part of the test may take."""

    live: Patience
    accept: Patience
    process: Patience

    @classmethod
    def usual(cls) -> "Waits":
        return cls(*(Patience.named(most) for most in (LIVE_SECONDS, ACCEPT_SECONDS, PROCESS_SECONDS)))


def smoke(url: str, key: str, waits: Waits, say: Say) -> dict[str, Any]:
    """The receipt of an event that came through. Raises Trouble that says what stopped it."""
    client = Client.keyed(url, key)
    waits.live.wait(lambda: _lives(client), f"{url}/health/live", f"The app does not start. {_HINT}", say)
    say(f"{url} lives.")
    id = waits.accept.wait(
        lambda: _accepted(client),
        "the first event to be taken in",
        f"The app takes no event in. {_HINT}",
        say,
    )
    say(f"It has taken in event {id}.")
    receipt = waits.process.wait(
        lambda: _processed(client, id),
        f"the receipt of {id}",
        f"No queue trigger takes the event on. {_HINT}",
        say,
    )
    say(f"Its receipt says {receipt['status']}.")
    return receipt


def _lives(client: Client) -> None:
    if _asked(client, "GET", "/health/live").status != HTTPStatus.OK:
        raise NotYet("no answer of the app itself yet")


def _accepted(client: Client) -> str:
    answer = _asked(client, "POST", "/v1/events", event("smoke"))
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise Trouble(
            f"The app does not know the key in the vault's secret {SMOKE_KEY}. Make another: infra/scripts/hook.sh renew"
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise NotYet(f"it answers {answer.status}{_told(answer)}")
    if answer.status != HTTPStatus.ACCEPTED:
        raise Trouble(f"The smoke test's event was answered {answer.status}{_told(answer)}")
    return str(answer.doc["id"])


def _processed(client: Client, id: str) -> dict[str, Any]:
    answer = _asked(client, "GET", f"/v1/events/{id}")
    if answer.status != HTTPStatus.OK or answer.doc["status"] != "processed":
        said = answer.doc.get("status") if isinstance(answer.doc, dict) else answer.status
        raise NotYet(f"it says {said}")
    receipt: dict[str, Any] = answer.doc
    return receipt


def _asked(client: Client, method: str, path: str, doc: Any = None) -> Response:
    """What is answered. Raises NotYet without an answer, or for one that is none of the app's."""
    try:
        return client.post(path, doc) if method == "POST" else client.get(path)
    except (OSError, ValueError) as error:
        raise NotYet(f"no answer of the app ({type(error).__name__})") from None


def _told(answer: Response) -> str:
    detail = answer.doc.get("detail") if isinstance(answer.doc, dict) else None
    return f": {detail}" if detail else ""
