"""The templates are what a compiler would take and the rules ask for, whatever the stage; and each rule notices when not."""

from dataclasses import replace

import pytest

from tests.infra import bicep, parameters
from tests.infra.facts import facts
from tests.infra.rules import compiled, platform, queues, roles, settings, watching

RULES = {
    rule.__name__: rule
    for module in (compiled, platform, queues, roles, settings, watching)
    for rule in module.RULES
}
STAGES = {stage: bicep.deploy(bicep.read(), parameters.given(stage)) for stage in parameters.STAGES}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_stage_is_as_the_rules_ask(rule, stage):
    assert [*rule(STAGES[stage], facts())] == []


def test_a_deployment_without_anything_chosen_is_taken_too():
    known = parameters.OF_AZD | {"AZURE_PRINCIPAL_ID": ""}
    plain = bicep.deploy(bicep.read(), parameters.given("", known))

    assert plain.faults == []
    assert plain.at("alerts.actionGroup").body["properties"]["emailReceivers"] == []
    assert (
        plain.at("functionApp.site").body["properties"]["functionAppConfig"]["scaleAndConcurrency"][
            "alwaysReady"
        ]
        == []
    )


def test_stages_differ_where_they_should():
    sizes = [
        (
            stage.at("dataStorage.account").body["sku"]["name"],
            stage.at("monitoring.workspace").body["properties"]["workspaceCapping"]["dailyQuotaGb"],
            stage.at("alerts.queryRules[0]").body["properties"]["enabled"],
            stage.at("budget.budget").body["properties"]["amount"],
        )
        for stage in STAGES.values()
    ]

    assert sizes == [
        ("Standard_LRS", 1, False, 50),
        ("Standard_ZRS", 2, True, 150),
        ("Standard_ZRS", 10, True, 500),
    ]


def test_whoever_is_to_be_told_is_told_each():
    receivers = STAGES["prod"].at("alerts.actionGroup").body["properties"]["emailReceivers"]

    assert [one["emailAddress"] for one in receivers] == ["a@example.com", "b@example.com"]


