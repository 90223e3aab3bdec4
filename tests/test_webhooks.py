"""What a webhook becomes when it holds several events, or only says hello, and who is let in unchecked: on fakes."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import exact, hooks, sources
from shared.access import quotas
from shared.access.sources import UNVERIFIED
from shared.errors import Invalid, MethodNotAllowed, NotFound, QuotaExceeded, Unauthenticated, Unavailable
from shared.operations import mend
from shared.operations.pace import Pace
from shared.sources import Facts, Greeting, Policy, Received
from shared.sources.kinds import power_automate
from shared.stages.verdict import Accepted
from tests.house import OK, ORDER, SECTION, body, build

HOOK = "0123456789abcdef0123456789abcdef"
SECRET = "a shared secret"
MAPPING = {"properties": {"orderId": "number", "totalValue": "total", "currency": "currency"}}
TYPES = {"order": {"event": ORDER["event"], "mapping": MAPPING}}


def several(received: Received) -> Sequence[Facts]:
    """A vendor that sends lists."""
    return [Facts(one["type"], one["id"], one) for one in exact.loads(received.body)]


@pytest.fixture(autouse=True)
def vendor(monkeypatch):
    """A kind of source of the tests' own, in the place of one that is there."""
    greets = lambda received: Greeting({"hello": received.method}) if received.method != "POST" else None  # noqa: E731
    kind = replace(power_automate.SOURCE, read=several, greets=greets, mappings={}, headers=())
    monkeypatch.setattr(power_automate, "SOURCE", kind)


async def furnished(**members):
    house = await build(OK, OK, OK).furnish()
    about = {"name": "flows", "kind": "power_automate", "label": "flows", "types": TYPES}
    doc = body({**about, "secrets": {"signing": SECRET}, **members})
    await house.line.sources.create("demo", doc, bytes.fromhex(HOOK), sources.KINDS)
    return house


def hook(*items, method="POST", secret=SECRET):
    headers = {"x-signalbox-secret": secret} if secret else {}
    return Received(method, f"/v1/hooks/{HOOK}", headers, json.dumps(items).encode())


def item(id, type="order", **changes):
    return {"type": type, "id": id, "number": "1001", "total": 42.5, "currency": "EUR", **changes}


async def sent(house, *items, **how):
    told = await hooks.webhook(house.line, HOOK, hook(*items, **how))
    assert isinstance(told, hooks.Hooked)
    return told.events


def events(house):
    return len(house.rows("events", "e|"))


async def kept(house):
    return await house.line.quarantine.list("demo", None, 10)


async def test_each_thing_in_a_request_is_an_event_of_its_own():
    house = await furnished()

    told = await sent(house, item("a"), item("b"))
    await house.work()

    assert (len(told), events(house), len(house.http.requests)) == (2, 2, 2)
    assert not any(one.replayed for one in told)


async def test_what_comes_again_in_another_company_is_a_repeat():
    house = await furnished()
    [first] = await sent(house, item("a"))

    again, new = await sent(house, item("a"), item("b"))

    assert (again.id, again.replayed, new.replayed) == (first.id, True, False)
    assert events(house) == 2


async def test_the_same_thing_twice_in_one_request_is_one_event():
    house = await furnished()

    told = await sent(house, item("a"), item("a"))

    assert (len({one.id for one in told}), events(house)) == (1, 1)


async def test_a_request_in_which_nothing_happened_is_taken_in():
    house = await furnished()

    assert await sent(house) == ()
    assert (await kept(house), events(house)) == ([], 0)


async def test_one_that_cannot_become_an_event_keeps_the_request_once_and_costs_no_other():
    house = await furnished()

    assert await sent(house, item("a"), item("b", "unheard"), item("c", total="x"), item("d")) is None

    assert events(house) == 2
    assert [one["cause"] for one in await kept(house)] == ["unknown-type"]


async def of(house):
    """Of which definitions what lies in quarantine was to be, and how many."""
    return [dict(one.events) for one in await house.line.quarantine.between("demo", "", "~")]


async def test_a_kept_request_knows_of_which_definition_its_events_were_to_be_that_are_none():
    house = await furnished()

    await sent(house, item("a"), item("b", "unheard"), item("c", total="x"), item("d", total="x"))

    assert await of(house) == [{ORDER["event"]: 2}]


async def test_of_a_paused_source_all_that_a_request_holds_counts():
    house = await furnished()
    await house.line.sources.pause("demo", HOOK)

    await sent(house, item("a"), item("b"))

    assert await of(house) == [{ORDER["event"]: 2}]


async def test_what_cannot_be_read_was_to_be_nothing_that_is_known():
    house = await furnished()
    unreadable = replace(hook(), body=b"no JSON")

    await hooks.webhook(house.line, HOOK, unreadable)

    assert await of(house) == [{}]


