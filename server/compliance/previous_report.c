/* Naming the report before. See previous_report.h. */
#include "server/compliance/previous_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/compliance/catalogue.h"
#include "server/compliance/signature.h"
#include "server/json/json_values.h"

enum { LAST_MAX = 2000 /* frameworks of tenants */ };
static const int64_t DAY_NS = INT64_C(86400) * 1000000000;
static const char *const known_by_names[] = {NULL, "service", "span"};

/* ---- JSON ---- */

json_t *bt_previous_report_json(const bt_previous_report *previous) {
  bool is_known = previous->known_by != BT_KNOWN_BY_NOBODY;
  return json_pack("{s:o, s:o, s:o, s:o}", "report_id", bt_optional_text_json(is_known ? previous->report_id : NULL),
                   "head", bt_optional_text_json(is_known ? previous->head : NULL), "known_by",
                   bt_optional_text_json(known_by_names[previous->known_by]), "reason",
                   bt_optional_text_json(is_known ? NULL : previous->reason));
}

static bool is_head(const json_t *head) {
  const char *text = json_string_value(head);
  return text && strlen(text) == BT_SHA256_HEX && strspn(text, "0123456789abcdef") == BT_SHA256_HEX;
}

bool bt_previous_report_is_right(const json_t *previous) {
  const json_t *id = json_object_get(previous, "report_id"), *head = json_object_get(previous, "head"),
               *reason = json_object_get(previous, "reason"), *by = json_object_get(previous, "known_by");
  const char *known_by = json_string_value(by);
  if (json_object_size(previous) != 4) return false;
  if (json_is_null(by)) return json_is_null(id) && json_is_null(head) && json_string_length(reason) > 0;
  bool is_word = known_by && (strcmp(known_by, "service") == 0 || strcmp(known_by, "span") == 0);
  return is_word && json_string_length(id) > 0 && is_head(head) && json_is_null(reason);
}

/* ---- what this process made ---- */

typedef struct last_report {
  char *tenant, *framework;
  char report_id[BT_OTHER_REPORT_TEXT], head[BT_OTHER_REPORT_TEXT];
} last_report;

struct bt_last_reports {
  last_report items[LAST_MAX]; /* the one whose turn was last at the end */
  size_t count;
};

bt_last_reports *bt_last_reports_new(void) {
  return calloc(1, sizeof(bt_last_reports));
}

static void dispose_last_report(last_report *one) {
  free(one->tenant);
  free(one->framework);
}

void bt_last_reports_free(bt_last_reports *last) {
  if (!last) return;
  for (size_t i = 0; i < last->count; i++) dispose_last_report(&last->items[i]);
  free(last);
}

static size_t index_of(const bt_last_reports *last, const char *tenant, bt_str framework) {
  size_t i = 0;
  while (i < last->count && (strcmp(last->items[i].tenant, tenant) != 0 ||
                             !bt_framework_means(bt_str_from(last->items[i].framework), framework)))
    i++;
  return i;
}

bool bt_last_reports_find(const bt_last_reports *last, const char *tenant, bt_str framework, bt_previous_report *out) {
  size_t index = index_of(last, tenant, framework);
  *out = (bt_previous_report){.known_by = BT_KNOWN_BY_NOBODY};
  if (index == last->count) return false;
  out->known_by = BT_KNOWN_BY_SERVICE;
  memcpy(out->report_id, last->items[index].report_id, sizeof out->report_id);
  memcpy(out->head, last->items[index].head, sizeof out->head);
  return true;
}

static void take_out(bt_last_reports *last, size_t index) {
  dispose_last_report(&last->items[index]);
  last->count--;
  memmove(&last->items[index], &last->items[index + 1], (last->count - index) * sizeof *last->items);
}

