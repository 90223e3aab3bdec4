"""What the terminal shows of the host's log."""

import json
from pathlib import Path

import pytest

from local.lines import Lines, shown

FIELDS = {"step": "deliver", "section": "demo", "outcome": "retry", "reason": "server_error", "ms": 3.1}
LINE = f"WARNING {json.dumps(FIELDS)}"


def test_a_wide_line_is_set_for_people_with_what_matters_first():
    text = shown(LINE)

    assert text is not None
    assert text.plain == "deliver   retry server_error  section=demo ms=3.1"
    assert "yellow" in str(text.spans[0].style)


@pytest.mark.parametrize(
    "line", ["", "INFO azure [-] opened", "SPAN {}", "INFO {", 'DEBUG {"step": "tick"}', "Traceback"]
)
def test_anything_else_is_left_to_the_log(line: str):
    assert shown(line) is None


def test_what_is_added_is_shown_once_and_only_when_it_is_whole(tmp_path: Path):
    log = tmp_path / "host.log"
    log.write_text(f"{LINE}\n")
    lines = Lines(log)

    assert [*lines.new()] == []
    with log.open("a") as file:
        file.write(f"{LINE}\nnoise\n{LINE[:20]}")
    assert len([*lines.new()]) == 1
    with log.open("a") as file:
        file.write(f"{LINE[20:]}\n")
    assert len([*lines.new()]) == 1
    assert [*lines.new()] == []
