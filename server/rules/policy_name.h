/* Names of policies of a tail sampler. They say for which rule and which condition of it a policy keeps traces. They
 * are in what `betrace sampler` writes, in a Collector's file, and in traces that a policy kept. Thread: no state. */
#ifndef BT_SERVER_RULES_POLICY_NAME_H
#define BT_SERVER_RULES_POLICY_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

enum { BT_POLICY_HASH_DIGITS = 12 }; /* of the condition hash */
/* What keeps a part of all traces, whatever is in them. */
#define BT_POLICY_OF_REST "betrace/keep"

/* "betrace/ID/HASH", or with "/2" and so on behind it. Slices of the text. */
typedef struct bt_policy_name {
  bt_str whole, rule_id, rest; /* rest: HASH and what follows */
} bt_policy_name;

/* The next name at or behind *at, whatever stands around it; false: there is none. Comments of YAML are passed over. */
bool bt_policy_name_next(bt_str text, size_t *at, bt_policy_name *out);
/* Whether the text has this name. */
bool bt_policy_name_is_in(bt_str text, const bt_policy_name *name);

#endif
