/* Names of policies in a text: what `betrace sampler` wrote, or a Collector's file that has it somewhere. Thread: no
 * state. */
#ifndef BT_SERVER_SAMPLER_SAMPLER_NAMES_H
#define BT_SERVER_SAMPLER_SAMPLER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

/* "betrace/ID/HASH", or with "/2" and so on behind it. Slices of the text. */
typedef struct bt_policy_name {
  bt_str whole, rule_id, rest; /* rest: HASH and what follows */
} bt_policy_name;

/* The next name at or behind *at, whatever stands around it; false: there is none. Comments of YAML are passed over. */
bool bt_policy_name_next(bt_str text, size_t *at, bt_policy_name *out);
/* Whether the text has this name. */
bool bt_policy_name_is_in(bt_str text, const bt_policy_name *name);

#endif