bt_status bt_last_reports_set(bt_last_reports *last, const char *tenant, bt_str framework, const char *report_id,
                              const char *head, bt_error *error) {
  last_report one = {.tenant = strdup(tenant), .framework = strndup(framework.ptr, framework.len)};
  if (!one.tenant || !one.framework) {
    dispose_last_report(&one);
    return bt_error_no_memory(error);
  }
  snprintf(one.report_id, sizeof one.report_id, "%s", report_id);
  snprintf(one.head, sizeof one.head, "%s", head);
  size_t index = index_of(last, tenant, framework);
  if (index < last->count) take_out(last, index);
  if (last->count == LAST_MAX) take_out(last, 0);
  last->items[last->count++] = one;
  return BT_OK;
}

/* ---- what is in the store ---- */

/* Whoever may write to the store may write a span; the head in it has to be signed by the key that signs this service's
 * reports, or by one that did. */
static bool is_signed(const bt_previous_question *question, const bt_report_in_span *one) {
  const bt_evidence_keys *older = question->older_keys;
  char text[BT_SIGNED_TEXT_BYTES];
  bt_error ignored = {0};
  if (one->head.len != BT_SHA256_HEX) return false;
  snprintf(text, sizeof text, BT_EVIDENCE_FORMAT "\n%.*s\n", BT_FMT(one->head));
  bool is_right = bt_signature_check(question->key, bt_str_from(text), one->signature, &ignored) == BT_OK;
  for (size_t i = 0; older && i < older->count && !is_right; i++)
    is_right = bt_signature_check(older->items[i], bt_str_from(text), one->signature, &ignored) == BT_OK;
  return is_right;
}

typedef struct asking {
  const bt_previous_question *question;
  bt_previous_report *out;
  int64_t newest_ns;
} asking;

static void look_at(void *context, const bt_report_in_span *one) {
  asking *a = context;
  bool is_newer = a->out->known_by == BT_KNOWN_BY_NOBODY || one->made_at_ns > a->newest_ns;
  if (!is_newer || !bt_framework_means(one->framework, a->question->framework) || !is_signed(a->question, one)) return;
  a->newest_ns = one->made_at_ns;
  a->out->known_by = BT_KNOWN_BY_SPAN;
  snprintf(a->out->report_id, sizeof a->out->report_id, "%.*s", BT_FMT(one->report_id));
  snprintf(a->out->head, sizeof a->out->head, "%.*s", BT_FMT(one->head));
}

static bt_status ask_back(asking *a, int64_t back_ns, bool *is_whole, bt_error *error) {
  const bt_previous_question *q = a->question;
  bt_error why = {0};
  bt_report_spans spans = {.source = q->source,
                           .tenant = q->tenant,
                           .range = {q->now_ns - back_ns, q->now_ns + 1},
                           .cancel = q->cancel,
                           .look = look_at,
                           .context = a};
  bt_status status = bt_report_spans_read(&spans, is_whole, &why);
  if (status == BT_NO_MEMORY || status == BT_CANCELLED) return *error = why, status;
  if (status) *is_whole = false;
  return BT_OK;
}

bt_status bt_previous_report_ask(const bt_previous_question *question, bt_previous_report *out, bt_error *error) {
  asking a = {.question = question, .out = out};
  bool is_whole = true;
  char since[40];
  int64_t back_ns = DAY_NS; /* most often it is of yesterday: a short look is cheap */
  *out = (bt_previous_report){.known_by = BT_KNOWN_BY_NOBODY};
  bt_status status = ask_back(&a, back_ns, &is_whole, error);
  if (!status && is_whole && out->known_by == BT_KNOWN_BY_NOBODY && question->back_ns > back_ns) {
    back_ns = question->back_ns;
    status = ask_back(&a, back_ns, &is_whole, error);
  }
  if (status) return status;
  bt_time_format(question->now_ns - back_ns, since);
  if (!is_whole)
    *out =
        (bt_previous_report){.reason = "the service made none since it started, and the store could not be asked for "
                                       "the spans of those of before (all of them)"};
  else if (out->known_by == BT_KNOWN_BY_NOBODY)
    snprintf(out->reason, sizeof out->reason,
             "the service made none since it started, and the store shows no span of one since %s", since);
  return BT_OK;
}
