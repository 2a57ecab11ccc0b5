/* What follows from a source's promises. See promises.h. */
#include "tempo/wire/promises.h"

#include <stdio.h>
#include <string.h>

#include "dsl/base/time_sum.h"

const bt_source_costs bt_plain_costs = {.request = 1,
                                        .found = 0.04,
                                        .projected = 0.15,
                                        .by_id = 1,
                                        .found_bytes = 250,
                                        .projected_bytes = 900,
                                        .read_bytes = 6000,
                                        .reads_at_once = 1000,
                                        .projected_at_once = 10000};

/* ---- what stands behind it ---- */

/* Also "3.0.3" in "3.0.3, 3.1.0". */
static bool names_version(const char *versions, const char *version) {
  size_t length = strlen(version);
  for (const char *at = versions; (at = strstr(at, version)); at += length) {
    bool begins = at == versions || at[-1] == ' ';
    if (begins && (at[length] == '\0' || at[length] == ',')) return true;
  }
  return false;
}

/* Each version once; with more than there is room for, the last ones are left out. One that is not known makes all of
 * it unknown. */
static void join_versions(bt_source_about *into, const char *version) {
  size_t length = strlen(into->version), more = strlen(version) + 1;
  if (!version[0]) into->version[0] = '\0';
  if (!into->version[0] || names_version(into->version, version)) return;
  if (length + 2 + more > sizeof into->version) return;
  memcpy(into->version + length, ", ", 2);
  memcpy(into->version + length + 2, version, more);
}

void bt_source_about_join(bt_source_about *into, const bt_source_about *from) {
  if (!from->kind) return;
  if (!into->kind) {
    *into = *from;
    return;
  }
  join_versions(into, from->version);
  bool says_more = from->is_checked == into->is_checked ? !into->note[0] : into->is_checked;
  if (says_more) memcpy(into->note, from->note, sizeof into->note);
  into->is_checked = into->is_checked && from->is_checked;
}

void bt_source_about_text(const bt_source_about *about, char out[BT_SOURCE_TEXT_BYTES]) {
  const char *kind = about->kind ? about->kind : "";
  snprintf(out, BT_SOURCE_TEXT_BYTES, "%.12s%s%s%s%s", strcmp(kind, "tempo") == 0 ? "Tempo" : kind,
           about->version[0] ? " " : "", about->version, about->note[0] ? ", " : "", about->note);
}

/* ---- what comes late ---- */

/* What is young enough is seen at once, and what came long enough ago is seen for certain. Between the two is what no
 * search shows. */
static int64_t hidden_in(const bt_late_place *place, int64_t lateness_ns) {
  return place->seen_ns >= bt_time_add(lateness_ns, place->hidden_ns) ? 0 : place->hidden_ns;
}

static bool comes_apart(const bt_late_promise *late, int64_t lateness_ns) {
  return late->may_lie_apart && lateness_ns > late->apart_from_ns;
}

/* Where it is assumed, and nothing is said to come late, nothing is hidden: otherwise there would be no way to say
 * so. */
int64_t bt_late_hides_ns(const bt_late_promise *late, int64_t lateness_ns) {
  if (late->is_assumed && !lateness_ns) return 0;
  if (!comes_apart(late, lateness_ns)) return hidden_in(&late->in_time, lateness_ns);
  return bt_time_later(hidden_in(&late->in_time, late->apart_from_ns), hidden_in(&late->apart, lateness_ns));
}

int64_t bt_late_reach_ns(const bt_late_promise *late, int64_t lateness_ns) {
  return comes_apart(late, lateness_ns) ? bt_time_add(lateness_ns, late->apart_by_ns) : 0;
}

/* ---- its clock ---- */

/* For certain, and by more than what some servers leave an old second in what they say. The most that it may be. */
static int64_t ahead_of(const bt_clock_bounds *bounds, int64_t lead_ns) {
  static const int64_t second_ns = 1000000000;
  bool is_ahead = bounds->is_known && bounds->least_ns + lead_ns > second_ns;
  return is_ahead ? (bounds->most_ns + lead_ns + second_ns - 1) / second_ns * second_ns : 0;
}

int64_t bt_known_clock_ahead_ns(const bt_known_clock *clock, int64_t lead_ns) {
  return bt_time_later(ahead_of(&clock->now, lead_ns), ahead_of(&clock->before, lead_ns));
}

/* ---- links ---- */

bool bt_promises_guess_linking(const bt_promises *promises, const bt_trace_id *id, const bt_trace *trace) {
  return promises->guesses_linking && promises->guesses_linking(id, trace);
}
