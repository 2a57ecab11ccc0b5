/* The names that a rule asks for and that no trace has that was looked at: a rule with such a name can hold, or be
 * broken, by nothing. Those that keep a trace from exercising it are left out: who says that nothing exercised the rule
 * says them. One of an `or` is left out while another one is there. With each stand the nearest names that traces have.
 * Memory: a row for each name of the rule, which is borrowed. Thread: one at a time. */
#ifndef BT_DSL_EVALUATE_ABSENT_NAMES_H
#define BT_DSL_EVALUATE_ABSENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

typedef struct bt_absent_names bt_absent_names;

/* *out is new; the rule outlives it. BT_NO_MEMORY alone. */
bt_status bt_absent_names_new(const bt_rule *rule, bt_absent_names **out, bt_error *error) BT_MUST_CHECK;
void bt_absent_names_free(bt_absent_names *absent);
void bt_absent_names_look(bt_absent_names *absent, const bt_trace *trace);
/* What others of the same rule have seen. */
void bt_absent_names_add(bt_absent_names *absent, const bt_absent_names *others);
/* Name number i: appends one sentence to `out` and gives its place. A bare name that is one of an attribute is not said
 * here. False: there are no more, no trace was looked at, or one of them may have more than is here (summaries of
 * spans, attributes that were dropped, copies that differ, a part of a trace). */
bool bt_absent_names_say(bt_absent_names *absent, size_t i, bt_buffer *out, bt_range *place);

#endif
