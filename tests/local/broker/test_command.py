"""`python -m local.broker`."""

import asyncio
import json
import signal
import sys

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from local.broker import QueueSettings
from local.broker.__main__ import queue_settings


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "local.broker",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_command_tells_its_port_serves_and_ends_in_peace():
    command = await start("--queue", "orders", "--queue", "late:5:2")
    try:
        assert command.stdout is not None
        port = json.loads(await command.stdout.readline())["port"]
        connection_string = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=k;SharedAccessKey=local;UseDevelopmentEmulator=true;"
        async with ServiceBusClient.from_connection_string(connection_string) as client:
            await client.get_queue_sender("late").send_messages(ServiceBusMessage("a"))
            command.send_signal(signal.SIGTERM)
            rest, _ = await command.communicate()
    finally:
        if command.returncode is None:
            command.kill()

    assert (command.returncode, rest) == (0, b"")


async def test_a_wrong_queue_is_refused_with_the_form_it_should_have():
    command = await start("--queue", "orders:soon")

    _, complaint = await command.communicate()

    assert command.returncode == 2
    assert b"NAME[:lock_seconds[:max_deliveries]]" in complaint


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("orders", QueueSettings("orders", lock_seconds=60, max_deliveries=10)),
        ("orders:0.5", QueueSettings("orders", lock_seconds=0.5, max_deliveries=10)),
        ("orders:30:3", QueueSettings("orders", lock_seconds=30, max_deliveries=3)),
    ],
)
def test_a_queue_is_named_with_its_limits(text: str, settings: QueueSettings):
    assert queue_settings(text) == settings


@pytest.mark.parametrize("text", ["", ":30", "a:b", "a:1:2:3"])
def test_a_queue_without_a_name_or_with_odd_limits_is_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 argparse says it better
        queue_settings(text)
