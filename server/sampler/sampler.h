/* Policies of the Collector's tail sampler that keep every trace that may violate a rule: a search backwards only finds
 * what was kept. Thread: no state. */
#ifndef BT_SERVER_SAMPLER_SAMPLER_H
#define BT_SERVER_SAMPLER_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/rule_definition.h"

typedef enum bt_sampled { /* what of all traces a rule's policies keep */
                          BT_SAMPLED_CANDIDATES,
                          BT_SAMPLED_ALL, /* nothing that can be searched for is in all traces that violate it */
                          BT_SAMPLED_NONE /* nothing violates it */
} bt_sampled;

typedef struct bt_sampler_policies {
  bt_sampled sampled;
  bt_buffer notes;    /* what conditions cannot say (sampler_notes.h) */
  bt_buffer measured; /* the caller's: a sentence for the comment of the rule; empty: none */
} bt_sampler_policies;

void bt_sampler_policies_dispose(bt_sampler_policies *policies);

/* The section of the Collector's file with all rules' policies and, for keep_percent above 0, one that keeps this part
 * of the rest; policies: one of each rule, all-zero but for `measured`. BT_NO_MEMORY alone; dispose each of `policies`
 * in every case. */
bt_status bt_sampler_write(const bt_rule_definition *const *rules, size_t count, double keep_percent, bt_buffer *yaml,
                           bt_sampler_policies *policies, bt_error *error) BT_MUST_CHECK;

#endif
