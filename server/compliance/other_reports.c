/* Finding and reading the spans of other reports. See other_reports.h. Their attributes were sent by somebody: a span
 * counts only where its trace id is the one that follows from its report id, and its texts are cut to what a report's
 * can have. */
#include "server/compliance/other_reports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/compliance/report_span.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"
#include "tempo/wire/own_trace.h"

typedef struct finding {
  const char *report_id, *framework, *tenant, *start, *end;
  bt_time_range range; /* the report's */
  bt_other_reports *out;
} finding;

/* ---- one span ---- */

static bt_str text_of(const bt_span *span, const char *key) {
  const bt_value *value = bt_attributes_find(&span->attributes, bt_str_from(key));
  return value && value->type == BT_VALUE_STRING ? value->string : (bt_str){0};
}

static int64_t number_of(const bt_span *span, const char *key) {
  const bt_value *value = bt_attributes_find(&span->attributes, bt_str_from(key));
  return value && value->type == BT_VALUE_INT ? value->integer : -1;
}

static void copy_text(char out[BT_OTHER_REPORT_TEXT], bt_str text) {
  snprintf(out, BT_OTHER_REPORT_TEXT, "%.*s", BT_FMT(text));
}

static bool is_text(bt_str text, const char *expected) {
  return bt_str_equal(text, bt_str_from(expected));
}

static bool read_time(bt_str text, int64_t *out) {
  return bt_time_parse(text, 0, out);
}

/* Over a part of the report's range. What cannot be read does. */
static bool overlaps_range(const finding *f, const bt_span *span) {
  int64_t start_ns, end_ns;
  if (!read_time(text_of(span, BT_REPORT_START), &start_ns) || !read_time(text_of(span, BT_REPORT_END), &end_ns))
    return true;
  return start_ns < f->range.end_ns && end_ns > f->range.start_ns;
}

static bt_other_report describe_report(const finding *f, const bt_span *span) {
  bt_str start = text_of(span, BT_REPORT_START), end = text_of(span, BT_REPORT_END);
  bt_other_report other = {.made_at_ns = span->start_ns,
                           .entries = number_of(span, BT_REPORT_ENTRIES),
                           .controls_violated = number_of(span, BT_REPORT_VIOLATED),
                           .controls_passed = number_of(span, BT_REPORT_PASSED),
                           .is_same_range = is_text(start, f->start) && is_text(end, f->end)};
  copy_text(other.report_id, text_of(span, BT_OWN_REPORT_ID));
  copy_text(other.start, start);
  copy_text(other.end, end);
  copy_text(other.head, text_of(span, BT_REPORT_HEAD));
  return other;
}

/* Those of the same range first, and the earliest of them, so that what is named does not depend on the order of
 * answers. */
static bool goes_before(const bt_other_report *a, const bt_other_report *b) {
  if (a->is_same_range != b->is_same_range) return a->is_same_range;
  if (a->made_at_ns != b->made_at_ns) return a->made_at_ns < b->made_at_ns;
  return strcmp(a->report_id, b->report_id) < 0;
}

static void add_other_report(bt_other_reports *out, const bt_other_report *other) {
  size_t place = out->named;
  out->count++;
  out->same_range += other->is_same_range;
  while (place && goes_before(other, &out->items[place - 1])) place--;
  if (place == BT_OTHER_REPORTS_NAMED) return;
  if (out->named < BT_OTHER_REPORTS_NAMED) out->named++;
  memmove(&out->items[place + 1], &out->items[place], (out->named - 1 - place) * sizeof *out->items);
  out->items[place] = *other;
}

static bt_status take_report(void *context, const bt_read_trace *read, bt_error *error) {
  finding *f = context;
  (void)error;
  if (!read->trace || read->needs_by_id) return f->out->is_unknown = true, BT_OK;
  if (!bt_trace_is_own(read->trace, bt_str_from(f->tenant))) return BT_OK;
  const bt_span *span = &read->trace->spans[0];
  if (!is_text(text_of(span, BT_REPORT_FRAMEWORK), f->framework) ||
      is_text(text_of(span, BT_OWN_REPORT_ID), f->report_id))
    return BT_OK;
  if (!overlaps_range(f, span)) return BT_OK;
  bt_other_report other = describe_report(f, span);
  add_other_report(f->out, &other);
  return BT_OK;
}

