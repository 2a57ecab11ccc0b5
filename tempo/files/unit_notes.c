/* Notes of units. See unit_notes.h. */
#include "tempo/files/unit_notes.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/source.h"
#include "tempo/wire/span_batch.h"

static bool may_be_own(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!bt_str_equal(trace->spans[i].resource->service, BT_STR(BT_OWN_SERVICE))) return false;
  return true;
}

static bt_noted_trace look_at(const bt_trace *trace) {
  bt_found bounds = bt_found_of_trace(trace);
  return (bt_noted_trace){.bounds = {.id = trace->id, .start_ns = bounds.start_ns, .end_ns = bounds.end_ns},
                          .latest_start_ns = bt_trace_latest_start_ns(trace),
                          .may_be_own = may_be_own(trace)};
}

/* Neighbours that say the same are one. */
static bt_status add_link(bt_unit_notes *notes, const bt_trace_link *link, bt_error *error) {
  const bt_trace_link *last = notes->link_count ? &notes->links[notes->link_count - 1] : NULL;
  if (bt_trace_id_is_zero(&link->to) || (last && memcmp(last, link, sizeof *link) == 0)) return BT_OK;
  bt_trace_link *links = bt_grow_array(notes->links, notes->link_count, &notes->link_capacity, sizeof *links);
  if (!links) return bt_error_no_memory(error);
  notes->links = links;
  links[notes->link_count++] = *link;
  return BT_OK;
}

static bt_status add_trace(bt_unit_notes *notes, const bt_trace *trace, bt_error *error) {
  bt_noted_trace *traces = bt_grow_array(notes->traces, notes->trace_count, &notes->trace_capacity, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  notes->traces = traces;
  traces[notes->trace_count++] = look_at(trace);
  bt_status status = BT_OK;
  const bt_link *link;
  bt_link_place place = {0};
  while (status == BT_OK && (link = bt_spans_next_link(trace->spans, trace->span_count, &place)))
    status = add_link(notes, &(bt_trace_link){link->trace_id, trace->id}, error);
  return status;
}

bt_status bt_unit_notes_add(bt_unit_notes *notes, const bt_span_batch *batch, bt_passed_over *passed, bt_error *error) {
  bt_noted_unit *units = bt_grow_array(notes->units, notes->unit_count, &notes->unit_capacity, sizeof *units);
  if (!units) return bt_error_no_memory(error);
  notes->units = units;
  bt_status status = BT_OK;
  bt_thresholds thresholds = {0};
  for (size_t i = 0; status == BT_OK && i < batch->trace_count; i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    bt_thresholds_look(&thresholds, trace);
    status = add_trace(notes, trace, error);
  }
  if (status != BT_OK) return status;
  units[notes->unit_count++] =
      (bt_noted_unit){notes->trace_count, notes->link_count, batch->span_count, *passed, thresholds};
  *passed = (bt_passed_over){0};
  return BT_OK;
}

void bt_unit_notes_clear(bt_unit_notes *notes) {
  for (size_t i = 0; i < notes->unit_count; i++) bt_passed_over_dispose(&notes->units[i].passed);
  notes->unit_count = notes->trace_count = notes->link_count = 0;
}

void bt_unit_notes_dispose(bt_unit_notes *notes) {
  bt_unit_notes_clear(notes);
  free(notes->units);
  free(notes->traces);
  free(notes->links);
  *notes = (bt_unit_notes){0};
}
