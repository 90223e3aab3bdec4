// The hand-off: one Standard namespace with the queues of the line.
param name string
param location string
param tags object
param workspaceId string
param appPrincipalId string

@description('The scale controller reads queue lengths as the app; without Manage rights scaling from zero stalls.')
param grantDataOwner bool

var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
var dataReceiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
var dataOwner = '090c5cfd-751d-490a-894a-3ce6f1109419'
var appRoleIds = grantDataOwner ? [dataSender, dataReceiver, dataOwner] : [dataSender, dataReceiver]
var queueNames = ['events', 'deliveries', 'deliveries-slow']

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

// Duplicate detection stays off: claims make repeats harmless, and a silent drop would swallow replays.
resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for queueName in queueNames: {
    parent: namespace
    name: queueName
    properties: {
      // Deliveries wait for slow destinations; five minutes is the longest lock there is.
      lockDuration: (queueName == 'events') ? 'PT1M' : 'PT5M'
      maxDeliveryCount: 10
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: true
      requiresDuplicateDetection: false
      requiresSession: false
    }
  }
]

// Who changed the namespace or a queue. Messages are not logged: Standard does not offer it, and the app tells of each.
resource operations 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'OperationalLogs', enabled: true }]
  }
}

resource appRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleId in appRoleIds: {
    name: guid(namespace.id, appPrincipalId, roleId)
    scope: namespace
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

output id string = namespace.id
output fullyQualifiedNamespace string = '${namespace.name}.servicebus.windows.net'
output eventsQueue string = queues[0].name
output deliveriesQueue string = queues[1].name
output slowQueue string = queues[2].name
