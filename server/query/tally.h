/* How many traces of two samples have a mark: a span name, a service, an attribute of a span or a resource with a
 * value, or an attribute at all. A trace counts once, however many of its spans have the mark. Memory is bounded
 * whatever the traces hold. What is left out depends neither on the order of traces nor on their sample, so leaving out
 * cannot make a difference between the samples. Thread: belongs to one thread. */
#ifndef BT_SERVER_QUERY_TALLY_H
#define BT_SERVER_QUERY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

typedef enum bt_mark_kind {
  BT_MARK_SPAN_NAME,
  BT_MARK_SERVICE,
  BT_MARK_SPAN_ATTRIBUTE,
  BT_MARK_RESOURCE_ATTRIBUTE
} bt_mark_kind;
const char *bt_mark_kind_name(bt_mark_kind kind); /* "span_name", "service", "span_attribute", "resource_attribute" */

enum {
  BT_TALLY_KEYS_MAX = 2048,  /* of more keys those with the smallest hashes are kept */
  BT_TALLY_VALUES_MAX = 128, /* a key with more distinct values holds ids or numbers: its values are not looked at */
  BT_TALLY_NAMES_MAX = 1024, /* the same for span names and for services */
  BT_TALLY_VALUE_BYTES_MAX = 256, /* longer values are not looked at */
  BT_TALLY_EXAMPLES = 5,
  BT_TALLY_FEW_TRACES = 8 /* from so many traces on, values of which more than half are of one trace each are ids */
};

typedef struct bt_tally_value {
  uint64_t hash;
  bt_str text;        /* numbers and booleans as text */
  bt_value_type type; /* STRING, BOOL, INT, DOUBLE; elements of arrays count each */
  uint32_t counts[2], last_trace;
  uint32_t examples[BT_TALLY_EXAMPLES]; /* traces of sample 0 that have it, by number from 1; then 0 */
} bt_tally_value;

typedef struct bt_tally_number { /* the largest of one trace */
  double number;
  int side;
  uint32_t trace; /* its number */
} bt_tally_number;

typedef struct bt_tally_key {
  uint64_t hash;
  bt_mark_kind kind;
  bt_str key; /* empty for span names and services */
  bt_tally_value *values;
  size_t value_count, value_capacity;
  uint32_t counts[2], last_trace; /* traces that have the key */
  uint32_t examples[BT_TALLY_EXAMPLES];
  bool has_too_long;        /* some value was too long */
  bt_tally_number *numbers; /* one for each trace with a number under this key */
  size_t number_count, number_capacity;
  uint32_t last_number_trace;
  bool has_many; /* more values than are kept: there are none here */
} bt_tally_key;

typedef struct bt_tally {
  bt_tally_key *keys;
  size_t key_count;
  bt_table table;        /* of keys */
  uint64_t largest_hash; /* of keys that are kept */
  bool left_out_keys;
  uint32_t traces;
  int side;               /* of the trace at hand: 0 or 1 */
  const bt_trace_id *ids; /* by numbers of traces, borrowed: examples are those of the smallest ids; NULL: the first */
  bt_arena arena;
} bt_tally;

/* Dispose in each case. BT_NO_MEMORY alone. */
bt_status bt_tally_init(bt_tally *tally, bt_error *error) BT_MUST_CHECK;
void bt_tally_dispose(bt_tally *tally);

/* False: the span is left out. */
typedef bool (*bt_tally_filter)(void *context, const bt_span *span);
/* Counts a trace for sample 0 or 1. BT_LIMIT: its values are too much text. */
bt_status bt_tally_add(bt_tally *tally, const bt_trace *trace, int side, bt_tally_filter filter, void *context,
                       bt_error *error) BT_MUST_CHECK;
/* What it holds of the heap at most, with room for as many marks as it has values and keys (each of mark_bytes). */
size_t bt_tally_bytes(const bt_tally *tally, size_t mark_bytes);
/* What bt_tally_add of this trace may add to that, at most. */
size_t bt_tally_added_bytes(const bt_tally *tally, const bt_trace *trace, size_t mark_bytes);
/* Into examples, which have those of the smallest ids, whatever order traces come in. */
void bt_tally_note_example(const bt_tally *tally, uint32_t examples[BT_TALLY_EXAMPLES], uint32_t trace);
/* Whether the values of the key are mostly different from trace to trace. */
bool bt_tally_key_is_id(const bt_tally_key *key);
/* The quartiles of a key whose values are numbers that differ from trace to trace: bounds that say how large they are,
 * chosen without looking at the sides. Sorts the numbers. Returns how many different ones there are below the largest
 * number, at most 3. */
enum { BT_TALLY_BOUNDS = 3 };
size_t bt_tally_bounds(bt_tally_key *key, double bounds[BT_TALLY_BOUNDS]);
/* new text in the tally's arena, "" when there is no room. */
bt_str bt_tally_number_text(bt_tally *tally, double number);

#endif
