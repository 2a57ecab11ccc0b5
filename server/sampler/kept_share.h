/* How many of some traces the policies of rules would keep, by their conditions as they are written. Thread: belongs to
 * one thread. */
#ifndef BT_SERVER_SAMPLER_KEPT_SHARE_H
#define BT_SERVER_SAMPLER_KEPT_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "server/rules/rule_definition.h"
#include "server/sampler/policy.h"

typedef struct bt_kept_count {
  uint64_t kept, unknown; /* unknown: the store lost what decides it */
} bt_kept_count;

typedef struct bt_kept_shares { /* all-zero at first */
  uint64_t traces;
  bt_kept_count *by_rule; /* in the order of the rules; of the arena */
  bt_kept_count any;      /* some rule's policy */
  bt_policy_file file;
  bt_ottl_set conditions;
  struct bt_rule_policy *policies; /* of the arena */
  size_t policy_count, rule_count;
} bt_kept_shares;

/* yaml: what bt_sampler_write wrote of these rules; it stays until dispose. BT_LIMIT, BT_NO_MEMORY; BT_INVALID would be
 * a fault of ours. Dispose in every case. */
bt_status bt_kept_shares_make(bt_kept_shares *shares, const bt_rule_definition *const *rules, size_t count, bt_str yaml,
                              bt_error *error) BT_MUST_CHECK;
void bt_kept_shares_add(bt_kept_shares *shares, const bt_trace *trace);
void bt_kept_shares_dispose(bt_kept_shares *shares);

#endif
