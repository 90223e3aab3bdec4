"""Every question of an alert or a page is Kusto as Microsoft's own reader of it takes it; alerts get an answer to compare."""

import json
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from local.azurite import NODE
from tests.infra import bicep, parameters
from tests.infra.facts import ROOT
from tests.infra.rules.watching import QUERY

READER = Path(__file__).with_name("kusto")
EVERY = (
    "TimeGenerated: datetime, Type: string, AppRoleName: string, OperationId: string, OperationName: string"
)
CALLS = (
    "Name: string, Success: bool, ResultCode: string, DurationMs: real, ItemCount: int, Properties: dynamic"
)
TABLES = {
    # https://learn.microsoft.com/azure/azure-monitor/reference/tables/appmetrics and its neighbours: the columns asked for
    "AppMetrics": f"({EVERY}, Name: string, Sum: real, ItemCount: int, Properties: dynamic)",
    "AppExceptions": f"({EVERY}, ExceptionType: string, OuterMethod: string)",
    "AppRequests": f"({EVERY}, {CALLS}, Url: string)",
    "AppDependencies": f"({EVERY}, {CALLS})",
    "AppTraces": f"({EVERY}, Message: string, SeverityLevel: int, ItemCount: int, Properties: dynamic)",
    # What a transformation is given: here the rows of AppRequests.
    "source": f"({EVERY}, {CALLS}, Url: string)",
    "Usage": "(TimeGenerated: datetime, Quantity: real, IsBillable: bool, DataType: string)",
    "_LogOperation": "(TimeGenerated: datetime, Category: string, Detail: string)",
}
NUMBERS = {"int", "long", "real"}
WRONG = {
    "a column that there is not": "AppMetrics | where Nme == 'a' | project TimeGenerated, Value = Sum",
    "a function that there is not": "AppMetrics | summarize Value = total(Sum) | extend TimeGenerated = now()",
    "an operator that there is not": "AppMetrics | sumarize Value = sum(Sum)",
    "a name that is a keyword": "AppMetrics | project TimeGenerated, Value = tostring(Properties.by)",
    "a table that there is not": "AppMetric | project TimeGenerated, Value = Sum",
}
pytestmark = pytest.mark.skipif(
    not (READER / "node_modules").exists(), reason="`make infra` installs the reader of Kusto"
)


def read(queries):
    given = json.dumps({"tables": TABLES, "queries": queries})
    program = [NODE, "read.js"]
    run = subprocess.run(program, input=given, capture_output=True, text=True, cwd=READER, check=True)  # noqa: S603
    return json.loads(run.stdout)


def questions():
    rules = bicep.deploy(bicep.read(), parameters.given("prod")).of(QUERY)
    return {rule.at: rule.body["properties"]["criteria"]["allOf"][0]["query"] for rule in rules}


def test_every_question_can_be_asked_and_answered_with_a_number_at_a_time():
    asked = questions()
    said = dict(zip(asked, read([*asked.values()]), strict=True))

    assert {at: one["faults"] for at, one in said.items() if one["faults"]} == {}
    assert {at for at, one in said.items() if one["columns"].get("TimeGenerated") != "datetime"} == set()
    assert {at for at, one in said.items() if one["columns"].get("Value") not in NUMBERS} == set()


def test_every_question_in_the_documents_can_be_asked():
    told = {
        f"{page.name}: {question}": dedent(question)
        for page in sorted((ROOT / "docs").glob("*.md"))
        for question in re.findall(r"^ *```kusto\n(.*?)^ *```$", page.read_text(), re.DOTALL | re.MULTILINE)
    }
    said = dict(zip(told, read([*told.values()]), strict=True))

    assert told
    assert {where: one["faults"] for where, one in said.items() if one["faults"]} == {}


def test_a_question_that_nobody_could_answer_is_found_out():
    said = dict(zip(WRONG, read([*WRONG.values()]), strict=True))

    assert [what for what, one in said.items() if not one["faults"]] == []
