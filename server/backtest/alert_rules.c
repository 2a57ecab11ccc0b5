/* Rule files of Prometheus. See alert_rules.h. */
#include "server/backtest/alert_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/backtest/shipped_alerts.h"
#include "server/rulefile/yaml_reader.h"

enum { MOST_RULES = 10000, MOST_LABELS = 64 };
static const size_t MOST_BYTES = (size_t)256 << 20;

void bt_alert_rules_init(bt_alert_rules *rules) {
  *rules = (bt_alert_rules){0};
  bt_arena_init(&rules->arena, MOST_BYTES);
}

void bt_alert_rules_dispose(bt_alert_rules *rules) {
  for (size_t i = 0; i < rules->count; i++) bt_promql_dispose(&rules->rules[i].expression);
  free(rules->rules);
  bt_arena_dispose(&rules->arena);
}

/* ---- a rule ---- */

typedef struct rule_reading {
  bt_alert_rules *all;
  bt_alert_rule rule;
  const bt_yaml_node *expression;
} rule_reading;

static bt_status read_name(const bt_yaml_document *document, const bt_yaml_node *node, rule_reading *r, bool is_record,
                           bt_error *error) {
  if (r->rule.name.len) return bt_yaml_fail(document, node, error, "a rule is an alert or a record, and not both");
  r->rule.is_record = is_record;
  bt_str name;
  bt_status status = bt_yaml_get_string(document, node, is_record ? "record" : "alert", &name, error);
  if (!status && !bt_arena_copy(&r->all->arena, name, &r->rule.name)) return bt_error_no_memory(error);
  return status;
}

static bt_status read_alert(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  return read_name(document, node, into, false, error);
}

static bt_status read_record(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  return read_name(document, node, into, true, error);
}

static bt_status read_expression(const bt_yaml_document *document, const bt_yaml_node *node, void *into,
                                 bt_error *error) {
  rule_reading *r = into;
  bt_error why = {0};
  if (node->kind != BT_YAML_SCALAR) return bt_yaml_fail(document, node, error, "expected an expression in expr");
  bt_status status = bt_promql_parse(node->text, &r->all->arena, &r->rule.expression, &why);
  r->expression = node;
  if (status == BT_INVALID) return bt_yaml_fail(document, node, error, "expr: %s", why.message);
  return status ? bt_error_set(error, status, "%s", why.message) : BT_OK;
}

static bt_status read_span(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, int64_t *out_ms,
                           bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (node->kind == BT_YAML_SCALAR && bt_promql_duration(node->text, out_ms)) return BT_OK;
  return bt_yaml_fail(document, node, error, "%s: expected a duration as in 5m, got %s", key,
                      bt_yaml_show(node, shown));
}

static bt_status read_for(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  return read_span(document, node, "for", &((rule_reading *)into)->rule.for_ms, error);
}

static bt_status read_keep(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  return read_span(document, node, "keep_firing_for", &((rule_reading *)into)->rule.keep_firing_ms, error);
}

static bt_status read_labels(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  rule_reading *r = into;
  bt_arena *arena = &r->all->arena;
  bt_status status = bt_yaml_expect_map(document, node, "labels", error);
  if (status) return status;
  if (node->count > MOST_LABELS) return bt_yaml_fail(document, node, error, "more than %d labels", MOST_LABELS);
  r->rule.labels = bt_arena_array(arena, node->count, sizeof *r->rule.labels);
  if (!r->rule.labels) return bt_error_no_memory(error);
  for (const bt_yaml_node *key = node->first; key; key = key->next->next) {
    bt_label *label = &r->rule.labels[r->rule.label_count++];
    if (key->next->kind != BT_YAML_SCALAR || bt_str_contains(key->next->text, BT_STR("{{")))
      return bt_yaml_fail(document, key->next, error,
                          "a label has to be a plain text here: a template in a label is not known");
    if (!bt_arena_copy(arena, key->text, &label->name) || !bt_arena_copy(arena, key->next->text, &label->value))
      return bt_error_no_memory(error);
  }
  return BT_OK;
}

static bt_status pass_over(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  (void)document, (void)node, (void)into, (void)error;
  return BT_OK;
}

static const bt_yaml_field rule_fields[] = {
    {"alert", read_alert},   {"record", read_record},        {"expr", read_expression},  {"for", read_for},
    {"labels", read_labels}, {"keep_firing_for", read_keep}, {"annotations", pass_over}, {0}};

static bt_status check_rule(const bt_yaml_document *document, const bt_yaml_node *node, const rule_reading *r,
                            bt_error *error) {
  if (!r->rule.name.len) return bt_yaml_fail(document, node, error, "a rule needs the key alert or record");
  if (!r->expression) return bt_yaml_fail(document, node, error, "a rule needs the key expr");
  if (r->rule.is_record && (r->rule.for_ms || r->rule.keep_firing_ms))
    return bt_yaml_fail(document, node, error, "a recorded series has no for and no keep_firing_for");
  return BT_OK;
}

static bool have_same_labels(const bt_alert_rule *a, const bt_alert_rule *b) {
  size_t same = 0;
  for (size_t i = 0; i < a->label_count; i++)
    for (size_t k = 0; k < b->label_count; k++)
      same +=
          bt_str_equal(a->labels[i].name, b->labels[k].name) && bt_str_equal(a->labels[i].value, b->labels[k].value);
  return a->label_count == b->label_count && same == a->label_count;
}

