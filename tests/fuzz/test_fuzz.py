"""A storm of bent and hostile requests on the running stack: each is answered as described, and nothing leaks."""

import asyncio
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.described import Description
from tests.fuzz.cases import Bent, described
from tests.fuzz.scene import furnished
from tests.fuzz.seeds import Seed
from tests.fuzz.storm import Report, one_by_one, storm
from tests.running import Running, started

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "20000"))
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1, 10**9))
ROUND = 20_000
"""Requests to one stack, by one seed; the next round has the next seed and a stack of its own."""
EXAMPLES = 12
"""Good and bad requests of each door that schemathesis makes in a round."""
BROKEN = re.compile(
    r"^(?:ERROR .*|WARNING signalbox\.tick .* stopped: (?!.*(?:right now|later|again)).*)$", re.MULTILINE
)
"""Faults of ours in the log, and parts of a tick that were stopped by something else than what was busy or away."""
PATIENCE_SECONDS = 300
"""Until an event is delivered that stands behind all that the storm left in the queues."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 + REQUESTS // 20)]


@dataclass(frozen=True, slots=True)
class Round:
    """What one seed came to."""

    understood: list[tuple[Seed, int]]
    """Each seed before it is bent, and the status of its answer."""
    report: Report
    delivered: str
    """What became of an event that was posted after it all."""
    leaked: list[str]
    broken: list[str]


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> list[Round]:
    """A seed repeats its requests; the order in which they meet is the machine's."""
    starts = range(0, REQUESTS, ROUND)
    return [
        played(tmp_path_factory.mktemp("storm"), SEED + n, min(ROUND, REQUESTS - start))
        for n, start in enumerate(starts)
    ]


def played(home: Path, seed: int, requests: int) -> Round:
    """One round, from the start of its stack to the reading of its log."""
    with started(home) as running:
        document, base_url = running.anonymous.get("/openapi.json").doc, running.stack.base_url
        scene, report = furnished(running), Report(seed)
        bent, description = Bent(document, scene, base_url, seed), Description(document)
        seeds, plain = zip(*bent.plain(), strict=True)
        replies = asyncio.run(one_by_one(base_url, plain))
        cases = described(document, scene, seed, EXAMPLES)
        asyncio.run(storm(base_url, cases, description, report))
        rest = map(bent.request, range(report.sent, requests))
        asyncio.run(storm(base_url, rest, description, report))
        print(report)  # noqa: T201  (a long run tells how far it is)
        delivered = one_more(running)
    log = (home / "host.log").read_text(errors="replace")
    assert "functions" in log
    understood = [(one, reply.status if reply else 0) for one, reply in zip(seeds, replies, strict=True)]
    leaked = [canary for canary in scene.canaries if canary in log]
    return Round(understood, report, delivered, leaked, BROKEN.findall(log))


def one_more(running: Running) -> str:
    """What becomes of an event now."""
    running.stack.check()
    posted = running.post_order()
    receipt = running.client.receipt(
        posted.doc["id"], lambda doc: doc["status"] == "delivered", PATIENCE_SECONDS
    )
    return str(receipt["status"])


def test_the_fixtures_are_understood_before_they_are_bent(rounds: list[Round]):
    """Else the storm would only knock."""
    understood = rounds[0].understood
    well = {(one.template, one.kind) for one, status in understood if 200 <= status < 300}

    # What is in quarantine cannot be mended, and a door for webhooks wants a signature.
    hopeless = {("/v1/quarantine/{id}/replay", None), ("/v1/hooks/{source}", None)}
    assert {(one.template, one.kind) for one, _ in understood} - well <= hopeless


def test_every_request_is_answered_as_described(rounds: list[Round]):
    assert sum(one.report.sent for one in rounds) >= REQUESTS
    for one in rounds:
        assert not one.report.wrong, one.report.told()


def test_after_the_storm_an_event_still_arrives(rounds: list[Round]):
    assert [(one.report.seed, one.delivered) for one in rounds if one.delivered != "delivered"] == []


def test_nothing_of_what_was_sent_is_in_the_hosts_log(rounds: list[Round]):
    assert [(one.report.seed, one.leaked) for one in rounds if one.leaked] == []


def test_nothing_broke_that_no_caller_saw(rounds: list[Round]):
    """A queue's function that raises, or a part of the tick that breaks, answers nobody."""
    assert [(one.report.seed, one.broken[:5]) for one in rounds if one.broken] == []
