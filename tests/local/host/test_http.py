"""The HTTP front of the running host treats requests as the real one does."""

import concurrent.futures
import json
import os
import re
import socket

LIMIT = 2_000_000


def raw(host, content: bytes) -> bytes:
    """Send bytes as they are and read until the server closes."""
    with socket.create_connection(("127.0.0.1", host.port), timeout=20) as connection:
        connection.sendall(content)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_arrives_with_method_url_query_and_route(host):
    seen = host.get("/echo/12?a=1&b=%C3%BC+x&a=2")
    assert seen["method"] == "GET"
    assert seen["url"] == f"http://127.0.0.1:{host.port}/base/echo/12?a=1&b=%C3%BC+x&a=2"
    assert seen["params"] == {"a": "1,2", "b": "\u00fc x"}
    assert seen["route"] == {"id": "12"}


def test_the_scheme_and_host_are_what_the_client_asked_for(host):
    seen = json.loads(host.request("GET", "/echo", headers={"Host": "example.test:99"}).content)
    assert seen["url"] == "http://example.test:99/base/echo"


def test_an_optional_parameter_may_be_missing_and_a_constrained_one_must_fit(host):
    assert host.get("/echo")["route"] == {}
    assert host.request("GET", "/echo/abc").status == 404


def test_header_names_are_lower_case_and_values_joined_and_empty_ones_dropped(host):
    answer = raw(
        host,
        b"GET /base/echo?full=1&empty=&bare HTTP/1.1\r\nHost: h\r\nX-Multi: 1\r\nX-MULTI: 2\r\n"
        b"X-Empty:\r\nConnection: close\r\n\r\n",
    )
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["headers"] == {"host": "h", "x-multi": "1,2", "connection": "close"}
    assert seen["params"] == {"full": "1"}


def test_the_body_arrives_and_returns_byte_for_byte(host):
    body = os.urandom(300_000)
    response = host.request("POST", "/posted", body)
    assert response.content == body
    assert response.headers["content-type"] == "application/octet-stream"


def test_a_chunked_request_reaches_the_function_with_an_empty_body(host):
    response = host.request("POST", "/posted", iter([b"abc", b"def"]), {"Transfer-Encoding": "chunked"})
    assert (response.status, response.content) == (200, b"")


def test_a_body_at_the_limit_is_taken_and_one_over_it_refused(host):
    assert host.request("POST", "/posted", b"x" * LIMIT).status == 200
    assert host.request("POST", "/posted", b"x" * (LIMIT + 1)).status == 413


def test_a_refused_body_does_not_disturb_the_next_request_of_the_connection(host):
    too_large = b"POST /base/posted HTTP/1.1\r\nHost: h\r\nContent-Length: 2000001\r\n\r\n" + b"x" * 2_000_001
    answer = raw(host, too_large + b"GET /base/text HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"HTTP/1.1 200 " in answer


def test_a_body_shorter_than_its_length_never_reaches_the_function(host):
    with socket.create_connection(("127.0.0.1", host.port)) as connection:
        connection.sendall(b"POST /base/posted HTTP/1.1\r\nHost: h\r\nContent-Length: 777\r\n\r\nonly this")
    marker = b"y" * 778
    assert host.request("POST", "/posted", marker).status == 200
    lengths = [call["length"] for call in host.calls("posted")]
    assert 778 in lengths
    assert 9 not in lengths
    assert 777 not in lengths


def test_a_client_that_leaves_does_not_cancel_the_function(start_host):
    host = start_host()
    with socket.create_connection(("127.0.0.1", host.port)) as connection:
        connection.sendall(b"GET /base/waiting HTTP/1.1\r\nHost: h\r\n\r\n")
        host.wait_for(lambda: host.calls("waiting"))
    host.release()
    host.wait_for(lambda: {"name": "waiting", "state": "done"} in host.calls("waiting"))


def test_an_unknown_route_is_not_found(host):
    assert host.request("GET", "/no-such").status == 404


def test_another_method_on_a_known_route_is_not_found_either(host):
    assert host.request("DELETE", "/posted").status == 404
    assert host.request("HEAD", "/files/a").status == 404


def test_the_method_chooses_between_functions_of_one_route(host):
    assert host.request("PUT", "/posted", b"").status == 204
    assert host.request("POST", "/posted", b"1").content == b"1"


def test_functions_are_tried_by_their_names_and_a_literal_route_has_no_precedence(host):
    assert host.get("/ordered/literal")["function"] == "a_parameter"


def test_a_catch_all_takes_the_rest_with_encoded_slashes_kept(host):
    assert host.get("/files/a/b%2Fc/d%20e") == {"rest": "a/b%2Fc/d e"}
    assert host.get("/files") == {}


def test_head_reaches_a_function_that_takes_it_and_has_no_body(host):
    response = host.request("HEAD", "/echo/me")
    assert (response.status, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


def test_a_function_that_raises_answers_500_and_only_the_name_is_logged(host):
    response = host.request("GET", "/raising")
    assert (response.status, response.content) == (500, b"")
    log = host.log.read_text()
    assert "raising failed: LookupError" in log
    assert "secret-in-the-text" not in log


def test_a_function_that_returns_nothing_answers_500(host):
    response = host.request("GET", "/nothing")
    assert (response.status, response.content) == (500, b"")


def test_a_str_is_answered_as_plain_text(host):
    response = host.request("GET", "/text")
    assert response.content.decode() == "plain \u00fc"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_status_headers_and_cookies_of_an_answer_arrive(host):
    response = host.request("GET", "/dressed")
    assert (response.status, response.content) == (201, b"made")
    assert (response.headers["x-name"], response.headers["location"]) == ("value", "/there")
    cookies = response.headers.get_all("set-cookie")
    assert cookies == ["a=1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax", "b=2; Secure"]


def test_a_header_that_would_split_the_answer_is_a_failure_of_the_function(host):
    response = host.request("GET", "/split")
    assert (response.status, response.content) == (500, b"")


def test_an_answer_without_content_has_no_length(host):
    response = host.request("PUT", "/posted", b"")
    assert (response.status, response.content) == (204, b"")
    assert "content-length" not in response.headers


def test_a_sync_function_runs_in_a_thread_with_its_call_in_the_log(host):
    assert host.get("/thread") == {"main": False}
    assert re.search(r"app \[[0-9a-f-]{36}\] in a thread", host.log.read_text())


def test_a_disabled_function_is_not_found(host):
    assert "switched_off" not in host.announced["functions"]
    assert host.request("GET", "/switched-off").status == 404


def test_the_trace_of_the_caller_is_passed_on_and_otherwise_a_new_one_begins(host):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = json.loads(host.request("GET", "/echo", headers={"traceparent": parent}).content)
    assert seen["parent"] == parent
    assert host.get("/echo")["parent"] != host.get("/echo")["parent"]


def test_interleaved_calls_are_logged_under_their_own_ids(host):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: host.request("GET", "/logged").content.decode(), range(48)))
    log = host.log.read_text()
    assert len(set(answers)) == 48
    assert all(f"[{call}] call {call}" in log for call in answers)
