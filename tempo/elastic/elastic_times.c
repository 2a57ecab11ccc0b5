/* Times as they are asked for. See elastic_times.h. */
#include "tempo/elastic/elastic_times.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "dsl/base/time_sum.h"

static const int64_t ns_of_ms = 1000000, second_ns = 1000000000;

/* ---- the question ---- */

/* As the server reads it to the nanosecond. */
static void write_date(bt_buffer *out, int64_t at_ns) {
  time_t seconds = (time_t)(at_ns / second_ns);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  bt_buffer_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09" PRId64 "Z\"", parts.tm_year + 1900, parts.tm_mon + 1,
                   parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, at_ns % second_ns);
}

static void write_bound(bt_buffer *out, const bt_elastic_fields *fields, const char *field, const char *how,
                        int64_t at_ns) {
  if (at_ns < 0) at_ns = 0;
  bt_buffer_printf(out, "{\"range\":{\"%s\":{\"%s\":", field, how);
  if (fields->start_is_number)
    bt_buffer_printf(out, "%" PRId64, at_ns / fields->start_unit_ns);
  else
    write_date(out, at_ns);
  bt_buffer_append(out, BT_STR("}}}"));
}

/* A time that was cut stands up to a unit before what it was. */
static int64_t from_ns(const bt_elastic_fields *fields, int64_t at_ns) {
  return fields->start_unit_ns > 1 ? bt_time_add(at_ns, -fields->start_unit_ns) : at_ns;
}

static int64_t until_ns(const bt_elastic_fields *fields, int64_t at_ns) {
  return fields->start_unit_ns > 1 ? bt_time_add(at_ns, fields->start_unit_ns) : at_ns;
}

/* A span overlaps the range by its start and end. A start of 0 is not known, and then the end counts; without both it
 * lies in any range. */
static void write_overlap_of_ends(bt_buffer *out, const bt_elastic_fields *f, bt_time_range range) {
  bt_buffer_append(out, BT_STR("{\"bool\":{\"filter\":["));
  write_bound(out, f, f->start, "gt", 0);
  bt_buffer_append_char(out, ',');
  write_bound(out, f, f->start, "lt", range.end_ns);
  bt_buffer_append(out, BT_STR(",{\"bool\":{\"should\":["));
  write_bound(out, f, f->start, "gte", range.start_ns);
  bt_buffer_append_char(out, ',');
  write_bound(out, f, f->end, "gte", range.start_ns);
  bt_buffer_append(out, BT_STR("]}}]}},{\"bool\":{\"filter\":["));
  write_bound(out, f, f->start, "lte", 0);
  bt_buffer_append(out, BT_STR("],\"must_not\":[{\"bool\":{\"filter\":["));
  write_bound(out, f, f->end, "gt", 0);
  bt_buffer_append(out, BT_STR("],\"must_not\":[{\"bool\":{\"filter\":["));
  write_bound(out, f, f->end, "gte", range.start_ns);
  bt_buffer_append_char(out, ',');
  write_bound(out, f, f->end, "lt", range.end_ns);
  bt_buffer_append(out, BT_STR("]}}]}}]}}"));
}

/* Those that began so long before the range, and took as long at least. */
static void write_earlier(bt_buffer *out, const bt_elastic_fields *f, int64_t start_ns, int64_t least_ns,
                          int64_t most_ns) {
  const char *comma = "";
  bt_buffer_append(out, BT_STR(",{\"bool\":{\"filter\":["));
  write_bound(out, f, f->start, "gte", from_ns(f, bt_time_add(start_ns, -most_ns)));
  bt_buffer_append_char(out, ',');
  write_bound(out, f, f->start, "lte", until_ns(f, bt_time_add(start_ns, -least_ns)));
  if (!least_ns) comma = NULL;
  for (size_t i = 0; comma && i < BT_ELASTIC_PATHS && f->duration.items[i]; i++) {
    if (!i) bt_buffer_append(out, BT_STR(",{\"bool\":{\"should\":["));
    bt_buffer_printf(out, "%s{\"range\":{\"%s\":{\"gte\":%" PRId64 "}}}", comma, f->duration.items[i],
                     least_ns / f->duration_ns - 2);
    comma = ",";
  }
  bt_buffer_append(out, comma ? BT_STR("]}}]}}") : BT_STR("]}}"));
}

