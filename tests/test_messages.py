"""Messages on the bus hold references only, and are read by who wrote them."""

import json
from datetime import UTC, datetime

import pytest

from shared.errors import MalformedBody
from shared.ids import new_commit
from shared.messages import CommitMessage, DeliveryMessage, read_commit, read_delivery

COMMIT = new_commit(datetime(2026, 11, 22, tzinfo=UTC), 3, b"1234567")
IDS = (COMMIT.event(0), COMMIT.event(1))


def test_a_commit_message_is_read_as_it_was_written():
    message = CommitMessage("demo", COMMIT)

    assert read_commit(message.write().encode()) == message


def test_a_delivery_message_is_read_as_it_was_written():
    message = DeliveryMessage("demo", "rt-1", IDS)

    assert read_delivery(message.write().encode()) == message


def test_a_message_holds_references_and_nothing_else():
    assert set(json.loads(CommitMessage("demo", COMMIT).write())) == {"schema", "section", "commit"}
    assert set(json.loads(DeliveryMessage("demo", "rt-1", IDS).write())) == {
        "schema",
        "section",
        "route",
        "events",
    }


@pytest.mark.parametrize("read", [read_commit, read_delivery])
def test_a_message_of_a_newer_version_is_left_for_it(read):
    newer = {"schema": 2, "section": "demo", "commit": COMMIT.id, "route": "rt-1", "events": []}

    with pytest.raises(ValueError, match="newer version"):
        read(json.dumps(newer).encode())


@pytest.mark.parametrize("read", [read_commit, read_delivery])
@pytest.mark.parametrize("body", [b"", b"hello", b"{}", b'{"schema": 1, "section": "demo", "commit": "x"}'])
def test_what_is_no_message_is_refused(read, body):
    with pytest.raises((KeyError, ValueError, MalformedBody)):
        read(body)
