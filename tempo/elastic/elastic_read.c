/* Reads. See elastic_read.h. A part whose documents fit into one answer is one search. A trace that does not fit is
 * read page by page within one view, a slice for each shard: pages by the order of documents are exact within a shard
 * alone. What the server counts has to be what was read. */
#include "tempo/elastic/elastic_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/elastic/elastic_filter.h"
#include "tempo/elastic/elastic_rows.h"
#include "tempo/elastic/elastic_schema.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/span_batch.h"

enum { FIRST_IDS = 500, MOST_IDS = 10000, MOST_REFUSALS = 16 /* one after another */ };
static const size_t batch_max_bytes = (size_t)1 << 30;

typedef struct reading {
  bt_elastic *elastic;
  const bt_elastic_found *server;
  const bt_read_request *request;
  bt_buffer condition; /* of its spans, as JSON; len 0: all */
  bt_read_sink sink;
  void *context;
  bt_source_account *account;
  int refusals;           /* of what was too much, since the last answer */
  uint64_t traces, spans; /* of all answers */
  size_t unread;
  char reason[200]; /* of the last of them */
} reading;

/* The answers that a batch borrows from. */
typedef struct held {
  bt_remote_answer *items;
  size_t count, capacity;
  bt_elastic_rows rows;
} held;

static bt_remote_answer *next_answer(held *h) {
  bt_remote_answer *items = bt_grow_array(h->items, h->count, &h->capacity, sizeof *items);
  if (!items) return NULL;
  h->items = items;
  items[h->count] = (bt_remote_answer){0};
  return &items[h->count++];
}

static void dispose_held(held *h) {
  bt_span_batch_free(h->rows.batch);
  bt_buffer_dispose(&h->rows.last_sort);
  for (size_t i = 0; i < h->count; i++) bt_remote_answer_dispose(&h->items[i]);
  free(h->items);
}

/* ---- asking ---- */

static bt_remote_question question_of(const reading *r) {
  return (bt_remote_question){.method = "POST",
                              .kind = r->request->by_id ? BT_HTTP_BY_ID : BT_HTTP_READ,
                              .cancel = r->request->cancel,
                              .priority = r->request->priority,
                              .account = r->account};
}

#define KEPT "filter_path=timed_out,terminated_early,_shards,_clusters,hits.total,hits.hits._source,hits.hits.sort"

/* "{" and what every search has. */
static void write_ids(const reading *r, size_t first, size_t count, bt_buffer *out) {
  char hex[BT_TRACE_ID_HEX + 1];
  const char *comma = "";
  bt_buffer_printf(out,
                   "{\"size\":%" PRIu32 ",\"track_total_hits\":true,\"sort\":[\"_doc\"],\"query\":{\"bool\":"
                   "{\"filter\":[{\"terms\":{\"%s\":[",
                   r->server->most_rows, r->server->schema->fields->trace_id);
  for (size_t i = first; i < first + count; i++) {
    if (bt_trace_id_is_zero(&r->request->ids[i])) continue;
    bt_trace_id_format(&r->request->ids[i], hex);
    bt_buffer_printf(out, "%s\"%s\"", comma, hex);
    comma = ",";
    bool is_short = r->server->schema->fields->has_short_ids && memcmp(hex, "0000000000000000", 16) == 0;
    if (is_short) bt_buffer_printf(out, ",\"%s\"", hex + 16);
  }
  bt_buffer_append(out, BT_STR("]}}"));
  if (r->condition.len) bt_buffer_append_char(out, ',');
  bt_buffer_append(out, bt_buffer_str(&r->condition));
  bt_buffer_append(out, BT_STR("]}}"));
}

/* The answer, into the batch; *page counts where the outcome is ANSWERED. */
static bt_status ask_rows(const reading *r, held *h, const char *path, bt_buffer *body, bt_elastic_page *page,
                          bt_remote_answer *of, bt_error *error) {
  bt_error why = {0};
  bt_remote_answer *answer = next_answer(h);
  bt_remote_question question = question_of(r);
  question.path = path;
  question.body = bt_buffer_str(body);
  of->outcome = BT_REMOTE_FAILED;
  *page = (bt_elastic_page){0};
  if (!answer || body->failed) return bt_error_no_memory(error);
  bt_status status = bt_elastic_ask(r->elastic, &question, answer, error);
  bt_json_place place = {.build = &h->rows.batch->build, .error = &why};
  if (status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED) {
    status = bt_elastic_read_page(answer, &place, false, bt_elastic_rows_take, &h->rows, page);
    if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
    if (status == BT_LIMIT) answer->outcome = BT_REMOTE_TOO_MUCH;
    status = BT_OK;
  }
  bt_remote_answer_follow(of, answer);
  return status;
}

