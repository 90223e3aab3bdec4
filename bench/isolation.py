"""What four destinations notice of a fifth that hangs: how long their events take, from post to receipt there."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from bench.hosted import Hosted, arrival, hosted, order_id, orders
from bench.load import Round, middle
from local.client import Client
from local.demo.furnish import ORDER

HEALTHY = ("a", "b", "c", "d")
EVENTS = 200
EVERY_SECONDS = 0.1
"""One event, so that nobody waits for the machine: five deliveries in that time are half of what it bears."""
TIMEOUT_SECONDS = 30
"""As long as a destination may take: nothing that hangs ends while it is measured."""


def isolation(rounds: int) -> dict[str, Round]:
    """Per delivery to the four: while the fifth answers, and while it hangs. A fresh stack each round."""
    found: dict[str, list[Round]] = {"ok": [], "hang": []}
    for _ in range(rounds):
        for fifth, each in found.items():
            with hosted(queues=True) as host:
                _furnish(host, fifth)
                asyncio.run(_measure(host, 64))
                each.append(asyncio.run(_measure(host, EVENTS)))
    return {fifth: middle(each) for fifth, each in found.items()}


def _furnish(host: Hosted, fifth: str) -> None:
    operator = Client.keyed(host.stack.base_url, host.deployment_key, "demo")
    for name, path in [("fifth", f"{fifth}/fifth"), *((one, f"ok/{one}") for one in HEALTHY)]:
        settings = {"url": f"{host.stack.receiver_url}/{path}", "timeoutSeconds": TIMEOUT_SECONDS}
        for place, doc in (
            ("destinations", {"name": name, "kind": "webhook", "settings": settings}),
            ("routes", {"event": ORDER, "destination": name}),
        ):
            answer = operator.post(f"/v1/{place}", doc)
            if answer.status != 201:
                raise RuntimeError(f"{answer.status}: {answer.doc}")


async def _post(host: Hosted, events: Sequence[dict[str, object]]) -> None:
    for event in events:
        await asyncio.gather(host.post([event], 1), asyncio.sleep(EVERY_SECONDS))


async def _measure(host: Hosted, count: int) -> Round:
    events = orders(count)
    wanted = {(one, str(event["id"])) for one in HEALTHY for event in events}
    return await arrival(host, _post(host, events), wanted, lambda: _arrived(host), lambda place: place[1])


def _arrived(host: Hosted) -> Mapping[tuple[str, str], datetime]:
    """When each of the four had each order."""
    healthy = [one for one in host.received_requests() if one["path"].startswith("/ok/")]
    return {
        (one["path"].rpartition("/")[2], order_id(one["body"])): datetime.fromisoformat(one["time"])
        for one in healthy
    }
