"""Promise 2 across processes: what is posted many times at once, to two hosts and within a group, is one event each.

Also while storage answers with an error what it has done.
"""

import logging
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.kill import evidence
from tests.kill.canaries import canaries, leaks
from tests.kill.outage import OF_HTTP, Mode
from tests.kill.rig import clients, furnished
from tests.kill.sender import Doc, Sender, order

EVENTS, BROKEN = 12, 3
"""Of each so many requests to storage one is broken."""
SETTLE_SECONDS = 90
log = logging.getLogger("tests.kill")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_posted_many_times_at_once_is_one_event_each(tmp_path):
    with furnished(tmp_path, hosts=2, behind_outages=True) as (rig, running):
        sender = Sender(clients(rig, running))
        for how in (Mode.PASS, *OF_HTTP):
            rig.break_storage(how, BROKEN)
            _post_all_ways(sender, [order(f"twice-{secrets.token_hex(8)}") for _ in range(EVENTS)])
            log.warning("%s: %d posts were put off by now", how, sender.put_off)
        rig.break_storage(Mode.PASS)
        found = evidence.settled(rig, running, SETTLE_SECONDS)

        assert sender.wrong == []
        assert evidence.wrongs(sender.ids, found) == []
        assert len(found.keys) == len(sender.ids) == EVENTS * (1 + len(OF_HTTP))
        assert max(sender.new.values()) == 1
        assert found.statuses == {"delivered": len(sender.ids)}
        assert leaks(rig.logs, canaries(rig, running, sender.ids)) == []


def _post_all_ways(sender: Sender, events: Sequence[Doc]) -> None:
    """Each alone and in batches that hold it twice, at each host, all at the same moment."""
    parcels = [*([event] for event in events), [*events, *events]]
    posts = [(parcel, host) for parcel in parcels for host in range(len(sender.clients))]
    together = Barrier(len(posts))

    def post(parcel: Sequence[Doc], host: int) -> None:
        together.wait()
        sender.send(parcel, host)

    with ThreadPoolExecutor(len(posts)) as pool:
        for done in [pool.submit(post, *one) for one in posts]:
            done.result()
