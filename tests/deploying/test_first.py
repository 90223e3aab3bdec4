"""After provisioning: the first section, its admin and the smoke test's key, made once, on storage that asks for tokens."""

import json
import re
import shutil
import signal
from dataclasses import dataclass

import pytest

from deploying.azure_cli import Deployer
from deploying.roles import TABLE_WRITER, assignment_of
from shared.access.clients import Clients
from shared.access.keys import Keys
from shared.azure.tables import AzureTables
from shared.registry import Registry
from shared.wiring import SystemClock
from tests.deploying.azure_account import ACCOUNT_ID, ASSIGNMENT, SUBSCRIPTION
from tests.deploying.conftest import Hook
from tests.secure import Identity

pytestmark = pytest.mark.slow
KEY = re.compile(r"sbx_\w+")
WHO = "00000000-0000-0000-0000-00000000d0e5"
CLIENT = "8f6e2a10-53a7-4c1e-9a43-6a8f3f0c2b77"


@pytest.fixture
async def made(provisioned: Hook):
    """What lies in the deployment's storage. It serves the whole module: whom a test let in is let out again."""
    endpoint = provisioned.environment["AZURE_STORAGE_TABLE_ENDPOINT"]
    async with AzureTables(endpoint=endpoint, credential=Identity()) as tables:
        found = Found(Registry(tables))
        yield found
        for key in await found.keys():
            await Keys(found.registry, SystemClock()).revoke("*", key["id"])
        for client in await found.clients():
            await Clients(found.registry, SystemClock(), None).revoke("*", client["id"])


@dataclass(frozen=True, slots=True)
class Found:
    """Those who are let in by what lies in storage."""

    registry: Registry

    async def keys(self, section: str = "*"):
        return self._live(await Keys(self.registry, SystemClock()).list(section))

    async def clients(self):
        return self._live(await Clients(self.registry, SystemClock(), None).list("*"))

    def _live(self, listed):
        return [one for one in listed if not one["revokedAt"]]


async def test_the_first_run_makes_a_section_and_an_admin_whose_key_is_shown(provisioned, made):
    done = provisioned.run("first")

    assert done.returncode == 0, done.stderr
    [shown] = KEY.findall(done.stdout)
    [admin] = await made.keys()
    assert (admin["id"], "sections:write" in admin["scopes"]) == (shown.split("_")[1], True)
    assert await made.keys("main") == []
    assert "azd deploy" in done.stdout


async def test_the_key_of_smoke_tests_is_in_the_vault_and_nowhere_else(provisioned, made):
    done = provisioned.run("first")

    key = provisioned.account.secrets["signalbox-smoke-key"]
    [smoke] = await made.keys("smoke")
    assert (smoke["id"], smoke["scopes"]) == (key.split("_")[1], ["events:write", "events:read"])
    assert key not in done.stdout + done.stderr + json.dumps(provisioned.account.calls)


async def test_a_second_run_makes_nothing_and_shows_no_key(provisioned, made):
    provisioned.run("first")
    before = provisioned.account.secrets, await made.keys(), await made.keys("smoke")
    calls = len(provisioned.account.calls)

    again = provisioned.run("first")

    assert (again.returncode, KEY.findall(again.stdout)) == (0, [])
    assert (
        provisioned.account.secrets,
        await made.keys(),
        await made.keys("smoke"),
    ) == before
    assert "role" not in [call[0] for call in provisioned.account.calls[calls:]][:1]


async def test_a_vault_that_has_outlived_its_storage_does_not_say_that_all_is_done(provisioned, made):
    provisioned.run("first")
    provisioned.account.change(born="2027-01-01T00:00:00+00:00")

    again = provisioned.run("first")

    assert again.returncode == 0, again.stderr
    [smoke] = await made.keys("smoke")
    assert smoke["id"] in provisioned.account.secrets["signalbox-smoke-key"]
    assert "nothing to do" in provisioned.run("first").stdout


async def test_a_run_that_did_not_reach_the_vault_can_be_repeated_and_makes_no_second_admin(
    provisioned, made
):
    provisioned.run("first")
    [admin] = await made.keys()
    provisioned.account.change(
        secrets={"signalbox-master-keys": provisioned.account.secrets["signalbox-master-keys"]}
    )

    again = provisioned.run("first")

    assert (again.returncode, KEY.findall(again.stdout)) == (0, [])
    assert await made.keys() == [admin]
    [smoke] = await made.keys("smoke")
    assert smoke["id"] in provisioned.account.secrets["signalbox-smoke-key"]


