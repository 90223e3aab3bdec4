"""Telemetry as it leaves the app, through OpenTelemetry's own SDK: to a terminal, and to what plays Application Insights."""

import gzip
import json
import logging
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest

from shared import logs, steps, trace
from shared.azure.otel_lines import MOST_A_MINUTE, LineHandler
from shared.azure.telemetry import NAME, Telemetry, to_azure, to_terminal
from shared.metrics import EVENT_DURATION, EVENTS, METRICS, OTHER, SILENT, THROTTLED
from shared.trace import Trace

HERE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
HOOK = "POST /v1/hooks/{source}"


@pytest.fixture(autouse=True)
def _lines() -> Iterator[None]:
    logger = logging.getLogger("signalbox")
    before, handlers = logger.level, [*logger.handlers]
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)
    logger.handlers = handlers


def said(out: StringIO, word: str) -> list[dict[str, Any]]:
    lines = out.getvalue().splitlines()
    return [json.loads(line.removeprefix(word)) for line in lines if line.startswith(word)]


def a_request(telemetry: Telemetry) -> None:
    """What a door does."""
    with trace.within(HERE), steps.step(telemetry.spans, "request", "server", door=HOOK) as step:
        step.note(section="demo", status=202)
        telemetry.meter.count(EVENTS, 2, door="webhook", outcome="accepted", reason="none")


def test_a_span_is_in_the_trace_of_its_parent_and_says_the_route_and_no_url():
    out = StringIO()
    with Telemetry(to_terminal(out, 1.0)) as telemetry:
        a_request(telemetry)

    [span] = said(out, "SPAN ")
    assert (span["context"]["trace_id"], span["parent_id"]) == (f"0x{HERE.id}", f"0x{HERE.span}")
    assert (span["name"], span["kind"]) == (HOOK, "SpanKind.SERVER")
    assert span["attributes"] == {
        "door": HOOK,
        "section": "demo",
        "status": 202,
        "http.request.method": "POST",
        "http.route": "/v1/hooks/{source}",
        "http.response.status_code": 202,
    }


def test_a_span_names_the_step_that_it_is_linked_to_and_that_it_failed():
    out, step = StringIO(), Trace.new()
    with Telemetry(to_terminal(out, 1.0)) as telemetry:
        telemetry.spans.start("deliver event", "client", HERE, [step]).end({"kind": "webhook"}, failed=True)

    [span] = said(out, "SPAN ")
    assert [link["context"]["span_id"] for link in span["links"]] == [f"0x{step.span}"]
    assert span["status"]["status_code"] == "ERROR"


def test_what_is_not_on_the_list_of_fields_is_not_in_a_span():
    out = StringIO()
    with Telemetry(to_terminal(out, 1.0)) as telemetry:
        fields = {"url.full": "https://x/?code=secret", "email": "ada@example.com", "section": "demo"}
        telemetry.spans.start("request", "server").end(fields)

    assert said(out, "SPAN ")[0]["attributes"] == {"section": "demo"}


@pytest.mark.parametrize("ratio", [0.0, 0.2, 1.0])
def test_a_trace_is_kept_whole_or_not_at_all_whatever_its_caller_wants(ratio: float):
    out, traces = StringIO(), [Trace.new() for _ in range(200)]
    with Telemetry(to_terminal(out, ratio)) as telemetry:
        wanted = {one.id for one in traces if telemetry.spans.wants(one)}
        for one in traces:
            telemetry.spans.start("process event", "internal", one).end({})
            telemetry.spans.start("deliver event", "client", one.child()).end({})

    kept = [span["context"]["trace_id"].removeprefix("0x") for span in said(out, "SPAN ")]
    assert sorted(kept) == sorted([*wanted, *wanted])
    assert ratio * 200 - 40 < len(wanted) < ratio * 200 + 40


def test_measures_have_their_units_edges_and_closed_values():
    out = StringIO()
    with Telemetry(to_terminal(out, 1.0)) as telemetry:
        telemetry.meter.count(THROTTLED, by="bus")
        telemetry.meter.count(THROTTLED, by="ada@example.com")
        telemetry.meter.gauge(SILENT, 3)
        telemetry.meter.record(EVENT_DURATION, 3.2, kind="webhook")

    [told] = said(out, "METRICS ")
    [scope] = told["resource_metrics"][0]["scope_metrics"]
    found = {one["name"]: one for one in scope["metrics"]}
    assert {*found} == {THROTTLED.name, SILENT.name, EVENT_DURATION.name}
    assert {one.name: one.unit for one in METRICS if one.name in found} == {
        name: one["unit"] for name, one in found.items()
    }
    by = [point["attributes"]["by"] for point in found[THROTTLED.name]["data"]["data_points"]]
    assert sorted(by) == ["bus", OTHER]
    [point] = found[EVENT_DURATION.name]["data"]["data_points"]
    assert (point["sum"], tuple(point["explicit_bounds"])) == (3.2, EVENT_DURATION.bounds)


def test_a_gauge_that_nobody_tells_again_is_not_told_again():
    out = StringIO()
    with Telemetry(to_terminal(out, 1.0), every_seconds=0.05) as telemetry:
        telemetry.meter.gauge(SILENT, 3)
        while len(said(out, "METRICS ")) < 3:
            telemetry.meter.count(THROTTLED, by="bus")

    told = [one for one in said(out, "METRICS ") if SILENT.name in json.dumps(one)]
    assert len(told) == 1


