/* Rules under watch. See watch_rules.h. */
#include "server/watch/watch_rules.h"

#include <stdlib.h>

#include "dsl/link_reach.h"
#include "dsl/time_sum.h"
#include "server/base/sha256.h"

static bool is_query_known(const bt_watch_rules *rules, bt_query query) {
  for (size_t i = 0; i < rules->query_count; i++)
    if (bt_query_equal(rules->queries[i], query)) return true;
  return false;
}

static bt_status add_query(bt_watch_rules *rules, bt_query query, bt_error *error) {
  if (is_query_known(rules, query)) return BT_OK;
  bt_query *queries = bt_grow_array(rules->queries, rules->query_count, &rules->query_capacity, sizeof *queries);
  if (!queries) return bt_error_no_memory(error);
  rules->queries = queries;
  queries[rules->query_count++] = query;
  return BT_OK;
}

/* All leaves, of an AND too: spans that meet its parts may come in different slices, and each of them can be the one
 * that decides. */
static bt_status add_queries(bt_watch_rules *rules, const bt_over *over, bt_error *error) {
  bt_status status = BT_OK;
  switch (over->kind) {
  case BT_OVER_NONE: break;
  case BT_OVER_ALL: status = add_query(rules, bt_query_all(), error); break;
  case BT_OVER_QUERY: status = add_query(rules, over->query.asked, error); break;
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++)
      status = add_queries(rules, over->items[i], error);
    break;
  }
  return status;
}

static bool finds_everything(const bt_over *over) {
  if (over->kind == BT_OVER_ALL) return true;
  if (over->kind != BT_OVER_OR) return false;
  for (uint32_t i = 0; i < over->item_count; i++)
    if (finds_everything(over->items[i])) return true;
  return false;
}

static bt_status add_rule(bt_watch_rules *rules, const bt_rule_definition *definition, const bt_assumptions *service,
                          const bt_dialect *dialect, bt_error *error) {
  bt_plan *plan = NULL;
  bt_status status = bt_plan_new(definition->rule, dialect, &plan, error);
  if (status != BT_OK) return status;
  if (finds_everything(plan->violating) && !definition->fields.watch_all) {
    bt_plan_free(plan);
    rules->refused[rules->refused_count++] = bt_rule_definition_ref(definition);
    return BT_OK;
  }
  const bt_assumptions own = bt_assumptions_of(service, definition);
  const bt_link_reach reach = bt_link_reach_of(definition->rule);
  rules->plans[rules->count] = plan;
  bt_watch_rule *rule = &rules->items[rules->count];
  *rule = (bt_watch_rule){.definition = bt_rule_definition_ref(definition),
                          .settle_ns = bt_time_subtract(own.settle_ns, reach.within_ns),
                          .within_ns = reach.within_ns,
                          .is_linked = !bt_link_reach_is_none(&reach),
                          .require_complete = own.require_complete,
                          .rests_on_absence = plan->rests_on_absence};
  rules->options[rules->count++] = bt_assumptions_options(&own);
  if (reach.within_ns > rules->longest_within_ns) rules->longest_within_ns = reach.within_ns;
  if (own.margin_ns > rules->longest_margin_ns) rules->longest_margin_ns = own.margin_ns;
  status = add_queries(rules, plan->violating, error);
  if (status != BT_OK) return status;
  return bt_projection_share(&rules->projection, definition->rule, &rule->whole_trace, error);
}

/* Whether every trace of that formula is found by some filter: then those that do not violate are seen too. */
static bool is_found(const bt_watch_rules *rules, const bt_over *over) {
  bool some = false, all = true;
  switch (over->kind) {
  case BT_OVER_NONE: return true;
  case BT_OVER_ALL: return is_query_known(rules, bt_query_all());
  case BT_OVER_QUERY: return is_query_known(rules, over->query.asked) || is_query_known(rules, bt_query_all());
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; i < over->item_count; i++) {
      if (over->items[i]->is_found_twice) continue;
      bool found = is_found(rules, over->items[i]);
      some = some || found;
      all = all && found;
    }
    return over->kind == BT_OVER_AND ? some : all;
  }
  return false;
}

static bt_status add_all(bt_watch_rules *rules, const bt_rule_list *list, const bt_assumptions *service,
                         const bt_dialect *dialect, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < list->count; i++)
    if (list->items[i]->fields.enabled && list->items[i]->rule)
      status = add_rule(rules, list->items[i], service, dialect, error);
  for (size_t i = 0; status == BT_OK && i < rules->count; i++)
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): add_rule counts a rule after its plan */
    rules->items[i].counts_exercised = is_found(rules, rules->plans[i]->exercising);
  return status;
}

