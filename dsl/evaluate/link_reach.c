/* See link_reach.h. */
#include "dsl/evaluate/link_reach.h"

#include "dsl/base/time_sum.h"
#include "dsl/rule/rule_walk.h"

static void add_relation(void *context, const bt_relation *relation) {
  bt_link_reach *reach = context;
  if (!bt_relation_is_linked(relation->kind)) return;
  if (relation->kind == BT_LINKED_FROM) reach->from++;
  if (relation->kind == BT_LINKED_TO) reach->to++;
  if (relation->kind == BT_DOWNSTREAM_OF) reach->to += relation->max_links;
  reach->within_ns = bt_time_add(reach->within_ns, relation->within_ns);
}

bt_link_reach bt_link_reach_of(const bt_rule *rule) {
  bt_link_reach reach = {0};
  const bt_rule_visitor visitor = {.on_relation = add_relation, .context = &reach};
  bt_rule_walk(rule, &visitor);
  return reach;
}

void bt_link_reach_widen(bt_link_reach *reach, const bt_link_reach *other) {
  if (other->to > reach->to) reach->to = other->to;
  if (other->from > reach->from) reach->from = other->from;
  if (other->within_ns > reach->within_ns) reach->within_ns = other->within_ns;
}

bool bt_link_reach_is_none(const bt_link_reach *reach) {
  return !reach->to && !reach->from;
}

bool bt_link_reach_awaits(const bt_link_reach *reach, const bt_rule_verdict *verdict) {
  bool is_open = verdict->verdict == BT_INCONCLUSIVE || (verdict->verdict == BT_VIOLATED && verdict->lacks_links);
  return is_open && !bt_link_reach_is_none(reach);
}
