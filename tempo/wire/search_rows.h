/* One trace of a search answer under construction, and its way to the sink; shared by both decoders of search answers.
 * Spans are collected first, because a trace's own fields and the `matched` of a set may come after them. Thread: one
 * at a time. Only search_*.c include this. Errors: BT_INVALID, the answer is broken; BT_LIMIT, the arena has no room;
 * BT_NO_MEMORY; or what the sink returned. */
#ifndef BT_TEMPO_WIRE_SEARCH_ROWS_H
#define BT_TEMPO_WIRE_SEARCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/otlp_builder.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/shown_spans.h"

typedef struct bt_search_item {
  bt_search_span span;
  uint32_t matched; /* of its set */
} bt_search_item;

typedef struct bt_search_rows {
  bt_build build; /* emptied for each trace */
  bt_search_item *items;
  size_t count, capacity, set_start; /* set_start: first item of the set being read */
  bool has_id;
  bt_trace_id id;
  int64_t start_ns;
  uint64_t duration_ms;
  int64_t shown_start_ns, shown_end_ns; /* earliest start, latest start or end of the spans shown; 0: of none */
  uint32_t span_count, entry;
  bt_shown shown;
  bool with_spans;
  bt_search_row_sink sink;
  void *context;
  bt_search_answer *answer;
  bt_error *error;
} bt_search_rows;

void bt_search_rows_init(bt_search_rows *rows, bt_str body, bool with_spans, bt_search_row_sink sink, void *context,
                         bt_search_answer *answer, bt_error *error);
void bt_search_rows_dispose(bt_search_rows *rows);

/* Forgets the trace before. */
void bt_search_rows_begin(bt_search_rows *rows);
/* `hex`: as Tempo writes them, without leading zeros. BT_INVALID: no id, or all zero. */
bt_status bt_search_rows_set_id(bt_search_rows *rows, bt_str hex) BT_MUST_CHECK;
bt_status bt_search_rows_set_span_id(bt_search_rows *rows, bt_str hex, bt_span_id *out) BT_MUST_CHECK;
/* Of its root span, as Tempo names it; it has words for a root that it does not have. */
void bt_search_rows_set_root_service(bt_search_rows *rows, bt_str service);
/* The attributes are what was collected in build.span. */
bt_status bt_search_rows_add(bt_search_rows *rows, bt_search_span *span) BT_MUST_CHECK;
/* Of a span that ends before it starts Tempo sends the difference modulo 2^64 (measured on 2.8). */
int64_t bt_search_duration(uint64_t raw_ns);
/* The id and the times of a span that the row shows, as Tempo wrote them, where no spans are wanted: so what is no id
 * or no time is passed over. Its attributes are what was collected in build.span. */
void bt_search_rows_show_raw(bt_search_rows *rows, bt_str id, uint64_t start_ns, uint64_t duration_ns);
/* Of one service; more than 32 bits hold is as many as they hold. */
void bt_search_rows_add_count(bt_search_rows *rows, uint64_t spans);
/* Likewise: more than 32 bits hold is as many as they hold. */
void bt_search_rows_end_set(bt_search_rows *rows, uint64_t matched);
/* Hands the trace and its spans to the sink. */
bt_status bt_search_rows_end(bt_search_rows *rows) BT_MUST_CHECK;

bt_status bt_search_decode_protobuf(bt_search_rows *rows, bt_str body) BT_MUST_CHECK;
bt_status bt_search_decode_json(bt_search_rows *rows, bt_str body) BT_MUST_CHECK;

#endif