static bt_status compile_rules(bt_watch_rules *rules, bt_error *error) {
  if (!rules->count) return BT_OK;
  const bt_rule **compiled = bt_realloc_array(NULL, rules->count + 1, sizeof *compiled);
  if (!compiled) return bt_error_no_memory(error);
  for (size_t i = 0; i < rules->count; i++) compiled[i] = rules->items[i].definition->rule;
  bt_status status = bt_ruleset_new(compiled, rules->count, &rules->ruleset, error);
  if (status == BT_OK) status = bt_evaluator_new(rules->ruleset, &rules->evaluator, error);
  free(compiled);
  return status;
}

bt_status bt_watch_rules_hash(const bt_rule_list *list, char hash[65], bt_error *error) {
  bt_str *parts = bt_realloc_array(NULL, 2 * list->count + 1, sizeof *parts);
  bt_sha256 digest;
  size_t count = 0;
  if (!parts) return bt_error_no_memory(error);
  for (size_t i = 0; i < list->count; i++) {
    if (!list->items[i]->fields.enabled || !list->items[i]->rule) continue;
    parts[count++] = bt_str_from(list->items[i]->fields.id);
    parts[count++] = bt_str_from(list->items[i]->condition_hash);
  }
  bt_status status = bt_sha256_fields(parts, count, &digest, error);
  if (status == BT_OK) bt_sha256_format(&digest, hash);
  free(parts);
  return status;
}

bt_status bt_watch_rules_new(const bt_rule_list *list, const bt_assumptions *service, const bt_dialect *dialect,
                             bt_watch_rules **out, bt_error *error) {
  *out = NULL;
  bt_watch_rules *rules = calloc(1, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  bt_projection_init(&rules->projection);
  size_t room = list->count + 1;
  rules->items = calloc(room, sizeof *rules->items);
  rules->refused = calloc(room, sizeof(bt_rule_definition *));
  rules->plans = calloc(room, sizeof(bt_plan *));
  rules->options = calloc(room, sizeof *rules->options);
  bool ok = rules->items && rules->refused && rules->plans && rules->options;
  rules->clock_ahead_ns = service->clock_ahead_ns;
  rules->longest_margin_ns = service->margin_ns;
  bt_status status = ok ? add_all(rules, list, service, dialect, error) : bt_error_no_memory(error);
  /* What was pruned is seen where it is read: nobody asks for it before, because nothing is sent of what is only
   * unknown. */
  if (status == BT_OK) status = bt_projection_add_pruning(&rules->projection, error);
  if (status == BT_OK) status = bt_watch_rules_hash(list, rules->hash, error);
  if (status == BT_OK) status = compile_rules(rules, error);
  if (status == BT_OK)
    *out = rules;
  else
    bt_watch_rules_free(rules);
  return status;
}

static bool is_at(const bt_watch_rules *rules, const bt_rule_definition *definition) {
  for (size_t i = 0; i < rules->count; i++)
    if (rules->items[i].definition == definition) return true;
  for (size_t i = 0; i < rules->refused_count; i++)
    if (rules->refused[i] == definition) return true;
  return false;
}

bool bt_watch_rules_are(const bt_watch_rules *rules, const bt_rule_list *list) {
  size_t enabled = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (!list->items[i]->fields.enabled || !list->items[i]->rule) continue;
    enabled++;
    if (!is_at(rules, list->items[i])) return false;
  }
  return enabled == rules->count + rules->refused_count;
}

void bt_watch_rules_free(bt_watch_rules *rules) {
  if (!rules) return;
  bt_evaluator_free(rules->evaluator);
  bt_ruleset_free(rules->ruleset);
  bt_projection_dispose(&rules->projection);
  for (size_t i = 0; rules->plans && i < rules->count; i++) bt_plan_free(rules->plans[i]);
  for (size_t i = 0; rules->items && i < rules->count; i++) bt_rule_definition_unref(rules->items[i].definition);
  for (size_t i = 0; rules->refused && i < rules->refused_count; i++) bt_rule_definition_unref(rules->refused[i]);
  free(rules->items);
  free(rules->refused);
  free(rules->plans);
  free(rules->queries);
  free(rules->options);
  free(rules);
}
