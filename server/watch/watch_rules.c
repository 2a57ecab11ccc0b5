/* Rules under watch. See watch_rules.h. */
#include "server/watch/watch_rules.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"
#include "dsl/evaluate/link_reach.h"
#include "server/base/sha256.h"

/* So many filters cost a store more than one search for all traces of a slice, with a read of them: each filter looks
 * through the slice once (tests/bench/bench_watch_share.py). */
enum { LIST_FROM = 16 };

/* NULL: it is not asked. */
static bt_watch_query *find_query(const bt_watch_rules *rules, bt_query query) {
  for (size_t i = 0; i < rules->query_count; i++)
    if (bt_query_equal(rules->queries[i].asked, query)) return &rules->queries[i];
  return NULL;
}

static bt_status add_query(bt_watch_rules *rules, bt_query query, bool of_whole, bt_error *error) {
  bt_watch_query *there = find_query(rules, query);
  if (there) there->of_whole = there->of_whole || of_whole;
  if (there) return BT_OK;
  bt_watch_query *queries = bt_grow_array(rules->queries, rules->query_count, &rules->query_capacity, sizeof *queries);
  if (!queries) return bt_error_no_memory(error);
  rules->queries = queries;
  queries[rules->query_count++] = (bt_watch_query){query, of_whole};
  return BT_OK;
}

/* All leaves, of an AND too: spans that meet its parts may come in different slices, and each of them can be the one
 * that decides. */
static bt_status add_queries(bt_watch_rules *rules, const bt_over *over, bool of_whole, bt_error *error) {
  bt_status status = BT_OK;
  switch (over->kind) {
  case BT_OVER_NONE: break;
  case BT_OVER_ALL: status = add_query(rules, bt_query_all(), of_whole, error); break;
  case BT_OVER_QUERY: status = add_query(rules, over->query.asked, of_whole, error); break;
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++)
      status = add_queries(rules, over->items[i], of_whole, error);
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

/* The first that has room for it, or a new one. Each is a read more of every trace. */
static bt_status choose_projection(bt_watch_rules *rules, bt_watch_rule *rule, bt_error *error) {
  const bt_rule *of = rule->definition->rule;
  bt_projection own;
  bt_projection_init(&own);
  bt_status status = bt_projection_share(&own, of, &rule->whole_trace, error);
  bt_projection_dispose(&own);
  if (status != BT_OK || rule->whole_trace) return status;
  for (unsigned i = 0; status == BT_OK && i < BT_WATCH_PROJECTIONS_MAX; i++) {
    if (i == rules->projection_count) rules->projection_count++;
    rule->projection = i;
    status = bt_projection_share(&rules->projections[i], of, &rule->whole_trace, error);
    if (!rule->whole_trace) break;
  }
  return status;
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
  status = choose_projection(rules, rule, error);
  return status == BT_OK ? add_queries(rules, plan->violating, rule->whole_trace, error) : status;
}

/* By one that has the traces it finds read as that rule needs it. */
static bool is_asked(const bt_watch_rules *rules, bt_query query, bool of_whole) {
  const bt_watch_query *one = find_query(rules, query), *all = find_query(rules, bt_query_all());
  return (one && (one->of_whole || !of_whole)) || (all && (all->of_whole || !of_whole));
}

/* Whether every trace of that formula is found by some filter: then those that do not violate are seen too. */
static bool is_found(const bt_watch_rules *rules, const bt_over *over, bool of_whole) {
  bool some = false, all = true;
  switch (over->kind) {
  case BT_OVER_NONE: return true;
  case BT_OVER_ALL: return is_asked(rules, bt_query_all(), of_whole);
  case BT_OVER_QUERY: return is_asked(rules, over->query.asked, of_whole);
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; i < over->item_count; i++) {
      if (over->items[i]->is_found_twice) continue;
      bool found = is_found(rules, over->items[i], of_whole);
      some = some || found;
      all = all && found;
    }
    return over->kind == BT_OVER_AND ? some : all;
  }
  return false;
}

/* What is searched for may be weakened, and beside the filter of all spans no other finds a trace more. Those of rules
 * that read whole traces are asked all the same: they say which. */
static bt_status list_all(bt_watch_rules *rules, bt_error *error) {
  size_t of_whole = 0, kept = 0;
  for (size_t i = 0; i < rules->query_count; i++) of_whole += rules->queries[i].of_whole;
  bool is_worth = rules->may_list && rules->query_count - of_whole >= LIST_FROM;
  bt_status status = is_worth ? add_query(rules, bt_query_all(), false, error) : BT_OK;
  rules->finds_all = find_query(rules, bt_query_all()) != NULL;
  for (size_t i = 0; rules->finds_all && i < rules->query_count; i++) {
    const bt_watch_query one = rules->queries[i];
    if (one.of_whole || bt_query_equal(one.asked, bt_query_all())) rules->queries[kept++] = one;
  }
  if (rules->finds_all) rules->query_count = kept;
  return status;
}

static bt_status add_all(bt_watch_rules *rules, const bt_rule_list *list, const bt_assumptions *service,
                         const bt_dialect *dialect, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < list->count; i++)
    if (list->items[i]->fields.enabled && list->items[i]->rule)
      status = add_rule(rules, list->items[i], service, dialect, error);
  if (status == BT_OK) status = list_all(rules, error);
  for (size_t i = 0; status == BT_OK && i < rules->count; i++)
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): add_rule counts a rule after its plan */
    rules->items[i].counts_exercised = is_found(rules, rules->plans[i]->exercising, rules->items[i].whole_trace);
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

bt_status bt_watch_rules_new(const bt_rule_list *list, const bt_watch_asking *asking, bt_watch_rules **out,
                             bt_error *error) {
  const bt_assumptions *service = asking->service;
  *out = NULL;
  bt_watch_rules *rules = calloc(1, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  for (unsigned i = 0; i < BT_WATCH_PROJECTIONS_MAX; i++) bt_projection_init(&rules->projections[i]);
  rules->projection_count = 1;
  size_t room = list->count + 1;
  rules->items = calloc(room, sizeof *rules->items);
  rules->refused = calloc(room, sizeof(bt_rule_definition *));
  rules->plans = calloc(room, sizeof(bt_plan *));
  rules->options = calloc(room, sizeof *rules->options);
  bool ok = rules->items && rules->refused && rules->plans && rules->options;
  rules->may_list = asking->may_list;
  rules->clock_ahead_ns = service->clock_ahead_ns;
  rules->longest_margin_ns = service->margin_ns;
  bt_status status = ok ? add_all(rules, list, service, asking->dialect, error) : bt_error_no_memory(error);
  /* What was pruned is seen where it is read: nobody asks for it before, because nothing is sent of what is only
   * unknown. */
  for (unsigned i = 0; status == BT_OK && i < rules->projection_count; i++)
    status = bt_projection_add_pruning(&rules->projections[i], error);
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
  for (unsigned i = 0; i < BT_WATCH_PROJECTIONS_MAX; i++) bt_projection_dispose(&rules->projections[i]);
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
