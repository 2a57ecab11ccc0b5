/* A run from its beginning to its end: look at the store, push, wait, ask. Ask again what was not as expected, because
 * a store that hands a block over shows less for a moment. Ask everything once more later, when the probes lie in
 * blocks that are complete. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/doctor/doctor_parts.h"
#include "server/doctor/store_probes.h"

static const size_t arena_cap_bytes = (size_t)256 << 20;
static const int64_t second_ns = 1000000000, moment_ns = 5 * second_ns;
enum { ATTEMPTS = 2 };

static bt_status ask_topics(bt_doctor *doctor, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < doctor->topic_count; i++) {
    bt_doctor_say(doctor, "asking about %s (%zu of %zu)", doctor->topics[i].title, i + 1, doctor->topic_count);
    status = bt_doctor_look_for_odd(doctor, false, error);
    if (status == BT_OK) status = bt_doctor_check_searches(doctor, &doctor->topics[i], error);
    if (status == BT_OK) status = bt_doctor_check_reads(doctor, &doctor->topics[i], error);
    if (status == BT_OK) status = bt_doctor_check_some_spans(doctor, &doctor->topics[i], error);
  }
  return status;
}

static bool may_mend(const bt_doctor *doctor) {
  for (size_t i = 0; i < doctor->report->count; i++) {
    const bt_fact_seen *seen = &doctor->report->facts[i].seen[doctor->pass];
    if (seen->outcome > BT_FACT_HOLDS && !seen->is_final) return true;
  }
  return false;
}

static bt_status make_pass(bt_doctor *doctor, bt_error *error) {
  bt_status status = BT_OK;
  doctor->report->passes_ns[doctor->pass] = bt_clock_wall_ns();
  for (doctor->attempt = 0; status == BT_OK && doctor->attempt < ATTEMPTS; doctor->attempt++) {
    if (doctor->attempt) {
      if (!may_mend(doctor)) break;
      bt_doctor_say(doctor, "asking again what was not as expected");
      status = bt_doctor_pause(doctor, moment_ns, error);
      if (status != BT_OK) continue;
    }
    bt_doctor_forget(doctor);
    status = bt_doctor_check_store(doctor, error);
    if (status == BT_OK) status = ask_topics(doctor, error);
  }
  doctor->attempt = 0;
  return status;
}

static bt_status wait_until(const bt_doctor *doctor, int64_t until_ns, bt_error *error) {
  bt_status status = BT_OK;
  for (int64_t left_ns; status == BT_OK && (left_ns = until_ns - bt_clock_monotonic_ns()) > 0;) {
    bt_doctor_say(doctor, "asking everything again in %" PRId64 " s, when blocks are complete (--again-after)",
                  left_ns / second_ns + 1);
    status = bt_doctor_pause(doctor, left_ns < second_ns ? left_ns : second_ns, error);
  }
  return status;
}

/* Nothing else can be known of a store that does not show the probes. */
static bool is_worth_asking(const bt_doctor *doctor) {
  return doctor->shown != 0;
}

static bt_status make_passes(bt_doctor *doctor, bt_error *error) {
  int64_t again_ns = doctor->options->again_after_ns, began_ns = bt_clock_monotonic_ns();
  if (!is_worth_asking(doctor)) return BT_OK;
  bt_status status = make_pass(doctor, error);
  if (status == BT_OK && !again_ns) status = bt_doctor_look_for_odd(doctor, true, error);
  if (status != BT_OK || !again_ns) return status;
  status = wait_until(doctor, began_ns + again_ns, error);
  if (status != BT_OK) return status;
  doctor->pass = 1;
  status = make_pass(doctor, error);
  return status == BT_OK ? bt_doctor_look_for_odd(doctor, true, error) : status;
}

/* What the store says of itself: version, limits. */
static bt_status look_at_store(const bt_doctor *doctor, bt_error *error) {
  const bt_doctor_options *options = doctor->options;
  bt_doctor_report *report = doctor->report;
  report->max_block_ns = report->max_range_ns = report->hidden_tail_ns = -1;
  report->most_traces = report->cut_bytes = -1;
  if (!report->store)
    return bt_error_set(error, BT_INVALID, "doctor knows no probes for a store of the kind %s", options->store->name);
  options->exchanges->read_question = report->store->read_question;
  bt_status status = report->store->look ? report->store->look(doctor, report, error) : BT_OK;
  if (status == BT_OK) {
    const bt_promises promises = bt_source_promises(options->store, BT_PROMISES_ALL, options->cancel);
    report->about = promises.about;
    report->hidden_tail_ns = promises.hidden_tail_ns;
  }
  return status;
}

/* What was found out by now. */
static void say_version(bt_doctor *doctor) {
  bt_doctor_report *report = doctor->report;
  report->about = bt_source_known(doctor->options->store).about;
  snprintf(report->version, sizeof report->version, "%.79s", report->about.version);
}

/* Facts that need no probes, and then what is asked about probes, where there is a way for them. */
static bt_status ask_store(bt_doctor *doctor, bt_error *error) {
  const bt_store_probes *store = doctor->report->store;
  bool is_usable = true,
       has_way = doctor->options->run || (doctor->options->exporter.url && doctor->options->exporter.url[0]);
  bt_status status = store->check ? store->check(doctor, &is_usable, error) : BT_OK;
  if (status == BT_OK && store->check) say_version(doctor);
  if (status != BT_OK || !is_usable || !has_way) return status;
  status = bt_doctor_push_and_wait(doctor, error);
  return status == BT_OK ? make_passes(doctor, error) : status;
}

bool bt_doctor_needs_probes(const char *name) {
  const bt_store_probes *store = bt_store_probes_of(name);
  return !store || !store->check;
}

bt_status bt_doctor_run(const bt_doctor_options *options, bt_doctor_report *report, bt_error *error) {
  *report = (bt_doctor_report){
      .started_ns = bt_clock_wall_ns(), .more_keys = options->keys, .more_key_count = options->key_count};
  bt_doctor doctor = {.options = options, .report = report};
  const bt_exchanges *made = options->exchanges;
  char run[BT_PROBE_RUN_SIZE];
  bt_arena_init(&report->arena, arena_cap_bytes);
  report->store = bt_store_probes_of(options->store->name);
  bt_status status = options->run ? BT_OK : bt_probe_run_new(report->started_ns, run, error);
  if (status == BT_OK)
    status = bt_probes_make(&report->probes, options->run ? options->run : run, options->keys, options->key_count,
                            report->store && report->store->is_near, error);
  if (status == BT_OK) status = bt_doctor_make_odd(&doctor, error);
  if (status == BT_OK) status = look_at_store(&doctor, error);
  if (status == BT_OK) status = bt_doctor_rules_make(&doctor, error); /* in the dialect of what was found */
  if (status == BT_OK) status = ask_store(&doctor, error);
  for (size_t i = 0; i < made->count; i++)
    if (made->items[i].status == 200 && strcmp(made->items[i].what, "search") == 0)
      snprintf(report->content_type, sizeof report->content_type, "%s", made->items[i].content_type);
  report->finished_ns = bt_clock_wall_ns();
  bt_doctor_rules_dispose(&doctor);
  free(doctor.answers);
  return status;
}