/* In one answer. */
static bt_status ask_at_once(reading *r, held *h, size_t first, size_t count, bt_remote_answer *of, uint64_t *shards,
                             bt_error *error) {
  bt_buffer path = {0}, body = {0};
  bt_elastic_page page = {0};
  bt_buffer_printf(&path, "/%s/_search?allow_partial_search_results=false&" BT_ELASTIC_ALL_INDICES "&" KEPT,
                   r->elastic->index);
  write_ids(r, first, count, &body);
  bt_buffer_append_char(&body, '}');
  bt_status status = path.failed ? bt_error_no_memory(error) : ask_rows(r, h, path.ptr, &body, &page, of, error);
  *shards = 0;
  r->traces += count;
  r->spans += page.total;
  if (status == BT_OK && of->outcome == BT_REMOTE_ANSWERED && page.rows != page.total) {
    of->outcome = BT_REMOTE_TOO_MUCH;
    *shards = page.shards;
    snprintf(of->reason, sizeof of->reason, "%" PRIu64 " spans are more than one answer holds", page.total);
  }
  bt_buffer_dispose(&path);
  bt_buffer_dispose(&body);
  return status;
}

/* ---- a trace that does not fit into one answer ---- */

static bt_status ask_slice(const reading *r, held *h, const bt_elastic_view *view, size_t at, uint64_t slice,
                           uint64_t slices, bt_remote_answer *of, bt_error *error) {
  uint64_t rows = 0, total = 0;
  bt_elastic_page page = {0};
  bt_status status = BT_OK;
  of->outcome = BT_REMOTE_ANSWERED;
  bt_buffer_clear(&h->rows.last_sort);
  do {
    bt_buffer body = {0};
    write_ids(r, at, 1, &body);
    bt_buffer_printf(&body, ",\"pit\":{\"id\":%s,\"keep_alive\":\"2m\"}", view->id.ptr);
    if (slices > 1) bt_buffer_printf(&body, ",\"slice\":{\"id\":%" PRIu64 ",\"max\":%" PRIu64 "}", slice, slices);
    if (h->rows.last_sort.len) bt_buffer_printf(&body, ",\"search_after\":%s", h->rows.last_sort.ptr);
    bt_buffer_append_char(&body, '}');
    status = ask_rows(r, h, "/_search?allow_partial_search_results=false&" KEPT, &body, &page, of, error);
    bt_buffer_dispose(&body);
    rows += page.rows;
    total = page.total;
  } while (status == BT_OK && of->outcome == BT_REMOTE_ANSWERED && page.rows && rows < total);
  if (status != BT_OK || of->outcome != BT_REMOTE_ANSWERED || rows == total) return status;
  of->outcome = BT_REMOTE_FAILED;
  snprintf(of->reason, sizeof of->reason, "the pages have %" PRIu64 " spans, and the store counts %" PRIu64, rows,
           total);
  return BT_OK;
}

static bt_status ask_in_pages(const reading *r, held *h, size_t at, uint64_t shards, bt_remote_answer *of,
                              bt_error *error) {
  bt_elastic_view view = {.id = {0}};
  bt_remote_answer opened = {0};
  bt_remote_question question = question_of(r);
  bt_status status = bt_elastic_view_open(r->elastic, r->server, &question, &view, &opened, error);
  bt_remote_answer_follow(of, &opened);
  for (uint64_t slice = 0; status == BT_OK && of->outcome == BT_REMOTE_ANSWERED && slice < shards; slice++)
    status = ask_slice(r, h, &view, at, slice, shards, of, error);
  bt_elastic_view_close(r->elastic, r->server, &view);
  bt_remote_answer_dispose(&opened);
  return status;
}

/* ---- giving ---- */

/* Each id with its trace, if there is one. BeTrace's own are left out. Of some spans: what may be its own, and what has
 * none and may be gone, is read whole. */
