/* What one push brought of one trace, copied into one allocation, so that its size is exact and it can be freed alone.
 * The pieces of a trace form a list, newest first, in which each holds a reference to the one before it. A reader keeps
 * the newest and has them all, while the source goes on without it. Thread: the content is immutable; references are
 * counted under the owner's mutex. Only memory_source.c and memory_table include this. */
#ifndef BT_TEMPO_FILES_MEMORY_PIECE_H
#define BT_TEMPO_FILES_MEMORY_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"

typedef struct bt_memory_piece bt_memory_piece;
struct bt_memory_piece {
  bt_memory_piece *before; /* pushed earlier; holds a reference. NULL: the first */
  size_t references;
  uint32_t depth; /* pieces from here to the first */
  size_t bytes;   /* of this allocation */
  bt_trace_id id;
  bool may_be_own;                                 /* all spans are of BeTrace's own service */
  bool partial, differing_copies, has_more_copies; /* as the push had the trace */
  int64_t start_ns, end_ns;
  const bt_span *spans;
  uint32_t span_count;
};

/* Bytes that a copy of the trace takes. */
size_t bt_memory_piece_bytes(const bt_trace *trace);
/* new, with one reference; bytes: as measured. NULL: no memory. */
bt_memory_piece *bt_memory_piece_new(const bt_trace *trace, size_t bytes) BT_MUST_CHECK;
/* Gives one reference back. NULL is fine. */
void bt_memory_piece_release(bt_memory_piece *piece);
/* All spans from the first piece to this one, in the order in which they came. BT_LIMIT or BT_NO_MEMORY: there is no
 * room. */
bt_status bt_memory_piece_add_to(const bt_memory_piece *newest, bt_trace_builder *builder,
                                 bt_error *error) BT_MUST_CHECK;

#endif
