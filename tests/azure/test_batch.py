"""The lean transaction writer: what it puts on the wire, and what it reads out of an answer."""

import pytest

from shared.azure import batch
from shared.azure.batch import encode, etags
from shared.azure.rows import entities_of
from shared.azure.wire import Refused
from shared.ports import Operation, Row, Verb

URL = "http://127.0.0.1:1/devstoreaccount1/events"
REFUSED = (
    b"--r\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 409 Conflict\r\n\r\n"
    b'{"odata.error":{"code":"EntityAlreadyExists","message":{"lang":"en-US","value":"57:It exists.\\nId"}}}\r\n--r--'
)


def written(*operations: Operation) -> str:
    return encode(URL, operations, entities_of(operations)).decode()


def test_an_insert_is_posted_with_its_members_typed():
    text = written(Operation(Verb.INSERT, Row("p", "r", {"n": 1, "b": b"\x00", "t": "ö", "yes": True})))

    assert f"POST {URL} HTTP/1.1" in text
    assert (
        '{"PartitionKey":"p","RowKey":"r","n":1,"b":"AA==","b@odata.type":"Edm.Binary","t":"\\u00f6","yes":true}'
        in text
    )


@pytest.mark.parametrize(
    ("verb", "method", "condition"),
    [
        (Verb.UPSERT, "PUT", None),
        (Verb.REPLACE, "PUT", "If-Match: W/1"),
        (Verb.MERGE, "MERGE", "If-Match: W/1"),
        (Verb.DELETE, "DELETE", "If-Match: W/1"),
    ],
)
def test_a_write_names_its_row_and_its_condition(verb: Verb, method: str, condition: str | None):
    text = written(Operation(verb, Row("it's", "a|b", etag="W/1")))

    assert f"{method} {URL}(PartitionKey='it%27%27s',RowKey='a%7Cb') HTTP/1.1" in text
    assert ("If-Match" in text) is (condition is not None)
    assert condition is None or condition in text


def test_a_deletion_without_an_etag_takes_the_row_as_it_is():
    assert "If-Match: *" in written(Operation(Verb.DELETE, Row("p", "r")))


def test_an_answer_whose_parts_all_succeeded_is_good():
    answer = b'HTTP/1.1 204 No Content\r\nETag: W/"1"\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'

    assert etags(202, answer) == ['W/"1"', None]


@pytest.mark.parametrize(
    ("status", "answer", "code", "index"),
    [
        (202, REFUSED, "EntityAlreadyExists", 57),
        (503, b"busy", "503", 0),
        (202, b"", "202", 0),
        (202, b"HTTP/1.1 412 Precondition\r\n\r\n{not json}", "412", 0),
        (
            413,
            b'{"odata.error":{"code":"RequestBodyTooLarge","message":{"value":"x"}}}',
            "RequestBodyTooLarge",
            0,
        ),
    ],
)
def test_a_refusal_names_the_code_and_the_operation(status: int, answer: bytes, code: str, index: int):
    with pytest.raises(Refused) as caught:
        etags(status, answer)

    assert (caught.value.code, caught.value.index) == (code, index)


def test_no_boundary_can_stand_in_a_member():
    text = written(Operation(Verb.INSERT, Row("p", "r", {"t": f"\r\n--{batch._CHANGES}--\r\n"})))

    assert text.count(f"\r\n--{batch._CHANGES}--\r\n") == 1
