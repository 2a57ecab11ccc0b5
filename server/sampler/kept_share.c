/* Traces that policies would keep, counted. See kept_share.h. */
#include "server/sampler/kept_share.h"

#include <string.h>

#include "server/rules/policy_name.h"

typedef struct bt_rule_policy {
  size_t rule;
  const bt_policy_test *test;
} bt_rule_policy;

/* Policies that are no rule's are passed over: what --keep adds depends on no trace. */
static bt_status add_policy(bt_kept_shares *shares, const bt_rule_definition *const *rules, const bt_policy *policy,
                            bt_error *error) {
  bt_policy_name name;
  size_t at = 0;
  if (!bt_policy_name_next(policy->name, &at, &name)) return BT_OK;
  for (size_t i = 0; i < shares->rule_count; i++) {
    if (!bt_str_equal(name.rule_id, bt_str_from(rules[i]->fields.id))) continue;
    bt_rule_policy *made = &shares->policies[shares->policy_count++];
    made->rule = i;
    return bt_policy_test_make(&shares->conditions, policy, &made->test, error);
  }
  return BT_OK;
}

bt_status bt_kept_shares_make(bt_kept_shares *shares, const bt_rule_definition *const *rules, size_t count, bt_str yaml,
                              bt_error *error) {
  bt_status status = bt_policy_file_read(&shares->file, yaml, "what betrace wrote", error);
  if (status) return status;
  bt_arena *arena = &shares->file.arena;
  shares->conditions.arena = arena;
  shares->rule_count = count;
  shares->by_rule = bt_arena_array(arena, count, sizeof *shares->by_rule);
  shares->policies = bt_arena_array(arena, shares->file.count, sizeof *shares->policies);
  if (!shares->by_rule || !shares->policies) return bt_error_no_memory(error);
  for (size_t i = 0; i < shares->file.count && !status; i++)
    status = add_policy(shares, rules, &shares->file.items[i], error);
  return status;
}

static void count_truth(bt_kept_count *to, bt_truth truth) {
  to->kept += truth == BT_TRUE;
  to->unknown += truth == BT_UNKNOWN;
}

/* Policies of one rule stand together: betrace writes them so. */
void bt_kept_shares_add(bt_kept_shares *shares, const bt_trace *trace) {
  bt_truth any = BT_FALSE;
  for (size_t i = 0; i < shares->policy_count;) {
    size_t rule = shares->policies[i].rule;
    bt_truth best = BT_FALSE;
    for (; i < shares->policy_count && shares->policies[i].rule == rule; i++) {
      bt_truth truth = best == BT_TRUE ? best : bt_policy_keeps(shares->policies[i].test, trace);
      best = truth > best ? truth : best;
    }
    count_truth(&shares->by_rule[rule], best);
    any = best > any ? best : any;
  }
  count_truth(&shares->any, any);
  shares->traces++;
}

void bt_kept_shares_dispose(bt_kept_shares *shares) {
  bt_ottl_set_dispose(&shares->conditions);
  bt_policy_file_dispose(&shares->file);
}