@contextmanager
def insights() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What plays the ingestion of Application Insights: its connection string, and the envelopes that come."""
    came: list[dict[str, Any]] = []

    class Track(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.extend(json.loads(_plain(body, self.headers.get("content-encoding", ""))))
            count = len(came)
            answer = json.dumps({"itemsReceived": count, "itemsAccepted": count, "errors": []}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Track)
    thread = Thread(target=server.serve_forever)
    thread.start()
    port = server.server_address[1]
    key = "00000000-0000-0000-0000-000000000001"
    try:
        yield f"InstrumentationKey={key};IngestionEndpoint=http://127.0.0.1:{port}/", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _plain(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body


def of_type(came: list[dict[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [one for one in came if one["data"]["baseType"] == name]


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("_no_proxy")
def test_application_insights_gets_requests_lines_and_measures_of_one_trace_and_no_url():
    with insights() as (connection, came):
        with Telemetry(to_azure(connection, None, 1.0)) as telemetry:
            a_request(telemetry)
            with trace.within(HERE):
                logs.warn("hand_off", "left to the sweeper", section="demo", commits=1)
                logging.getLogger("signalbox").warning("somebody else's text: %s", "ada@example.com")
            telemetry.spans.start("deliver event", "client", HERE).end({"kind": "webhook"}, failed=True)

        [request], [sent] = of_type(came, "RequestData"), of_type(came, "RemoteDependencyData")
        lines = of_type(came, "MessageData")
        measures = [one["data"]["baseData"] for one in of_type(came, "MetricData")]
    assert {one["tags"]["ai.operation.id"] for one in (request, sent, *lines)} == {HERE.id}
    told = request["data"]["baseData"]
    assert (told["name"], told["responseCode"], told["success"]) == (HOOK, "202", True)
    assert not told.get("url")
    assert told["properties"]["section"] == "demo"
    assert sent["data"]["baseData"]["success"] is False
    assert [one["data"]["baseData"]["message"] for one in lines] == [
        "request",
        "hand_off left to the sweeper",
    ]
    assert lines[1]["data"]["baseData"]["properties"]["commits"] == "1"
    assert [(one["metrics"][0]["name"], one["metrics"][0]["value"]) for one in measures] == [
        ("signalbox.events", 2.0)
    ]
    assert "ada@example.com" not in json.dumps(came)


@pytest.mark.usefixtures("_no_proxy")
def test_what_is_kept_of_a_share_says_how_many_it_stands_for():
    with insights() as (connection, came):
        with Telemetry(to_azure(connection, None, 0.5)) as telemetry:
            for _ in range(100):
                telemetry.spans.start("request", "server", Trace.new()).end({})
        rates = {one["sampleRate"] for one in of_type(came, "RequestData")}

    assert rates == {50.0}


@pytest.mark.usefixtures("_no_proxy")
def test_what_went_well_is_said_of_the_traces_that_are_kept_and_anything_else_of_the_others_too():
    with insights() as (connection, came):
        with Telemetry(to_azure(connection, None, 0.5)) as telemetry:
            traces = [Trace.new() for _ in range(MOST_A_MINUTE // 2)]
            kept = {one.id for one in traces if telemetry.spans.wants(one)}
            for one in traces:
                with trace.within(one):
                    logs.say(logging.INFO, "request", outcome="accepted")
                    logs.say(logging.INFO, "request", outcome="rejected", reason="invalid")
                    logs.warn("hand_off", "left to the sweeper")
        lines = [
            (one["data"]["baseData"]["message"], one["tags"]["ai.operation.id"])
            for one in of_type(came, "MessageData")
        ]

    assert 0 < len(kept) < len(traces)
    assert {id for said, id in lines if said == "request accepted"} == kept
    for always in ("request rejected", "hand_off left to the sweeper"):
        assert {id for said, id in lines if said == always} == {one.id for one in traces}


class Kept:
    """Takes the lines that are passed on."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def emit(self, record: Any) -> None:
        self.said.append(record.body)


def test_a_flood_of_refusals_is_told_of_up_to_a_limit_and_errors_always():
    now, kept = [0.0], Kept()
    handler = LineHandler(kept, lambda one: one is not None and one.id == HERE.id, lambda: now[0])
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    try:
        for _ in range(MOST_A_MINUTE + 50):
            with trace.within(Trace.new()):
                logs.say(logging.INFO, "request", outcome="rejected", reason="unauthenticated")
        flood = len(kept.said)
        with trace.within(Trace.new()):
            logs.warn("hand_off", "left to the sweeper")
            logs.fail("hand_off", "each goes by itself")
        with trace.within(HERE):
            logs.say(logging.INFO, "request", outcome="rejected", reason="invalid")
        now[0] = 60.0
        with trace.within(Trace.new()):
            logs.say(logging.INFO, "request", outcome="accepted")
            logs.warn("hand_off", "left to the next sweep")
    finally:
        logger.removeHandler(handler)

    assert flood == MOST_A_MINUTE
    assert kept.said[flood:] == [
        "hand_off each goes by itself",
        "request rejected",
        "hand_off left to the next sweep",
    ]


def test_nothing_that_cannot_be_sent_is_kept_on_the_disk():
    with insights() as (connection, _):
        made = to_azure(connection, None, 1.0)

    for one in (made.spans, made.metrics, made.lines):
        assert one is not None
        assert one.storage is None
        one.shutdown()
