"""Every destination against the stand-in of its API, over real HTTP: what arrives, and what becomes of each failure."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

import pytest

from local.process import Child
from shared import destinations
from shared.azure.http import GuardedHttp
from shared.destinations import KINDS
from shared.ports import Answer, NoAnswer, Outgoing
from shared.stores.trail import Delivery
from tests.destinations.cases import SENT
from tests.destinations.reaching import led, moved, person, place
from tests.house import House, body, build

ROOT = Path(__file__).parents[2]
OF_HTTP = ("host", "content-length")


@dataclass
class Vendors:
    """The process that plays all vendors."""

    url: str
    file: Path

    def control(self, path: str, status: int | str | None) -> None:
        asked = json.dumps({"path": path, "status": status}).encode()
        urlopen(Request(f"{self.url}/control", asked), timeout=10).close()  # noqa: S310

    def had(self, kind: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.file.read_text().splitlines())
        return [one for one in lines if one["path"].startswith(f"/{place(kind)}/")]


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    home = tmp_path_factory.mktemp("vendors")
    command: list[str | Path] = [sys.executable, "-m", "local.receiver", "--file", home / "had.jsonl"]
    with Child("receiver", command, home / "receiver.log", cwd=ROOT) as child:
        yield Vendors(f"http://127.0.0.1:{child.wait_for_announcement()['port']}", home / "had.jsonl")


class KeptHttp(GuardedHttp):
    """Sends for real, and keeps what was to be sent."""

    def __init__(self) -> None:
        super().__init__(allow_loopback=True)
        self.requests: list[Outgoing] = []

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        self.requests.append(request)
        return await super().send(request, timeout_seconds=timeout_seconds)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    http = KeptHttp()
    yield await build(http=http).furnish()  # type: ignore[arg-type]
    await http.close()


def path_of(kind: str) -> str:
    """The path of the kind's request; where the delivery's id is in it, the one above."""
    case = SENT[kind]
    path = unquote(urlsplit(case["expected"]["url"]).path)
    return path.rpartition("/")[0] if case["delivery"]["id"] in path else path


def deduplicates(kind: str) -> bool:
    plugin = destinations.load(kind)
    return plugin.deduplicates(plugin.settings.model_validate(SENT[kind]["settings"]))


def built(request: Outgoing) -> object:
    """A request as it was meant."""
    parts = urlsplit(request.url)
    return (
        request.method,
        unquote(parts.path),
        unquote(parts.query),
        dict(request.headers),
        request.body.decode(),
    )


def wire(had: dict[str, Any]) -> object:
    """A request as it came, without what HTTP itself adds."""
    path, _, query = had["path"].partition("?")
    headers = {name: value for name, value in had["headers"].items() if name not in OF_HTTP}
    return had["method"], unquote(path), unquote(query), headers, had["body"]


async def deliver(house: House, kind: str, vendors: Vendors) -> Delivery:
    """An order on its way to a destination of that kind: what becomes of its first attempt."""
    case = SENT[kind]
    secrets = {name: led(kind, secret, vendors.url) for name, secret in case["secrets"].items()}
    doc = {
        "name": "vendor",
        "kind": kind,
        "settings": {**moved(kind, vendors.url), "timeoutSeconds": 1},
        "secrets": secrets,
    }
    await house.line.destinations.create("demo", body(doc), bytes(32))
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    await house.add_route("vendor")
    id = await house.accept(person=person(case.get("identifiers", {})))
    await house.work()
    return await house.delivery(id, "rt-vendor")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_event_arrives(kind, house, vendors):
    before = len(vendors.had(kind))

    delivery = await deliver(house, kind, vendors)

    assert delivery.status == "delivered", delivery
    had = vendors.had(kind)[before:]
    assert all(200 <= one["status"] < 300 for one in had)
    assert [wire(one) for one in had] == [built(one) for one in house.http.requests]


FAULTS = {
    "hang": ("timeout", "outcome_unknown"),
    "reset": ("broken",),
    "cut": ("broken",),
    500: ("server_error",),
    429: ("throttled",),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failure_is_told_and_nothing_is_sent_twice_by_itself(kind, fault, house, vendors):
    path = f"/{place(kind)}{path_of(kind)}"
    vendors.control(path, fault)
    try:
        delivery = await deliver(house, kind, vendors)
    finally:
        vendors.control(path, None)

    unsure = fault in ("hang", "reset", "cut") and not deduplicates(kind)
    assert delivery.status == ("held" if unsure else "retrying"), delivery
    assert delivery.cause in FAULTS[fault]
    assert len(delivery.attempts) == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "access" in SENT[kind]])
@pytest.mark.parametrize("fault", ["hang", 503, 400, 401])
async def test_without_a_token_nothing_is_sent_and_no_attempt_counts(kind, fault, house, vendors):
    path = f"/{kind}" + urlsplit(SENT[kind]["access"]["url"]).path
    vendors.control(path, fault)
    try:
        delivery = await asyncio.wait_for(deliver(house, kind, vendors), 30)
    finally:
        vendors.control(path, None)

    assert (delivery.status, delivery.cause, delivery.attempts) == ("retrying", "no_access", ())