async def test_mending_takes_all_of_it_in_and_what_was_accepted_before_is_a_repeat():
    house = await furnished()
    await sent(house, item("a"), item("b", "unheard"))
    [one] = await kept(house)
    await house.line.sources.set_types("demo", HOOK, body({**TYPES, "unheard": TYPES["order"]}))

    told = await mend.replay(house.line, "demo", one["id"])

    assert [event["status"] for event in told["events"]] == ["accepted", "accepted"]
    assert (events(house), await kept(house)) == (2, [])


async def test_it_stays_in_quarantine_until_all_of_it_fits():
    house = await furnished()
    await sent(house, item("a", "unheard"), item("b", total="x"))
    [one] = await kept(house)
    await house.line.sources.set_types("demo", HOOK, body({**TYPES, "unheard": TYPES["order"]}))

    with pytest.raises(Invalid):
        await mend.replay(house.line, "demo", one["id"])

    assert (events(house), len(await kept(house))) == (1, 1)


async def test_when_one_could_not_be_stored_all_of_it_is_to_come_again(monkeypatch):
    house = await furnished()
    record = house.line.recorder.record

    async def half_away(section, candidates):
        done = await record(section, candidates[:1])
        return [*done, *(Unavailable("Away.", retry_after=9) for _ in candidates[1:])]

    with monkeypatch.context() as away:
        away.setattr(type(house.line.recorder), "record", lambda _, *given: half_away(*given))
        with pytest.raises(Unavailable) as told:
            await sent(house, item("a"), item("b"), item("c", "unheard"))
    assert (told.value.retry_after, await kept(house)) == (9, [])

    again = await sent(house, item("a"), item("b"))

    assert ([one.replayed for one in again], events(house)) == ([True, False], 2)


async def test_a_request_that_holds_too_much_is_kept():
    house = await furnished()

    assert await sent(house, *(item(str(n)) for n in range(1_001))) is None

    assert [one["cause"] for one in await kept(house)] == ["invalid"]
    assert events(house) == 0


async def test_what_has_no_id_is_accepted_and_not_deduplicated():
    house = await furnished()

    [first] = await sent(house, item(None))
    [second] = await sent(house, item(None))

    assert (first.keyed, first.id != second.id, events(house)) == (False, True, 2)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_handshake_is_answered_also_while_the_source_is_paused(method):
    house = await furnished()
    await house.line.sources.pause("demo", HOOK)

    assert await hooks.greet(house.line, HOOK, hook(method=method)) == Greeting({"hello": method})


async def test_a_handshake_that_the_kind_does_not_know_is_told_the_method(monkeypatch):
    house = await furnished()
    monkeypatch.setattr(power_automate, "SOURCE", replace(power_automate.SOURCE, greets=lambda _: None))

    with pytest.raises(MethodNotAllowed):
        await hooks.greet(house.line, HOOK, hook(method="GET"))


async def test_a_handshake_with_nobody_is_not_found():
    house = await furnished()

    with pytest.raises(NotFound):
        await hooks.greet(house.line, "f" * 32, hook(method="GET"))


async def test_a_ping_counts_only_from_who_may_send(monkeypatch):
    house = await furnished()
    monkeypatch.setattr(
        power_automate, "SOURCE", replace(power_automate.SOURCE, greets=lambda _: Greeting("pong"))
    )

    assert await hooks.webhook(house.line, HOOK, hook(item("a"))) == Greeting("pong")
    with pytest.raises(Unauthenticated):
        await hooks.webhook(house.line, HOOK, hook(item("a"), secret="wrong"))
    assert events(house) == 0


async def test_a_greeting_over_which_the_kind_breaks_is_none(monkeypatch):
    house = await furnished()
    monkeypatch.setattr(power_automate, "SOURCE", replace(power_automate.SOURCE, greets=None))

    assert isinstance((await sent(house, item("a")))[0], Accepted)


async def test_who_is_not_checked_by_choice_is_taken_at_their_word_and_the_choice_is_shown():
    house = await furnished(secrets=None, unverified=True)

    told = await sent(house, item("a"), secret=None)
    shown = await house.line.sources.read("demo", HOOK)

    assert len(told) == 1
    assert (shown["unverified"], shown["warnings"]) == (True, [UNVERIFIED])


async def test_without_a_secret_and_without_that_choice_nothing_comes_in():
    house = await furnished(secrets=None)

    with pytest.raises(Unauthenticated):
        await sent(house, item("a"), secret=None)
    [warning] = (await house.line.sources.read("demo", HOOK))["warnings"]
    assert "takes nothing in" in warning


async def test_a_secret_ends_that_nobody_is_checked():
    house = await furnished(secrets=None, unverified=True)
    shown = await house.line.sources.rotate_secret("demo", HOOK, body({"signing": SECRET}))
    house.clock.pass_(minutes=1)

    with pytest.raises(Unauthenticated):
        await sent(house, item("a"), secret=None)
    assert len(await sent(house, item("a"))) == 1
    assert (shown["unverified"], shown["warnings"]) == (False, [])


