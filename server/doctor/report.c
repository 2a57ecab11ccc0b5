/* Keeping what was seen of each fact. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/plan/dialect.h"
#include "server/doctor/doctor_parts.h"

const char *bt_doctor_text(bt_doctor *doctor, const char *format, ...) {
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  int length = vsnprintf(NULL, 0, format, list);
  char *text = length < 0 ? NULL : bt_arena_alloc(&doctor->report->arena, (size_t)length + 1);
  if (text) vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  va_end(list);
  return text;
}

bt_str bt_doctor_query_text(bt_doctor *doctor, bt_query query) {
  bt_buffer text = {0};
  bt_str kept = {0};
  bt_source_dialect(doctor->options->store)->show(query, &text);
  if (text.failed || !bt_arena_copy(&doctor->report->arena, bt_buffer_str(&text), &kept)) kept = (bt_str){0};
  bt_buffer_dispose(&text);
  return kept;
}

bt_fact_seen *bt_fact_now(const bt_doctor *doctor, bt_fact *fact) {
  return &fact->seen[doctor->pass];
}

static bt_fact *find_fact(const bt_doctor_report *report, const char *id) {
  for (size_t i = 0; i < report->count; i++)
    if (strcmp(report->facts[i].id, id) == 0) return &report->facts[i];
  return NULL;
}

static bt_fact *add_fact(bt_doctor *doctor, const char *id, const char *title) {
  bt_doctor_report *report = doctor->report;
  bt_fact *facts = bt_grow_array(report->facts, report->count, &report->capacity, sizeof *facts);
  if (!facts || !id || !title) return NULL;
  report->facts = facts;
  facts[report->count] = (bt_fact){.id = id, .title = title, .expected = ""};
  return &facts[report->count++];
}

bt_status bt_fact_open_named(bt_doctor *doctor, const char *id, const char *title, bt_fact **out, bt_error *error) {
  bt_fact *fact = id ? find_fact(doctor->report, id) : NULL;
  if (!fact) fact = add_fact(doctor, id, title);
  *out = NULL;
  if (!fact) return bt_error_no_memory(error);
  bt_fact_seen *seen = bt_fact_now(doctor, fact);
  if (doctor->attempt && (seen->outcome == BT_FACT_HOLDS || seen->is_final)) return BT_OK;
  free(seen->findings);
  *seen = (bt_fact_seen){.seen = ""};
  *out = fact;
  return BT_OK;
}

bt_status bt_fact_open(bt_doctor *doctor, const bt_doctor_rules *topic, bt_doctor_aspect aspect, const char *detail,
                       bt_fact **out, bt_error *error) {
  const bt_doctor_aspect_row *row = &bt_doctor_aspects[aspect];
  const char *id = bt_doctor_text(doctor, "%s%s%s%s%s", topic ? topic->id : "", topic ? "/" : "", row->id,
                                  detail ? "/" : "", detail ? detail : "");
  const char *title = bt_doctor_text(doctor, "%s%s%s%s%s", topic ? topic->title : "", topic ? ": " : "", row->title,
                                     detail ? ", " : "", detail ? detail : "");
  return bt_fact_open_named(doctor, id, title, out, error);
}

bt_status bt_fact_add(bt_doctor *doctor, bt_fact *fact, const char *rule, bt_str query, bt_error *error,
                      const char *format, ...) {
  bt_fact_seen *seen = bt_fact_now(doctor, fact);
  char text[600];
  va_list list;
  if (++seen->finding_total > BT_DOCTOR_KEPT_FINDINGS) return BT_OK;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  bt_fact_finding *findings =
      bt_grow_array(seen->findings, seen->finding_count, &seen->finding_capacity, sizeof *findings);
  if (!findings) return bt_error_no_memory(error);
  seen->findings = findings;
  bt_fact_finding *made = &findings[seen->finding_count++];
  *made = (bt_fact_finding){bt_doctor_text(doctor, "%s", text), rule, NULL};
  if (query.len) made->query = bt_doctor_text(doctor, "%.*s", BT_FMT(query));
  return made->text && (!query.len || made->query) ? BT_OK : bt_error_no_memory(error);
}

void bt_fact_close(const bt_doctor *doctor, bt_fact *fact, bt_fact_outcome outcome, const char *text,
                   const char *means) {
  bt_fact_seen *seen = bt_fact_now(doctor, fact);
  seen->outcome = outcome;
  seen->seen = text ? text : "";
  seen->means = outcome == BT_FACT_HOLDS ? NULL : means;
}

unsigned bt_doctor_count(uint64_t bits) {
  return (unsigned)__builtin_popcountll(bits);
}

void bt_doctor_write_labels(const bt_probes *probes, uint64_t which, bt_buffer *out) {
  const char *between = "";
  for (size_t i = 0; i < probes->count; i++) {
    if (!(which >> i & 1)) continue;
    bt_buffer_printf(out, "%s%s", between, probes->items[i].label);
    between = ", ";
  }
}

/* ---- looking at it ---- */

const bt_fact_seen *bt_fact_worst(const bt_fact *fact) {
  const bt_fact_seen *worst = &fact->seen[0];
  for (unsigned i = 1; i < BT_DOCTOR_PASSES; i++)
    if (fact->seen[i].outcome > worst->outcome) worst = &fact->seen[i];
  return worst;
}

bt_fact_outcome bt_fact_outcome_of(const bt_fact *fact) {
  return bt_fact_worst(fact)->outcome;
}

size_t bt_doctor_report_count(const bt_doctor_report *report, bt_fact_outcome outcome) {
  size_t count = 0;
  for (size_t i = 0; i < report->count; i++) count += bt_fact_outcome_of(&report->facts[i]) == outcome;
  return count;
}

bt_fact_outcome bt_doctor_report_outcome(const bt_doctor_report *report) {
  if (bt_doctor_report_count(report, BT_FACT_FAILS)) return BT_FACT_FAILS;
  bool is_whole = report->count && !bt_doctor_report_count(report, BT_FACT_UNKNOWN) &&
                  !bt_doctor_report_count(report, BT_FACT_NOT_ASKED);
  return is_whole ? BT_FACT_HOLDS : BT_FACT_UNKNOWN;
}

const char *bt_fact_outcome_name(bt_fact_outcome outcome) {
  static const char *const names[] = {"not_asked", "holds", "unknown", "fails"};
  return names[outcome];
}

void bt_doctor_report_dispose(bt_doctor_report *report) {
  for (size_t i = 0; i < report->count; i++)
    for (unsigned pass = 0; pass < BT_DOCTOR_PASSES; pass++) free(report->facts[i].seen[pass].findings);
  free(report->facts);
  bt_probes_dispose(&report->probes);
  bt_arena_dispose(&report->arena);
  *report = (bt_doctor_report){0};
}
