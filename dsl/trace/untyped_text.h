/* Texts of unknown type (dsl.md §5): a store keeps the text of every value and not its type. What reads as a number or
 * a boolean may have been one. An empty text may have been no value, and one that looks like JSON a list or a map.
 * Other texts were texts. Bytes come as their base64, which nobody can tell from a text; they are texts. Of a value
 * that is inexact nothing is known but its type and, unless it is a list, that it is there. Thread: no state. */
#ifndef BT_DSL_TRACE_UNTYPED_TEXT_H
#define BT_DSL_TRACE_UNTYPED_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

enum {
  BT_DOUBT_TYPE = 128, /* with those of trace.h: some attribute of the span is of unknown type */
  BT_MOST_READINGS = 3
};

/* A text of such a store as a value. */
bt_value bt_untyped_value(bt_str text);
/* The same of a store that tells texts from numbers and booleans, but keeps lists as JSON text. */
bt_value bt_untyped_list_or_text(bt_str text);

/* Whether a double that is another number is written like this integer. */
bool bt_may_be_rounded(int64_t integer);

/* What a value may have been: itself where its type is known. */
typedef struct bt_readings {
  bt_value items[BT_MOST_READINGS];
  uint32_t count;
  bool is_open; /* or something else, of which nothing is known */
} bt_readings;
bt_readings bt_readings_of(const bt_value *value);

/* Whether nobody knows if it is there. */
bool bt_may_be_none(const bt_value *value);
/* Whether it may count for another number than the one that it reads as, or for several values. */
bool bt_may_count_otherwise(const bt_value *value);

#endif
