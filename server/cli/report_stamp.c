/* The time stamp of a report, for people and programs. See report_stamp.h. */
#include "server/cli/report_stamp.h"

#include <string.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/printer.h"
#include "server/json/json_values.h"

enum { TIME_BYTES = 40 };
static const int64_t SECOND_NS = 1000000000;

static const char *why_none(const bt_reported_stamp *stamp) {
  return stamp->reason ? stamp->reason : "the service had no time-stamp authority when it made this report";
}

/* Whole seconds, as authorities count them; false: the report does not say when it was made. */
static bool seconds_after(const bt_reported_stamp *stamp, const char *made_at, int64_t *out) {
  int64_t made_ns;
  if (!bt_time_parse(bt_str_from(made_at), 0, &made_ns)) return false;
  *out = stamp->stamp.time_ns / SECOND_NS - made_ns / SECOND_NS;
  return true;
}

static void print_distance(const bt_reported_stamp *stamp, const char *made_at) {
  char text[64];
  int64_t seconds;
  if (!seconds_after(stamp, made_at, &seconds)) return;
  bt_duration_format((seconds < 0 ? -seconds : seconds) * SECOND_NS, text);
  bt_print("           %s %s it says that it was evaluated\n", text, seconds < 0 ? "before" : "after");
}

void bt_report_stamp_print(const bt_reported_stamp *stamp, const char *ca_file, const char *made_at) {
  char time[TIME_BYTES];
  if (!stamp->is_there) {
    bt_print("time stamp none: %s\n", why_none(stamp));
    return;
  }
  bt_time_format(stamp->stamp.time_ns, time);
  bt_print("time stamp %s by %s ", time, stamp->stamp.by);
  if (!stamp->stamp.is_checked)
    bt_print("(of this report; by whom is not checked: give --timestamp-ca)\n");
  else
    bt_print("(checked against %s%s)\n", ca_file, stamp->stamp.is_expired ? "; its certificate has expired since" : "");
  print_distance(stamp, made_at);
}

json_t *bt_report_stamp_json(const bt_reported_stamp *stamp, const char *made_at) {
  int64_t seconds;
  if (!stamp->is_there)
    return json_pack("{s:n, s:n, s:b, s:b, s:n, s:o}", "time", "by", "checked", 0, "certificate_expired", 0,
                     "seconds_after_evaluated", "reason", bt_text_json(bt_str_from(why_none(stamp))));
  json_t *distance = seconds_after(stamp, made_at, &seconds) ? json_integer((json_int_t)seconds) : json_null();
  return json_pack("{s:o, s:o, s:b, s:b, s:o, s:n}", "time", bt_time_json(stamp->stamp.time_ns), "by",
                   bt_text_json(bt_str_from(stamp->stamp.by)), "checked", stamp->stamp.is_checked,
                   "certificate_expired", stamp->stamp.is_expired, "seconds_after_evaluated", distance, "reason");
}

/* ---- expectations ---- */

static bool read_range(const char *text, bt_time_range *out) {
  const char *slash = strchr(text, '/');
  int64_t now_ns = bt_clock_wall_ns();
  return slash && bt_time_parse((bt_str){text, (size_t)(slash - text)}, now_ns, &out->start_ns) &&
         bt_time_parse(bt_str_from(slash + 1), now_ns, &out->end_ns) && out->start_ns < out->end_ns;
}

static bool is_any(const char *text) {
  return strcmp(text, "checked") == 0;
}

bool bt_report_stamp_is_expectation(const char *text) {
  bt_time_range range;
  return is_any(text) || read_range(text, &range);
}

bool bt_report_stamp_holds(const bt_reported_stamp *stamp, const char *expected) {
  bt_time_range range;
  if (!stamp->is_there || !stamp->stamp.is_checked) return false;
  return is_any(expected) || (read_range(expected, &range) && stamp->stamp.time_ns >= range.start_ns &&
                              stamp->stamp.time_ns <= range.end_ns);
}

json_t *bt_report_stamp_found_json(const bt_reported_stamp *stamp) {
  if (!stamp->is_there) return json_string("none");
  return stamp->stamp.is_checked ? bt_time_json(stamp->stamp.time_ns) : json_string("not checked");
}
