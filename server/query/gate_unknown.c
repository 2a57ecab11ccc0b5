/* Changes that no rule speaks of. See gate_unknown.h. */
#include "server/query/gate_unknown.h"

static const double NEARLY_ALL = 0.95;

void bt_gate_unknown_set_sides(bt_gate_unknown *unknown, const bt_gate_question *question, bt_time_range range) {
  bt_str by = bt_str_from(question->by), span = BT_STR("span."), resource = BT_STR("resource.");
  bool is_span = bt_str_starts_with(by, span);
  size_t skipped = is_span ? span.len : bt_str_starts_with(by, resource) ? resource.len : 0;
  if (question->service) unknown->service = bt_str_from(question->service);
  for (int g = 0; g < BT_MINE_GROUPS; g++)
    unknown->changed.sides[g] =
        (bt_changed_side){.range = range,
                          .key = {by.ptr + skipped, by.len - skipped},
                          .value = bt_str_from(g == BT_MINE_CANDIDATE ? question->candidate : question->baseline),
                          .where = is_span ? BT_CHANGED_SPAN : BT_CHANGED_RESOURCE,
                          .services = &unknown->service,
                          .service_count = question->service != NULL};
}

bool bt_gate_unknown_speaks(const bt_gate_unknown *unknown, const bt_change *change, size_t rule) {
  const bt_changes *c = &unknown->changed.changes;
  bt_share before = {0}, after = {0}; /* of those that are as before, and of those that are not: which violate it */
  for (size_t i = 0; i < c->trace_count; i++) {
    const bt_mine_trace *trace = c->traces[i];
    bool is_after = trace->group == BT_MINE_CANDIDATE;
    if (bt_change_part_of(change, i) != (is_after ? BT_CHANGE_AFFECTED : BT_CHANGE_AS_BEFORE)) continue;
    bt_share *share = is_after ? &after : &before;
    share->all++;
    share->kept += bt_seen_traces_has(&unknown->violated[rule], &trace->id);
  }
  return after.all && bt_share_value(after) >= NEARLY_ALL && bt_share_value(before) <= 1 - NEARLY_ALL;
}

bt_gate_word bt_gate_unknown_judge(const bt_gate_unknown *unknown) {
  const bt_changed *changed = &unknown->changed;
  for (size_t i = 0; i < changed->changes.count; i++) {
    bool is_spoken_of = false;
    for (size_t r = 0; r < unknown->rule_count && !is_spoken_of; r++)
      is_spoken_of = bt_gate_unknown_speaks(unknown, &changed->changes.items[i], r);
    if (!is_spoken_of) return BT_GATE_WORSE;
  }
  bool is_known = !bt_changed_is_unknown(changed) && !changed->account.unread[0] && !changed->account.not_given;
  return is_known && !bt_sampled_traces_lack(&changed->sampling) ? BT_GATE_PASS : BT_GATE_UNKNOWN;
}

bt_gate_word bt_gate_word_join(bt_gate_word a, bt_gate_word b) {
  if (a == BT_GATE_WORSE || b == BT_GATE_WORSE) return BT_GATE_WORSE;
  return a > b ? a : b;
}
