// Everything that one Signalbox environment needs, in a resource group of its own.
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

@description('Redundancy of the accepted events. ZRS survives the loss of a zone; LRS where the region has none.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param dataRedundancy string = 'Standard_ZRS'

@description('What the API is called in Entra, comma separated. Empty: no access tokens are taken, keys only.')
param entraAudiences string = ''

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Instances of the HTTP functions that are kept warm; senders with short time-outs want at least 1.')
@minValue(0)
param alwaysReadyHttpInstances int = 0

@description('Grant the app Service Bus Data Owner: without it the queue length cannot be read and scaling from zero stalls.')
param serviceBusDataOwner bool = true

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

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
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = functionApp.outputs.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SIGNALBOX_URL string = functionApp.outputs.url
output AZURE_STORAGE_TABLE_ENDPOINT string = dataStorage.outputs.tableEndpoint
output AZURE_PACKAGE_CONTAINER_URL string = runtimeStorage.outputs.packageContainerUrl
