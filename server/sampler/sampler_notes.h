/* What of a rule a sampler's conditions cannot say, so that it keeps more traces than those that violate. Thread: no
 * state. */
#ifndef BT_SERVER_SAMPLER_SAMPLER_NOTES_H
#define BT_SERVER_SAMPLER_SAMPLER_NOTES_H

#include "dsl/base/text.h"
#include "dsl/rule/rule.h"

/* Appends a list in words, "order, counts and sums"; appends nothing where conditions say everything. */
void bt_sampler_notes(const bt_rule *rule, bt_buffer *out);

#endif
