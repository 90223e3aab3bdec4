"""What is kept between runs: ports and keys, private, and never mixed with what another version wrote."""

import json
import socket
import stat

import pytest

from local import settings
from local.settings import Kept, PortTaken
from tests.running import fresh


def test_the_ports_and_keys_of_a_run_are_those_of_the_next(tmp_path):
    first = settings.load(tmp_path)
    assert settings.load(tmp_path) == first
    settings.save(first.with_keys("deployment", "demo"), tmp_path)
    assert settings.load(tmp_path) == first.with_keys("deployment", "demo")


def test_the_first_run_takes_the_preferred_port_if_it_is_free(monkeypatch):
    monkeypatch.setattr(settings, "accepts", lambda _: False)
    assert Kept.new().port == settings.PREFERRED_PORT
    monkeypatch.setattr(settings, "accepts", lambda _: True)
    assert Kept.new().port != settings.PREFERRED_PORT


def test_a_taken_port_is_named_with_what_to_do(tmp_path):
    kept = fresh()
    settings.save(kept, tmp_path)
    with socket.create_server(("127.0.0.1", kept.port)), pytest.raises(PortTaken) as refused:
        settings.load(tmp_path)
    assert f"Port {kept.port} of the last run is in use" in str(refused.value)
    assert f"rm -r {tmp_path}" in str(refused.value)


def test_all_taken_ports_are_named_at_once(tmp_path):
    kept = fresh()
    settings.save(kept, tmp_path)
    with (
        socket.create_server(("127.0.0.1", kept.port)),
        socket.create_server(("127.0.0.1", kept.receiver_port)),
        pytest.raises(PortTaken, match=f"Ports {kept.port} and {kept.receiver_port} of"),
    ):
        settings.load(tmp_path)


def test_only_this_user_may_read_what_holds_keys(tmp_path):
    path = tmp_path / "made" / "run.json"
    for doc in ({"key": "first"}, {"key": "second"}):
        settings.write_private(path, doc)
        assert json.loads(path.read_text()) == doc
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    [
        '{"port": 7071, "receiverPort": 1, "masterKeys": "a:b"}',
        '{"format": 999, "port": 7071}',
        json.dumps({"format": settings.FORMAT, "unknown": 1}),
        '{"form',
        "[]",
    ],
)
def test_what_another_version_has_left_is_set_aside_whole(tmp_path, text):
    (tmp_path / "settings.json").write_text(text)
    (tmp_path / "azurite").mkdir()
    (tmp_path / "azurite" / "data").write_text("rows")
    old = settings.set_aside(tmp_path)
    assert old
    assert (old / "settings.json").read_text() == text
    assert (old / "azurite" / "data").read_text() == "rows"
    assert not (tmp_path / "azurite").exists()
    assert settings.load(tmp_path).deployment_key is None


def test_data_without_its_settings_is_set_aside(tmp_path):
    (tmp_path / "queue.sqlite").write_text("messages")
    old = settings.set_aside(tmp_path)
    assert old
    assert (old / "queue.sqlite").read_text() == "messages"


def test_nothing_is_set_aside_where_all_is_well(tmp_path):
    assert settings.set_aside(tmp_path) is None
    settings.load(tmp_path)
    (tmp_path / "azurite").mkdir()
    assert settings.set_aside(tmp_path) is None
    assert (tmp_path / "azurite").exists()
