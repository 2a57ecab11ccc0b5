/* From a rule's text to the checked rule (rule.h), and to its canonical text. compile.c alone knows the lexer, the
 * parser, the checker and the planner, which says whether a search finds what the rule is about (W004). Thread: any;
 * nothing is shared between two calls. */
#ifndef BT_DSL_COMPILE_H
#define BT_DSL_COMPILE_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/diagnostic.h"

/* Checks a text; `diagnostics` is fresh (bt_diagnostics_init). BT_OK: *out is new (free it with bt_rule_free),
 * `diagnostics` may hold warnings. BT_INVALID: *out is NULL and `diagnostics` holds every error found. BT_LIMIT is
 * reported as a diagnostic too (E003); BT_NO_MEMORY only in `error`. */
bt_status bt_rule_compile(bt_str text, bt_rule **out, bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;
void bt_rule_free(bt_rule *rule);
/* What it holds of the heap, without its regular expressions' programs. */
size_t bt_rule_bytes(const bt_rule *rule);
/* Of that, what its regexes take: BT_MAX_PATTERN_BYTES at most. */
size_t bt_rule_pattern_bytes(const bt_rule *rule);
/* The canonical text with comments and annotations kept; idempotent. Appends to out. BT_INVALID with diagnostics for a
 * broken text. */
bt_status bt_rule_format(bt_str text, bt_buffer *out, bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;

#endif
