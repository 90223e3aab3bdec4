"""The host ends itself at the kill point that its environment names, and at no other."""

import os
import signal
import subprocess
import sys

import pytest

from local.host.killing import SETTING, arm
from local.host.settings import BadSettings
from shared import killpoints
from shared.killpoints import reached

from .conftest import APP, REPOSITORY

ENDING = f"""
from local.host.killing import arm
from shared.killpoints import reached
arm({{{SETTING!r}: "record.inserted"}})
reached("record.inserted")
print("still here")
"""


@pytest.fixture
def kills():
    count: list[None] = []
    yield count
    killpoints.arm(None)


def armed(setting: str, kills: list[None]) -> None:
    arm({SETTING: setting}, lambda: kills.append(None))


def test_it_ends_at_the_point_that_is_named(kills):
    armed("record.inserted", kills)
    reached("record.inserting")
    assert len(kills) == 0

    reached("record.inserted")
    assert len(kills) == 1


def test_a_number_says_at_which_time_it_ends(kills):
    armed("record.inserted:3", kills)
    counts = []
    for _ in range(4):
        reached("record.inserted")
        counts.append(len(kills))

    assert counts == [0, 0, 1, 1]


@pytest.mark.parametrize("environment", [{}, {SETTING: ""}])
def test_without_a_name_it_never_ends(environment, kills):
    arm(environment, lambda: kills.append(None))
    for name in killpoints.POINTS:
        reached(name)

    assert kills == []


@pytest.mark.parametrize(
    "setting", ["no.such-point", "record.inserted:", "record.inserted:x", "record.inserted:0"]
)
def test_what_names_no_point_is_refused(setting, kills):
    with pytest.raises(BadSettings, match=SETTING):
        armed(setting, kills)


def test_the_end_is_a_sigkill():
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", ENDING], cwd=REPOSITORY, capture_output=True, check=False, timeout=60
    )

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == b""


def test_a_host_with_a_bad_name_does_not_start():
    command = [sys.executable, "-m", "local.host", "--root", str(APP)]
    environment = {"PYTHONPATH": str(REPOSITORY), SETTING: "no.such-point"}
    ended = subprocess.run(  # noqa: S603 - our own command
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )

    assert ended.returncode == 2
    assert SETTING in ended.stderr
