/* Who links to these traces. See link_search.h. A batch whose query is too long is halved. Tempo 2.8 finds no link to
 * an id whose first byte is 0, and says nothing (tests/facts/facts_links.py). So a Tempo that is not known to do better
 * is asked for who links to the spans of such a trace. Where they are not known, too many, or begin with such a byte
 * themselves, it is asked for every trace that links, once for all. */
#include "tempo/api/link_search.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "tempo/api/search.h"
#include "tempo/api/tempo_version.h"
#include "tempo/api/traceql.h"

enum {
  IDS_PER_SEARCH = 200, /* 2.8 takes 0.3 s for a query of so many, and a second for three times as many */
  ASKED_SPANS = 100     /* of one trace: more cost what reading the traces that link costs */
};

typedef struct link_search {
  bt_tempo *tempo;
  const bt_links_request *request;
  bt_found_list *found;
  bt_source_account *account;
  bool finds_zero_bytes;
  bt_trace_id *ids; /* what is asked for: traces, */
  size_t id_count;
  bt_span_id *spans; /* and spans of those that cannot be asked for */
  size_t span_count, span_capacity;
  bool is_hopeless;           /* not even one id may be asked for: nothing else is */
  bt_buffer spans_filter;     /* the request's; "": any span's links are looked for */
  bt_buffer filter, narrowed; /* scratch */
} link_search;

bool bt_tempo_finds_zero_bytes(const bt_source_about *about) {
  bt_str version = bt_str_from(about->version);
  return about->is_checked && !bt_str_starts_with(version, BT_STR("2.8")) &&
         !bt_str_starts_with(version, BT_STR("v2.8"));
}

static bool has_zero_byte(const bt_trace_id *id) {
  return !id->bytes[0] && !bt_trace_id_is_zero(id);
}

/* Nobody links to a span without an id. */
static bool shows_its_spans(const bt_trace *trace) {
  if (!trace || trace->span_count > ASKED_SPANS) return false;
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!trace->spans[i].id.bytes[0] && !bt_span_id_is_zero(&trace->spans[i].id)) return false;
  return true;
}

bool bt_tempo_guesses_linking(const bt_trace_id *id, const bt_trace *trace) {
  return has_zero_byte(id) && !shows_its_spans(trace);
}

static const bt_trace *known_of(const bt_links_request *request, size_t index) {
  return request->traces ? request->traces[index] : NULL;
}

static bool has_guessed(const link_search *l) {
  for (size_t i = 0; !l->finds_zero_bytes && i < l->request->count; i++)
    if (bt_tempo_guesses_linking(&l->request->ids[i], known_of(l->request, i))) return true;
  return false;
}

static bool add_spans(link_search *l, const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_span_id *spans = bt_grow_array(l->spans, l->span_count, &l->span_capacity, sizeof *spans);
    if (!spans) return false;
    l->spans = spans;
    spans[l->span_count++] = trace->spans[i].id;
  }
  return true;
}

static bt_status list_asked(link_search *l, bt_error *error) {
  const bt_links_request *request = l->request;
  l->ids = bt_realloc_array(NULL, request->count + 1, sizeof *l->ids);
  if (!l->ids) return bt_error_no_memory(error);
  for (size_t i = 0; i < request->count; i++)
    if (l->finds_zero_bytes || !has_zero_byte(&request->ids[i]))
      l->ids[l->id_count++] = request->ids[i];
    else if (!add_spans(l, known_of(request, i)))
      return bt_error_no_memory(error);
  return BT_OK;
}

static bt_status search_filter(link_search *l, bt_str filter, bool *is_too_long, bt_error *error) {
  if (l->spans_filter.len) {
    bt_buffer_clear(&l->narrowed);
    bt_traceql_both(filter, bt_buffer_str(&l->spans_filter), &l->narrowed);
    if (l->narrowed.failed) return bt_error_no_memory(error);
    filter = bt_buffer_str(&l->narrowed);
  }
  bt_search_request search = {.range = l->request->range,
                              .late_ns = l->request->late_ns,
                              .expected = l->request->count, /* each has about one */
                              .tenant = l->request->tenant,
                              .cancel = l->request->cancel,
                              .rule_id = l->request->rule_id,
                              .priority = l->request->priority};
  return bt_tempo_search_text(l->tempo, &search, filter, l->found, l->account, is_too_long, error);
}

/* Halves add what they find; what a query that was too long could not ask is asked by them. Where one id is too long
 * the account says so of the whole range, and that is said once. */
static bt_status search_part(link_search *l, bool of_spans, size_t at, size_t count, bt_error *error) {
  size_t failed = l->account->failed_count, half = count / 2;
  bool is_too_long = false;
  bt_buffer_clear(&l->filter);
  if (of_spans)
    bt_traceql_linking_spans(l->spans + at, count, &l->filter);
  else
    bt_traceql_linking(l->ids + at, count, &l->filter);
  if (l->filter.failed) return bt_error_no_memory(error);
  if (!l->filter.len) return BT_OK;
  bt_status status = search_filter(l, bt_buffer_str(&l->filter), &is_too_long, error);
  l->is_hopeless = is_too_long && count == 1;
  if (status != BT_OK || !is_too_long || count == 1) return status;
  l->account->failed_count = failed;
  status = search_part(l, of_spans, at, half, error);
  return status == BT_OK && !l->is_hopeless ? search_part(l, of_spans, at + half, count - half, error) : status;
}

static bt_status search_all(link_search *l, bool of_spans, bt_error *error) {
  size_t count = of_spans ? l->span_count : l->id_count;
  bt_status status = BT_OK;
  for (size_t at = 0; status == BT_OK && !l->is_hopeless && at < count; at += IDS_PER_SEARCH) {
    size_t left = count - at;
    status = search_part(l, of_spans, at, left < IDS_PER_SEARCH ? left : IDS_PER_SEARCH, error);
  }
  return status;
}

/* A filter that is too long to stand beside ids is left out: then links of any span are found. */
static bt_status write_spans_filter(link_search *l, bt_error *error) {
  if (!l->request->query.filter) return BT_OK;
  bt_traceql_write(l->request->query, false, &l->spans_filter);
  if (l->spans_filter.failed) return bt_error_no_memory(error);
  if (l->spans_filter.len > BT_TRACEQL_MAX_FILTER_BYTES / 2) bt_buffer_clear(&l->spans_filter);
  return BT_OK;
}

bt_status bt_tempo_find_linking(bt_tempo *tempo, const bt_links_request *request, bt_found_list *found,
                                bt_source_account *account, bt_error *error) {
  link_search l = {.tempo = tempo, .request = request, .found = found, .account = account};
  bool is_too_long; /* it is not */
  bt_source_about about;
  (void)bt_tempo_describe_version(tempo, request->cancel, &about);
  l.finds_zero_bytes = bt_tempo_finds_zero_bytes(&about);
  bool is_guessed = has_guessed(&l);
  bt_status status = write_spans_filter(&l, error);
  if (status == BT_OK && is_guessed) status = search_filter(&l, BT_TRACEQL_ANY_LINK, &is_too_long, error);
  if (status == BT_OK && !is_guessed) status = list_asked(&l, error);
  if (status == BT_OK && !is_guessed) status = search_all(&l, false, error);
  if (status == BT_OK && !is_guessed) status = search_all(&l, true, error);
  bt_buffer_dispose(&l.filter);
  bt_buffer_dispose(&l.narrowed);
  bt_buffer_dispose(&l.spans_filter);
  free(l.ids);
  free(l.spans);
  return status;
}
