"""In words: every state, cause and reason has a sentence; it says what to do, and nothing that anybody sent."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from shared.destinations.outcomes import Cause
from shared.operations import in_words
from shared.operations.in_words import of_cause, of_delivery, of_event
from shared.ports import Answer, NoAnswer
from shared.stores.reasons import Reason
from shared.stores.trail import Attempt, Delivery, Status, Step, Trail
from tests.house import OK, build

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SENT = "ada@example.com"
ONE = Delivery(
    "id",
    "rt-crm",
    "crm",
    "marketing",
    person="0f" * 16,
    attempts=(Attempt(1, "2026-11-22T09:15:00.000Z", "retry", 503, SENT, SENT),),
    due_at=AT,
)
STEPS = (Step("resolve", "t", "found", "by_email", SENT), Step("route", "t", "routed", None, SENT))


def trail(*statuses, cause="rejected"):
    some = (replace(ONE, route=f"rt-{n}", status=one, cause=cause) for n, one in enumerate(statuses))
    return Trail("0f" * 16, STEPS, tuple(some))


def every_sentence():
    yield from (one.sentence for one in Reason)
    yield from (one.sentence for one in Cause)
    for status, cause in product(Status, [None, "opted_out", "of-tomorrow", *Cause]):
        yield of_delivery(replace(ONE, status=status, cause=cause))
        yield of_event(trail(status, Status.DELIVERED, cause=cause))
    for reason in Reason:
        yield of_event(Trail(None, (Step("route", "t", "none", reason, SENT),)))


def test_every_state_of_a_delivery_has_a_sentence_and_a_word():
    assert in_words.SENTENCES.keys() == in_words.WORDS.keys() == {*Status}


def test_every_sentence_is_whole_and_says_nothing_that_anybody_sent():
    told = [*every_sentence()]

    assert [one for one in told if not one[0].isupper() or not one.endswith(".")] == []
    assert [one for one in told if SENT in one or ONE.person in one or "None" in one] == []


@pytest.mark.parametrize(
    ("status", "cause", "told"),
    [
        (Status.DELIVERED, None, "Reached crm at 2026-11-22T09:15:00.000Z."),
        (Status.REFUSED, "opted_out", "Not sent to crm: the person has opted out of marketing."),
        (
            Status.RETRYING,
            "server_error",
            (
                "Has not reached crm yet. The destination had an error of its own. It answered 503. "
                "The next attempt is at 2026-11-22T10:00:00.000Z."
            ),
        ),
        (
            Status.PARKED,
            None,
            "Waits: crm is paused or disabled, or the section is paused. Resume it, and it goes on.",
        ),
        (
            Status.HELD,
            "timeout",
            (
                "Held, and may have reached crm. The event was sent and no answer came in time; it may have arrived. "
                "If it is not there, replay it."
            ),
        ),
        (
            Status.DEAD,
            "limits",
            "Did not reach crm. The event does not fit what the destination takes. Correct the mapping and replay.",
        ),
    ],
)
def test_a_delivery_says_whether_it_arrived_and_if_not_why(status, cause, told):
    assert of_delivery(replace(ONE, status=status, cause=cause)) == told
    assert of_event(trail(status, cause=cause)) == told


def test_of_several_deliveries_it_says_how_many_arrived_and_what_most_needs_an_eye():
    told = of_event(trail(Status.DELIVERED, Status.PARKED, Status.DEAD))

    assert told.startswith("Reached 1 of 3 destinations. Did not reach crm.")
    assert of_event(trail(Status.DELIVERED, Status.DELIVERED)) == "Reached 2 of 2 destinations."


def test_an_event_that_goes_nowhere_says_why():
    told = of_event(Trail(None, (Step("route", "t", "skipped", "test"),)))

    assert told == f"Sent nowhere. {Reason.TEST.sentence}"


def test_the_sentences_on_the_page_for_marketers_are_those_that_are_said():
    page = (Path(__file__).parents[2] / "docs/funnel.md").read_text()
    table = page.partition("| It says | It means |")[2].partition("\n\n")[0]
    quoted = re.findall(r"^\| ([A-Z][^|]+) \|", table, re.MULTILINE)
    said = [one.replace("crm", "journeys") for one in every_sentence()]

    assert len(quoted) == 7
    for one in quoted:
        pattern = ".*".join(map(re.escape, one.split("…")))
        assert any(re.match(pattern, sentence) for sentence in said), one


def test_what_is_not_processed_waits_by_itself_or_for_its_section():
    assert of_event(Trail()) == Reason.NOT_PROCESSED.sentence
    assert of_event(Trail(), paused=True) == Reason.SECTION_PAUSED.sentence


def test_a_cause_that_only_a_newer_version_knows_is_named():
    assert of_cause("of-tomorrow") == "It stopped for the cause of-tomorrow."


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (OK, "Reached crm at 2026-11-22T09:15:00.000Z."),
        (Answer(503, {}, b""), "It answered 503. The next attempt is at 2026-11-22T09:15:"),
        (Answer(400, {}, SENT.encode()), "Did not reach crm. The destination refused the event."),
        (NoAnswer("unresolved"), "The destination's host name has no address. The next attempt is at "),
    ],
)
async def test_a_receipt_says_it_of_the_event_and_of_its_delivery(answer, told):
    house = await build(answer).furnish()
    id = await house.accept()
    waiting = await house.receipt(id)
    await house.work()

    receipt = await house.receipt(id)

    assert waiting["detail"] == Reason.NOT_PROCESSED.sentence
    assert told in receipt["detail"]
    assert receipt["detail"] == receipt["deliveries"][0]["detail"]
    assert SENT not in receipt["detail"]


async def test_whatever_keeps_an_event_from_going_out_is_a_reason_of_the_list():
    house = await build().furnish()
    tested = await house.accept(test=True)
    nobody = await house.accept(id="nobody", person={})
    await house.line.routes.set_status("demo", "rt-crm", "paused")
    unrouted = await house.accept(id="unrouted")
    house.http.answers = [OK]
    await house.work()

    for id in (tested, nobody, unrouted):
        steps = (await house.receipt(id))["steps"]
        told = {one["reason"] for one in steps if "reason" in one and not one["reason"].startswith("by_")}
        assert told <= {*Reason}
    assert (await house.receipt(tested))["detail"] == f"Sent nowhere. {Reason.TEST.sentence}"
