"""The whole line running on real parts, once for each test process: `running` is what its tests talk to."""

import asyncio
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import keys
from local.azurite import installed
from local.client import Client, Response
from local.demo.furnish import Demo, furnish
from local.process import free_ports
from local.stack import Stack
from shared import settings
from shared.azure.vault import new_master_key


@dataclass(frozen=True, slots=True)
class Running:
    """A furnished section behind real doors. Timers are off: a test that needs a tick posts one."""

    stack: Stack
    demo: Demo
    deployment_key: str

    @property
    def client(self) -> Client:
        """With the demo section's key."""
        return self.demo.client

    @property
    def operator(self) -> Client:
        """With the deployment key, in the demo section."""
        return Client.keyed(self.stack.base_url, self.deployment_key, "demo")

    @property
    def anonymous(self) -> Client:
        return Client(self.stack.base_url)

    def received(self, delivery: str) -> list[dict[str, Any]]:
        """The requests that the receiver had for a delivery, read from its own file."""
        lines = (self.stack.home / "received.jsonl").read_text().splitlines()
        requests = [json.loads(line) for line in lines]
        return [one for one in requests if one["headers"].get("webhook-id") == delivery]

    def post_order(self, **changes: Any) -> Response:
        """Post an order that fits, under a key of its own, some members changed."""
        return self.client.post("/v1/events", order(**changes))


def order(**changes: Any) -> dict[str, Any]:
    """An order that fits its definition, under a key of its own."""
    return {
        "event": "transactions.order-placed",
        "id": f"order-{secrets.token_hex(8)}",
        "person": {"email": "ada@example.com"},
        "properties": {"orderId": "1001", "totalValue": 42.5, "currency": "EUR"},
        **changes,
    }


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Azurite, a queue, the receiver and the Functions host, with the demo section in them."""
    if not installed():
        pytest.skip("Azurite is not installed: make setup")
    port, receiver = free_ports(2)
    kept = {"port": port, "receiverPort": receiver, "masterKeys": new_master_key()}
    home: Path = tmp_path_factory.mktemp("stack")
    with Stack(kept, lambda _: None, home, timers=False) as stack:
        key = _deployment_key(stack)
        yield Running(stack, furnish(stack.base_url, key, stack.receiver_url, None), key)


def _deployment_key(stack: Stack) -> str:
    before = dict(os.environ)
    os.environ.update(stack.environment)
    settings.settings.cache_clear()
    try:
        made = asyncio.run(keys.create("*", "tests", [], "tests"))
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.settings.cache_clear()
    return str(made["key"])
