// Who is told of what, and when. Each alert says what to do and where docs/operating.md has the rest.
param name string
param location string
param tags object
param enabled bool

@description('Addresses for mails, comma separated.')
param emails string

@secure()
param webhook string
param dailyCapGb int
param workspaceId string
param serviceBusId string
param dataStorageId string
param functionAppId string

var addresses = empty(emails) ? [] : split(emails, ',')
var webhooks = empty(webhook) ? [] : [webhook]

// Questions to the workspace: a rule fires when the largest Value is above the threshold. AppMetrics has one row a measurement,
// and its Sum is what was measured, for counts as for gauges. The names are those of shared/metrics.py.
var questions = [
  {
    name: 'held'
    section: 'held'
    title: 'something waits for a decision'
    todo: 'Deliveries are held because nobody knows whether they arrived, or webhooks are in quarantine. Look at each and release or discard it.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT15M'
    threshold: 0
    query: '''
AppMetrics
| where Name == "signalbox.waiting" and tostring(Properties.state) in ("held", "quarantined")
| project TimeGenerated, Value = Sum
'''
  }
  {
    name: 'dead-letters'
    section: 'dead-letters'
    title: 'deliveries became dead letters'
    todo: 'Deliveries will not be tried again. See the cause that they have in common, correct it and replay them.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT15M'
    threshold: 0
    query: '''
AppMetrics
| where Name == "signalbox.deliveries" and tostring(Properties.outcome) == "dead"
| summarize Value = sum(Sum)
| extend TimeGenerated = now()
'''
  }
  {
    name: 'oldest-unfinished'
    section: 'oldest-unfinished'
    title: 'an accepted event has not been finished for an hour'
    todo: 'See whether the queues are worked off and whether a destination keeps the event waiting.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
    threshold: 3600
    query: '''
AppMetrics
| where Name == "signalbox.unfinished.age"
| project TimeGenerated, Value = Sum
'''
  }
  {
    name: 'oldest-unfinished-unknown'
    section: 'oldest-unfinished'
    title: 'nobody says how old the oldest unfinished event is'
    todo: 'The timer has measured nothing for a quarter of an hour: the app does not run, its timer has stopped or its telemetry does not arrive. Ask /health/ready, then run the tick by POST /v1/tick.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
    threshold: 0
    query: '''
AppMetrics
| where Name == "signalbox.unfinished.age"
| summarize Measured = count()
| project TimeGenerated = now(), Value = iff(Measured == 0, 1, 0)
'''
  }
  {
    name: 'failure-rate'
    section: 'failure-rate'
    title: 'a quarter of all attempts to deliver fail'
    todo: 'See which kind of destination fails and for what reason; if it is theirs, tell its owner, and pause it if it is long.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
    threshold: 25
    query: '''
AppMetrics
| where Name == "signalbox.deliveries"
| extend outcome = tostring(Properties.outcome)
| summarize Failed = sumif(Sum, outcome in ("retry", "held", "dead")), Tried = sumif(Sum, outcome in ("delivered", "retry", "held", "dead"))
| where Tried >= 20
| project TimeGenerated = now(), Value = 100.0 * Failed / Tried
'''
  }
  {
    name: 'throttling'
    section: 'throttling'
    title: 'storage or Service Bus asks for less'
    todo: 'See which of the two, and whether a section sends far more than usual; the page says what raises each limit.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT15M'
    threshold: 50
    query: '''
AppMetrics
| where Name == "signalbox.throttled" and tostring(Properties["by"]) in ("tables", "bus")
| summarize Value = sum(Sum)
| extend TimeGenerated = now()
'''
  }
  {
    name: 'silence'
    section: 'silence'
    title: 'nothing comes from where something should'
    todo: 'See in GET /v1/metrics which definitions and sources are silent, and ask their senders.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT15M'
    threshold: 0
    query: '''
AppMetrics
| where Name == "signalbox.silent"
| project TimeGenerated, Value = Sum
'''
  }
  {
    name: 'unusual-volume'
    section: 'unusual-volume'
    title: 'far more or less comes than usual'
    todo: 'See in GET /v1/metrics which definitions and sources it is: a campaign, a loop, or a sender that lost something.'
    severity: 3
    frequency: 'PT15M'
    window: 'PT15M'
    threshold: 0
    query: '''
AppMetrics
| where Name == "signalbox.unusual"
| project TimeGenerated, Value = Sum
'''
  }
  {
    name: 'daily-cap'
    section: 'daily-cap'
    title: 'no telemetry is taken in for the rest of the day'
    todo: 'No other alert can fire until the cap is reset. See what writes so much, and raise the cap if it is wanted.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT15M'
    threshold: 0
    // https://learn.microsoft.com/azure/azure-monitor/logs/daily-cap
    query: '''
_LogOperation
| where Category =~ "Ingestion" and Detail contains "OverQuota"
| summarize Value = count()
| extend TimeGenerated = now()
'''
  }
  {
    name: 'daily-cap-near'
    section: 'daily-cap'
    title: 'four fifths of a day\'s telemetry are used up'
    todo: 'See what writes so much before the cap ends telemetry and alerts for the day.'
    severity: 2
    frequency: 'PT1H'
    window: 'P1D'
    threshold: 80
    query: format('''
Usage
| where IsBillable
| summarize Value = 100.0 * sum(Quantity) / 1000 / {0}
| extend TimeGenerated = now()
''', dailyCapGb)
  }
]

