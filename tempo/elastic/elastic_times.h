/* When the spans of a schema were: which documents a range asks for, and what an aggregation says of a trace's bounds.
 * Some schemas have no end, only a duration, and some cut times to milliseconds or microseconds; what is found by them
 * is never less than what lies in the range. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_TIMES_H
#define BT_TEMPO_ELASTIC_ELASTIC_TIMES_H

#include "tempo/elastic/elastic_fields.h"
#include "tempo/wire/source.h"

/* Appends a condition that every document of the range meets. */
void bt_elastic_write_overlap(bt_buffer *out, const bt_elastic_fields *fields, bt_time_range range);
/* Appends the aggregations "first", "latest", and "last" or "longest" of a trace, which bt_elastic_bounds_of takes. */
void bt_elastic_write_bounds(bt_buffer *out, const bt_elastic_fields *fields);

typedef struct bt_elastic_bounds {
  double first, last, latest, longest; /* as the server says them: ms of dates, else in the
                                        * schema's units; 0: no document has it */
} bt_elastic_bounds;
/* Of a schema without an end this is a bound that the trace keeps, and it may reach further than its spans do. */
bt_found bt_elastic_bounds_of(const bt_elastic_fields *fields, const bt_trace_id *id, const bt_elastic_bounds *bounds);

#endif