async def test_where_it_is_forbidden_nobody_can_choose_it():
    house = await build(OK, forbid_unverified=True).furnish()
    about = {"name": "flows", "kind": "power_automate", "label": "flows", "unverified": True}

    with pytest.raises(Invalid) as told:
        await house.line.sources.create("demo", body(about), bytes.fromhex(HOOK), sources.KINDS)

    assert [fault.pointer for fault in told.value.faults] == ["/unverified"]


async def test_where_it_is_forbidden_later_the_source_takes_nothing_in_and_says_why():
    house = await furnished(secrets=None, unverified=True)
    strict = build(OK, tables=house.tables, forbid_unverified=True, clock=house.clock)

    with pytest.raises(Unauthenticated):
        await sent(strict, item("a"), secret=None)
    [warning] = (await strict.line.sources.read("demo", HOOK))["warnings"]
    assert "SIGNALBOX_FORBID_UNVERIFIED" in warning


NEVER = Policy(gives_up="It stops.", retries="none")
AFTER_503 = Policy(gives_up="It stops.", retries="some", retried=frozenset({503}))
AFTER_BOTH = Policy(gives_up="It stops.")


@pytest.mark.parametrize(
    ("policy", "refusal"), [(NEVER, QuotaExceeded), (AFTER_503, Unavailable), (AFTER_BOTH, QuotaExceeded)]
)
async def test_over_its_quota_a_sender_is_told_what_it_repeats_after(policy, refusal, monkeypatch):
    house = await furnished(perMinute=1)
    monkeypatch.setattr(power_automate, "SOURCE", replace(power_automate.SOURCE, policy=policy))
    await sent(house, item("a"))

    with pytest.raises(refusal) as told:
        await sent(house, item("b"))

    assert told.value.retry_after > 0
    assert (events(house), await kept(house)) == (1, [])


@pytest.mark.parametrize("quota", ["source", "section"])
async def test_a_webhook_takes_from_the_quotas_what_it_carries_and_passes_while_anything_is_left(quota):
    house = await furnished(perMinute=10 if quota == "source" else 1_000)
    await configured(house, perMinute=10 if quota == "section" else 1_000)

    assert len(await sent(house, *(item(f"a{n}") for n in range(9)))) == 9
    assert len(await sent(house, *(item(f"b{n}") for n in range(9)))) == 9
    with pytest.raises(QuotaExceeded, match=f"quota of this {quota}"):
        await sent(house, item("c"))
    house.clock.pass_(seconds=54)
    assert len(await sent(house, item("c"))) == 1


async def configured(house, **settings):
    """The demo's section with other settings."""
    there = {name: value for name, value in SECTION.items() if name != "id"}
    await house.line.sections.configure("demo", body({**there, **settings}))


async def test_webhooks_that_come_at_once_are_counted_before_any_of_them_is_stored():
    house = await furnished(perMinute=10)

    told = await asyncio.gather(
        *(sent(house, *(item(f"{name}{n}") for n in range(9))) for name in "abcd"), return_exceptions=True
    )

    assert [isinstance(one, QuotaExceeded) for one in told] == [False, False, True, True]


async def test_one_that_carries_nothing_or_is_kept_takes_one():
    house = await furnished(perMinute=4)

    assert await sent(house) == ()
    await house.line.sources.pause("demo", HOOK)
    assert await sent(house, *(item(f"a{n}") for n in range(9))) is None
    await house.line.sources.resume("demo", HOOK)

    assert len(await sent(house, item("b"), item("c"))) == 2
    with pytest.raises(QuotaExceeded):
        await sent(house, item("d"))


async def test_what_was_kept_is_mended_whatever_is_left_of_the_quota():
    house = await furnished(perMinute=1)
    await house.line.sources.pause("demo", HOOK)
    assert await sent(house, *(item(f"a{n}") for n in range(9))) is None
    await house.line.sources.resume("demo", HOOK)

    assert await mend.resume(house.line, "demo", Pace.of(house.clock, timedelta(minutes=1))) == 1
    assert events(house) == 9


async def test_a_flood_of_wrong_secrets_is_refused_each_time_and_costs_storage_only_so_much():
    house = await furnished()
    for n in range(quotas.REJECTIONS + 20):
        if n == quotas.REJECTIONS:
            await house.line.quotas.idle()
            before = house.tables.requests
        with pytest.raises(Unauthenticated):
            await hooks.webhook(house.line, HOOK, hook(item("a"), secret="wrong"))

    assert house.tables.requests == before
    assert len(house.rows("rejected")) == quotas.REJECTIONS
    assert len(await sent(house, item("a"))) == 1
