"""What the rules compare the templates with is read from the code itself."""

import re

import pytest

from tests.infra.facts import LOCAL, ROOT, facts, read_aside


def test_a_setting_says_where_it_is_set():
    told = facts().settings

    assert LOCAL in told["STORAGE_CONNECTION"]
    assert LOCAL in told["SIGNALBOX_ALLOW_LOOPBACK"]
    assert LOCAL not in told["STORAGE_TABLE_ENDPOINT"]


def test_what_code_asks_the_environment_for_aside_is_found(tmp_path):
    (tmp_path / "aside.py").write_text(
        "import os\nfrom os import environ, getenv\n"
        'a = os.environ["A"], environ.get("B"), os.getenv("C", ""), getenv("D"), {}["E"], dict().get("F")\n'
    )

    assert sorted(read_aside([tmp_path / "aside.py"])) == ["A", "B", "C", "D"]


def test_code_may_not_hide_what_it_asks_for(tmp_path):
    (tmp_path / "aside.py").write_text("import os\nname = 'A'\na = os.environ[name]\n")

    with pytest.raises(ValueError, match="malformed node"):
        [*read_aside([tmp_path / "aside.py"])]


def test_triggers_name_their_queues_and_their_connection_by_settings():
    assert facts().bound == {*facts().queues, "TICK_SCHEDULE"}
    assert facts().connections == {"ServiceBusConnection"}


def test_nothing_is_kept_from_checkov_without_a_reason():
    skips = re.findall(r"^  - (.*)$", (ROOT / "infra/.checkov.yaml").read_text(), re.MULTILINE)

    assert skips
    assert [skip for skip in skips if not re.fullmatch(r"CKV_AZURE_\d+  # \w+: .{10,}", skip)] == []