async def test_the_admins_key_is_shown_also_where_the_vault_takes_nothing_afterwards(provisioned, made):
    provisioned.account.change(vault_takes=False)

    done = provisioned.run("first")

    assert done.returncode == 1
    assert len(KEY.findall(done.stdout)) == len(await made.keys()) == 1


async def test_the_key_of_smoke_tests_can_be_renewed_and_the_one_before_is_revoked(provisioned, made):
    provisioned.run("first")
    before = provisioned.account.secrets["signalbox-smoke-key"]

    done = provisioned.run("renew")

    assert (done.returncode, KEY.findall(done.stdout)) == (0, [])
    [smoke] = await made.keys("smoke")
    assert (
        provisioned.account.secrets["signalbox-smoke-key"].split("_")[1]
        == smoke["id"]
        != before.split("_")[1]
    )


async def test_whoever_deploys_may_write_tables_only_meanwhile(provisioned, made):
    provisioned.run("first")

    granted = [call for call in provisioned.account.calls if call[:3] == ["role", "assignment", "create"]]
    assert [TABLE_WRITER in call for call in granted] == [True]
    assert provisioned.account.roles == []


async def test_a_role_that_whoever_deploys_had_before_stays(provisioned, made):
    provisioned.account.change(roles=[ASSIGNMENT])

    assert provisioned.run("first").returncode == 0
    assert provisioned.account.roles == [ASSIGNMENT]


async def test_a_role_that_does_not_count_yet_is_waited_for_and_one_key_is_shown(provisioned, made):
    provisioned.account.change(refusals=3)

    done = provisioned.run("first")

    assert done.returncode == 0, done.stderr
    assert f"Waiting for the role {TABLE_WRITER}" in done.stdout
    assert (len(KEY.findall(done.stdout)), len(await made.keys())) == (1, 1)


async def test_a_role_that_never_counts_ends_with_what_to_do_and_is_withdrawn(provisioned, made):
    provisioned.account.change(refusals=1_000)

    done = provisioned.run("first", PATIENCE_SECONDS="0.5")

    assert (done.returncode, KEY.findall(done.stdout)) == (1, [])
    assert "repeat the command" in done.stderr
    assert provisioned.account.roles == []
    provisioned.account.change(refusals=0)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda by: by.name)
async def test_a_step_that_is_stopped_withdraws_the_role_first(provisioned, made, by):
    provisioned.account.change(refusals=1_000)

    code, said = provisioned.stopped("first", "Waiting for the role", by)

    assert (code, f"{TABLE_WRITER} is withdrawn" in said) == (130, True)
    assert provisioned.account.roles == []
    provisioned.account.change(refusals=0)


async def test_a_role_that_a_killed_step_left_behind_is_withdrawn_by_the_next(provisioned, made):
    provisioned.account.change(refusals=1_000)
    provisioned.stopped("first", "Waiting for the role", signal.SIGKILL)
    [left] = provisioned.account.roles
    provisioned.account.change(refusals=0)

    assert provisioned.run("first").returncode == 0
    assert left == assignment_of(ACCOUNT_ID, Deployer(WHO, "User"))
    assert provisioned.account.roles == []


async def test_a_role_that_a_step_left_behind_when_all_was_made_is_withdrawn_too(provisioned, made):
    provisioned.run("first")
    left = assignment_of(ACCOUNT_ID, Deployer(WHO, "User"))
    provisioned.account.change(roles=[left, ASSIGNMENT])

    again = provisioned.run("first")

    assert (again.returncode, "nothing to do" in again.stdout) == (0, True), again.stderr
    assert provisioned.account.roles == [ASSIGNMENT]


async def test_only_the_role_that_the_step_made_is_withdrawn(provisioned, made):
    provisioned.run("first")

    [gone] = [call for call in provisioned.account.calls if call[:3] == ["role", "assignment", "delete"]]
    assert gone[-1] == assignment_of(ACCOUNT_ID, Deployer(WHO, "User"))


@pytest.mark.parametrize(
    ("user", "kind"),
    [("user", "User"), ("servicePrincipal", "ServicePrincipal")],
)
def test_a_role_is_granted_to_what_the_cli_says_is_signed_in(provisioned, user, kind):
    provisioned.account.change(user=user, refusals=1_000)

    provisioned.run("first", PATIENCE_SECONDS="0.1")

    [granted] = [call for call in provisioned.account.calls if call[:3] == ["role", "assignment", "create"]]
    assert granted[granted.index("--assignee-principal-type") + 1] == kind
    provisioned.account.change(refusals=0)


