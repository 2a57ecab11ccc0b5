/* Asking, and judging answers. See elastic_query.h. */
#include "tempo/elastic/elastic_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/json_number.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { TOO_LARGE = 413, TOO_MANY = 429 };
static const size_t arena_max_bytes = (size_t)16 << 20;

/* ---- asking ---- */

/* {"error":{"root_cause":[…],"type":"…","reason":"…"}}: the reason of the error itself. "": there is none. */
static bt_str find_reason(bt_str body, bt_arena *arena) {
  static const bt_json_name outer[] = {BT_JSON_NAME("error", 0)}, inner[] = {BT_JSON_NAME("reason", 0)};
  bt_json json;
  bt_str reason = BT_STR("");
  uint32_t seen = 0, seen_inside = 0;
  unsigned bit;
  bt_json_init(&json, body, arena);
  if (bt_json_peek(&json) != BT_JSON_OBJECT || !bt_json_open_object(&json)) return reason;
  if (!bt_json_next_known(&json, outer, 1, &seen, &bit) || bt_json_peek(&json) != BT_JSON_OBJECT) return reason;
  bt_json_open_object(&json);
  if (bt_json_next_known(&json, inner, 1, &seen_inside, &bit) && !bt_json_string(&json, &reason)) reason = BT_STR("");
  return reason;
}

/* What a complete answer means. True: it is worth another attempt. */
static bool judge_answer(bt_remote_answer *answer) {
  int status = answer->response.status;
  bt_arena arena;
  answer->outcome = BT_REMOTE_ANSWERED;
  if (status == 200) return false;
  answer->outcome = status == TOO_LARGE || status == TOO_MANY ? BT_REMOTE_TOO_MUCH : BT_REMOTE_FAILED;
  bt_arena_init(&arena, arena_max_bytes);
  bt_remote_quote_failure(answer, "the store", find_reason(bt_buffer_str(&answer->response.body), &arena));
  bt_arena_dispose(&arena);
  return status == TOO_MANY || status >= 500;
}

bt_status bt_elastic_ask(bt_elastic *elastic, const bt_remote_question *question, bt_remote_answer *answer,
                         bt_error *error) {
  bt_remote_question asked = *question;
  if (asked.body.len) asked.content_type = "Content-Type: application/json";
  asked.judge = judge_answer;
  return bt_remote_ask(&elastic->store, &asked, answer, error);
}

void bt_elastic_quote(bt_buffer *out, bt_str text) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c < ' ')
      bt_buffer_printf(out, "\\u%04x", c);
    else if (c == '"' || c == '\\')
      bt_buffer_append_char(out, '\\'), bt_buffer_append_char(out, (char)c);
    else
      bt_buffer_append_char(out, (char)c);
  }
  bt_buffer_append_char(out, '"');
}

/* ---- the answer to a search ---- */

enum { PAGE_TIMED_OUT, PAGE_ENDED_EARLY, PAGE_SHARDS, PAGE_CLUSTERS, PAGE_HITS, PAGE_AGGREGATIONS };
static const bt_json_name page_names[] = {
    BT_JSON_NAME("timed_out", PAGE_TIMED_OUT), BT_JSON_NAME("terminated_early", PAGE_ENDED_EARLY),
    BT_JSON_NAME("_shards", PAGE_SHARDS),      BT_JSON_NAME("_clusters", PAGE_CLUSTERS),
    BT_JSON_NAME("hits", PAGE_HITS),           BT_JSON_NAME("aggregations", PAGE_AGGREGATIONS)};

typedef struct page_reader {
  bt_json_place *place;
  bool takes_buckets;
  bt_elastic_row take;
  void *context;
  bt_elastic_page *page;
  uint64_t shards, successful, failed, left_out;
  bool timed_out, ended_early, is_exact;
} page_reader;

static bt_status read_counts(page_reader *r, const bt_json_name *names, size_t count, uint64_t *const *out) {
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, count, &seen, &bit))
    status = bt_json_read_uint64(r->place, "expected a number", out[bit]);
  return bt_json_place_finish(r->place, status);
}

