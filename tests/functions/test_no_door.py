"""Where there is no door, the app says so in a problem, on any path and by any method."""

import pytest

from tests.functions.asking import ask, assert_problem
from tests.running import Running


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1//events",
        "/v1/events//",
        "/v1/../v1/events",
        "/v1%2Fevents",
        "/v1/events/a/b",
        "/%ff",
        "/administrator",
        "/" + "x" * 60_000,
    ],
    ids=lambda path: path[:20],
)
def test_a_path_without_a_door_is_not_found(running: Running, method: str, path: str):
    assert_problem(ask(running.anonymous, method, path, b"{}"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/events", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/v1/keys/", "GET, HEAD, POST"),
        ("PATCH", "/V1/Events/1", "GET, HEAD"),
        ("OPTIONS", "/v1/keys", "GET, HEAD, POST"),
        ("GET", "/v1/tick", "POST"),
        ("POST", "/v1/sources/a/types?x=y", "PUT"),
        ("PROPFIND", "/health/live", "GET, HEAD"),
    ],
)
def test_another_method_is_refused_with_those_that_the_path_takes(
    running: Running, method: str, path: str, allowed: str
):
    answer = ask(running.anonymous, method, path)

    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


def test_the_head_of_what_can_be_read_has_its_status_and_length_and_no_body(running: Running):
    live, other = ask(running.anonymous, "HEAD", "/health/live"), ask(running.anonymous, "HEAD", "/v1/tick")

    assert (live.status, int(live.headers["content-length"]) > 0) == (200, True)
    assert (other.status, other.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/admin", "/admin/host/status", "/RUNTIME/webhooks", "//v1/events"])
def test_what_the_host_keeps_to_itself_never_reaches_the_app(running: Running, path: str):
    answer = ask(running.client, "GET", path)

    assert (answer.status, answer.doc) == (404, "")
