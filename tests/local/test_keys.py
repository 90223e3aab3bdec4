"""The key command against the storage of a running stack, and the keys that it makes at the real doors."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from local.client import Client
from local.settings import ROOT
from tests.running import Running, order

pytestmark = pytest.mark.slow


class Command:
    """`python -m local key ...` with an environment, in a home where no stack runs."""

    def __init__(self, environment: dict[str, str], home: str) -> None:
        self._environment = {**os.environ, **environment, "SIGNALBOX_HOME": home}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "local", "key", *words]
        return subprocess.run(  # noqa: S603 - our own command
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )

    def answer(self, *words: str) -> Any:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refusal(self, *words: str) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def command(running: Running, tmp_path) -> Command:
    return Command(running.stack.environment, str(tmp_path))


def post(running: Running, key: str, **changes: Any) -> int:
    return Client.keyed(running.stack.base_url, key).post("/v1/events", order(**changes)).status


def test_a_new_key_opens_its_section_with_its_source(running, command):
    made = command.answer("create", "--section", "demo", "--name", "till", "--source", "shop 7")
    assert post(running, made["key"]) == 202
    client = Client.keyed(running.stack.base_url, made["key"])
    assert client.get("/v1/events?limit=1").doc["events"][0]["source"] == "shop 7"
    assert client.get("/v1/sections").status == 403


def test_a_key_is_limited_to_its_scopes_and_events(running, command):
    words = ("--scope", "events:write", "--event", "signals.survey-submitted")
    made = command.answer("create", "--section", "demo", "--name", "survey", *words)
    survey = {"event": "signals.survey-submitted", "properties": {"surveyId": "nps", "score": 9}}
    assert post(running, made["key"], **survey) == 202
    assert post(running, made["key"]) == 403
    assert Client.keyed(running.stack.base_url, made["key"]).get("/v1/events").status == 403


def test_a_key_has_what_its_role_grants(running, command):
    made = command.answer("create", "--section", "demo", "--name", "poster", "--role", "ingest")
    assert (made["scopes"], made["roles"]) == ([], ["ingest"])
    assert post(running, made["key"]) == 202
    assert Client.keyed(running.stack.base_url, made["key"]).get("/v1/events").status == 403


def test_a_key_shows_when_it_expires(command):
    words = ("--name", "guest", "--expires-at", "2999-01-31T00:00:00Z")
    made = command.answer("create", "--section", "demo", *words)
    assert made["expiresAt"].startswith("2999-01-31T00:00:00")


def test_a_deployment_key_reaches_every_section(running, command):
    made = command.answer("create", "--section", "*", "--name", "operator")
    assert Client.keyed(running.stack.base_url, made["key"]).get("/v1/sections").status == 200


def test_both_secrets_of_a_rotated_key_open_until_one_is_revoked(running, command):
    made = command.answer("create", "--section", "demo", "--name", "rotated")
    again = command.answer("rotate", "--section", "demo", made["id"])
    assert again["key"] != made["key"]
    assert [secret["number"] for secret in again["secrets"]] == [1, 2]
    assert post(running, again["key"]) == 202
    command.answer("revoke", "--section", "demo", made["id"], "--secret", "2")
    assert post(running, made["key"]) == 202


def test_a_revoked_key_opens_nothing(running, command):
    made = command.answer("create", "--section", "demo", "--name", "revoked")
    assert command.answer("revoke", "--section", "demo", made["id"])["revokedAt"]
    assert post(running, made["key"]) == 401


def test_keys_are_listed_without_their_secrets(command):
    made = command.answer("create", "--section", "demo", "--name", "listed")
    listed = command.run("list", "--section", "demo")
    assert made["id"] in [key["id"] for key in json.loads(listed.stdout)]
    assert made["key"] not in listed.stdout
    assert "hash" not in listed.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--section", "nowhere"), "There is no such section"),
        (("create", "--section", "nowhere", "--name", "x"), "There is no such section"),
        (("rotate", "--section", "demo", "aaaaaaaaaaaaaaaa"), "There is no such key"),
        (("create", "--section", "demo", "--name", "x", "--scope", "all"), "/scopes/0"),
        (("create", "--section", "demo", "--name", "x", "--expires-at", "soon"), "/expiresAt"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(command, words, said):
    assert said in command.refusal(*words)


def test_without_storage_the_way_to_it_is_said(tmp_path):
    assert "make run" in Command({"STORAGE_CONNECTION": ""}, str(tmp_path)).refusal(
        "list", "--section", "demo"
    )


def test_a_missing_setting_is_named(running, tmp_path):
    environment = {**running.stack.environment, "SIGNALBOX_MASTER_KEYS": ""}
    del environment["SIGNALBOX_MASTER_KEYS"]
    assert "SIGNALBOX_MASTER_KEYS" in Command(environment, str(tmp_path)).refusal("list", "--section", "demo")
