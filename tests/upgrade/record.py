"""Records what this version writes: `python -m tests.upgrade.record VERSION`, at each release.

The line runs on the fakes and lives through `life.py`, which leaves something in every state there is. All raw rows,
blobs and messages go into `tests/fixtures/upgrade/VERSION.json`, which the code of later versions has to take up
(`test_upgrade.py`). Clock and randomness are fixed, so that recording again gives the same file.
"""

import asyncio
import json
import random
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from shared import hooks
from shared.ports import Answer, NoAnswer, Outgoing
from shared.sources import Received
from shared.sources.kinds import shopify
from shared.stages import record as recording_stage
from shared.stages.verdict import Accepted
from shared.stores import ledger, quarantine
from tests.crash import Fuse, Killed, Message, Receiver, World
from tests.house import OK, House
from tests.sources.signing import sign
from tests.upgrade import life
from tests.upgrade.recording import FOLDER, Recording, write

SMALL_ROW_BYTES = 2_000
"""A larger document goes to a blob here, so that a recording with some stays small."""


class ByHost(Receiver):
    """Destinations that answer as their host is scripted to, and then 200."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: dict[str, list[Answer | NoAnswer]] = {}

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        script = self.scripts.get(request.url.split("/")[2].partition(".")[0], [])
        answer = script.pop(0) if script else OK
        self.requests.append((request, answer.status if isinstance(answer, Answer) else 0))
        return answer


class Recorder:
    """A world to live in, and what its users know of it.

    What lies on the bus once a state is reached is set aside, so that nothing that happens later takes it on.
    """

    def __init__(self) -> None:
        self.world = World(Fuse(), patient=False)
        self.receiver = self.world.receiver = ByHost()
        self.world.start()
        self.aside: list[Message] = []
        self.known: dict[str, list[Any]] = {
            name: []
            for name in ("keys", "clients", "events", "repeats", "webhooks", "kept", "people", "refused")
        }

    @property
    def house(self) -> House:
        return self.world.house

    async def post(self, name: str | None, event: str = "orders.placed", **changes: Any) -> str:
        """Post an event, its name as its key, and remember it; its id, or nothing where it was not answered."""
        envelope = {
            "event": event,
            "properties": {"n": name or "none"},
            **({"id": name} if name else {}),
            **changes,
        }
        told = await self.ask(lambda house: house.post_all(envelope))
        if not (told and isinstance(told[0], Accepted)):
            return ""
        if name:
            self.known["repeats"].append([envelope, told[0].id])
        return told[0].id

    async def ask(self, request: Callable[[House], Awaitable[Any]]) -> Any:
        """A request's answer, or None where it got none."""
        self.world.clock.pass_(seconds=1)
        return await self.world.ask(request)

    async def work(self) -> None:
        """The queue triggers take what is ready until nothing is, or until the process ends."""
        while message := self.world.bus.ready(self.world.clock.now()):
            try:
                await self.world._trigger(message)
            except Killed:
                self.world.start()
                return
            self.world.bus.messages.remove(message)

    async def one_message(self) -> None:
        """Take the message that is there, and none that comes of it."""
        [message] = self.world.bus.messages
        self.world.bus.messages = []
        await self.world._trigger(message)

    async def deliveries(self, id: str) -> dict[str, str | None]:
        """The state of each delivery that an event of the demo section has or will have, by destination."""
        stored = await self.house.line.ledger.event("demo", id)
        assert stored
        found: dict[str, str | None] = {}
        for name in life.ROUTES[stored.event.event]:
            route = f"rt-{stored.event.event.partition('.')[2]}-{name}"
            delivery = await self.house.line.receipts.delivery("demo", id, route)
            found[name] = delivery.status.value if delivery else None
        return found

    async def wait(self, **time: float) -> None:
        """Time passes, and what is ready by then is worked off; no timer fires."""
        self.world.clock.pass_(**time)
        self.world.start()
        await self.work()

    def expect(self, name: str, id: str, status: str, ends: Mapping[str, str]) -> None:
        """Note how an event's receipt has to read in the end, and each of its deliveries by the destination."""
        self.known["events"].append([name, id, status, dict(ends)])
        self.aside += self.world.bus.messages
        self.world.bus.messages = []

    async def hook(
        self, delivery: str, topic: str = "orders/create", hook: str = life.SHOP, **other: Any
    ) -> str:
        """A webhook as Shopify sends it; the id of its event, or nothing where it is kept."""
        raw = other.pop("raw", None) or json.dumps({"id": delivery, "email": "shopper@example.com"}).encode()
        headers = {"x-shopify-topic": topic, "x-shopify-webhook-id": delivery, **other.pop("headers", {})}
        plain = Received("POST", f"/v1/hooks/{hook}", headers, raw)
        signed = sign(shopify.VERIFIER, plain, other.pop("secret", life.SECRET), self.world.clock.now())
        told = await self.ask(lambda house: hooks.webhook(house.line, hook, signed))
        await self.house.line.hand_off.idle()
        if not told.events:
            return ""
        id = str(told.events[0].id)
        self.known["webhooks"].append([hook, dict(signed.headers), raw.decode(), id])
        return id


async def lived(version: str) -> Recording:
    """A life of the line as this code lives it."""
    with fixed_randomness(), ExitStack() as smaller:
        for module in (ledger, recording_stage, quarantine):
            smaller.enter_context(patch.object(module, "MAX_ROW_BYTES", SMALL_ROW_BYTES))
        recorder = Recorder()
        await life.live(recorder)
    world = recorder.world
    messages = (*recorder.aside, *world.bus.messages)
    return Recording(
        version, world.clock.now(), world.tables.tables, world.blobs.blobs, messages, recorder.known
    )


@contextmanager
def fixed_randomness() -> Iterator[None]:
    """The same random bytes and numbers each time."""
    state = random.getstate()
    random.seed(20261122)
    try:
        with (
            patch.object(secrets, "token_bytes", random.randbytes),
            patch.object(secrets, "token_hex", lambda size: random.randbytes(size).hex()),
            patch.object(secrets, "randbelow", random.randrange),
        ):
            yield
    finally:
        random.setstate(state)


def main() -> None:
    """Write the recording of the version that is named."""
    [version] = sys.argv[1:] or sys.exit("usage: python -m tests.upgrade.record VERSION")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{version}.json"
    path.write_text(write(asyncio.run(lived(version))))
    print(path)  # noqa: T201


if __name__ == "__main__":
    main()
