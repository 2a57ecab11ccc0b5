/* Probes of odd times: spans that come 1, 5, 10 and 20 minutes late, a trace that comes in part 10 minutes late, and
 * one that never ended. Each is searched for over its own time, and from there up to now, while everything else is
 * asked; nothing waits for them. */
#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/sha256.h"
#include "server/doctor/doctor_parts.h"

static const int64_t second_ns = 1000000000, minute_ns = 60 * second_ns, length_ns = 2000000;
static const bt_filter late_spans = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "doctor.aged"),
                       unended_spans = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "doctor.unended");
static const bt_query the_late = {.filter = &late_spans}, the_unended = {.filter = &unended_spans};
enum { LATE_PART = 1 };

static const struct {
  const char *id, *title;
  int64_t age_ns;
  unsigned part; /* 1: the span that is searched for comes after the rest of its trace */
  bool is_unended;
} rows[BT_ODD_PROBES] = {
    {"age-1m", "a span that comes 1 min late", 60 * INT64_C(1000000000), 0, false},
    {"age-5m", "a span that comes 5 min late", 300 * INT64_C(1000000000), 0, false},
    {"age-10m", "a span that comes 10 min late", 600 * INT64_C(1000000000), 0, false},
    {"age-20m", "a span that comes 20 min late", 1200 * INT64_C(1000000000), 0, false},
    {"late-part", "a trace that comes in part 10 min late", 600 * INT64_C(1000000000), LATE_PART, false},
    {"not-ended", "a trace that never ended", 0, 0, true},
};

bt_status bt_doctor_make_odd(bt_doctor *doctor, bt_error *error) {
  bt_doctor_report *report = doctor->report;
  for (size_t i = 0; i < BT_ODD_PROBES; i++) {
    bt_sha256 hash;
    bt_odd_probe *probe = &report->odd[i];
    const bt_str fields[] = {BT_STR(BT_PROBE_SERVICE), bt_str_from(report->probes.run), bt_str_from(rows[i].id)};
    bt_status status = bt_sha256_fields(fields, 3, &hash, error);
    if (status != BT_OK) return status;
    *probe = (bt_odd_probe){.id = rows[i].id, .title = rows[i].title, .found_after_ns = -1, .reached_after_ns = -1};
    probe->start_ns = report->probes.base_ns - rows[i].age_ns;
    probe->is_pushed = doctor->options->run != NULL;
    probe->pushed_ns = report->probes.base_ns;
    memcpy(probe->trace_id.bytes, hash.bytes, sizeof probe->trace_id.bytes);
    probe->trace_id.bytes[0] |= 0x10;
  }
  return BT_OK;
}

/* ---- pushing ---- */

static bt_export_span span_of(const bt_odd_probe *probe, const char *name, int64_t start_ns) {
  bt_export_span span = {.trace_id = probe->trace_id,
                         .name = bt_str_from(name),
                         .kind = BT_KIND_INTERNAL,
                         .start_ns = start_ns,
                         .end_ns = start_ns + length_ns};
  memcpy(span.span_id.bytes, probe->trace_id.bytes, sizeof span.span_id.bytes);
  return span;
}

/* The span that is searched for, or what comes before it. */
static bt_export_span part_of(const bt_odd_probe *probe, size_t row, unsigned part, int64_t base_ns) {
  bool is_first = rows[row].part > part;
  bt_export_span span = span_of(probe,
                                is_first               ? "doctor.prompt"
                                : rows[row].is_unended ? "doctor.unended"
                                                       : "doctor.aged",
                                is_first ? base_ns : probe->start_ns);
  if (rows[row].is_unended) span.end_ns = 0;
  if (rows[row].part && !is_first) {
    span.parent_id = span.span_id;
    span.span_id.bytes[7] ^= 1;
  }
  return span;
}

bt_status bt_doctor_push_odd(bt_doctor *doctor, unsigned part, bt_error *error) {
  bt_doctor_report *report = doctor->report;
  const bt_doctor_options *options = doctor->options;
  bt_export_span spans[BT_ODD_PROBES];
  uint32_t count = 0;
  for (size_t i = 0; i < BT_ODD_PROBES; i++)
    if (part <= rows[i].part) spans[count++] = part_of(&report->odd[i], i, part, report->probes.base_ns);
  bt_attribute attributes[] = {
      {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR(BT_PROBE_SERVICE)}},
      {BT_STR("betrace.doctor.run"), {.type = BT_VALUE_STRING, .string = bt_str_from(report->probes.run)}}};
  bt_export_resource resources[BT_ODD_PROBES];
  for (uint32_t i = 0; i < count; i++)
    resources[i] = (bt_export_resource){.attributes = attributes,
                                        .attribute_count = sizeof attributes / sizeof *attributes,
                                        .scope_name = BT_STR("betrace"),
                                        .scope_version = BT_STR("1"),
                                        .spans = &spans[i],
                                        .span_count = 1};
  bt_export_result result = {0};
  bt_status status =
      bt_otlp_export(options->client, &options->exporter, resources, count, options->cancel, &result, error);
  if (status != BT_OK) return status;
  /* What a receiver does not take of such times is no reason to stop: it is said. */
  for (size_t i = 0; i < BT_ODD_PROBES; i++) {
    if (rows[i].part != part) continue;
    report->odd[i].is_pushed = !result.rejected;
    report->odd[i].pushed_ns = bt_clock_wall_ns();
  }
  return BT_OK;
}