async def test_who_may_not_grant_roles_is_told_which_they_need(provisioned, made):
    provisioned.account.change(may_grant=False)

    done = provisioned.run("first")

    assert done.returncode == 1
    assert "Role Based Access Control Administrator" in done.stderr
    assert "withdrawn" not in done.stdout
    assert "Traceback" not in done.stderr


async def test_with_a_client_of_entra_there_is_no_key_to_show(provisioned, made):
    done = provisioned.run("first", SIGNALBOX_ADMIN_CLIENT=CLIENT.upper())

    assert (done.returncode, KEY.findall(done.stdout)) == (0, [])
    [client] = await made.clients()
    assert (client["id"], "sections:write" in client["scopes"]) == (CLIENT, True)
    assert await made.keys() == []
    assert "with a token of that client as $ADMIN" in done.stdout


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ({"CI": "true"}, 0),
        ({"CI": "a build server"}, 0),
        ({"CI": "false"}, 1),
        ({"CI": "0"}, 1),
        ({"CI": ""}, 1),
        ({"TF_BUILD": "True"}, 0),
    ],
)
async def test_where_nobody_looks_no_key_is_made_for_a_log(provisioned, made, said, keys):
    done = provisioned.run("first", **said)

    assert (done.returncode, len(KEY.findall(done.stdout)), len(await made.keys())) == (0, keys, keys)
    assert ("SIGNALBOX_ADMIN_CLIENT" in done.stdout) is not bool(keys)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("SIGNALBOX_COUNTRY", "XX", "/country"),
        ("SIGNALBOX_TIME_ZONE", "Mars/Base", "/timeZone"),
        ("SIGNALBOX_ADMIN_CLIENT", "me", "SIGNALBOX_ADMIN_CLIENT"),
        ("SIGNALBOX_SECTION", "smoke", "SIGNALBOX_SECTION"),
        ("SIGNALBOX_SECTION", "A shop", "/id"),
    ],
)
@pytest.mark.parametrize("step", ["ready", "first"])
def test_what_cannot_be_is_told_by_its_name_before_anything_is_made(provisioned, step, setting, value, said):
    done = provisioned.run(step, **{setting: value})

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert provisioned.account.calls == []


def test_whoever_is_ready_to_deploy_is_told_as_whom(hook):
    done = hook.run("ready")

    assert (done.returncode, "as User 00000000" in done.stdout) == (0, True), done.stderr


def test_the_tokens_of_later_steps_are_taken_while_a_pipeline_can_take_any(hook):
    hook.run("ready")

    asked = [" ".join(call) for call in hook.account.calls if call[:2] == ["account", "get-access-token"]]
    assert [any(whose in one for one in asked) for whose in ("storage.azure", "vault.azure", "ms-graph")] == [
        True
    ] * 3


def test_without_openssl_it_is_told_before_anything_is_made(hook, tmp_path):
    for program in ("sh", "dirname"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    hook.environment["PATH"] = f"{hook.account.folder}:{tmp_path}"

    done = hook.run("ready")

    assert (done.returncode, "openssl" in done.stderr) == (1, True), done.stderr


def test_who_works_in_another_subscription_than_azd_is_told_before_anything_is_made(hook):
    assert hook.run("ready", AZURE_SUBSCRIPTION_ID=SUBSCRIPTION.upper()).returncode == 0

    done = hook.run("ready", AZURE_SUBSCRIPTION_ID="5b1d2c90-0000-4000-8000-0000000000a2")

    assert done.returncode == 1
    assert "az account set --subscription 5b1d2c90-0000-4000-8000-0000000000a2" in done.stderr


def test_who_works_in_another_subscription_is_told_so_also_when_all_is_made(provisioned):
    done = provisioned.run("first", AZURE_SUBSCRIPTION_ID="5b1d2c90-0000-4000-8000-0000000000a2")

    assert (done.returncode, "az account set --subscription" in done.stderr) == (1, True)
    assert [call[0] for call in provisioned.account.calls] == ["account"]


def test_without_outputs_the_way_to_them_is_told(hook):
    done = hook.run("first")

    assert done.returncode == 1
    assert "AZURE_STORAGE_TABLE_ENDPOINT" in done.stderr
    assert "azd env get-values" in done.stderr
