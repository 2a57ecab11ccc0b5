/* Puts traces together from the rows of batch reads. Several answers (slices of the range, groups of the projection,
 * blocks) hold the same spans, and this joins them by trace, span id, kind and service. What a batch cannot give right
 * marks its trace as needing a read by id; nothing is guessed. Thread: one. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_TRACE_MERGE_H
#define BT_TEMPO_WIRE_TRACE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"
#include "tempo/api/list_elements.h"
#include "tempo/wire/otlp_decoder.h"

/* Spans per spanset that reads ask for. A set is one span and its copies (by(span:id) | by(kind)), so more than one
 * only tells of copies; this is Tempo's default, which no server refuses. A set that had more is read by id. */
enum { BT_READ_SPANS_PER_SET = 3 };

typedef struct bt_trace_merge bt_trace_merge;

/* new. ids: distinct and sorted, borrowed. projection: borrowed, NULL is not allowed. some_spans: the answers are to
 * bt_traceql_read_spans. cap_bytes: of everything in it. BT_NO_MEMORY alone. */
bt_status bt_trace_merge_new(const bt_trace_id *ids, size_t count, const bt_projection *projection, bool some_spans,
                             size_t cap_bytes, bt_trace_merge **out, bt_error *error) BT_MUST_CHECK;
void bt_trace_merge_free(bt_trace_merge *merge);

/* A sink for bt_tempo_decode_search; context: bt_merge_part. BT_LIMIT: over cap_bytes. BT_INVALID: a trace that was not
 * asked for. */
typedef struct bt_merge_part {
  bt_trace_merge *merge;
  uint32_t group; /* of the projection, that the answer belongs to */
} bt_merge_part;
bt_status bt_trace_merge_row(void *context, const bt_search_row *row, bt_error *error) BT_MUST_CHECK;

/* A string "nil" came for an attribute of the group, which may be one that Tempo made up
 * (tests/facts/facts_columns.py). Until bt_trace_merge_settle is called the trace needs a read by id: the rows of the
 * answer to bt_traceql_read_doubted go to bt_trace_merge_doubted_row, and what it does not give is missing. */
bool bt_trace_merge_doubts(const bt_trace_merge *merge, uint32_t group);
/* A sink as bt_trace_merge_row. BT_INVALID: a trace id that was not asked for. */
bt_status bt_trace_merge_doubted_row(void *context, const bt_search_row *row, bt_error *error) BT_MUST_CHECK;
/* Every answer to that question is in. */
void bt_trace_merge_settle(bt_trace_merge *merge, uint32_t group);

/* A sink for the answer to bt_traceql_read_lists. What of a trace may be the last element of an array makes it need a
 * read by id, until that is told: an attribute that every span has there, some with a value that a column may hold; and
 * where the attribute has a column for another trace, any that some span has.
 * BT_INVALID: a trace id that was not asked for. */
bt_status bt_trace_merge_lists_row(void *context, const bt_search_row *row, bt_error *error) BT_MUST_CHECK;

/* To tell it: adds the values of those attributes in the traces that are in doubt for nothing else, and gives their
 * ids. Returns how many; `ids` has room for all. All answers to other questions about lists and spans are in. The rows
 * of answers to bt_traceql_read_elements go to bt_trace_merge_elements_row, a sink as bt_trace_merge_row, and when all
 * are in bt_trace_merge_tell_lists says of which attributes (bt_list_elements_told). */
size_t bt_trace_merge_add_elements(bt_trace_merge *merge, uint32_t group, bt_list_elements *into, bt_trace_id *ids);
/* BT_INVALID: a trace id that was not asked for. */
bt_status bt_trace_merge_elements_row(void *context, const bt_search_row *row, bt_error *error) BT_MUST_CHECK;
void bt_trace_merge_tell_lists(bt_trace_merge *merge, uint32_t group, uint64_t attributes);

/* An answer broke off in the middle and is asked for again: what came of it cannot be told from the rest. */
void bt_trace_merge_distrust_all(bt_trace_merge *merge);

/* The trace, borrowed until free; NULL: no row spoke of it. *needs_by_id: it is not right as it is. BT_LIMIT: over
 * cap_bytes. */
bt_status bt_trace_merge_take(bt_trace_merge *merge, size_t index, bt_trace *storage, const bt_trace **out,
                              bool *needs_by_id, bt_error *error) BT_MUST_CHECK;

#endif
