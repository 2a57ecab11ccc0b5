/* Who names whom by span ids among some traces: which spans have an id, name it as their parent or link to it. Whoever
 * judges several families (family.h) of the same traces makes it once for all of them. The traces have an order, and
 * their spans have the numbers 0, 1, … in it. The traces are borrowed. Thread: immutable once it is made. */
#ifndef BT_DSL_TRACE_KINSHIP_H
#define BT_DSL_TRACE_KINSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"

/* Numbers of the traces in order of their ids. by_id: room for `count`. */
void bt_family_order(const bt_family_trace *traces, uint32_t count, uint32_t *by_id);
/* The number of the trace of this id. by_id: as bt_family_order() makes it. False: it is not among them. */
bool bt_family_find(const bt_family_trace *traces, uint32_t count, const uint32_t *by_id, const bt_trace_id *id,
                    uint32_t *number);

typedef struct bt_kin_key { /* a span id in one of the traces */
  uint32_t trace;
  bt_span_id id;
  uint32_t first; /* its spans begin there and end where those of the next key begin */
} bt_kin_key;

typedef struct bt_kin_table {
  bt_kin_key *keys; /* by trace and id, each once; behind the last one stands another that only ends its spans */
  uint32_t key_count;
  uint32_t *spans; /* of a key: ascending, each once */
  uint32_t count;  /* of these */
} bt_kin_table;

typedef struct bt_kinship {
  const bt_trace **traces;
  uint32_t trace_count, span_count;
  uint32_t *first_span; /* of each trace */
  bt_kin_table ids, children, linkers;
} bt_kinship;

/* More spans than any family has. */
#define BT_KINSHIP_MAX_SPANS (UINT32_C(1) << 30)

/* Of the traces in this order. All that it keeps is the arena's. NULL: no room, or more spans than there may be. */
const bt_kinship *bt_kinship_make(const bt_family_trace *traces, uint32_t count, bt_arena *arena) BT_MUST_CHECK;
/* What that takes of an arena at most, in bytes. */
size_t bt_kinship_most_bytes(const bt_family_trace *traces, uint32_t count);
/* Whether the family has exactly these traces, its own first and the others in this order; then *own is the number of
 * the own one here. */
bool bt_kinship_is_of(const bt_kinship *kinship, const bt_family *family, uint32_t *own);
/* The number of the key, or of the first behind where it would stand, with *is_there false. */
uint32_t bt_kin_table_find(const bt_kin_table *table, uint32_t trace, const bt_span_id *id, bool *is_there);

#endif
