"""What each stage costs an event, from the door's inside to the destination: accept, process, deliver."""

import secrets
from collections.abc import Sequence

from bench.load import Round, middle, run
from bench.parts import CALLER, Furnished
from local.demo.furnish import ORDER
from shared import flow
from shared.event import Draft, Person
from shared.exact import Number
from shared.messages import read_commit, read_delivery
from shared.stages.lanes import CALLS

CALLERS = 64
EVENTS = 1_600


async def stages(furnished: Furnished, rounds: int) -> dict[str, Round]:
    """Each stage with people whom nobody knew, and again with the same people."""
    results: dict[str, list[Round]] = {}
    for _ in range(rounds):
        people = [f"{secrets.token_hex(6)}@example.com" for _ in range(EVENTS)]
        for known in ("new people", "known people"):
            for name, found in (await _travel(furnished, people)).items():
                results.setdefault(f"{name}, {known}", []).append(found)
    return {name: middle(found) for name, found in results.items()}


async def _travel(furnished: Furnished, people: Sequence[str]) -> dict[str, Round]:
    """Take an event of each person through all stages, one stage after the other."""
    furnished.queue.sent.clear()
    line = furnished.line

    async def accept(draft: Draft) -> None:
        [told] = await flow.intake(line, CALLER, [draft])
        if isinstance(told, Exception):
            raise told

    async def process(body: str) -> None:
        await flow.process(line, read_commit(body.encode()))

    async def deliver(body: str) -> None:
        await flow.deliver(line, read_delivery(body.encode()))

    drafts, events = [_draft(one) for one in people], len(people)
    return {
        "accept": await run(furnished, accept, drafts, CALLERS),
        "process": await run(furnished, process, _sent(furnished, "events"), CALLS, events=events),
        "deliver": await run(furnished, deliver, _sent(furnished, "deliveries"), CALLS, events=events),
    }


def _sent(furnished: Furnished, queue: str) -> list[str]:
    return [body for name, body in furnished.queue.sent if name == queue]


def _draft(email: str) -> Draft:
    """An order of about 400 bytes, under a key of its own."""
    key = secrets.token_hex(16)
    properties = {"orderId": key, "totalValue": Number("42.50"), "currency": "EUR"}
    return Draft(ORDER, properties, Person(email=email), key=key)