/* Without an end: what begins in the range, and what began before by steps, each of which asks for a duration that
 * reaches over the step. */
static void write_overlap_of_durations(bt_buffer *out, const bt_elastic_fields *f, bt_time_range range) {
  bt_buffer_append(out, BT_STR("{\"bool\":{\"filter\":["));
  write_bound(out, f, f->start, "gte", from_ns(f, range.start_ns));
  bt_buffer_append_char(out, ',');
  write_bound(out, f, f->start, "lte", until_ns(f, range.end_ns));
  bt_buffer_append(out, BT_STR("]}},"));
  write_bound(out, f, f->start, "lte", 0);
  int64_t least_ns = 0;
  for (int64_t most_ns = second_ns; least_ns < range.start_ns;
       least_ns = most_ns, most_ns = most_ns < INT64_MAX / 8 ? most_ns * 8 : INT64_MAX)
    write_earlier(out, f, range.start_ns, least_ns, most_ns);
}

/* A document whose start is not indexed is found always, and then read. */
void bt_elastic_write_overlap(bt_buffer *out, const bt_elastic_fields *fields, bt_time_range range) {
  bt_buffer_append(out, BT_STR("{\"bool\":{\"should\":["));
  if (fields->end)
    write_overlap_of_ends(out, fields, range);
  else
    write_overlap_of_durations(out, fields, range);
  bt_buffer_printf(out, ",{\"bool\":{\"must_not\":[{\"exists\":{\"field\":\"%s\"}}]}}]}}", fields->start);
}

/* ---- the answer ---- */

void bt_elastic_write_bounds(bt_buffer *out, const bt_elastic_fields *fields) {
  bt_buffer_printf(out, "\"first\":{\"min\":{\"field\":\"%s\"}},\"latest\":{\"max\":{\"field\":\"%s\"}}", fields->start,
                   fields->start);
  const char *length = fields->end ? fields->end : fields->duration.items[0];
  bt_buffer_printf(out, ",\"%s\":{\"max\":{\"field\":\"%s\"}}", fields->end ? "last" : "longest", length);
}

/* Times of aggregations are cut, or rounded, to their unit. 0 stays 0: it is not known. */
static int64_t not_later(double units, int64_t unit_ns) {
  double floored = floor(units);
  if (units <= 0) return 0;
  if (floored != units) floored -= 1;
  return floored * (double)unit_ns < 9.2e18 ? (int64_t)floored * unit_ns : INT64_MAX;
}

static int64_t not_earlier(double units, int64_t unit_ns) {
  if (units <= 0) return 0;
  return units * (double)unit_ns < 9.2e18 ? (int64_t)ceil(units) * unit_ns + unit_ns - 1 : INT64_MAX;
}

/* Of a trace with a span without a start nobody knows where it lies. */
bt_found bt_elastic_bounds_of(const bt_elastic_fields *fields, const bt_trace_id *id, const bt_elastic_bounds *bounds) {
  int64_t unit_ns = fields->start_is_number ? fields->start_unit_ns : ns_of_ms;
  int64_t start_ns = not_later(bounds->first, unit_ns);
  int64_t end_ns = bt_time_later(not_earlier(bounds->last, unit_ns), not_earlier(bounds->latest, unit_ns));
  if (end_ns && !fields->end) end_ns = bt_time_add(end_ns, not_earlier(bounds->longest, fields->duration_ns));
  bt_found found = bt_found_of_bounds(id, start_ns ? start_ns : end_ns, end_ns);
  found.in_doubt = !start_ns;
  return found;
}
