/* Which of its names an attribute was met by, where the rule gives it several: @semconv and aliases (rule.h,
 * bt_field). No verdict depends on it. Memory: a row for each such attribute of the rule, which is borrowed. Thread:
 * one at a time. */
#ifndef BT_DSL_EVALUATE_MET_NAMES_H
#define BT_DSL_EVALUATE_MET_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

typedef struct bt_met_names bt_met_names;

/* *out is new; the rule outlives it. BT_NO_MEMORY alone. */
bt_status bt_met_names_new(const bt_rule *rule, bt_met_names **out, bt_error *error) BT_MUST_CHECK;
void bt_met_names_free(bt_met_names *met);
/* An attribute that is worth what the first of some keys is that is there. Borrowed from the rule. */
typedef struct bt_several_names {
  bt_str attribute; /* as the rule says it */
  bt_str keys[BT_FIELD_NAMES_MAX];
  uint32_t key_count;
} bt_several_names;
/* Attribute number i of the rule that has several names, in the order in which it reads them. False: there are no
 * more. */
bool bt_met_names_get(const bt_met_names *met, size_t i, bt_several_names *out);
/* Counts the spans of one trace that have such attributes, whichever of them the rule selects. */
void bt_met_names_look(bt_met_names *met, const bt_trace *trace);
/* What others of the same rule have seen. */
void bt_met_names_add(bt_met_names *met, const bt_met_names *others);
/* How many attributes were met by another name than the rule says. */
size_t bt_met_names_count(const bt_met_names *met);
/* Number i of them: appends one sentence to `out` and gives the place where the rule reads it. */
void bt_met_names_say(const bt_met_names *met, size_t i, bt_buffer *out, bt_range *place);

#endif
