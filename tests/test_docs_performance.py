"""The plot in docs/performance.md shows the numbers that stand in its tables."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "docs/performance.md").read_text()


def history() -> list[list[str]]:
    """The cells of the history's rows, oldest first."""
    rows = re.findall(r"^\| (20\d\d-\d\d-\d\d) \| (.+) \|$", TEXT, re.MULTILINE)
    return [[day, *cells.split(" | ")] for day, cells in rows]


def test_the_plot_has_a_line_for_each_measurement_of_the_history():
    lines = [line.split(", ") for line in re.findall(r"^ +line \[(.+)\]$", TEXT, re.MULTILINE)]

    assert lines == [row[1:5] for row in history()]
    assert all(day in TEXT.partition("```mermaid")[2] for day, *_ in history())


def test_the_newest_measurement_is_the_one_in_the_table():
    grouped = re.findall(r"^\| (\d+) \| grouped \| [\d.]+ \| ([\d.]+) \|", TEXT, re.MULTILINE)

    assert grouped == list(zip(("1", "16", "64", "256"), history()[-1][1:5], strict=True))