/* ---- all of them ---- */

typedef struct reading {
  bt_source *source;
  const char *tenant;
  bt_time_range range;
  const bt_cancel *cancel;
  bt_status (*take)(void *context, const bt_read_trace *read, bt_error *error);
  void *context;
} reading;

/* What a batch could not give for certain (on Tempo 2.10 and 3 a text of a trace with one span may be the end of an
 * array): those traces are read once more, each by its id. */
typedef struct doubtful {
  const reading *reading;
  const bt_trace_id *asked;
  bt_trace_id *ids;
  size_t count;
} doubtful;

static bt_status take_certain(void *context, const bt_read_trace *read, bt_error *error) {
  doubtful *d = context;
  if (!read->needs_by_id) return d->reading->take(d->reading->context, read, error);
  d->ids[d->count++] = d->asked[read->index];
  return BT_OK;
}

static bt_read_request request_of(const reading *r, const bt_trace_id *ids, size_t count) {
  return (bt_read_request){.ids = ids,
                           .count = count,
                           .range = r->range,
                           .with_own = true,
                           .tenant = r->tenant[0] ? r->tenant : NULL,
                           .cancel = r->cancel,
                           .priority = BT_PRIORITY_PEOPLE};
}

static bt_status read_by_batches(doubtful *d, size_t count, bt_source_account *account, bt_error *error) {
  bt_projected attributes[] = {
      {BT_PROJECTED_SPAN, BT_STR(BT_OWN_REPORT_ID)},   {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_FRAMEWORK)},
      {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_START)},    {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_END)},
      {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_HEAD)},     {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_ENTRIES)},
      {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_VIOLATED)}, {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_PASSED)},
      {BT_PROJECTED_SPAN, BT_STR(BT_REPORT_SIGNATURE)}};
  bt_projection projection = {.attributes = attributes, .attribute_count = sizeof attributes / sizeof *attributes};
  bt_read_request request = request_of(d->reading, d->asked, count);
  request.projection = &projection;
  return bt_source_read(d->reading->source, &request, take_certain, d, account, error);
}

static bt_status read_by_id(const doubtful *d, bt_source_account *account, bt_error *error) {
  bt_read_request request = request_of(d->reading, d->ids, d->count);
  request.by_id = true;
  return bt_source_read(d->reading->source, &request, d->reading->take, d->reading->context, account, error);
}

static bt_status read_found(const reading *r, const bt_found_list *found, bt_source_account *account, bt_error *error) {
  bt_trace_id *ids = bt_realloc_array(NULL, 2 * found->count, sizeof *ids);
  if (!ids) return bt_error_no_memory(error);
  for (size_t i = 0; i < found->count; i++) ids[i] = found->items[i].id;
  doubtful d = {.reading = r, .asked = ids, .ids = ids + found->count};
  bt_status status = read_by_batches(&d, found->count, account, error);
  if (!status && d.count) status = read_by_id(&d, account, error);
  free(ids);
  return status;
}

static bt_status ask_for_reports(const reading *r, bool *is_whole, bt_error *error) {
  bt_search_request search = {.query = bt_own_traces_query(BT_OWN_REPORTS),
                              .range = r->range,
                              .max_found = BT_OTHER_REPORTS_MAX,
                              .tenant = r->tenant[0] ? r->tenant : NULL,
                              .cancel = r->cancel,
                              .priority = BT_PRIORITY_PEOPLE};
  bt_source_account account = {0};
  bt_found_list found = {0};
  bt_status status = bt_source_search(r->source, &search, &found, &account, error);
  bt_found_list_keep_own(&found);
  if (!status && found.count) status = read_found(r, &found, &account, error);
  *is_whole = !status && !account.failed_count;
  bt_source_account_dispose(&account);
  bt_found_list_dispose(&found);
  return status;
}

