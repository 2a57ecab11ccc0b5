/* The words that the checker gives a meaning: fields, and the values of fields and annotations that it knows by name.
 * As in vocabulary.h each function gives word number i of its table, NULL past the end. Thread: no state. */
#ifndef BT_DSL_CHECK_CHECKER_VOCABULARY_H
#define BT_DSL_CHECK_CHECKER_VOCABULARY_H

#include <stddef.h>

#include "dsl/rule/rule.h"

/* What stands behind "span.", "trace." and "scope.", with its type. Attributes are not here: they have any name. */
const char *bt_vocabulary_span_field(size_t i, bt_type *type);
const char *bt_vocabulary_trace_field(size_t i, bt_type *type);
const char *bt_vocabulary_scope_field(size_t i, bt_type *type);
const char *bt_vocabulary_kind(size_t i);     /* of span.kind */
const char *bt_vocabulary_status(size_t i);   /* of span.status */
const char *bt_vocabulary_severity(size_t i); /* of @severity */

#endif