static bt_status read_shards(page_reader *r) {
  static const bt_json_name names[] = {BT_JSON_NAME("total", 0), BT_JSON_NAME("successful", 1),
                                       BT_JSON_NAME("failed", 2)};
  return read_counts(r, names, COUNT(names), (uint64_t *[]){&r->shards, &r->successful, &r->failed});
}

/* Of other clusters, which an index pattern of ours does not name. */
static bt_status read_clusters(page_reader *r) {
  static const bt_json_name names[] = {BT_JSON_NAME("skipped", 0)};
  return read_counts(r, names, COUNT(names), (uint64_t *[]){&r->left_out});
}

static bt_status read_total(page_reader *r) {
  static const bt_json_name names[] = {BT_JSON_NAME("value", 0), BT_JSON_NAME("relation", 1)};
  uint32_t seen = 0;
  unsigned bit;
  bt_str relation;
  bt_status status = BT_OK;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, 2, &seen, &bit)) {
    if (bit == 0)
      status = bt_json_read_uint64(r->place, "expected how many spans there are", &r->page->total);
    else if ((status = bt_json_read_text(r->place, &relation)) == BT_OK)
      r->is_exact = bt_str_equal(relation, BT_STR("eq"));
  }
  return bt_json_place_finish(r->place, status);
}

static bt_status read_rows(page_reader *r) {
  bt_status status = BT_OK;
  bt_json_open_array(&r->place->json);
  while (status == BT_OK && bt_json_next_item(&r->place->json)) {
    status = r->take(r->context, r->place);
    r->page->rows += status == BT_OK;
  }
  return bt_json_place_finish(r->place, status);
}

static bt_status read_hits(page_reader *r) {
  static const bt_json_name names[] = {BT_JSON_NAME("total", 0), BT_JSON_NAME("hits", 1)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, names, 2, &seen, &bit)) {
    if (bit == 0)
      status = read_total(r);
    else if (r->takes_buckets)
      bt_json_skip(&r->place->json);
    else
      status = read_rows(r);
  }
  return bt_json_place_finish(r->place, status);
}

/* {"traces":{"after_key":…,"buckets":[…]}} */
static bt_status read_aggregations(page_reader *r) {
  static const bt_json_name outer[] = {BT_JSON_NAME("traces", 0)}, inner[] = {BT_JSON_NAME("buckets", 0)};
  uint32_t seen = 0, seen_inside = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&r->place->json);
  while (status == BT_OK && bt_json_next_known(&r->place->json, outer, 1, &seen, &bit)) {
    bt_json_open_object(&r->place->json);
    while (status == BT_OK && bt_json_next_known(&r->place->json, inner, 1, &seen_inside, &bit)) status = read_rows(r);
  }
  return bt_json_place_finish(r->place, status);
}

static bt_status read_member(page_reader *r, unsigned bit) {
  bt_json *json = &r->place->json;
  switch (bit) {
  case PAGE_TIMED_OUT: bt_json_bool(json, &r->timed_out); break;
  case PAGE_ENDED_EARLY: bt_json_bool(json, &r->ended_early); break;
  case PAGE_SHARDS: return read_shards(r);
  case PAGE_CLUSTERS: return read_clusters(r);
  case PAGE_HITS: return read_hits(r);
  default:
    if (r->takes_buckets) return read_aggregations(r);
    bt_json_skip(json);
  }
  return bt_json_place_status(r->place);
}

/* NULL: it is whole. */
static const char *why_incomplete(const page_reader *r, uint32_t told) {
  const uint32_t wanted = 1u << PAGE_TIMED_OUT | 1u << PAGE_SHARDS | 1u << PAGE_HITS;
  if ((told & wanted) != wanted)
    return "the answer is none to a search (timed_out, _shards, hits): is a proxy in between?";
  if (r->timed_out) return "the search timed out in the store, so its answer has a part only";
  if (r->ended_early) return "the store ended the search early, so its answer has a part only";
  if (!r->shards) return "no shard answered: the index pattern names nothing that is there";
  if (r->failed || r->successful != r->shards) return "a shard did not answer, so the answer has a part only";
  if (r->left_out) return "another cluster did not answer, so the answer has a part only";
  return r->is_exact ? NULL : "the answer does not say how many spans there are";
}