static bt_status give_batch(const reading *r, size_t first, size_t count, const bt_span_batch *batch, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = first; status == BT_OK && i < first + count; i++) {
    bt_read_trace read = {.index = i, .trace = bt_span_batch_find(batch, &r->request->ids[i])};
    if (read.trace && !r->request->with_own && bt_trace_is_own(read.trace, BT_STR(""))) read.trace = NULL;
    bool may_be_own = read.trace && !r->request->with_own && bt_trace_may_be_own(read.trace);
    read.needs_by_id = r->condition.len && (!read.trace || may_be_own);
    if (r->condition.len) bt_read_trace_set_bounds(&read);
    if (bt_is_cancelled(r->request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    status = r->sink(r->context, &read, error);
  }
  return status;
}

static bt_status begin_batch(held *h, bt_error *error) {
  bt_span_batch_free(h->rows.batch);
  h->rows.batch = NULL;
  bt_status status = bt_span_batch_new(batch_max_bytes, &h->rows.batch, error);
  return status == BT_OK ? bt_span_batch_open(h->rows.batch, error) : status;
}

static bt_status finish_batch(held *h, bt_remote_answer *of, bt_error *error) {
  bt_error why = {0};
  bt_status status = bt_span_batch_finish(h->rows.batch, &why);
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (status == BT_OK) return BT_OK;
  bt_remote_fail(of, why.message);
  of->outcome = BT_REMOTE_TOO_MUCH;
  return BT_OK;
}

/* Of several traces one may be at fault, or too large: in smaller parts the others are read. */
static bt_status read_batch(reading *r, size_t first, size_t count, bool *is_too_much, bt_error *error) {
  held h = {.rows.read = r->server->schema->read};
  uint64_t shards = 0;
  bt_remote_answer of = {.outcome = BT_REMOTE_FAILED};
  bt_status status = begin_batch(&h, error);
  if (status == BT_OK) status = ask_at_once(r, &h, first, count, &of, &shards, error);
  bool is_large = status == BT_OK && count == 1 && of.outcome == BT_REMOTE_TOO_MUCH && shards;
  if (is_large) status = begin_batch(&h, error);
  if (is_large && status == BT_OK) status = ask_in_pages(r, &h, first, shards, &of, error);
  if (status == BT_OK && of.outcome == BT_REMOTE_ANSWERED) status = finish_batch(&h, &of, error);
  r->refusals = of.outcome == BT_REMOTE_ANSWERED || shards ? 0 : r->refusals + 1;
  *is_too_much = status == BT_OK && of.outcome != BT_REMOTE_ANSWERED && count > 1 && r->refusals < MOST_REFUSALS;
  if (status == BT_OK && of.outcome == BT_REMOTE_ANSWERED) {
    status = give_batch(r, first, count, h.rows.batch, error);
  } else if (status == BT_OK && !*is_too_much) {
    r->unread += count;
    snprintf(r->reason, sizeof r->reason, "%s", of.reason);
  }
  dispose_held(&h);
  return status;
}

/* As many ids as may fill an answer, by what the last ones had. */
static size_t size_of_next(const reading *r) {
  double spans = r->traces ? (double)r->spans / (double)r->traces : 0;
  double fitting = spans > 0 ? r->server->most_rows * 0.8 / spans : MOST_IDS;
  return fitting < 1 ? 1 : fitting > MOST_IDS ? MOST_IDS : (size_t)fitting;
}

static bt_status read_parts(reading *r, bt_error *error) {
  size_t first = 0, size = FIRST_IDS;
  bt_status status = BT_OK;
  while (status == BT_OK && first < r->request->count && r->refusals < MOST_REFUSALS) {
    bool is_too_much;
    size_t left = r->request->count - first, count = size < left ? size : left;
    status = read_batch(r, first, count, &is_too_much, error);
    size = is_too_much ? (count + 1) / 2 : size_of_next(r);
    if (!is_too_much) first += count;
  }
  r->unread += r->request->count - first;
  return status;
}

/* Only of a read of some spans. What cannot be asked for is every span. */
static bt_status write_condition(reading *r, bt_error *error) {
  bt_elastic_map map = {0};
  bt_remote_answer answer = {0};
  bt_remote_question question = question_of(r);
  bt_query query = r->request->by_id ? (bt_query){0} : r->request->spans.asked;
  if (!query.filter) return BT_OK;
  bt_status status = bt_elastic_map_ask(r->elastic, &question, r->server->schema->fields, query, &map, &answer, error);
  if (status == BT_OK && answer.outcome != BT_REMOTE_ANSWERED)
    status = bt_error_set(error, BT_UNAVAILABLE, "%s", answer.reason);
  if (status == BT_OK) (void)bt_elastic_condition_write(r->server->schema->fields, &map, query, &r->condition);
  if (r->condition.failed) status = bt_error_no_memory(error);
  bt_elastic_map_dispose(&map);
  bt_remote_answer_dispose(&answer);
  return status;
}

bt_status bt_elastic_read(bt_elastic *elastic, const bt_elastic_found *server, const bt_read_request *request,
                          bt_read_sink sink, void *context, bt_source_account *account, bt_error *error) {
  reading r = {
      .elastic = elastic, .server = server, .request = request, .sink = sink, .context = context, .account = account};
  bt_status status = write_condition(&r, error);
  if (status == BT_OK) status = read_parts(&r, error);
  bt_buffer_dispose(&r.condition);
  if (status != BT_OK || !r.unread) return status;
  return bt_error_set(error, BT_UNAVAILABLE, "%zu of %zu traces could not be read: %s", r.unread, request->count,
                      r.reason);
}
