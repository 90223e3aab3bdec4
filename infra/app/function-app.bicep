// The app itself, on Flex Consumption.
param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param insightsConnectionString string
param workspaceId string
param runtimeStorageName string
param packageContainerUrl string
param tableEndpoint string
param blobEndpoint string
param serviceBusNamespace string
param eventsQueue string
param deliveriesQueue string
param slowQueue string
param masterKeysUri string
param entraAudiences string
param forbidUnverified bool
param auditDays int
param logLevel string
param tracesRatio string
param instanceMemoryMB int
param httpConcurrency int
param maximumInstanceCount int
param alwaysReadyHttpInstances int

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  // azd finds the app by this tag: it is the name of the service in azure.yaml.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: (alwaysReadyHttpInstances > 0) ? [{ name: 'http', instanceCount: alwaysReadyHttpInstances }] : []
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
    }
  }
}

resource ftpCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

resource scmCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'scm'
  properties: { allow: false }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: {
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    AZURE_CLIENT_ID: identityClientId
    AzureWebJobsStorage__accountName: runtimeStorageName
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__credential: 'managedidentity'
    DELIVERIES_QUEUE: deliveriesQueue
    SLOW_QUEUE: slowQueue
    EVENTS_QUEUE: eventsQueue
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '4194304'
    OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
    OTEL_TRACES_SAMPLER_ARG: '0.0'
    PYTHON_ENABLE_OPENTELEMETRY: 'true'
    ServiceBusConnection__clientId: identityClientId
    ServiceBusConnection__credential: 'managedidentity'
    ServiceBusConnection__fullyQualifiedNamespace: serviceBusNamespace
    SIGNALBOX_AUDIT_DAYS: string(auditDays)
    SIGNALBOX_ENTRA_AUDIENCES: entraAudiences
    SIGNALBOX_ENTRA_AUTHORITY: environment().authentication.loginEndpoint
    SIGNALBOX_ENTRA_TENANT: tenant().tenantId
    SIGNALBOX_FORBID_UNVERIFIED: toLower(string(forbidUnverified))
    SIGNALBOX_MASTER_KEYS: '@Microsoft.KeyVault(SecretUri=${masterKeysUri})'
    SIGNALBOX_LOG_LEVEL: logLevel
    SIGNALBOX_TELEMETRY: 'azure'
    SIGNALBOX_TRACES_RATIO: tracesRatio
    STORAGE_BLOB_ENDPOINT: blobEndpoint
    STORAGE_TABLE_ENDPOINT: tableEndpoint
    TICK_SCHEDULE: '0 * * * * *'
  }
}

// What the host says of itself, for when it does not start or finds no functions and so tells Application Insights nothing.
// HTTP logs are left off: they have the URLs, and those of webhooks are credentials.
resource hostLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: site
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
  }
}

output id string = site.id
output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