/* ---- looking ---- */

static int64_t time_since(int64_t pushed_ns) {
  int64_t since_ns = bt_clock_wall_ns() - pushed_ns;
  return since_ns > 0 ? since_ns : 1;
}

static bt_status search_until(const bt_doctor *doctor, size_t row, int64_t end_ns, int64_t *after_ns, bt_error *error) {
  bt_odd_probe *probe = &doctor->report->odd[row];
  bt_search_request request = {.query = rows[row].is_unended ? the_unended : the_late,
                               .range = {probe->start_ns - second_ns, end_ns},
                               .max_found = bt_doctor_max_found,
                               .tenant = doctor->options->tenant,
                               .cancel = doctor->options->cancel,
                               .rule_id = "doctor",
                               .priority = BT_PRIORITY_PEOPLE};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error why = {0};
  bt_status status = bt_source_search(doctor->options->store, &request, &found, &account, &why);
  if (bt_found_list_get(&found, &probe->trace_id)) *after_ns = time_since(probe->pushed_ns);
  const char *reason = status != BT_OK ? why.message : account.failed_count ? account.failed[0].reason : "";
  snprintf(probe->problem, sizeof probe->problem, "%.190s", reason);
  bt_source_account_dispose(&account);
  bt_found_list_dispose(&found);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  *error = why;
  return status;
}

/* Over its own time; and up to now, which finds blocks that are dated by the arrival of what is in them. */
static bt_status search_for(const bt_doctor *doctor, size_t row, bt_error *error) {
  bt_odd_probe *probe = &doctor->report->odd[row];
  int64_t own_end_ns = probe->start_ns + 2 * second_ns, now_ns = bt_clock_wall_ns() + second_ns;
  bt_status status = BT_OK;
  if (probe->found_after_ns < 0) status = search_until(doctor, row, own_end_ns, &probe->found_after_ns, error);
  if (status != BT_OK || probe->reached_after_ns >= 0 || own_end_ns >= now_ns) return status;
  if (probe->found_after_ns < 0) return search_until(doctor, row, now_ns, &probe->reached_after_ns, error);
  probe->reached_after_ns = probe->found_after_ns;
  return BT_OK;
}

static bt_status note_by_id(void *context, const bt_read_trace *read, bt_error *error) {
  bt_odd_probe *odd = context;
  (void)error;
  odd[read->index].is_by_id = read->trace != NULL;
  return BT_OK;
}

static bt_status read_by_id(const bt_doctor *doctor, bt_error *error) {
  bt_trace_id ids[BT_ODD_PROBES];
  bt_doctor_report *report = doctor->report;
  for (size_t i = 0; i < BT_ODD_PROBES; i++) ids[i] = report->odd[i].trace_id;
  bt_read_request request = {.ids = ids,
                             .count = BT_ODD_PROBES,
                             .range = {report->probes.base_ns - 25 * minute_ns, bt_clock_wall_ns() + second_ns},
                             .by_id = true,
                             .tenant = doctor->options->tenant,
                             .cancel = doctor->options->cancel,
                             .rule_id = "doctor",
                             .priority = BT_PRIORITY_PEOPLE};
  bt_source_account account = {0};
  bt_error why = {0};
  bt_status status = bt_source_read(doctor->options->store, &request, note_by_id, report->odd, &account, &why);
  bt_source_account_dispose(&account);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY)
    return BT_OK; /* then they are not there by id, as far as known */
  *error = why;
  return status;
}

bt_status bt_doctor_look_for_odd(bt_doctor *doctor, bool is_last, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < BT_ODD_PROBES; i++) {
    const bt_odd_probe *probe = &doctor->report->odd[i];
    if (probe->is_pushed && probe->found_after_ns < 0) status = search_for(doctor, i, error);
  }
  doctor->report->odd_looked_ns = time_since(doctor->report->odd[0].pushed_ns);
  return status == BT_OK && is_last ? read_by_id(doctor, error) : status;
}
