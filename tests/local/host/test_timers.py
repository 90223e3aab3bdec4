"""Timers run on their schedule with the input that the real host gives, and end in order."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from local.host.ncrontab import parse
from local.host.timers import Timer, timer_data

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def fields(**times):
    return json.loads(timer_data(parse("0 */5 * * * *"), **times).json)


def test_the_input_tells_last_and_next():
    told = fields(last=NOON - timedelta(minutes=5), due=NOON, now=NOON + timedelta(milliseconds=2))
    assert told["IsPastDue"] is False
    assert told["ScheduleStatus"]["Last"] == "2026-01-05T11:55:00Z"
    assert told["ScheduleStatus"]["Next"] == "2026-01-05T12:05:00Z"


def test_a_call_that_starts_late_is_past_due():
    assert fields(last=None, due=NOON, now=NOON + timedelta(seconds=30))["IsPastDue"] is True


def test_the_first_call_has_no_last_time():
    assert fields(last=None, due=NOON, now=NOON)["ScheduleStatus"]["Last"] == "0001-01-01T00:00:00Z"


async def test_run_on_startup_calls_at_once_and_closing_waits_for_the_call():
    begun, finish = asyncio.Event(), asyncio.Event()
    done = []

    async def fire(data):
        begun.set()
        await finish.wait()
        done.append(data)

    timer = Timer(parse("0 0 0 1 1 *"), fire, lambda: NOON, run_on_startup=True)
    timer.start()
    await begun.wait()
    closing = asyncio.create_task(timer.close(10))
    finish.set()
    await closing
    assert len(done) == 1


async def test_a_call_that_does_not_end_is_cancelled_when_its_time_to_finish_is_over():
    begun = asyncio.Event()

    async def fire(_data):
        begun.set()
        await asyncio.Event().wait()

    timer = Timer(parse("0 0 0 1 1 *"), fire, lambda: NOON, run_on_startup=True)
    timer.start()
    await begun.wait()
    await asyncio.wait_for(timer.close(0.01), 5)


def test_a_timer_function_is_called_by_the_running_host(host):
    first, *_ = host.wait_for(lambda: host.calls("every_second"))
    assert first["past_due"] is False
    assert first["status"]["Next"] > first["status"]["LastUpdated"]


def test_no_timers_calls_none(start_host):
    host = start_host("--no-timers", TICK="not a schedule at all")
    assert host.calls("every_second") == []
    assert "every_second" in host.announced["functions"]
