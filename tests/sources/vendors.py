"""SDKs of vendors, a row each: they sign what we verify, and verify what our signer signs.

`make sdks` installs them; the tests of one that is not there are skipped.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from local.azurite import NODE
from shared.sources import Received

HERE = Path(__file__).parent / "sdks"


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK of the vendor of a kind.

    `sign`: the headers that it puts on a request, None where it only verifies. `takes`: whether it believes one, by the time of the system's clock.
    `proof`: which of the kind's proofs it speaks.
    """

    kind: str
    sign: Callable[[Received, str, datetime], Mapping[str, str]] | None
    takes: Callable[[Received, str], bool]
    proof: int = 0


def part(name: str) -> Any:
    """A module of an SDK; skips where it is not installed."""
    return pytest.importorskip(name, reason=f"{name} is not installed: make sdks")


def _stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


def _stripe_signs(received: Received, secret: str, at: datetime) -> Mapping[str, str]:
    header = part("stripe").WebhookSignature.generate_signature_header
    return {"stripe-signature": header(received.body.decode(), secret, int(at.timestamp()))}


def _stripe_takes(received: Received, secret: str) -> bool:
    stripe = part("stripe")
    try:
        verified: bool = stripe.WebhookSignature.verify_header(
            received.body, received.headers["stripe-signature"], secret, tolerance=300
        )
    except stripe.SignatureVerificationError:
        return False
    return verified


def _webhook_signs(module: str, prefix: str, received: Received, secret: str, at: datetime) -> dict[str, str]:
    signature = part(module).Webhook(secret.removeprefix("v1,")).sign("msg_1", at, received.body.decode())
    return {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": _stamp(at), f"{prefix}-signature": signature}


def _webhook_takes(module: str, received: Received, secret: str) -> bool:
    sdk = part(module)
    try:
        sdk.Webhook(secret.removeprefix("v1,")).verify(received.body, received.headers)
    except sdk.WebhookVerificationError:
        return False
    return True


def _hubspot_signs(version: str, received: Received, secret: str, at: datetime) -> Mapping[str, str]:
    stamp = str(int(at.timestamp() * 1000))
    signature = part("hubspot.utils.signature").Signature.get_signature(
        secret, received.body.decode(), version, received.url, received.method, stamp
    )
    if version == "v3":
        return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}
    return {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}


def _hubspot_takes(version: str, received: Received, secret: str) -> bool:
    name = "x-hubspot-signature-v3" if version == "v3" else "x-hubspot-signature"
    taken: bool = part("hubspot.utils.signature").Signature.is_valid(
        received.headers[name],
        secret,
        received.body.decode(),
        received.url,
        received.method,
        version,
        received.headers.get("x-hubspot-request-timestamp"),
    )
    return taken


def _in_node(what: str, secret: str, received: Received) -> Any:
    asked = {
        "what": what,
        "secret": secret,
        "body": received.body.decode(),
        "headers": dict(received.headers),
    }
    node = _node()
    assert node.stdin is not None
    assert node.stdout is not None
    node.stdin.write(json.dumps(asked) + "\n")
    node.stdin.flush()
    return json.loads(node.stdout.readline())


@cache
def _node() -> "subprocess.Popen[str]":
    """One for all: it ends when our end of its input is closed, at the latest with this process."""
    if not (HERE / "node_modules").is_dir():
        pytest.skip("the SDKs in JavaScript are not installed: make sdks")
    pipe = subprocess.PIPE
    return subprocess.Popen([NODE, "verify.mjs"], cwd=HERE, stdin=pipe, stdout=pipe, text=True)  # noqa: S603


def _github_signs(received: Received, secret: str, at: datetime) -> Mapping[str, str]:
    return {"x-hub-signature-256": _in_node("github.sign", secret, received)}


def _shopify_signs(received: Received, secret: str, at: datetime) -> Mapping[str, str]:
    return {"x-shopify-hmac-sha256": _in_node("shopify.sign", secret, received)}


def _paddle_takes(received: Received, secret: str) -> bool:
    taken: bool = _in_node("paddle.verify", secret, received)
    return taken


def _shopify_takes(received: Received, secret: str) -> bool:
    """It asks for these headers, too, before it looks at the signature."""
    also = {"x-shopify-api-version": "2025-01", "x-shopify-shop-domain": "shop.myshopify.com"}
    whole = Received(received.method, received.url, {**also, **received.headers}, received.body)
    taken: bool = _in_node("shopify.verify", secret, whole)
    return taken


def _github_takes(received: Received, secret: str) -> bool:
    taken: bool = _in_node("github.verify", secret, received)
    return taken


SDKS = {
    "stripe": Sdk("stripe", _stripe_signs, _stripe_takes),
    "standardwebhooks": Sdk(
        "standard_webhooks",
        partial(_webhook_signs, "standardwebhooks", "webhook"),
        partial(_webhook_takes, "standardwebhooks"),
    ),
    "svix": Sdk(
        "standard_webhooks",
        partial(_webhook_signs, "svix.webhooks", "svix"),
        partial(_webhook_takes, "svix.webhooks"),
    ),
    "@paddle/paddle-node-sdk": Sdk("paddle", None, _paddle_takes),
    "@octokit/webhooks-methods": Sdk("github", _github_signs, _github_takes),
    "@shopify/shopify-api": Sdk("shopify", _shopify_signs, _shopify_takes),
    **{
        f"hubspot-api-client, {version}": Sdk(
            "hubspot", partial(_hubspot_signs, version), partial(_hubspot_takes, version), proof
        )
        for proof, version in enumerate(("v3", "v2", "v1"))
    },
}

BUILDERS = {"cloudevents": "cloudevents", "event_grid": "azure-eventgrid"}
"""SDKs that build what a kind reads, where nothing is signed."""
WITHOUT = {
    "calendly": "Calendly has no SDK",
    "dataverse": "nothing is signed",
    "generic": "no vendor",
    "intercom": "Intercom's SDKs verify no webhooks",
    "power_automate": "nothing is signed",
    "typeform": "Typeform's SDK verifies no webhooks",
    "zendesk": "Zendesk has no SDK that verifies webhooks",
}
"""Why nobody else checks our reading of a kind."""


def checked_by(kind: str) -> str:
    """Whose code tests hold against ours, for people to read."""
    names = [name.partition(",")[0] for name, row in SDKS.items() if row.kind == kind]
    found = [*dict.fromkeys(names), *([BUILDERS[kind]] if kind in BUILDERS else [])]
    return ", ".join(f"`{name}`" for name in found) or WITHOUT.get(kind, "nothing yet")
