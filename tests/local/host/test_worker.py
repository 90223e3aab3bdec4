"""Indexing in this process, by the runtime's own rules."""

import json
from pathlib import Path

from local.host.worker import index

APP = Path(__file__).parent / "app"


def test_functions_are_listed_with_their_bindings():
    listed = {function.name: function for function in index(APP)}
    assert listed["posted"].trigger["route"] == "posted"
    assert [str(method) for method in listed["posted"].trigger["methods"]] == ["POST"]
    assert listed["single"].trigger["queueName"] == "%SINGLE_QUEUE%"
    assert listed["batched"].trigger["cardinality"] == "MANY"
    assert listed["every_second"].trigger["schedule"] == "%TICK%"


def test_bindings_are_plain_json():
    for function in index(APP):
        assert json.loads(json.dumps(function.bindings)) == list(function.bindings)


def test_an_app_is_indexed_once_however_often_it_is_asked_for():
    assert index(APP) is index(str(APP))
