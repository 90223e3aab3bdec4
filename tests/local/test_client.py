"""The client of demonstrations and tests, against the running doors."""

import socket
import threading

import pytest

from local.client import Client
from local.process import free_ports
from tests.running import Running, order


def test_a_refusal_is_an_answer_with_its_problem(running: Running):
    refused = running.anonymous.post("/v1/events", order())
    assert (refused.status, refused.doc["type"]) == (401, "/problems/unauthenticated")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.asked == "POST /v1/events"


def test_headers_are_named_with_underscores(running: Running):
    body = order()
    del body["id"]
    first = running.client.post("/v1/events", body, Idempotency_Key="client-test")
    again = running.client.post("/v1/events", body, Idempotency_Key="client-test")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.doc == first.doc


def test_a_key_of_the_deployment_names_its_section(running: Running):
    assert running.operator.get("/v1/definitions").status == 200
    assert Client.keyed(running.stack.base_url, running.deployment_key).get("/v1/definitions").status == 403


def test_a_receipt_is_waited_for(running: Running):
    posted = running.post_order()
    receipt = running.client.receipt(posted.doc["id"], lambda doc: doc["status"] == "delivered")
    assert receipt["deliveries"][0]["status"] == "delivered"


def test_a_receipt_that_never_becomes_so_is_given_as_it_is(running: Running):
    posted = running.post_order()
    receipt = running.client.receipt(posted.doc["id"], lambda _: False, seconds=0)
    assert receipt["id"] == posted.doc["id"]


def test_no_answer_is_an_os_error():
    (port,) = free_ports(1)
    with pytest.raises(OSError, match="refused"):
        Client(f"http://127.0.0.1:{port}").get("/")


def test_an_answer_that_is_not_json_is_a_value_error():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwhat")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ValueError, match="Expecting value"):
            Client(f"http://127.0.0.1:{port}").get("/")
        thread.join()
