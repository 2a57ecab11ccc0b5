/* From a rule's text to the checked rule (rule.h), and to its canonical text. compile.c alone knows the lexer, the
 * parser, the checker and the planner, which says whether a search finds what the rule is about (W004). Thread: any;
 * nothing is shared between two calls. */
#ifndef BT_DSL_COMPILE_H
#define BT_DSL_COMPILE_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/conventions.h"
#include "dsl/rule/own_names.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/diagnostic.h"

/* How a text is read; all-zero is how bt_rule_compile does. */
typedef struct bt_compile_options {
  const bt_conventions *conventions; /* whose names @semconv is about; NULL: the built-in ones */
  bt_str semconv;                    /* said beside the text as @semconv says it in the text; empty: nothing */
  bt_coarse_clocks coarse_clocks;    /* said beside the text as @coarse_clocks says it in the text */
  const bt_own_names *own_names;     /* said beside the text as @alias says it in the text; NULL: nothing */
  bool proposes;                     /* W026 where a name was changed, and the rule reads one of its names only */
} bt_compile_options;

/* Checks a text; `diagnostics` is fresh (bt_diagnostics_init). BT_OK: *out is new (free it with bt_rule_free),
 * `diagnostics` may hold warnings. BT_INVALID: *out is NULL and `diagnostics` holds every error found. BT_LIMIT is
 * reported as a diagnostic too (E003); BT_NO_MEMORY only in `error`. */
bt_status bt_rule_compile(bt_str text, bt_rule **out, bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;
bt_status bt_rule_compile_with(bt_str text, const bt_compile_options *options, bt_rule **out,
                               bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;
/* Appends what names and times mean in the rule, an annotation a line: @semconv, @coarse_clocks, @alias, @name. In
 * front of a text that is made of parts of the rule, these mean there what they mean in the rule. */
void bt_rule_write_meaning(const bt_rule *rule, bt_buffer *out);
void bt_rule_free(bt_rule *rule);
/* What it holds of the heap, without its regular expressions' programs. */
size_t bt_rule_bytes(const bt_rule *rule);
/* Of that, what its regexes take: BT_MAX_PATTERN_BYTES at most. */
size_t bt_rule_pattern_bytes(const bt_rule *rule);
/* The canonical text with comments and annotations kept; idempotent. Appends to out. BT_INVALID with diagnostics for a
 * broken text. */
bt_status bt_rule_format(bt_str text, bt_buffer *out, bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;

#endif
