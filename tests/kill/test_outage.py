"""The proxy that breaks what passes, against a small server of its own."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.kill.outage import Mode, Outage
from tests.proxy import Answer, Broken

BODY = b"0123456789"
SECONDS = 10
NO_ANSWER = (OSError, http.client.HTTPException)


class Counting(BaseHTTPRequestHandler):
    """Answers every request with BODY, and counts those that it has done."""

    protocol_version = "HTTP/1.1"
    done = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).done += 1
        self.send_response(201)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    class Handler(Counting):
        done = 0

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.handler = Handler
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def outage(server):
    with Outage(server.server_port) as running:
        yield running


def post(outage, connection=None):
    """Status and body of one request."""
    asked = connection or http.client.HTTPConnection("127.0.0.1", outage.port, timeout=SECONDS)
    asked.request("POST", "/", b"something")
    answer = asked.getresponse()
    return answer.status, answer.read()


def is_answered_whole(outage):
    """This client takes headers that break off for all there are."""
    try:
        return post(outage) == (201, BODY)
    except NO_ANSWER:
        return False


def test_what_is_not_broken_passes(server, outage):
    assert post(outage) == (201, BODY)
    assert server.handler.done == 1


def test_a_refused_request_is_neither_answered_nor_done(server, outage):
    outage.set(Mode.REFUSE)

    with pytest.raises(NO_ANSWER):
        post(outage)
    assert server.handler.done == 0


def test_a_request_that_hangs_is_never_answered_nor_done_until_that_ends(server, outage):
    outage.set(Mode.HANG)
    result: list[object] = []

    def ask() -> None:
        try:
            result.append(post(outage))
        except NO_ANSWER as error:
            result.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not outage.connections:
        assert asking.is_alive()
    outage.set(Mode.PASS)
    asking.join(SECONDS)

    assert isinstance(result[0], NO_ANSWER)
    assert server.handler.done == 0


@pytest.mark.parametrize("how", [Mode.CUT, Broken.CUT, Broken.DROP], ids=str)
def test_what_is_cut_or_dropped_is_done_and_not_answered_whole(server, outage, how):
    outage.set(how)

    assert not is_answered_whole(outage)
    assert server.handler.done == 1


def test_an_answer_that_is_cut_in_its_body_has_its_head(server, outage):
    outage.set(Broken.CUT)

    with pytest.raises(http.client.IncompleteRead) as cut:
        post(outage)
    assert cut.value.partial == BODY[:5]


@pytest.mark.parametrize("status", [500, 503, 504])
def test_what_is_answered_with_an_error_is_done(server, outage, status):
    outage.set(Answer(status))

    assert post(outage)[0] == status
    assert server.handler.done == 1


def test_only_each_third_request_meets_its_fault(server, outage):
    outage.set(Answer(500), every=3)

    assert [post(outage)[0] for _ in range(6)] == [201, 201, 500, 201, 201, 500]
    assert server.handler.done == 6


def test_a_connection_that_is_open_when_the_outage_begins_is_closed(outage):
    connection = http.client.HTTPConnection("127.0.0.1", outage.port, timeout=SECONDS)
    connection.auto_open = False
    connection.connect()
    assert post(outage, connection) == (201, BODY)
    outage.set(Mode.REFUSE)

    with pytest.raises(NO_ANSWER):
        post(outage, connection)


def test_after_the_outage_everything_passes_again(outage):
    outage.set(Mode.REFUSE)
    outage.set(Mode.PASS)

    assert post(outage) == (201, BODY)