bt_status bt_report_find_others(bt_source *source, const json_t *document, bt_other_reports *out, bt_error *error) {
  const json_t *report = json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
  const json_t *range = json_object_get(report, "range");
  finding f = {.report_id = bt_json_text_at(report, "report_id"),
               .framework = bt_json_text_at(json_object_get(report, "framework"), "name"),
               .tenant = bt_json_text_at(report, "tenant"),
               .start = bt_json_text_at(range, "start"),
               .end = bt_json_text_at(range, "end"),
               .out = out};
  bt_error why = {0};
  bool is_whole = false;
  *out = (bt_other_reports){0};
  if (!read_time(bt_str_from(f.start), &f.range.start_ns) || !read_time(bt_str_from(f.end), &f.range.end_ns))
    return bt_error_set(error, BT_INVALID, "the report's range is none: %.40s to %.40s", f.start, f.end);
  /* A report can be made while its range goes on, and at any time after it. */
  reading r = {.source = source,
               .tenant = f.tenant,
               .range = {f.range.start_ns, bt_time_add(bt_clock_wall_ns(), 1)},
               .take = take_report,
               .context = &f};
  bt_status status = ask_for_reports(&r, &is_whole, &why);
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (!is_whole) out->is_unknown = true;
  return BT_OK;
}

/* ---- for whoever looks at each ---- */

typedef struct showing {
  const bt_report_spans *request;
  bool is_whole;
} showing;

static bt_status show_report_span(void *context, const bt_read_trace *read, bt_error *error) {
  showing *s = context;
  (void)error;
  if (!read->trace || read->needs_by_id) return s->is_whole = false, BT_OK;
  if (!bt_trace_is_own(read->trace, bt_str_from(s->request->tenant))) return BT_OK;
  const bt_span *span = &read->trace->spans[0];
  bt_report_in_span one = {.report_id = text_of(span, BT_OWN_REPORT_ID),
                           .framework = text_of(span, BT_REPORT_FRAMEWORK),
                           .head = text_of(span, BT_REPORT_HEAD),
                           .signature = text_of(span, BT_REPORT_SIGNATURE),
                           .made_at_ns = span->start_ns};
  s->request->look(s->request->context, &one);
  return BT_OK;
}

bt_status bt_report_spans_read(const bt_report_spans *request, bool *is_whole, bt_error *error) {
  showing s = {.request = request, .is_whole = true};
  reading r = {.source = request->source,
               .tenant = request->tenant,
               .range = request->range,
               .cancel = request->cancel,
               .take = show_report_span,
               .context = &s};
  bt_status status = ask_for_reports(&r, is_whole, error);
  *is_whole = *is_whole && s.is_whole;
  return status;
}

/* ---- JSON ---- */

static json_t *number_json(int64_t number) {
  return number < 0 ? json_null() : json_integer((json_int_t)number);
}

static json_t *one_json(const bt_other_report *other) {
  return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "report_id",
                   bt_optional_text_json(other->report_id), "start", bt_optional_text_json(other->start), "end",
                   bt_optional_text_json(other->end), "same_range", other->is_same_range, "made_at",
                   bt_time_json(other->made_at_ns), "head", bt_optional_text_json(other->head), "entries",
                   number_json(other->entries), "controls_violated", number_json(other->controls_violated),
                   "controls_passed", number_json(other->controls_passed));
}

json_t *bt_other_reports_json(const bt_other_reports *others) {
  json_t *list = json_array();
  for (size_t i = 0; i < others->named; i++) bt_json_append(list, one_json(&others->items[i]));
  return json_pack("{s:o, s:I, s:b, s:o}", "count",
                   others->is_unknown ? json_null() : json_integer((json_int_t)others->count), "same_range",
                   (json_int_t)others->same_range, "all", !others->is_unknown, "reports", list);
}
