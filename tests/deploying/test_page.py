"""docs/deploying.md: what it shows is what the hooks say, and every name in it exists."""

import re
from pathlib import Path

import pytest
import yaml
from azure.storage.blob.aio import ContainerClient

from deploying import smoke_event, steps, vault
from deploying.outputs import Outputs, Wishes
from tests.deploying.conftest import Hook
from tests.secure import Identity
from tests.test_docs import leads_somewhere

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deploying.md").read_text()
COMMANDS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
CODE = COMMANDS + "\n".join(re.findall(r"`([^`\n]+)`", PAGE))
HOOKS = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"]
MAIN = (ROOT / "infra/main.bicep").read_text()
OUTPUTS = set(re.findall(r"^output (\w+) ", MAIN, re.MULTILINE))
SETTABLE = set(re.findall(r"\$\{(\w+)", (ROOT / "infra/main.parameters.json").read_text()))
WAITING = re.compile(r"^Waiting for (.+) \(\d+ of at most \d+ s\): (.+)\n", re.MULTILINE)
APP = "https://func-signalbox-abc123.azurewebsites.net"


def shown(step: str) -> str:
    """The block that the page shows for a step."""
    found: list[str] = re.findall(rf"<!-- says: {step} -->\n```\n(.*?)```", PAGE, re.DOTALL)
    return found[0]


def fits(block: str, seen: str) -> bool:
    """Whether the block is what was seen: `…` stands for anything, and how long was waited for what is not compared."""
    wanted, seen = (WAITING.sub("", text) for text in (block, seen))
    return bool(re.fullmatch(re.escape(wanted).replace("…", r"[\s\S]*?"), seen))


def test_what_is_shown_can_be_told_from_what_is_not():
    assert fits("a … c\n", "a b c\n")
    assert not fits("a … c\n", "a b d\n")


@pytest.fixture
def as_shown(provisioned: Hook) -> Hook:
    provisioned.environment |= {"SIGNALBOX_URL": APP, "PATIENCE_SECONDS": "600"}
    return provisioned


@pytest.mark.slow
def test_before_provisioning_the_hook_says_what_the_page_shows(as_shown):
    assert fits(shown("ready"), as_shown.azd("preprovision").stdout)


@pytest.mark.slow
def test_after_provisioning_the_hook_says_what_the_page_shows_and_again_what_it_shows_for_that(as_shown):
    as_shown.account.change(refusals=3, secrets={})

    done = as_shown.azd("postprovision")

    assert fits(shown("first"), done.stdout), done
    assert done.stderr == ""
    assert WAITING.findall(shown("first")) == WAITING.findall(done.stdout)
    assert fits(shown("again"), as_shown.azd("postprovision").stdout)


@pytest.mark.slow
async def test_before_deploying_the_hook_says_what_the_page_shows(as_shown):
    async with ContainerClient.from_container_url(
        as_shown.environment["AZURE_PACKAGE_CONTAINER_URL"], Identity()
    ) as container:
        await container.create_container()
        done = as_shown.azd("predeploy")
        await container.delete_container()

    assert fits(shown("wait"), done.stdout)


def test_each_block_of_what_is_said_is_tried():
    assert re.findall(r"<!-- says: (\w+) -->", PAGE) == ["ready", "first", "again", "wait", "smoke"]


def test_every_target_of_make_exists():
    targets = set(re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = set(re.findall(r"\bmake ([a-z-]+)", CODE))

    assert named
    assert named <= targets


def test_every_script_and_file_exists():
    named = set(re.findall(r"\b((?:infra|docs|deploying|\.venv)/[\w./-]+\.\w+)", CODE))

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_that_a_step_names_is_there():
    said = "\n".join(at.read_text() for at in sorted((ROOT / "deploying").glob("*.py")))

    named = {*re.findall(r"docs/[\w-]+\.md#[\w-]+", said)}

    assert "docs/keys.md#the-first-key" in named
    assert [one for one in named if not leads_somewhere(ROOT / "README.md", one)] == []


def test_every_step_that_is_run_by_hand_exists():
    words = [word for line in re.findall(r"infra/scripts/hook\.sh ([a-z ]+)", CODE) for word in line.split()]

    assert words
    assert {*words} <= steps.STEPS.keys()


def test_every_hook_that_is_named_exists_and_is_run_as_the_machine_runs_it():
    assert {*re.findall(r"azd hooks run (\w+)", CODE)} <= HOOKS.keys()
    assert HOOKS.keys() == {"preprovision", "postprovision", "predeploy", "postdeploy"}
    for hook in HOOKS.values():
        # Without it nobody sees progress, nor the first key.
        assert hook["posix"]["interactive"] is True
        for command in hook["posix"]["run"].split(" && "):
            script, *words = command.split()
            assert (ROOT / script).stat().st_mode & 0o111
            assert {*words} <= steps.STEPS.keys()


def test_azd_on_windows_stops_before_it_makes_anything():
    """The steps need a POSIX shell; without a word azd would leave them out, and with them the master key."""
    [page] = re.findall(r"docs/deploying\.md#[\w-]+", HOOKS["preprovision"]["windows"]["run"])

    assert HOOKS["preprovision"]["windows"]["run"].startswith("throw ")
    assert leads_somewhere(ROOT / "README.md", page)


def test_the_steps_are_no_part_of_the_package():
    assert {"deploying", ".github"} <= {*(ROOT / ".funcignore").read_text().split()}


def test_every_setting_of_azd_is_one():
    known = SETTABLE | {name.upper() for name in Wishes.model_fields}

    named = set(re.findall(r"azd env set (?!NAME)([A-Z_]+)", CODE))

    assert named
    assert named <= known


def test_everything_that_can_be_wished_is_documented():
    wishes = {name.upper() for name in Wishes.model_fields if name.startswith("signalbox_")}

    assert {name for name in wishes if f"`{name}`" not in PAGE} == set()


def test_the_hooks_are_given_what_they_read():
    assert {name.upper() for name in Outputs.model_fields} <= OUTPUTS


def test_every_output_that_is_read_by_hand_is_one():
    assert {*re.findall(r"azd env get-value ([A-Z_]+)", CODE)} <= OUTPUTS


def test_the_names_of_what_the_hooks_make_are_those_of_the_code():
    assert f"`{vault.SMOKE_KEY}`" in PAGE
    assert f"section `{smoke_event.SECTION}`" in PAGE
    assert smoke_event.EVENT in shown("smoke")


def test_a_role_for_the_master_key_and_the_smoke_key_is_the_templates():
    """The vault's template grants it to whoever deploys: https://learn.microsoft.com/azure/key-vault/general/rbac-guide"""
    template = (ROOT / "infra/app/vault.bicep").read_text()

    assert "b86a8fe4-44ce-4948-aee5-eccb2c155cd7" in template
    assert vault.MASTER_KEYS in template
    assert "deployerPrincipalId" in template


def test_what_a_hook_refuses_is_in_the_table_of_what_to_do():
    [table] = re.findall(r"^## When something fails\n(.*?)\n\nA hook", PAGE, re.DOTALL | re.MULTILINE)

    for said in (
        "This checkout has no Python",
        "Sign in with az login",
        "You may not give yourself the role",
    ):
        assert said in table
    assert "no Python of its own" in (ROOT / "infra/scripts/hook.sh").read_text()
