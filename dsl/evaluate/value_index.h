/* Spans by a value that they have: which of a list may equal another one. Built once for a list and asked often. What
 * is found still has to be compared: other values may have the same hash. A text that reads as a number (text_number.h)
 * is found under its bytes and, apart from numbers, under that number. A text asks for its bytes and for numbers; a
 * number asks for numbers and for texts that read as it. So a thousand spellings of one number, which equal that number
 * and not each other, are not compared with each other. Thread: one evaluator's. */
#ifndef BT_DSL_EVALUATE_VALUE_INDEX_H
#define BT_DSL_EVALUATE_VALUE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/evaluate/program.h"
#include "dsl/evaluate/trace_index.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

typedef struct bt_value_index {
  uint32_t *hashes; /* ascending */
  uint32_t *spans;  /* of each hash in the order of the list */
  uint32_t count;
  uint32_t *starts; /* where the hashes with the same upper bits begin */
  unsigned shift;   /* from a hash to its upper bits */
} bt_value_index;

/* The list's spans by what the key looks at, in the arena. An array counts as each of its elements, what is missing or
 * NaN is left out. NULL: no room, or, with *is_unfit, arrays that would make it several times as large as the list. */
bt_value_index *bt_value_index_build(const bt_trace *trace, const bt_program_key *key, bt_span_list list,
                                     bt_arena *arena, bool *is_unfit) BT_MUST_CHECK;
bt_span_list bt_value_index_find(const bt_value_index *index, uint32_t hash);
/* False: it equals nothing. Of a scalar, as it is: a text is not read. */
bool bt_value_hash(const bt_value *value, uint32_t *hash);
enum { BT_MOST_HASHES = 2 }; /* of one scalar */
/* Under which hashes spans stand that may have an equal value; their number. No span stands under both. */
uint32_t bt_value_hashes_to_ask(const bt_value *value, uint32_t hashes[BT_MOST_HASHES]);
uint32_t bt_span_id_hash(const bt_span_id *id);

#endif
