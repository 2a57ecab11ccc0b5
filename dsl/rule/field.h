/* What a field of a span is worth. Thread: no state. */
#ifndef BT_DSL_RULE_FIELD_H
#define BT_DSL_RULE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

/* What of a span a test is about: one of its events, or one of its links. */
typedef struct bt_span_part {
  const bt_event *event; /* or NULL */
  const bt_link *link;   /* or NULL */
  char *id_text;         /* of a link: room for BT_TRACE_ID_HEX + 1 bytes, into which its ids are written */
} bt_span_part;

/* The events of a span, or its links, one after the other: zero `next`, then bt_span_parts_next until it is false. */
typedef struct bt_span_parts {
  const bt_span *span;
  bool are_links;
  uint32_t next;
  bt_span_part part; /* the one that the tests are about */
  char id_text[BT_TRACE_ID_HEX + 1];
} bt_span_parts;

bool bt_span_parts_next(bt_span_parts *parts);

/* The plain fields that it is the first of that is there: of most it is the only one itself. 1 or more. */
typedef struct bt_field_names {
  const bt_field *items;
  uint32_t count;
} bt_field_names;
static inline bt_field_names bt_names_of_field(const bt_field *field) {
  return field->name_count ? (bt_field_names){field->names, field->name_count} : (bt_field_names){field, 1};
}

/* Value of a field of one span (not of the trace). Kinds and statuses are lower-case strings; durations and times are
 * whole numbers of nanoseconds, because the checker has already parted the types. `part` is the event or the link
 * that is asked about: without one (NULL), their fields are missing. `id_text` gives the room that an id of the span is
 * written into; the id of its trace stays where the span has it. */
bt_value bt_field_value(const bt_span *span, const bt_field *field, const bt_span_part *part,
                        char id_text[BT_SPAN_ID_HEX + 1]);
/* Of trace.root.…: the same field of a span, with `names` as room for its names. */
bt_field bt_field_of_root(const bt_field *field, bt_field names[BT_FIELD_NAMES_MAX]);
bool bt_field_is_of_trace(bt_field_kind kind);
bool bt_field_is_of_event(bt_field_kind kind);
bool bt_field_is_of_link(bt_field_kind kind);
/* Its value may not be known of a span that has no doubts (BT_DOUBT_*): span.flags, span.trace_state["vendor"]. */
bool bt_field_may_be_unsaid(bt_field_kind kind);
/* It is an attribute's value, a text of which may have been cut (cut_text.h). */
bool bt_field_may_be_cut(const bt_field *field);
/* span.start, span.end, event.time. */
bool bt_field_is_point(bt_field_kind kind);

#endif
