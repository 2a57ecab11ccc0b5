/* Traces as text, for cases: one span a line.
 *
 *   a api.request service=shop at=0ms duration=80ms kind=server
 *   . b pii.read table=users rows=[1,2]
 *   .. c "GET /cart" status=error event=exception event.type=timeout
 *
 * An id, a name, fields. The id is up to 8 characters (its bytes, right-aligned) or 16 hex digits. Leading dots: the
 * depth; the parent is the nearest span above with one dot less. Fields: parent=ID (one that is not there makes an
 * orphan; parent= none), service= at= duration= end= kind= status= message= scope= scope_version= resource.K= scope.K=
 * event=NAME (a new event), event.at=, event.K= (of the last event), link=TRACE/SPAN (a new link; hex digits, and a
 * span's id as above), link.K= (of the last link), dropped= dropped_events= dropped_links= (how many were),
 * event_dropped= link_dropped= (how many attributes of the last one were), resource_dropped= scope_dropped=, flags=
 * trace_state=, span.K= or any other K= an attribute of the span. Spans without at= start 1 ms after the line above,
 * without duration= or end= they last 1 ms. Times are text of the rule language without signs, as 5ms or 1s500ms, maybe
 * with a minus in front, from an epoch far from 0; "?": nobody set it (0). Values: whole numbers, decimals, nan, inf,
 * true, false, null, {} (a map), [] [1,2] [1,x] (mixed), anything else or "quoted": a string. Spans with equal id and
 * kind are merged, as in every trace. */
#ifndef BT_TESTS_TRACE_TEXT_H
#define BT_TESTS_TRACE_TEXT_H

#include "dsl/trace/trace.h"

/* The trace, in the arena; NULL with a message when the text cannot be read. */
const bt_trace *trace_text_read(bt_arena *arena, const char *text, char *message, size_t message_bytes);
/* Writes the id as it was written: characters, or 16 hex digits. */
void trace_text_id_name(const bt_span_id *id, char name[BT_SPAN_ID_HEX + 1]);
/* "500ms", "-1s500ms" to nanoseconds; false: it is none. */
bool trace_text_duration(bt_str text, int64_t *ns);

#endif