// What the platform itself measures, whether or not the app runs.
var measures = [
  {
    name: 'dead-letters-bus'
    section: 'dead-letters'
    todo: 'Messages lie in the dead-letter queue of a queue of the line: a message that no version of the app can work on. Nothing is lost by leaving them there; the page says how to see them and send them again.'
    severity: 1
    scope: serviceBusId
    namespace: 'Microsoft.ServiceBus/namespaces'
    metric: 'DeadletteredMessages'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: [{ name: 'EntityName', operator: 'Include', values: ['*'] }]
  }
  {
    name: 'storage-availability'
    section: 'storage'
    todo: 'Requests to the data storage account fail at its end. Senders get 503 and repeat; nothing is to be done unless it lasts.'
    severity: 1
    scope: dataStorageId
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 99
    dimensions: []
  }
  {
    name: 'storage-throttling'
    section: 'storage'
    todo: 'The data storage account asks for less. See which of its limits is reached: a partition, or the account.'
    severity: 2
    scope: dataStorageId
    namespace: 'Microsoft.Storage/storageAccounts'
    metric: 'Transactions'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 50
    // https://learn.microsoft.com/azure/storage/common/troubleshoot-storage-availability
    dimensions: [
      {
        name: 'ResponseType'
        operator: 'Include'
        values: ['ClientThrottlingError', 'ClientAccountBandwidthThrottlingError', 'ServerBusyError']
      }
    ]
  }
  {
    name: 'server-errors'
    section: 'server-errors'
    todo: 'The app answers with 5xx. 503 tells senders to repeat while something is away; 500 is a fault: find it by its traceId.'
    severity: 1
    scope: functionAppId
    namespace: 'Microsoft.Web/sites'
    metric: 'Http5xx'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 20
    dimensions: []
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'signalbox'
    enabled: true
    emailReceivers: [
      for address in addresses: {
        name: trim(address)
        emailAddress: trim(address)
        useCommonAlertSchema: true
      }
    ]
    webhookReceivers: [
      for (uri, index) in webhooks: {
        name: 'webhook-${index}'
        serviceUri: uri
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for question in questions: {
    name: 'alert-${name}-${question.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Signalbox: ${question.title}'
      description: '${question.todo} See docs/operating.md#${question.section}'
      enabled: enabled
      severity: question.severity
      scopes: [workspaceId]
      evaluationFrequency: question.frequency
      windowSize: question.window
      criteria: {
        allOf: [
          {
            query: question.query
            metricMeasureColumn: 'Value'
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: question.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: true
      // The tables are there only once something has been written to them.
      skipQueryValidation: true
      actions: { actionGroups: [actionGroup.id] }
    }
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for measure in measures: {
    name: 'alert-${name}-${measure.name}'
    location: 'global'
    tags: tags
    properties: {
      description: '${measure.todo} See docs/operating.md#${measure.section}'
      enabled: enabled
      severity: measure.severity
      scopes: [measure.scope]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: measure.name
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: measure.namespace
            metricName: measure.metric
            dimensions: measure.dimensions
            timeAggregation: measure.aggregation
            operator: measure.operator
            threshold: measure.threshold
            // A new resource has no measurements yet.
            skipMetricValidation: true
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: actionGroup.id }]
    }
  }
]

output actionGroupId string = actionGroup.id
