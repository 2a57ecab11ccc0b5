/* Deep copies of spans. See memory_piece.h. The piece comes first, its spans and what they point to behind it. */
#include "tempo/files/memory_piece.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#include "dsl/trace/trace_copy.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/source.h"

static size_t head_bytes(void) {
  size_t unit = alignof(max_align_t);
  return (sizeof(bt_memory_piece) + unit - 1) / unit * unit;
}

size_t bt_memory_piece_bytes(const bt_trace *trace) {
  return head_bytes() + bt_trace_copy_bytes(trace);
}

static bool may_be_own(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!bt_str_equal(trace->spans[i].resource->service, BT_STR(BT_OWN_SERVICE))) return false;
  return true;
}

bt_memory_piece *bt_memory_piece_new(const bt_trace *trace, size_t bytes) {
  bt_memory_piece *piece = calloc(1, bytes);
  if (!piece) return NULL;
  piece->spans = bt_trace_copy_spans(trace, (char *)piece + head_bytes());
  piece->span_count = trace->span_count;
  piece->references = 1;
  piece->depth = 1;
  piece->bytes = bytes;
  piece->id = trace->id;
  piece->may_be_own = may_be_own(trace);
  piece->partial = trace->partial;
  piece->differing_copies = trace->differing_copies;
  piece->has_more_copies = trace->has_more_copies;
  bt_found bounds = bt_found_of_trace(trace);
  piece->start_ns = bounds.start_ns;
  piece->end_ns = bounds.end_ns;
  return piece;
}

void bt_memory_piece_release(bt_memory_piece *piece) {
  while (piece && --piece->references == 0) {
    bt_memory_piece *before = piece->before;
    free(piece);
    piece = before;
  }
}

static bt_status add_spans(const bt_memory_piece *piece, bt_trace_builder *builder, bt_error *error) {
  for (uint32_t i = 0; i < piece->span_count; i++)
    if (!bt_trace_builder_add(builder, &piece->spans[i]))
      return bt_error_set(error, BT_LIMIT, "a trace of so many spans cannot be put together in the memory there is");
  return BT_OK;
}

bt_status bt_memory_piece_add_to(const bt_memory_piece *newest, bt_trace_builder *builder, bt_error *error) {
  uint32_t count = newest->depth;
  const bt_memory_piece **pieces = bt_realloc_array(NULL, count, sizeof *pieces);
  if (!pieces) return bt_error_no_memory(error);
  for (const bt_memory_piece *piece = newest; piece; piece = piece->before) pieces[piece->depth - 1] = piece;
  bt_status status = BT_OK;
  for (uint32_t i = 0; status == BT_OK && i < count; i++) status = add_spans(pieces[i], builder, error);
  free(pieces);
  return status;
}