MAIN, APP, BUS = "main.bicep", "app/function-app.bicep", "app/service-bus.bicep"
DATA, RUNTIME, VAULT = "app/data-storage.bicep", "app/runtime-storage.bicep", "app/vault.bicep"
ALERTS, MONITORING, BUDGET = "app/alerts.bicep", "app/monitoring.bicep", "app/budget.bicep"
WRONG = [
    # what a compiler refuses
    ("compiler_takes_it", MAIN, "name: 'id-signalbox-${token}'", "name: 'id-signalbox-${tokn}'"),
    ("compiler_takes_it", MAIN, "    redundancy: dataRedundancy\n", ""),
    ("compiler_takes_it", MAIN, "    redundancy: dataRedundancy\n", "    redundancy: 3\n"),
    ("compiler_takes_it", MAIN, "    redundancy: dataRedundancy\n", "    redundancy: 'a'\n    other: 'b'\n"),
    ("compiler_takes_it", MAIN, "identity.outputs.clientId", "identity.outputs.clientIdentity"),
    ("compiler_takes_it", MAIN, "identity.outputs.clientId", "identity.clientId"),
    ("compiler_takes_it", MAIN, "'app/vault.bicep'", "'app/valt.bicep'"),
    ("compiler_takes_it", MAIN, "param stage string = 'dev'", "param stage string = 'dev'\n\nparam unused int = 1"),
    ("compiler_takes_it", MAIN, "@allowed(['dev', 'test', 'prod'])", "@allowed(['dev', 'test'])"),
    ("compiler_takes_it", MAIN, "@maxValue(3650)", "@maxValue(365)"),
    ("compiler_takes_it", MAIN, "var token =", "var unused = 1\nvar token ="),
    ("compiler_takes_it", MAIN, "if ((monthlyBudget > 0) && !empty(budgetStart))", "if (empty(alerts.outputs.actionGroupId) == budgetStart)"),
    ("compiler_takes_it", BUS, "output id string = namespace.id", "output id string = namespaces.id"),
    ("compiler_takes_it", VAULT, "output name string", "output extra string = vault.id\noutput name string"),
    ("compiler_takes_it", ALERTS, "measure.aggregation", "measure.agregation"),
    ("compiler_takes_it", ALERTS, "split(emails, ',')", "splitt(emails, ',')"),
    ("compiler_takes_it", BUDGET, "'${start}T00", "'${start + 1}T00"),
    ("every_template_is_used", "app/other.bicep", None, "param name string\n"),
    ("nothing_is_fetched", MAIN, "'app/vault.bicep'", "'br/public:avm/res/key-vault/vault:0.14.0'"),
    ("one_released_version_of_each_kind", VAULT, "vaults@2023-07-01", "vaults@2024-04-01-preview"),
    ("one_released_version_of_each_kind", BUS, "queues@2024-01-01", "queues@2021-11-01") ,
    ("azd_can_set_every_parameter", MAIN, "param stage string = 'dev'", "param stage string = 'dev'\n\nparam other int = 1"),
    ("a_default_is_the_same_in_both_places", MAIN, "param dailyCapGb int = 1", "param dailyCapGb int = 5"),
    ("outputs_and_parameters_are_told_of", MAIN, "output SIGNALBOX_URL", "output SIGNALBOX_PLACE"),
    # what Flex Consumption refuses
    ("flex_takes_it", APP, "    AZURE_CLIENT_ID:", "    FUNCTIONS_WORKER_RUNTIME: 'python'\n    AZURE_CLIENT_ID:"),
    ("flex_takes_it", APP, "    AZURE_CLIENT_ID:", "    WEBSITE_RUN_FROM_PACKAGE: '1'\n    AZURE_CLIENT_ID:"),
    ("flex_takes_it", APP, "      http20Enabled: true", "      alwaysOn: false\n      http20Enabled: true"),
    ("flex_takes_it", APP, "version: '3.13'", "version: '3.9'"),
    ("flex_takes_it", APP, "name: 'FC1'", "name: 'EP1'"),
    ("flex_takes_it", APP, "            perInstanceConcurrency: httpConcurrency\n", ""),
    ("flex_takes_it", APP, "[{ name: 'http',", "[{ name: 'receive_webhook',"),
    ("package_lies_where_the_app_looks", RUNTIME, "  name: packageContainerName\n", "  name: 'packages'\n"),
    ("package_lies_where_the_app_looks", APP, "type: 'UserAssignedIdentity'", "type: 'StorageAccountConnectionString'"),
    # who gets in
    ("nobody_gets_in_by_a_key", DATA, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
    ("nobody_gets_in_by_a_key", RUNTIME, "    allowSharedKeyAccess: false\n", ""),
    ("nobody_gets_in_by_a_key", BUS, "disableLocalAuth: true", "disableLocalAuth: false"),
    ("nobody_gets_in_by_a_key", MONITORING, "    DisableLocalAuth: true\n", ""),
    ("nobody_gets_in_by_a_key", MONITORING, "      disableLocalAuth: true\n", ""),
    ("nobody_gets_in_by_a_key", VAULT, "enableRbacAuthorization: true", "enableRbacAuthorization: false"),
    ("nobody_gets_in_by_a_key", APP, "name: 'scm'\n  properties: { allow: false }", "name: 'scm'\n  properties: { allow: true }"),
    ("nobody_gets_in_by_a_key", APP, "name: 'scm'", "name: 'ftp'"),
    ("nobody_gets_in_by_a_key", VAULT, "'Microsoft.KeyVault/vaults@", "'Microsoft.Cache/redis@"),
    ("connections_are_by_identity_over_tls", APP, "insightsConnectionString\n    AZURE", "'InstrumentationKey=x'\n    AZURE"),
    ("connections_are_by_identity_over_tls", DATA, "account.properties.primaryEndpoints.table", "account.listKeys().keys[0].value"),
    ("connections_are_by_identity_over_tls", DATA, "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'"),
    ("connections_are_by_identity_over_tls", APP, "httpsOnly: true", "httpsOnly: false"),
    ("connections_are_by_identity_over_tls", RUNTIME, "publicAccess: 'None'", "publicAccess: 'Blob'"),
    ("connections_are_by_identity_over_tls", DATA, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
    ("no_template_has_a_secret", MAIN, "param alertWebhook string = ''", "param alertWebhook string = 'https://a.example/x'"),
    ("no_template_has_a_secret", APP, "'@Microsoft.KeyVault(SecretUri=${masterKeysUri})'", "'local:" + "Eby8vdM02xNO" * 4 + "='"),
    ("no_template_has_a_secret", MAIN, "= functionApp.outputs.url", "= monitoring.outputs.connectionString"),
    ("everything_carries_the_environments_tags", ALERTS, "  location: 'global'\n  tags: tags\n", "  location: 'global'\n"),
    ("everything_carries_the_environments_tags", MAIN, "  stage: stage\n", ""),
    # queues
    ("queues_are_those_that_are_used", BUS, "'deliveries-slow']", "'deliveries-late']"),
    ("queues_are_those_that_are_used", BUS, "'deliveries-slow']", "'deliveries-slow', 'other']"),
    ("queues_are_those_that_are_used", MAIN, "eventsQueue: serviceBus.outputs.eventsQueue", "eventsQueue: serviceBus.outputs.slowQueue"),
    ("queues_let_messages_be_worked_off", BUS, "'PT1M'", "'PT30S'"),
    ("queues_let_messages_be_worked_off", BUS, "'PT5M'", "'PT10M'"),
    ("queues_let_messages_be_worked_off", BUS, "'P14D'", "'PT5M'"),
    ("queues_let_messages_be_worked_off", BUS, "maxDeliveryCount: 10", "maxDeliveryCount: 1"),
    ("queues_neither_drop_nor_order", BUS, "requiresDuplicateDetection: false", "requiresDuplicateDetection: true"),
    ("queues_neither_drop_nor_order", BUS, "      requiresSession: false\n", ""),
    ("queues_neither_drop_nor_order", BUS, "deadLetteringOnMessageExpiration: true", "deadLetteringOnMessageExpiration: false"),
    ("queues_neither_drop_nor_order", BUS, "maxDeliveryCount: 10", "maxDeliveryCount: 20"),
    ("bus_has_queues_only", BUS, "namespaces/queues@", "namespaces/topics@"),
    ("bus_has_queues_only", BUS, "name: 'Standard'", "name: 'Premium'"),
    # roles
    ("roles_are_those_that_are_needed", DATA, "[tableDataContributor, blobDataContributor]", "[tableDataContributor]"),
    ("roles_are_those_that_are_needed", BUS, "? [dataSender, dataReceiver, dataOwner]", "? [dataSender, dataOwner]"),
    ("roles_are_those_that_are_needed", DATA, "'0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'", "'8e3af657-a8ff-443c-a75c-2fe8c4bcb635'"),
    ("roles_are_those_that_are_needed", MONITORING, "  scope: insights\n", "  scope: workspace\n"),
    ("roles_are_those_that_are_needed", VAULT, "principalId: deployerPrincipalId", "principalId: appPrincipalId"),
    ("roles_are_those_that_are_needed", RUNTIME, "  scope: packages\n", "  scope: account\n"),
    ("roles_are_those_that_are_needed", VAULT, "principalId: appPrincipalId", "principalId: tenant().tenantId"),
    ("grants_say_whose_they_are", DATA, "      principalType: 'ServicePrincipal'\n", ""),
    ("grants_say_whose_they_are", VAULT, "if (!empty(deployerPrincipalId)) ", ""),
    # settings
    ("deployed_settings_are_those_that_are_read", APP, "    SIGNALBOX_AUDIT_DAYS: string(auditDays)\n", ""),
    ("deployed_settings_are_those_that_are_read", APP, "    TICK_SCHEDULE: '0 * * * * *'\n", ""),
    ("deployed_settings_are_those_that_are_read", APP, "ServiceBusConnection__clientId", "ServiceBus__clientId"),
    ("deployed_settings_are_those_that_are_read", APP, "    AZURE_CLIENT_ID:", "    SIGNALBOX_OLD: '1'\n    AZURE_CLIENT_ID:"),
    ("deployed_settings_are_those_that_are_read", APP, "    AZURE_CLIENT_ID:", "    SIGNALBOX_ALLOW_LOOPBACK: 'true'\n    AZURE_CLIENT_ID:"),
    ("both_say_the_same_where_neither_is_a_place", APP, "'4194304'", "'1048576'"),
    ("both_say_the_same_where_neither_is_a_place", APP, "'0 * * * * *'", "'0 */5 * * * *'"),
    ("settings_lead_to_the_deployments_own_resources", MAIN, "dataStorage.outputs.blobEndpoint", "dataStorage.outputs.tableEndpoint"),
    ("settings_lead_to_the_deployments_own_resources", MAIN, "runtimeStorageName: runtimeStorage.outputs.name", "runtimeStorageName: vault.outputs.name"),
    ("settings_lead_to_the_deployments_own_resources", MAIN, "identityClientId: identity.outputs.clientId", "identityClientId: identity.outputs.principalId"),
    ("settings_lead_to_the_deployments_own_resources", VAULT, "secrets/signalbox-master-keys", "secrets/master-keys"),
    ("settings_lead_to_the_deployments_own_resources", APP, "      '${identityId}': {}\n", "      '${planName}': {}\n"),
    # alerts, logs, costs
    ("every_alert_says_what_to_do", ALERTS, "${question.todo} See docs/operating.md#${question.section}", "${question.title}"),
    ("every_alert_says_what_to_do", ALERTS, "section: 'storage'", "section: 'tables'"),
    ("every_alert_tells_somebody", ALERTS, "actions: { actionGroups: [actionGroup.id] }", "actions: { actionGroups: [] }"),
    ("every_alert_tells_somebody", ALERTS, "[{ actionGroupId: actionGroup.id }]", "[]"),
    ("every_alert_tells_somebody", BUDGET, "contactGroups: [actionGroupId]", "contactGroups: []"),
    ("alerts_ask_for_what_is_measured", ALERTS, '"signalbox.silent"', '"signalbox.silence"'),
    ("alerts_ask_for_what_is_measured", ALERTS, "Properties.state", "Properties.status"),
    ("alerts_ask_for_what_is_measured", ALERTS, '"quarantined"', '"quarantine"'),
    ("alerts_ask_for_what_is_measured", ALERTS, 'outcome in ("retry", "held", "dead")', 'outcome in ("failed", "held", "dead")'),
    ("alerts_ask_for_what_is_measured", ALERTS, "| project TimeGenerated, Value = Sum", "| project TimeGenerated, Found = Sum"),
    ("alerts_are_asked_for_in_time", ALERTS, "frequency: 'PT15M'", "frequency: 'PT2M'"),
    ("alerts_are_asked_for_in_time", ALERTS, "severity: 3", "severity: 5"),
    ("what_is_logged_is_chosen", DATA, "'StorageDelete'", "'StorageRead'"),
    ("what_is_logged_is_chosen", APP, "'FunctionAppLogs'", "'AppServiceHTTPLogs'"),
    ("what_is_logged_is_chosen", VAULT, "scope: vault\n  properties: {\n    workspaceId: workspaceId", "scope: vault\n  properties: {\n    workspaceId: vault.id"),
    ("telemetry_costs_and_lasts_what_was_said", MONITORING, "var retentionDays = 30", "var retentionDays = 90"),
    ("telemetry_costs_and_lasts_what_was_said", MONITORING, "    workspaceCapping: { dailyQuotaGb: dailyCapGb }\n", ""),
]  # fmt: skip
WRONG_ELSEWHERE = [
    ("deployed_settings_are_those_that_are_read", {"settings": {"SIGNALBOX_NEW": "What is new."}}),
    ("sample_settings_are_those_that_are_read", {"settings": {"SIGNALBOX_NEW": "What is new."}}),
    ("sample_settings_are_those_that_are_read", {"sample": {"SIGNALBOX_OLD": "1"}}),
    ("sample_settings_are_those_that_are_read", {"sample": {"STORAGE_TABLE_ENDPOINT": ""}}),
    ("both_say_the_same_where_neither_is_a_place", {"sample": {"SLOW_QUEUE": "slow"}}),
    ("queues_are_those_that_are_used", {"queues": {"LATE_QUEUE": "late"}}),
    ("every_alert_says_what_to_do", {"alerts": ("another",)}),
    ("queues_are_those_that_are_used", {"emulator": {"late": {}}}),
    ("queues_let_messages_be_worked_off", {"host": {"functionTimeout": "00:10:00"}}),
    ("queues_neither_drop_nor_order", {"emulator": {"events": {}}}),
]


@pytest.mark.parametrize(("rule", "path", "right", "wrong"), WRONG)
def test_a_template_that_is_wrong_is_found_out(rule, path, right, wrong):
    texts = bicep.read()
    text = texts.get(path, "")
    assert right is None or right in text
    texts[path] = text.replace(right, wrong) if right else wrong

    assert [*RULES[rule](bicep.deploy(texts, parameters.given("prod")), facts())]


@pytest.mark.parametrize(("rule", "wrong"), WRONG_ELSEWHERE)
def test_what_is_changed_elsewhere_is_found_out_here(rule, wrong):
    changed = replace(facts(), **{name: joined(getattr(facts(), name), more) for name, more in wrong.items()})

    assert [*RULES[rule](STAGES["prod"], changed)]


def joined(found, more):
    return {**found, **more} if isinstance(more, dict) else (*found, *more)


def test_an_adapter_that_goes_needs_its_role_no_more():
    gone = replace(
        facts(), adapters=facts().adapters.replace("get_queue_receiver", "").replace("azure.storage.blob", "")
    )

    assert [*RULES["roles_are_those_that_are_needed"](STAGES["prod"], gone)] == [
        "the app is granted Storage Blob Data Contributor on dataStorage.account, which nothing needs"
    ]


def test_every_rule_is_shown_to_notice_something():
    assert {rule for rule, *_ in (*WRONG, *WRONG_ELSEWHERE)} == RULES.keys()
