"""A Service Bus trigger on the embedded queue: what a function is given, and what becomes of messages."""

import asyncio
from functools import partial

from local.embedded_queue import EmbeddedQueue
from local.host import pump_embedded
from local.host.pump_embedded import EmbeddedPump


def bodies(host) -> list[str]:
    return [call["body"] for call in host.calls("single")]


async def test_a_message_reaches_the_function_and_is_completed(host, queue):
    await queue.send("single", [b"hello"])
    (call,) = host.wait_for(lambda: [call for call in host.calls("single") if call["body"] == "hello"])
    assert call["deliveries"] == 1
    assert len(call["id"]) == 32
    assert call["lock"]
    assert call["sequence"] >= 1
    assert call["enqueued"].endswith("+00:00")
    await gone(host, queue, "single")


async def test_a_failed_message_is_delivered_again_at_once(host, queue):
    await queue.send("single", [b"fail once"])
    host.wait_for(lambda: bodies(host).count("fail once") == 2)
    await gone(host, queue, "single")


async def test_a_poisoned_message_ends_in_the_dead_letter_queue_and_others_pass(host, queue):
    await queue.send("single", [b"poison", b"fine"])
    host.wait_for(lambda: bodies(host).count("poison") == 10 and "fine" in bodies(host))
    await gone(host, queue, "single")
    (dead,) = await queue.receive("single/$DeadLetterQueue", 10)
    assert dead.body == b"poison"


async def test_many_messages_reach_a_batched_function_together(host, queue):
    sent = [f"n{number}".encode() for number in range(40)]
    await queue.send("batched", sent)
    (batch,) = host.wait_for(
        lambda: [call for call in host.calls("batched") if call["messages"][0]["body"] == "n0"]
    )
    assert [message["body"].encode() for message in batch["messages"]] == sent
    assert [message["deliveries"] for message in batch["messages"]] == [1] * 40
    sequence = [message["sequence"] for message in batch["messages"]]
    assert sequence == sorted(sequence)
    assert len({message["id"] for message in batch["messages"]}) == 40
    await gone(host, queue, "batched")


async def test_a_failed_batch_is_delivered_again_as_a_whole(host, queue):
    await queue.send("batched", [b"fail once", b"bystander"])
    host.wait_for(lambda: delivered(host, "bystander") == [1, 2])
    await gone(host, queue, "batched")


async def test_no_more_calls_run_at_once_than_host_json_allows(start_host, tmp_path):
    host = start_host()
    queue = EmbeddedQueue(str(tmp_path / "queue.db"))
    await queue.send("single", [f"slow {number}".encode() for number in range(6)])
    host.wait_for(lambda: len(host.calls("single")) == 4)
    assert len(await queue.receive("single", 10)) == 2
    host.release()
    host.wait_for(lambda: bodies(host).count("released") == 4)
    await queue.close()


async def test_closing_does_not_wait_longer_than_allowed_for_a_call_that_never_ends(tmp_path):
    path = str(tmp_path / "queue.db")
    queue = EmbeddedQueue(path)
    begun = asyncio.Event()

    async def never_ends(_messages):
        begun.set()
        await asyncio.Event().wait()
        return True

    pump = EmbeddedPump(path, "events", never_ends, concurrency=1)
    pump.start()
    await queue.send("events", [b"one", b"two"])
    await begun.wait()
    await asyncio.wait_for(pump.close(0.05), 5)
    assert (await queue.counts("events")).active == 2
    await queue.close()


async def test_a_call_that_takes_longer_than_the_lock_keeps_its_message(tmp_path, monkeypatch):
    path, brief = str(tmp_path / "queue.db"), 0.6
    monkeypatch.setattr(pump_embedded, "EmbeddedQueue", partial(EmbeddedQueue, lock_seconds=brief))
    queue, calls, ended = EmbeddedQueue(path), [], asyncio.Event()

    async def slow(messages):
        calls.append(messages)
        await asyncio.sleep(4 * brief)
        ended.set()
        return True

    pump = EmbeddedPump(path, "events", slow, concurrency=4)
    pump.start()
    await queue.send("events", [b"one"])
    await ended.wait()
    await pump.close(5)

    assert len(calls) == 1
    assert (await queue.counts("events")).active == 0
    await queue.close()


def delivered(host, body: str) -> list[int]:
    messages = [message for call in host.calls("batched") for message in call["messages"]]
    return [message["deliveries"] for message in messages if message["body"] == body]


async def gone(host, queue: EmbeddedQueue, name: str) -> None:
    """Wait until a queue has nothing left."""
    while (await queue.counts(name)).active:
        host.get("/calls")
