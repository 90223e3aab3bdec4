"""GitHub's workflows are what GitHub takes, run nothing that could change under us, and may do no more than they need.

The schema is SchemaStore's (json.schemastore.org/github-workflow.json, Apache-2.0), its descriptions left out.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "tests/fixtures/workflows/schema.json").read_text())
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
OURS = re.compile(r"\./\.github/workflows/([\w-]+\.yml)")
ACTIONLINT = Path(sys.executable).parent / "actionlint"
ENVIRONMENTS = ["dev", "test", "prod"]


def read(at: Path) -> dict[str, Any]:
    doc = yaml.safe_load(at.read_text())
    # YAML 1.1 reads `on` as true; GitHub does not.
    return {"on" if key is True else key: value for key, value in doc.items()}


def jobs(at: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(at)["jobs"]
    return found


def steps(at: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(at).values() for step in job.get("steps", [])]


def workflow(name: str) -> Path:
    return ROOT / ".github/workflows" / name


each = pytest.mark.parametrize("at", FILES, ids=lambda at: at.name)


def test_there_are_workflows():
    assert [at.name for at in FILES] == ["check.yml", "deploy-to.yml", "deploy.yml"]


@each
def test_a_workflow_fits_the_published_schema(at):
    assert [error.message for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(read(at))] == []


def test_what_does_not_fit_is_found():
    wrong = {"on": "push", "jobs": {"one": {"runs-on": "x", "steps": [{"uses": "a/b@c", "runn": "y"}]}}}

    assert list(jsonschema_rs.validator_for(SCHEMA).iter_errors(wrong))


@each
def test_an_action_is_pinned_to_a_commit_and_says_which_version_that_is(at):
    text = at.read_text()
    named = [part["uses"] for part in (*steps(at), *jobs(at).values()) if "uses" in part]

    for name in named:
        assert PINNED.fullmatch(name) or workflow(OURS.fullmatch(name)[1]).exists(), name
        assert not PINNED.fullmatch(name) or re.search(
            rf"{re.escape(name)} # v\d+\.\d+\.\d+$", text, re.MULTILINE
        )


@each
def test_nothing_is_allowed_but_what_a_job_says(at):
    assert read(at)["permissions"] == {}
    for job in jobs(at).values():
        assert job["permissions"]["contents"] == "read"
        assert job["permissions"].keys() <= {"contents", "id-token"}


def test_only_what_deploys_may_ask_for_a_token():
    allowed = [
        (at.name, name) for at in FILES for name, job in jobs(at).items() if "id-token" in job["permissions"]
    ]

    assert allowed == [("deploy-to.yml", "deploy"), *(("deploy.yml", name) for name in ENVIRONMENTS)]


@each
def test_no_secret_is_used_and_none_is_in_the_file(at):
    assert not re.search(r"secrets[.\[:]|client-secret|AZURE_CREDENTIALS|password", at.read_text())


@each
def test_what_comes_from_outside_is_never_part_of_a_script(at):
    """https://docs.github.com/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions"""
    assert [step["run"] for step in steps(at) if "${{" in step.get("run", "")] == []
    assert "pull_request_target" not in at.read_text()
    assert "workflow_run" not in at.read_text()


@each
def test_a_checkout_leaves_no_token_behind(at):
    found = [step for step in steps(at) if step.get("uses", "").startswith("actions/checkout@")]

    assert all(step["with"]["persist-credentials"] is False for step in found)


def test_two_deployments_never_run_at_once_and_none_is_stopped_halfway():
    assert read(workflow("deploy.yml"))["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_a_deployment_is_checked_first_and_goes_through_each_environment_in_its_turn():
    found = jobs(workflow("deploy.yml"))

    assert [found[name]["needs"] for name in ENVIRONMENTS] == ["check", "dev", "test"]
    assert [found[name]["with"]["environment"] for name in ENVIRONMENTS] == ENVIRONMENTS
    # The environment's protection holds the job: it has to be the job's own.
    assert jobs(workflow("deploy-to.yml"))["deploy"]["environment"] == "${{ inputs.environment }}"


def test_what_is_checked_is_what_ci_runs_on_the_oldest_and_newest_python():
    job = jobs(workflow("check.yml"))["check"]
    [oldest, newest] = job["strategy"]["matrix"]["python"]

    assert job["steps"][-1]["run"] == "bash .ci/run"
    assert f'requires-python = ">={oldest},<3.{int(newest[2:]) + 1}"' in (ROOT / "pyproject.toml").read_text()
    assert f"version: '{newest}'" in (ROOT / "infra/app/function-app.bicep").read_text()


@each
def test_every_script_target_and_file_that_a_workflow_names_exists(at):
    run = "\n".join(step.get("run", "") for step in steps(at))
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"\bmake ([a-z-]+)", run)) <= set(targets)
    assert [name for name in re.findall(r"bash (\S+)", run) if not (ROOT / name).exists()] == []


def test_every_variable_of_an_environment_is_documented():
    named = set(re.findall(r"vars\.(\w+)", workflow("deploy-to.yml").read_text()))
    [section] = re.findall(
        r"^## With GitHub\n(.+?)^## ", (ROOT / "docs/deploying.md").read_text(), re.MULTILINE | re.DOTALL
    )

    assert {name for name in named if f"`{name}`" not in section} == set()


@pytest.mark.skipif(not ACTIONLINT.exists(), reason="elsewhere: actionlint is built where there is Go")
@each
def test_actionlint_finds_nothing(at):
    done = subprocess.run([ACTIONLINT, at], capture_output=True, text=True, check=False)  # noqa: S603

    assert (done.returncode, done.stdout) == (0, "")
