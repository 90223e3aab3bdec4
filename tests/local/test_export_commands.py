"""The export command: a section's pages become a file of JSON Lines, whole or not at all."""

import json
import stat
from pathlib import Path

import pytest

from tests.local.test_backup_commands import local, refusal, said
from tests.running import Running

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(running: Running, tmp_path: Path) -> dict[str, str]:
    """A home where no stack runs, and the way to the running one."""
    named = {"SIGNALBOX_URL": running.stack.base_url, "SIGNALBOX_KEY": running.deployment_key}
    return {"SIGNALBOX_HOME": str(tmp_path / "home"), **named}


def test_everything_of_a_section_is_in_the_file_for_its_user_only(running, environment, tmp_path):
    posted = running.post_order()
    file = tmp_path / "demo.jsonl"

    answer = said(local(environment, "export", "demo", file))

    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert f"{len(records):,} records are in" in answer
    assert records[0]["record"] == "section"
    assert posted.doc["id"] in [one["id"] for one in records if one["record"] == "event"]
    assert '"totalValue":42.5' in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_cannot_be_exported_is_said_and_leaves_no_file(environment, tmp_path):
    file = tmp_path / "none.jsonl"

    assert "There is no such section" in refusal(local(environment, "export", "nowhere", file))
    unknown = {**environment, "SIGNALBOX_KEY": "sbx_wrong"}
    assert "checksum" in refusal(local(unknown, "export", "demo", file))
    alone = {"SIGNALBOX_HOME": environment["SIGNALBOX_HOME"]}
    assert "make run" in refusal(local(alone, "export", "demo", file))
    assert [path for path in tmp_path.iterdir() if path.name.startswith("none")] == []


def test_a_file_is_never_written_over(environment, tmp_path):
    file = tmp_path / "there.jsonl"
    file.write_text("mine")

    assert "exists already" in refusal(local(environment, "export", "demo", file))
    assert file.read_text() == "mine"
