"""The whole line running on real parts, once for each test process: `running` is what its tests talk to."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.azurite import installed
from local.client import Client, Response
from local.demo.furnish import Demo, furnish
from local.keys import KeyStore
from local.process import free_ports
from local.settings import Kept
from local.stack import Stack
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
        lines = self.stack.received.read_text().splitlines()
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
    with started(tmp_path_factory.mktemp("stack")) as one:
        yield one


@contextmanager
def started(home: Path, **options: Any) -> Iterator[Running]:
    """A stack of one's own in a folder of its own; `options` are the stack's."""
    if not installed():
        pytest.skip("Azurite is not installed: make setup")
    with Stack(fresh(), lambda _: None, home, timers=False, **options) as stack:
        key = deployment_key(stack)
        yield Running(stack, furnish(stack.base_url, key, stack.receiver_url, None), key)


def fresh() -> Kept:
    """Settings for a stack of a test's own, on free ports."""
    port, receiver = free_ports(2)
    return Kept(port, receiver, new_master_key())


def deployment_key(stack: Stack) -> str:
    """A new key that reaches every section."""
    made = asyncio.run(KeyStore(stack.environment).create("*", "tests", [], "tests"))
    return str(made["key"])
