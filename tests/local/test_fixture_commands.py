"""The fixture command: what lies in quarantine becomes a file that the shared tests of sources take as it is."""

import json
import os
import subprocess
import sys

import pytest

from local.demo.furnish import SHOP
from local.fixture_commands import write
from local.settings import ROOT
from shared import exact
from shared.exact import Number
from tests.functions.asking import shop_order, webhook
from tests.running import Running
from tests.sources import test_fixtures as shared_tests
from tests.sources.cases import CASES


@pytest.mark.slow
def test_a_kept_webhook_is_written_beside_the_others_and_tells_nobody_s_data(
    running: Running, tmp_path, monkeypatch
):
    source = running.operator.post("/v1/sources", {**SHOP, "name": "captured", "types": {}}).doc
    webhook(running, shop_order(), source["hookPath"])
    kept = running.operator.get("/v1/quarantine?cause=unknown-type&limit=100").doc["quarantine"]
    [id] = [one["id"] for one in kept if one["source"] == source["id"]]

    said = fixture(running, id, tmp_path)

    path = tmp_path / "shopify" / "orders-create.json"
    assert said.stdout.strip() == str(path)
    assert "grace" not in path.read_text()
    monkeypatch.setitem(CASES, "shopify/captured", exact.loads(path.read_bytes()))
    shared_tests.test_its_facts_are_read_and_reading_twice_gives_the_same("shopify/captured")
    shared_tests.test_it_is_mapped_as_expected_to_the_letter("shopify/captured")
    assert fixture(running, id, tmp_path).stdout.strip().endswith("orders-create-2.json")
    assert "no such request in quarantine" in fixture(running, "1", tmp_path).stderr


def fixture(running: Running, id: str, into: object) -> subprocess.CompletedProcess[str]:
    key = running.client.headers["Authorization"].removeprefix("Bearer ")
    environment = {**os.environ, "SIGNALBOX_URL": running.stack.base_url, "SIGNALBOX_KEY": key}
    command = [sys.executable, "-m", "local", "fixture", id, "--into", str(into)]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_number_is_written_by_its_own_text(tmp_path):
    path = write(tmp_path, "shopify.orders-create.json", {"mapped": {"total": Number("42.50")}})

    assert '"total": 42.50' in path.read_text()


@pytest.mark.parametrize(
    "named", ["None", "shopify.json", "../x.json", "nobody.case.json", "shopify.../../x.json"]
)
def test_what_is_no_name_of_a_fixture_is_written_nowhere(tmp_path, named):
    with pytest.raises(ValueError, match="no name of a fixture"):
        write(tmp_path / "in", named, json.loads("{}"))

    assert list(tmp_path.rglob("*.json")) == []