bt_status bt_elastic_read_page(bt_remote_answer *answer, bt_json_place *place, bool takes_buckets, bt_elastic_row take,
                               void *context, bt_elastic_page *page) {
  page_reader r = {.place = place, .takes_buckets = takes_buckets, .take = take, .context = context, .page = page};
  uint32_t seen = 0, told = 0; /* what is null is not told */
  unsigned bit;
  bt_status status = BT_OK;
  *page = (bt_elastic_page){0};
  bt_json_init(&place->json, bt_buffer_str(&answer->response.body), &place->build->arena);
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, page_names, COUNT(page_names), &seen, &bit)) {
    told |= 1u << bit;
    status = read_member(&r, bit);
  }
  status = bt_json_place_finish(place, status);
  page->shards = r.shards;
  const char *why = status == BT_OK ? why_incomplete(&r, told) : place->error->message;
  if (status == BT_OK && !why && !bt_json_at_end(&place->json)) why = "there is more behind the answer";
  if (why) bt_remote_fail(answer, why);
  return status == BT_NO_MEMORY || status == BT_LIMIT ? status : BT_OK;
}

/* ---- one view for several searches ---- */

#define KEPT_FOR "2m"

static bool find_view(bt_remote_answer *answer, const char *name, bt_elastic_view *view) {
  bt_json_name names[] = {{bt_str_from(name), 0}};
  bt_json json;
  bt_arena arena;
  bt_str id = {0};
  uint32_t seen = 0;
  unsigned bit;
  bt_arena_init(&arena, arena_max_bytes);
  bt_json_init(&json, bt_buffer_str(&answer->response.body), &arena);
  bt_json_open_object(&json);
  bool is_there = bt_json_next_known(&json, names, 1, &seen, &bit) && bt_json_string(&json, &id) && id.len;
  if (is_there) bt_elastic_quote(&view->id, id);
  bt_arena_dispose(&arena);
  return is_there;
}

bt_status bt_elastic_view_open(bt_elastic *elastic, const bt_elastic_found *found, const bt_remote_question *ask,
                               bt_elastic_view *view, bt_remote_answer *answer, bt_error *error) {
  bt_remote_question question = *ask;
  bt_buffer path = {0};
  bt_buffer_printf(&path, "/%s/%s?keep_alive=" KEPT_FOR "&expand_wildcards=open,closed%s", elastic->index,
                   found->is_opensearch ? "_search/point_in_time" : "_pit",
                   found->is_opensearch ? "&allow_partial_pit_creation=false" : "&ignore_unavailable=false");
  question.method = "POST";
  question.path = path.ptr;
  bt_status status = path.failed ? bt_error_no_memory(error) : bt_elastic_ask(elastic, &question, answer, error);
  bool is_answered = status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED;
  if (is_answered && !find_view(answer, found->is_opensearch ? "pit_id" : "id", view))
    bt_remote_fail(answer, "the store gave no point in time to search in");
  if (is_answered && view->id.failed) status = bt_error_no_memory(error);
  bt_buffer_dispose(&path);
  return status;
}

/* It would end by itself, but there may be few at once. */
void bt_elastic_view_close(bt_elastic *elastic, const bt_elastic_found *found, bt_elastic_view *view) {
  bt_buffer body = {0};
  bt_remote_answer answer = {0};
  bt_remote_question question = {.method = "DELETE",
                                 .path = found->is_opensearch ? "/_search/point_in_time" : "/_pit",
                                 .kind = BT_HTTP_OTHER,
                                 .priority = BT_PRIORITY_PEOPLE};
  if (view->id.len) {
    bt_buffer_printf(&body, found->is_opensearch ? "{\"pit_id\":[%s]}" : "{\"id\":%s}", view->id.ptr);
    question.body = bt_buffer_str(&body);
    if (!body.failed) (void)!bt_elastic_ask(elastic, &question, &answer, NULL);
    bt_remote_answer_dispose(&answer);
  }
  bt_buffer_dispose(&body);
  bt_buffer_dispose(&view->id);
}
