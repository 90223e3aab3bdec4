"""What is put together once stays one, also where the rest of it cannot be put together."""

import threading

import pytest

from shared import wiring
from shared.settings import Settings


def test_each_request_of_an_app_whose_keys_cannot_be_read_begins_no_telemetry_of_its_own(monkeypatch):
    chosen = Settings.model_validate(
        {"signalbox_master_keys": "broken", "signalbox_telemetry": "terminal", "storage_connection": "x=y"}
    )
    monkeypatch.setattr(wiring, "settings", lambda: chosen)
    wiring._telemetry.cache_clear()
    running = []

    for _ in range(3):
        with pytest.raises(ValueError, match="master"):
            wiring.line()
        running.append(threading.active_count())

    wiring._telemetry.cache_clear()
    assert len(set(running)) == 1
