"""What a webhook costs beside the event that it becomes: checking its signature, reading it, and mapping it."""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from shared.access.sources import Source, VendorType
from shared.sources import Received, load
from shared.sources.genuine import check
from shared.stages import translate

SECRET = "whsec_of the bench"  # noqa: S105  (its own)
TYPE = "checkout.session.completed"


def steps() -> dict[str, Callable[[], Awaitable[object]]]:
    """Each step for a Stripe event of about a kilobyte: HMAC-SHA256 over time and body, the facts, the mapping."""
    now = datetime.now(UTC)
    received = _signed(_event(), int(now.timestamp()))
    source = Source(
        section="bench",
        id="0" * 32,
        name="bench",
        kind="stripe",
        label="bench",
        paused=False,
        types={TYPE: VendorType("transactions.order-placed", None, None)},
        secrets=(SECRET,),
    )
    [facts] = translate.facts(source, received)

    async def signature() -> None:
        check(load("stripe").proofs, received, source.secrets, now)

    async def read() -> None:
        translate.facts(source, received)

    async def mapped() -> None:
        translate.webhook(source, facts)

    return {"webhook signature": signature, "webhook facts": read, "webhook mapping": mapped}


def _event() -> bytes:
    customer = {"email": "ada@example.com", "name": "Ada Lovelace", "phone": "+46701740605"}
    session = {
        "id": "cs_1",
        "amount_total": 4250,
        "currency": "eur",
        "customer": "cus_1",
        "metadata": {"note": "x" * 700},
    }
    data = {"object": {**session, "customer_details": customer}}
    return json.dumps({"id": "evt_1", "type": TYPE, "created": 1732270501, "data": data}).encode()


def _signed(body: bytes, seconds: int) -> Received:
    digest = hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={seconds},v1={digest}", "content-type": "application/json"}
    return Received("POST", "/v1/hooks/bench", headers, body)
