"""A deployment is backed up, lost, and restored into empty storage: whoever knew it finds it as it was."""

import os
import pty
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite, installed
from local.client import Client
from local.demo.furnish import Demo, furnish
from local.settings import ROOT
from local.stack import Stack
from shared.azure.vault import new_master_key
from tests.functions.asking import shop_order, webhook
from tests.running import Running, deployment_key, fresh

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not installed(), reason="Azurite is not installed: make setup"),
]
KNOWN = {"email": "ada@example.com", "crmId": "c-1001"}
REFUSING = {"email": "grace@example.com"}


@dataclass(frozen=True, slots=True)
class Moved:
    """A deployment that was restored from a backup, and what was known before."""

    running: Running
    file: Path
    said: str
    event: str
    person: str


def local(environment: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    """`python -m local ...` on the storage that an environment names."""
    command = [sys.executable, "-m", "local", *map(str, words)]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command answered that went well."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said that could not be done."""
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """One stack is furnished, used, backed up and stopped; another starts on its ports with nothing in its storage."""
    kept, file = fresh(), tmp_path_factory.mktemp("backups") / "signalbox.backup"
    with Stack(kept, lambda _: None, tmp_path_factory.mktemp("first"), timers=False) as stack:
        key = deployment_key(stack)
        before = Running(stack, furnish(stack.base_url, key, stack.receiver_url, None), key)
        event = ended(before, before.post_order(person=KNOWN))
        refusal_ = {**REFUSING, "purpose": "marketing", "state": "opted_out"}
        assert before.client.post("/v1/consents", refusal_).status == 200
        answer = said(local(stack.environment, "backup", file))
    with Stack(kept, lambda _: None, tmp_path_factory.mktemp("second"), timers=False) as stack:
        said(local(stack.environment, "restore", file))
        yield Moved(Running(stack, before.demo, key), file, answer, event["id"], event["personId"])


def ended(running: Running, answer: Any) -> dict[str, Any]:
    """The receipt of an event once it is delivered or refused."""
    assert answer.status == 202, answer.doc
    over = ("delivered", "refused")
    doc: dict[str, Any] = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] in over)
    return doc


def test_the_file_is_for_its_owner_only_and_alone_in_its_folder(moved: Moved):
    assert stat.S_IMODE(moved.file.stat().st_mode) == 0o600
    assert list(moved.file.parent.iterdir()) == [moved.file]
    assert "rows of registry" in moved.said


def test_an_old_key_still_opens_and_an_event_is_delivered(moved: Moved):
    assert ended(moved.running, moved.running.post_order())["status"] == "delivered"


def test_an_old_deployment_key_still_reaches_every_section(moved: Moved):
    sections = Client.keyed(moved.running.stack.base_url, moved.running.deployment_key).get("/v1/sections")

    assert [one["id"] for one in sections.doc["sections"]] == ["demo"]


def test_a_wrong_secret_is_still_refused(moved: Moved):
    key = moved.running.demo.key
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")

    assert Client.keyed(moved.running.stack.base_url, wrong).get("/v1/events").status == 401


def test_the_signature_of_an_old_source_still_holds_and_no_other(moved: Moved):
    genuine = webhook(moved.running, shop_order(email="hopper@example.com"))
    forged = webhook(moved.running, shop_order(), X_Shopify_Hmac_Sha256="AAAA")

    assert ended(moved.running, genuine)["status"] == "delivered"
    assert forged.status == 401


@pytest.mark.parametrize("identifier", KNOWN)
def test_a_person_is_found_by_each_old_identifier(moved: Moved, identifier: str):
    person = {identifier: KNOWN[identifier], "deviceId": secrets.token_hex(8)}

    receipt = ended(moved.running, moved.running.post_order(person=person))

    assert receipt["personId"] == moved.person
    assert receipt["steps"][1]["outcome"] == "found"


def test_an_old_refusal_still_holds(moved: Moved):
    assert ended(moved.running, moved.running.post_order(person=REFUSING))["status"] == "refused"


def test_what_was_furnished_is_found_and_not_made_again(moved: Moved):
    stack = moved.running.stack

    again: Demo = furnish(
        stack.base_url, moved.running.deployment_key, stack.receiver_url, moved.running.demo.key
    )

    assert again == moved.running.demo


def test_events_from_before_are_not_in_it(moved: Moved):
    assert moved.running.client.get(f"/v1/events/{moved.event}").status == 404


def test_a_used_storage_is_refused_and_the_way_on_is_said(moved: Moved):
    assert "--over" in refusal(local(moved.running.stack.environment, "restore", moved.file))


def test_progress_is_shown_on_a_terminal_and_nowhere_else(moved: Moved, tmp_path: Path):
    command = [sys.executable, "-m", "local", "backup", str(tmp_path / "saved")]
    environment = {**os.environ, **moved.running.stack.environment, "TERM": "xterm"}
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=theirs, check=True)  # noqa: S603
        os.close(theirs)
        shown = terminal.read(100_000).decode()

    assert done.returncode == 0
    assert "Reading" in shown
    assert "Reading" not in moved.said


def test_a_backup_that_cannot_be_made_leaves_nothing(tmp_path: Path):
    with Azurite() as azurite:
        environment = {"STORAGE_CONNECTION": azurite.connection_string}

    assert "not available" in refusal(local(environment, "backup", tmp_path / "saved"))
    assert list(tmp_path.iterdir()) == []


def test_a_restore_over_itself_changes_nothing(moved: Moved):
    environment = moved.running.stack.environment

    said(local(environment, "restore", moved.file, "--over"))

    assert ended(moved.running, moved.running.post_order(person=KNOWN))["personId"] == moved.person


def test_a_backup_is_never_written_over(moved: Moved):
    before = moved.file.read_bytes()

    assert "exists already" in refusal(local(moved.running.stack.environment, "backup", moved.file))
    assert moved.file.read_bytes() == before


def test_a_damaged_file_is_refused_before_anything_is_written(moved: Moved, tmp_path: Path):
    (tmp_path / "cut").write_bytes(moved.file.read_bytes()[:-10])
    with Azurite() as azurite:
        environment = {
            "STORAGE_CONNECTION": azurite.connection_string,
            "SIGNALBOX_MASTER_KEYS": new_master_key(),
        }

        assert "ends too early" in refusal(local(environment, "restore", tmp_path / "cut"))
        assert "no backup" in refusal(local(environment, "restore", ROOT / "README.md"))
        assert "No such file" in refusal(local(environment, "restore", tmp_path / "nothing"))
        assert said(local(environment, "backup", tmp_path / "after")).startswith("0 rows")


def test_other_master_keys_are_noticed(moved: Moved):
    with Azurite() as azurite:
        environment = {
            "STORAGE_CONNECTION": azurite.connection_string,
            "SIGNALBOX_MASTER_KEYS": new_master_key(),
        }

        done = local(environment, "restore", moved.file)

    assert done.returncode == 1
    assert "does not open demo" in done.stderr
