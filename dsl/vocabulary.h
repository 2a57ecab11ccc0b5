/* The words of the language, from the tables that the lexer, the parser and the checker read. Editors use them, and so
 * do tests that compare the documentation with the language. Each function gives word number i of its table, NULL past
 * the end. Thread: no state. */
#ifndef BT_DSL_VOCABULARY_H
#define BT_DSL_VOCABULARY_H

#include <stddef.h>

#include "dsl/rule.h"

const char *bt_vocabulary_clause(size_t i); /* when, always, never */
/* Binary operators as they are written, from weak to strong: "or", "||", "and", …, "==", "contains", "not in", "+",
 * "*". */
const char *bt_vocabulary_operator(size_t i);
/* "before", …, "child of". "within" wants a duration and `of`, "between" an `and`. */
const char *bt_vocabulary_relation(size_t i);
/* "trace.has", …; *shape is its call, "sum(spans, value)". */
const char *bt_vocabulary_function(size_t i, const char **shape);
/* What stands behind "span.", "trace." and "scope.", with its type. Attributes are not here: they have any name. */
const char *bt_vocabulary_span_field(size_t i, bt_type *type);
const char *bt_vocabulary_trace_field(size_t i, bt_type *type);
const char *bt_vocabulary_scope_field(size_t i, bt_type *type);
const char *bt_vocabulary_kind(size_t i);     /* of span.kind */
const char *bt_vocabulary_status(size_t i);   /* of span.status */
const char *bt_vocabulary_severity(size_t i); /* of @severity */
const char *bt_vocabulary_unit(size_t i);     /* of durations, largest first */
const char *bt_vocabulary_reserved(size_t i); /* words that cannot name a binding */

#endif
