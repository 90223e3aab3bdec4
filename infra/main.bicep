// Everything that one Signalbox environment needs, in a resource group of its own. Nothing is fetched to build it: all
// modules are beside this file.
targetScope = 'subscription'

@description('Name of the azd environment; all resource names are derived from it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('A region that offers Flex Consumption with Python 3.13.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Who deploys: may upload the package and set the first master key. Empty: nobody is granted anything.')
param principalId string = ''

@allowed(['User', 'ServicePrincipal'])
param principalType string = 'User'

@description('What the environment is for. It is a tag, by which costs can be told apart; parameters/ has the values that go with it.')
@allowed(['dev', 'test', 'prod'])
param stage string = 'dev'

@description('Redundancy of the accepted events. ZRS survives the loss of a zone; LRS where the region has none.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param dataRedundancy string = 'Standard_ZRS'

@description('What the API is called in Entra, comma separated. Empty: no access tokens are taken, keys only.')
param entraAudiences string = ''

@description('Refuse webhook sources that check nobody.')
param forbidUnverified bool = false

@description('How long the audit keeps who changed what, in days.')
@minValue(30)
@maxValue(3650)
param auditDays int = 400

@description('Memory of an instance, in MB; processors come with it.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Requests that an instance takes at once. Python has 1 by default; commit groups form inside one process, so many must meet there.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 100

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Instances of the HTTP functions that are kept warm; senders with short time-outs want at least 1.')
@minValue(0)
param alwaysReadyHttpInstances int = 0

@description('Grant the app Service Bus Data Owner: without it the queue length cannot be read and scaling from zero stalls.')
param serviceBusDataOwner bool = true

@description('Gigabytes of telemetry a day after which no more is taken in: the end of what a flood of it can cost, and of alerts for that day.')
@minValue(1)
param dailyCapGb int = 1

@description('Which lines are said: what telemetry costs most.')
@allowed(['DEBUG', 'INFO', 'WARNING', 'ERROR'])
param logLevel string = 'INFO'

@description('Which share of the traces is kept with its lines, from 0 to 1. What has a reason is always said.')
param tracesRatio string = '1.0'

@description('Whether the alerts are evaluated. Each rule costs something, whether it fires or not.')
param alertsEnabled bool = true

@description('Who is told by mail when an alert fires, comma separated.')
param alertEmails string = ''

@description('An https address that alerts are posted to. Whoever knows it may often post there, too.')
@secure()
param alertWebhook string = ''

@description('What the environment may cost a month, in the currency of the subscription, before somebody is told. 0: no budget.')
@minValue(0)
param monthlyBudget int = 0

@description('From when the budget counts: the first day of the month in which it is made, as 2026-11-01. It can be changed by a new budget only, so it is set once and is not the day of the deployment. Empty: no budget.')
param budgetStart string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
  application: 'signalbox'
  stage: stage
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-signalbox-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    workspaceName: 'log-signalbox-${token}'
    insightsName: 'appi-signalbox-${token}'
    location: location
    tags: tags
    dailyCapGb: dailyCapGb
    appPrincipalId: identity.outputs.principalId
  }
}

module runtimeStorage 'app/runtime-storage.bicep' = {
  scope: group
  name: 'runtime-storage'
  params: {
    name: 'strun${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
}

module dataStorage 'app/data-storage.bicep' = {
  scope: group
  name: 'data-storage'
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    redundancy: dataRedundancy
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
  }
}

module serviceBus 'app/service-bus.bicep' = {
  scope: group
  name: 'service-bus'
  params: {
    name: 'sbns-signalbox-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
    grantDataOwner: serviceBusDataOwner
  }
}

module vault 'app/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
}

module functionApp 'app/function-app.bicep' = {
  scope: group
  name: 'function-app'
  params: {
    name: 'func-signalbox-${token}'
    planName: 'plan-signalbox-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsConnectionString: monitoring.outputs.connectionString
    workspaceId: monitoring.outputs.workspaceId
    runtimeStorageName: runtimeStorage.outputs.name
    packageContainerUrl: runtimeStorage.outputs.packageContainerUrl
    tableEndpoint: dataStorage.outputs.tableEndpoint
    blobEndpoint: dataStorage.outputs.blobEndpoint
    serviceBusNamespace: serviceBus.outputs.fullyQualifiedNamespace
    eventsQueue: serviceBus.outputs.eventsQueue
    deliveriesQueue: serviceBus.outputs.deliveriesQueue
    slowQueue: serviceBus.outputs.slowQueue
    masterKeysUri: vault.outputs.masterKeysUri
    entraAudiences: entraAudiences
    forbidUnverified: forbidUnverified
    auditDays: auditDays
    logLevel: logLevel
    tracesRatio: tracesRatio
    instanceMemoryMB: instanceMemoryMB
    httpConcurrency: httpConcurrency
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
  }
}

module alerts 'app/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    name: 'signalbox-${token}'
    location: location
    tags: tags
    enabled: alertsEnabled
    emails: alertEmails
    webhook: alertWebhook
    dailyCapGb: dailyCapGb
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    dataStorageId: dataStorage.outputs.id
    functionAppId: functionApp.outputs.id
  }
}

module budget 'app/budget.bicep' = if ((monthlyBudget > 0) && !empty(budgetStart)) {
  scope: group
  name: 'budget'
  params: {
    name: 'budget-signalbox-${token}'
    amount: monthlyBudget
    start: budgetStart
    actionGroupId: alerts.outputs.actionGroupId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = functionApp.outputs.name
output AZURE_STORAGE_TABLE_ENDPOINT string = dataStorage.outputs.tableEndpoint
output AZURE_PACKAGE_CONTAINER_URL string = runtimeStorage.outputs.packageContainerUrl
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SIGNALBOX_URL string = functionApp.outputs.url
