/* What the index (file_index.h) keeps of decoded units, so that the thread that decodes a unit lets its spans go and
 * the thread that fills the index looks at no span. Thread: one at a time. Errors: BT_NO_MEMORY. Only tempo/ includes
 * this. */
#ifndef BT_TEMPO_FILES_UNIT_NOTES_H
#define BT_TEMPO_FILES_UNIT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/keeping.h"
#include "tempo/files/file_index.h"
#include "tempo/wire/otlp_decoder.h"

typedef struct bt_noted_trace {
  bt_trace_bounds bounds;
  int64_t latest_start_ns; /* of its spans in the unit */
  bool may_be_own;         /* the unit has spans of BeTrace's own service alone */
} bt_noted_trace;

typedef struct bt_noted_unit {
  size_t trace_end, link_end; /* its traces and links go up to here, from where those of the unit before end */
  uint64_t span_count;
  bt_passed_over passed;
  bt_thresholds thresholds;
} bt_noted_unit;

typedef struct bt_unit_notes { /* all-zero: of no unit */
  bt_noted_unit *units;
  size_t unit_count, unit_capacity;
  bt_noted_trace *traces;
  size_t trace_count, trace_capacity;
  bt_trace_link *links;
  size_t link_count, link_capacity;
} bt_unit_notes;

/* The next unit, of a finished batch, and what was left out of it, which the notes own from then on (it is all-zero
 * afterwards). */
bt_status bt_unit_notes_add(bt_unit_notes *notes, const bt_span_batch *batch, bt_passed_over *passed,
                            bt_error *error) BT_MUST_CHECK;
void bt_unit_notes_clear(bt_unit_notes *notes); /* keeps the memory */
void bt_unit_notes_dispose(bt_unit_notes *notes);

#endif
