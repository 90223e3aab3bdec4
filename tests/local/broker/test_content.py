"""Taking messages apart and putting them together, checked against Proton's own codec."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proton import Message, symbol, timestamp, ulong

from local.broker import codec
from local.broker.content import Content, decode, encode, unpack, with_application_properties
from local.broker.errors import Malformed


def data_section(payload: bytes) -> bytes:
    return b"\x00\x53\x75\xb0" + len(payload).to_bytes(4) + payload


def encoded_by_proton(message: Message) -> bytes:
    return bytes(message.encode())


def proton_decoded(raw: bytes) -> Message:
    message = Message()
    message.decode(raw)
    return message


BODIES = [
    "text",
    b"\x00\xff\x80",
    None,
    {"a": [1, 2.5, {"b": None}]},
    ulong(2**63),
    UUID(int=7),
    ["x" * 300] * 3,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_what_the_sender_encoded_arrives_byte_for_byte(body):
    sent = Message(body=body, id="1", properties={"k": 1.5}, annotations={symbol("mine"): "kept"}, ttl=60)

    raw = encode(decode(encoded_by_proton(sent)), 2, {"x-opt-sequence-number": codec.long(9)})

    received = proton_decoded(raw)
    assert received.body == body
    assert (received.id, received.properties) == ("1", {"k": 1.5})
    assert received.annotations == {symbol("mine"): "kept", symbol("x-opt-sequence-number"): 9}
    assert (received.delivery_count, received.first_acquirer, received.ttl) == (2, False, 60)
    assert raw.endswith(decode(encoded_by_proton(sent)).bare)


def test_a_sender_cannot_set_what_the_broker_says():
    forged = Message(body="a", annotations={symbol("x-opt-sequence-number"): 666})

    received = proton_decoded(
        encode(decode(encoded_by_proton(forged)), 0, {"x-opt-sequence-number": codec.long(1)})
    )

    assert received.annotations == {symbol("x-opt-sequence-number"): 1}


def test_the_scheduled_time_is_read_and_kept():
    sent = Message(body="a", annotations={symbol("x-opt-scheduled-enqueue-time"): timestamp(1_500)})

    content = decode(encoded_by_proton(sent))

    assert content.scheduled_for == 1.5
    assert proton_decoded(encode(content, 0, {})).annotations == sent.annotations


def test_a_batch_envelope_is_taken_apart_though_it_carries_properties():
    messages = [encoded_by_proton(Message(body=f"m{i}", id=str(i))) for i in range(3)]
    properties_of_the_first = codec.described_list(0x73, codec.string("0"))

    contents = unpack(properties_of_the_first + b"".join(map(data_section, messages)))

    assert [proton_decoded(encode(content, 0, {})).id for content in contents] == ["0", "1", "2"]


@pytest.mark.parametrize("payload", [b"", b"{}", b"\x00", b"\x00\x53\x75", b"\x00\x53\x75\xa0\x05ab"])
def test_a_data_body_that_is_no_message_is_one_message(payload):
    (content,) = unpack(data_section(payload))

    assert content.bare == data_section(payload)


def test_application_properties_are_added_and_replaced_in_place():
    sent = Message(body="a", id="1", properties={"kept": 1, "DeadLetterReason": "old"})

    content = with_application_properties(
        decode(encoded_by_proton(sent)), {"DeadLetterReason": "new", "More": "x"}
    )

    received = proton_decoded(encode(content, 0, {}))
    assert received.properties == {"kept": 1, "DeadLetterReason": "new", "More": "x"}
    assert (received.id, received.body) == ("1", "a")


def test_application_properties_are_added_where_there_were_none():
    content = with_application_properties(Content(bare=data_section(b"a")), {"DeadLetterReason": "é" * 200})

    received = proton_decoded(encode(content, 0, {}))

    assert received.properties == {"DeadLetterReason": "é" * 200}
    assert received.body == b"a"


def is_fit_for_the_dead_letters(content: Content) -> bool:
    dead = with_application_properties(content, {"DeadLetterReason": "why"})
    return decode(encode(dead, 1, {})).bare == dead.bare


@given(st.binary(max_size=64))
def test_no_bytes_do_worse_than_malformed(raw):
    try:
        contents = unpack(raw)
    except Malformed:
        return

    assert all(is_fit_for_the_dead_letters(content) for content in contents)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_a_damaged_message_does_no_worse_than_malformed(at, damage):
    sent = Message(body={"a": [1, 2]}, id="1", ttl=5, annotations={symbol("a"): 1}, properties={"k": "v"})
    raw = encoded_by_proton(sent)
    at %= len(raw)

    try:
        (content,) = unpack(raw[:at] + damage + raw[at + len(damage) :])
    except Malformed:
        return

    assert is_fit_for_the_dead_letters(content)


@pytest.mark.parametrize(
    "raw",
    [b"", codec.described_list(0x70), codec.described_list(0x74) + data_section(b"a")],
    ids=["nothing", "only a header", "application properties that are no map"],
)
def test_what_could_not_become_a_dead_letter_is_refused_at_once(raw):
    with pytest.raises(Malformed):
        unpack(raw)


def test_deeply_nested_descriptors_are_refused_without_recursion():
    with pytest.raises(Malformed):
        decode(b"\x00" * 200_000)
