"""The commands that try things say what the doors say, and store nothing."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.settings import ROOT
from tests.functions.asking import ask, shop_order
from tests.functions.bad_input import CASES
from tests.functions.conftest import EVENT, EVERYTHING, Place, place
from tests.running import Running, order

BODIES = {name: case for name, case in CASES.items() if not case.headers}
OF_A_REQUEST = ("instance", "traceId")
GOOD = {"event": EVENT, "properties": {"text": "a", "decimal": 1}}


@pytest.fixture(scope="module")
def untouched(running: Running) -> Place:
    """A section where nothing is ever accepted."""
    made = place(running, "trials")
    assert made.client.post("/v1/definitions", EVERYTHING).status == 201
    return made


def command(running: Running, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **running.stack.environment}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "local", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str], code: int) -> Any:
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.feature("F122")
def test_of_a_hundred_bad_events_the_command_says_what_the_door_says(
    running: Running, untouched: Place, tmp_path: Path
):
    files = [tmp_path / f"{number}.json" for number in range(len(BODIES))]
    for file, case in zip(files, BODIES.values(), strict=True):
        file.write_bytes(case.body)

    found = told(command(running, "validate", "--section", untouched.section, *files), 1)
    answers = [ask(untouched.client, "POST", "/v1/events", case.body).doc for case in BODIES.values()]

    assert len(files) > 50
    assert [one["file"] for one in found] == [str(file) for file in files]
    problems = [{name: value for name, value in one.items() if name not in OF_A_REQUEST} for one in answers]
    assert [one.get("problem") for one in found] == problems
    assert untouched.stored() == []


@pytest.mark.slow
@pytest.mark.feature("F122")
def test_an_event_that_fits_is_told_its_version_and_not_stored(
    running: Running, untouched: Place, tmp_path: Path
):
    file = tmp_path / "good.json"
    file.write_text(json.dumps(GOOD))

    [one] = told(command(running, "validate", "--section", untouched.section, file), 0)

    version = untouched.client.get(f"/v1/definitions/{EVENT}").doc["version"]["id"]
    assert one == {"file": str(file), "fits": True, "event": EVENT, "version": version}
    assert untouched.stored() == []


@pytest.mark.slow
@pytest.mark.feature("F119")
def test_a_sample_becomes_the_same_event_at_the_door_and_on_the_command_line(
    running: Running, tmp_path: Path
):
    source, payload = running.demo.source, json.loads(shop_order(total_price="199.90"))
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(payload))
    bad.write_text(json.dumps({**payload, "total_price": None}))
    words = ("try", "--section", "demo", "--source", source, "--type", "orders/create")

    fits = told(command(running, *words, good), 0)
    misfit = told(command(running, *words, bad), 1)

    assert (
        fits
        == running.operator.post(
            f"/v1/sources/{source}/try", {"type": "orders/create", "payload": payload}
        ).doc
    )
    assert fits["result"]["properties"]["totalValue"] == 199.9
    assert (misfit["fits"], [one["pointer"] for one in misfit["errors"]]) == (
        False,
        ["/properties/totalValue"],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("validate", "--section", "nosuch", "{file}"), "section"),
        (("validate", "--section", "demo", "{file}.none"), "No such file"),
        (("try", "--section", "demo", "--source", "0" * 32, "--type", "a", "{file}"), "source"),
    ],
)
def test_what_cannot_be_tried_is_said_without_a_traceback(
    running: Running, tmp_path: Path, words: tuple[str, ...], said: str
):
    file = tmp_path / "order.json"
    file.write_text(json.dumps(order()))

    done = command(running, *(word.replace("{file}", str(file)) for word in words))

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", ["definitions.md", "webhooks.md"])
def test_the_commands_run_as_the_pages_say(running: Running, tmp_path: Path, page: str):
    [line] = re.findall(
        r"^\.venv/bin/python -m local ((?:validate|try) .+)$",
        (ROOT / "docs" / page).read_text(),
        re.MULTILINE,
    )
    files = {"order.json": tmp_path / "order.json", "$SOURCE": running.demo.source}
    (tmp_path / "order.json").write_bytes(
        json.dumps(order()).encode() if page == "definitions.md" else shop_order()
    )

    words = [str(files.get(word, word)) for word in shlex.split(line)]

    assert command(running, *words).returncode == 0