/* Both have the labels of one alert, so who is paged is paged once. */
static void find_twin(const bt_alert_rules *all, bt_alert_rule *rule) {
  for (size_t i = 0; i < all->count && !rule->is_twin && !rule->is_record; i++) {
    const bt_alert_rule *before = &all->rules[i];
    bool is_same = !before->is_record && bt_str_equal(before->name, rule->name) &&
                   bt_str_equal(before->expression.text, rule->expression.text) && before->for_ms == rule->for_ms &&
                   before->keep_firing_ms == rule->keep_firing_ms && before->interval_ms == rule->interval_ms;
    rule->is_twin = is_same && have_same_labels(before, rule);
    rule->twin_of = i;
  }
}

static bt_status keep_rule(bt_alert_rules *all, bt_alert_rule *rule, bt_error *error) {
  if (all->count == MOST_RULES) return bt_error_set(error, BT_LIMIT, "more than %d rules", MOST_RULES);
  bt_alert_rule *rules = bt_grow_array(all->rules, all->count, &all->capacity, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  all->rules = rules;
  find_twin(all, rule);
  rules[all->count++] = *rule;
  return BT_OK;
}

/* ---- groups ---- */

typedef struct group_reading {
  bt_alert_rules *all;
  bt_str name;
  int64_t interval_ms;
  const bt_yaml_node *rules;
} group_reading;

static bt_status read_group_name(const bt_yaml_document *document, const bt_yaml_node *node, void *into,
                                 bt_error *error) {
  group_reading *g = into;
  bt_str name;
  bt_status status = bt_yaml_get_string(document, node, "name", &name, error);
  return status || bt_arena_copy(&g->all->arena, name, &g->name) ? status : bt_error_no_memory(error);
}

static bt_status read_interval(const bt_yaml_document *document, const bt_yaml_node *node, void *into,
                               bt_error *error) {
  return read_span(document, node, "interval", &((group_reading *)into)->interval_ms, error);
}

static bt_status read_list(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  ((group_reading *)into)->rules = node;
  return bt_yaml_expect_list(document, node, "rules", error);
}

/* limit: a group that makes more series than that fails, which depends on what else is there. */
static bt_status refuse_limit(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  (void)into;
  return bt_yaml_fail(document, node, error, "this key of a group is not known here: take it out for a backtest");
}

static const bt_yaml_field group_fields[] = {{"name", read_group_name},
                                             {"interval", read_interval},
                                             {"rules", read_list},
                                             {"limit", refuse_limit},
                                             {"query_offset", refuse_limit},
                                             {"labels", refuse_limit},
                                             {"partial_response_strategy", pass_over},
                                             {0}};

static bt_status read_rule(const bt_yaml_document *document, const bt_yaml_node *node, const group_reading *g,
                           bt_error *error) {
  rule_reading r = {.all = g->all};
  bt_str file;
  bt_status status = bt_yaml_read_map(document, node, "a rule", rule_fields, &r, error);
  if (!status) status = check_rule(document, node, &r, error);
  if (!status && !bt_arena_copy(&g->all->arena, bt_str_from(document->file_name), &file))
    status = bt_error_no_memory(error);
  if (!status) {
    r.rule.file = file.ptr;
    r.rule.line = node->line;
    r.rule.group = g->name;
    r.rule.interval_ms = g->interval_ms;
    status = keep_rule(g->all, &r.rule, error);
  }
  if (status) bt_promql_dispose(&r.rule.expression);
  return status;
}

static bt_status read_group(const bt_yaml_document *document, const bt_yaml_node *node, bt_alert_rules *all,
                            bt_error *error) {
  group_reading g = {.all = all};
  bt_status status = bt_yaml_read_map(document, node, "a group", group_fields, &g, error);
  if (!status && !g.name.len) status = bt_yaml_fail(document, node, error, "a group needs the key name");
  for (const bt_yaml_node *rule = g.rules ? g.rules->first : NULL; rule && !status; rule = rule->next)
    status = read_rule(document, rule, &g, error);
  return status;
}

static bt_status read_groups(const bt_yaml_document *document, const bt_yaml_node *node, void *into, bt_error *error) {
  bt_status status = bt_yaml_expect_list(document, node, "groups", error);
  for (const bt_yaml_node *group = node->first; group && !status; group = group->next)
    status = read_group(document, group, into, error);
  return status;
}

static const bt_yaml_field file_fields[] = {{"groups", read_groups}, {0}};

bt_status bt_alert_rules_add(bt_alert_rules *rules, bt_str text, const char *file, bt_error *error) {
  bt_yaml_document document;
  bt_arena arena;
  bt_arena_init(&arena, MOST_BYTES);
  bt_status status = bt_yaml_document_parse(&document, text, file, &arena, error);
  if (!status && !document.root) status = bt_error_set(error, BT_INVALID, "%.100s: expected groups, got nothing", file);
  if (!status) status = bt_yaml_read_map(&document, document.root, "a file of alerts", file_fields, rules, error);
  bt_arena_dispose(&arena);
  return status;
}

bt_status bt_alert_rules_add_shipped(bt_alert_rules *rules, bt_error *error) {
  bt_status status = BT_OK;
  for (const bt_shipped_alerts *file = bt_all_shipped_alerts; file->name && !status; file++) {
    char name[64];
    snprintf(name, sizeof name, "%s.yaml", file->name);
    status = bt_alert_rules_add(rules, file->text, name, error);
  }
  return status;
}

bool bt_alert_rules_look_at(const bt_alert_rules *rules, bt_str metric) {
  const bt_str by_pattern = BT_STR("__name__");
  for (size_t i = 0; i < rules->count; i++) {
    bt_str text = rules->rules[i].expression.text;
    if (memmem(text.ptr, text.len, metric.ptr, metric.len) ||
        memmem(text.ptr, text.len, by_pattern.ptr, by_pattern.len))
      return true;
  }
  return false;
}
