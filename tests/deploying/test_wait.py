"""Before deploying: the app reads its master keys anew, and whoever deploys waits until the package container lets them in, for a while and not for ever."""

import pytest
from azure.storage.blob.aio import ContainerClient

from tests.secure import Identity

pytestmark = pytest.mark.slow


@pytest.fixture
async def container(provisioned):
    """The package container, as provisioning makes it."""
    url = provisioned.environment["AZURE_PACKAGE_CONTAINER_URL"]
    async with ContainerClient.from_container_url(url, Identity()) as client:
        await client.create_container()
        yield provisioned
        await client.delete_container()


def test_a_container_that_is_open_is_not_waited_for(container):
    done = container.run("wait")

    assert (done.returncode, done.stdout) == (0, "The package container is open.\n"), done.stderr


def test_a_container_that_opens_after_a_while_is_waited_for(container):
    container.account.change(refusals=3)

    done = container.run("wait")

    assert done.returncode == 0, done.stderr
    assert "Waiting for your role on the package container (0 of at most 20 s)" in done.stdout


def test_a_container_that_stays_closed_is_an_error_that_says_what_to_do(container):
    container.account.change(refusals=1_000)

    done = container.run("wait", PATIENCE_SECONDS="0.5")

    assert done.returncode == 1
    assert "az role assignment list" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_container_that_was_never_made_is_not_waited_for(provisioned):
    done = provisioned.run("wait")

    assert done.returncode == 1
    assert "Run `azd provision` first" in done.stderr
    assert "Waiting" not in done.stdout


def test_nobody_signed_in_is_told_to_sign_in(provisioned):
    provisioned.account.change(signed_in=False)

    done = provisioned.run("wait")

    assert done.returncode == 1
    assert "az login" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_account_whose_name_is_not_known_yet_is_waited_for(provisioned):
    done = provisioned.run(
        "wait", AZURE_PACKAGE_CONTAINER_URL="https://nowhere.invalid/app-package", PATIENCE_SECONDS="0.2"
    )

    assert done.returncode == 1
    assert "cannot be reached" in done.stderr


def test_the_apps_settings_are_read_from_the_vault_anew(provisioned):
    done = provisioned.run("refresh")

    assert (done.returncode, "read from the vault anew" in done.stdout) == (0, True), done.stderr
    [call] = [call for call in provisioned.account.calls if call[0] == "rest"]
    url = call[call.index("--url") + 1]
    assert url.startswith(
        "/subscriptions/{subscriptionId}/resourceGroups/rg-test/providers/Microsoft.Web/sites/func-test/"
    )
    assert "configreferences/appsettings/refresh" in url


def test_settings_that_cannot_be_read_anew_are_told_and_stop_nothing(provisioned):
    provisioned.account.change(may_grant=False)

    done = provisioned.run("refresh")

    assert (done.returncode, "could not be asked" in done.stdout) == (0, True), done.stderr
