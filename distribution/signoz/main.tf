# The dashboard and the alert rules of this folder in SigNoz, as its provider takes them. What they are stands in
# dashboard.json and rules.json alone. SIGNOZ_ENDPOINT and SIGNOZ_ACCESS_TOKEN (a service account's key) say where.
# The notification channels have to be there already: the provider has no resource for them.

terraform {
  required_providers {
    signoz = {
      source  = "SigNoz/signoz"
      version = "> 0.0.17" # which has the older dashboards
    }
  }
}

variable "channels" {
  type        = list(string)
  description = "names of the notification channels that alerts go to"
  default     = ["betrace"]
}

locals {
  dashboard = jsondecode(file("${path.module}/dashboard.json"))
  rules     = { for rule in jsondecode(file("${path.module}/rules.json")) : rule.alert => rule }
  panels    = local.dashboard.spec.panels
  plugins   = { for name, panel in local.panels : name => panel.spec.plugin }

  # The query of each panel and of each rule, in the provider's names.
  asked = merge(
    { for name, panel in local.panels : "panel ${name}" => panel.spec.queries[0].spec.plugin.spec },
    { for name, rule in local.rules : "rule ${name}" => rule.condition.compositeQuery.queries[0].spec },
  )
  queries = { for place, query in local.asked : place => {
    name          = query.name
    signal        = query.signal
    filter        = { expression = query.filter.expression }
    aggregations  = try([for one in query.aggregations : { expression = one.expression }], null)
    legend        = try(query.legend, null)
    step_interval = try(tostring(query.stepInterval), null)
    group_by = try([for key in query.groupBy : {
      name            = key.name
      field_context   = key.fieldContext
      field_data_type = key.fieldDataType
    }], null)
    order = try([for one in query.order : { key = { name = one.key.name }, direction = one.direction }], null)
  } }
}

resource "signoz_dashboard" "betrace" {
  schema_version = local.dashboard.schemaVersion
  name           = local.dashboard.name
  tags           = local.dashboard.tags
  spec = {
    display   = local.dashboard.spec.display
    duration  = local.dashboard.spec.duration
    links     = []
    variables = []
    panels = { for name, panel in local.panels : name => {
      kind = panel.kind
      spec = {
        display = panel.spec.display
        links   = []
        plugin = {
          number_panel = local.plugins[name].kind == "signoz/NumberPanel" ? { kind = "signoz/NumberPanel", spec = {} } : null
          table_panel  = local.plugins[name].kind == "signoz/TablePanel" ? { kind = "signoz/TablePanel", spec = {} } : null
          bar_chart_panel = local.plugins[name].kind != "signoz/BarChartPanel" ? null : {
            kind = "signoz/BarChartPanel"
            spec = { visualization = { stacked_bar_chart = local.plugins[name].spec.visualization.stackedBarChart } }
          }
          list_panel = local.plugins[name].kind != "signoz/ListPanel" ? null : {
            kind = "signoz/ListPanel"
            spec = { select_fields = [for field in local.plugins[name].spec.selectFields : {
              name            = field.name
              signal          = field.signal
              field_context   = field.fieldContext
              field_data_type = try(field.fieldDataType, null)
            }] }
          }
        }
        queries = [{
          kind = panel.spec.queries[0].kind
          spec = { plugin = { builder_query = {
            kind = panel.spec.queries[0].spec.plugin.kind
            spec = { traces = local.queries["panel ${name}"] }
          } } }
        }]
      }
    } }
    layouts = [for layout in local.dashboard.spec.layouts : { grid = {
      kind = layout.kind
      spec = { items = [for item in layout.spec.items : {
        x       = item.x
        y       = item.y
        width   = item.width
        height  = item.height
        content = { ref = item.content["$ref"] }
      }] }
    } }]
  }
}

resource "signoz_rule" "betrace" {
  for_each       = local.rules
  alert          = each.value.alert
  description    = each.value.description
  alert_type     = each.value.alertType
  rule_type      = each.value.ruleType
  schema_version = each.value.schemaVersion
  labels         = each.value.labels
  annotations    = each.value.annotations
  condition = {
    alert_on_absent     = try(each.value.condition.alertOnAbsent, null)
    absent_for          = try(each.value.condition.absentFor, null)
    selected_query_name = each.value.condition.selectedQueryName
    composite_query = {
      panel_type = each.value.condition.compositeQuery.panelType
      query_type = each.value.condition.compositeQuery.queryType
      queries = [{ builder_query = { type = "builder_query", spec = { traces = {
        name          = local.queries["rule ${each.key}"].name # an object that is known before its values are
        signal        = "traces"
        filter        = local.queries["rule ${each.key}"].filter
        aggregations  = local.queries["rule ${each.key}"].aggregations
        step_interval = local.queries["rule ${each.key}"].step_interval
        group_by      = local.queries["rule ${each.key}"].group_by
      } } } }]
    }
    thresholds = { basic = {
      kind = each.value.condition.thresholds.kind
      spec = [for threshold in each.value.condition.thresholds.spec : {
        name       = threshold.name
        op         = threshold.op
        match_type = threshold.matchType
        target     = threshold.target
        channels   = var.channels
      }]
    } }
  }
  evaluation = { rolling = {
    kind = each.value.evaluation.kind
    spec = {
      eval_window = each.value.evaluation.spec.evalWindow
      frequency   = each.value.evaluation.spec.frequency
    }
  } }
  notification_settings = {
    group_by   = each.value.notificationSettings.groupBy
    use_policy = each.value.notificationSettings.usePolicy
    renotify   = { enabled = each.value.notificationSettings.renotify.enabled }
  }
}
