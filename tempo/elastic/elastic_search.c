/* Listing traces. See elastic_search.h. Each span counts once, so the sum over traces has to be what the server counts:
 * else pages saw different data, or an id stands twice in a document. */
#include "tempo/elastic/elastic_search.h"

#include <inttypes.h>
#include <stdio.h>

#include "tempo/elastic/elastic_filter.h"
#include "tempo/elastic/elastic_schema.h"
#include "tempo/elastic/elastic_times.h"
#include "tempo/wire/json_number.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* A page looks at all documents again, so the largest is the cheapest; a server allows 65,535 buckets, or says no. */
enum {
  LINKED_AT_ONCE = 10000,
  LARGE_PAGE = 60000,
  SMALL_PAGE = 10000,
  TOO_MANY_BUCKETS = 503,
  REFUSED = 400,
  GONE = 404
};
static const size_t page_max_bytes = (size_t)256 << 20;

/* ---- the question ---- */

static void write_linked(bt_buffer *out, const bt_elastic_fields *fields, const bt_trace_id *ids, size_t count) {
  char hex[BT_TRACE_ID_HEX + 1];
  const char *comma = "";
  if (fields->links_nested) bt_buffer_printf(out, ",{\"nested\":{\"path\":\"%s\",\"query\":", fields->links_nested);
  bt_buffer_printf(out, "%s{\"terms\":{\"%s\":[", fields->links_nested ? "" : ",", fields->links);
  for (size_t i = 0; i < count; i++) {
    if (bt_trace_id_is_zero(&ids[i])) continue;
    bt_trace_id_format(&ids[i], hex);
    bt_buffer_printf(out, "%s\"%s\"", comma, hex);
    comma = ",";
  }
  bt_buffer_append(out, fields->links_nested ? BT_STR("]}}}}") : BT_STR("]}}"));
}

/* Behind it: the id after which the page begins, if any, and the end. */
static void write_search(const bt_elastic_search *s, const bt_elastic_view *view, bt_str condition, size_t first,
                         size_t count, bt_buffer *out) {
  const bt_elastic_fields *fields = s->server.schema->fields;
  bt_buffer_append(out, BT_STR("{\"size\":0,\"track_total_hits\":true"));
  if (view) bt_buffer_printf(out, ",\"pit\":{\"id\":%s,\"keep_alive\":\"2m\"}", view->id.ptr);
  bt_buffer_printf(out, ",\"query\":{\"bool\":{\"filter\":[{\"exists\":{\"field\":\"%s\"}},", fields->trace_id);
  bt_elastic_write_overlap(out, fields, s->range);
  bt_buffer_append_char(out, ',');
  bt_buffer_append(out, condition);
  if (s->linked) write_linked(out, fields, s->linked + first, count);
  bt_buffer_append(out, BT_STR("]}},\"aggs\":{\"traces\":{\"aggs\":{"));
  bt_elastic_write_bounds(out, fields);
  bt_buffer_printf(out, "},\"composite\":{\"size\":%" PRIu32 ",\"sources\":[{\"id\":{\"terms\":{\"field\":\"%s\"}}}]",
                   s->page_traces, fields->trace_id);
}

/* ---- a page of the answer ---- */

typedef struct pages {
  bt_elastic_search *search;
  uint64_t spans, total; /* that were counted, and that there are */
  char after[BT_TRACE_ID_HEX + 1];
} pages;

typedef struct bucket {
  bt_str id;
  uint64_t count;
  bt_elastic_bounds bounds;
} bucket;

/* {"value":1.7e12}, or null where no document has it. */
static bt_status read_value(bt_json_place *place, double *out) {
  static const bt_json_name names[] = {BT_JSON_NAME("value", 0)};
  uint32_t seen = 0;
  unsigned bit;
  bt_str digits;
  bt_json_open_object(&place->json);
  while (bt_json_next_known(&place->json, names, 1, &seen, &bit))
    if (bt_json_number(&place->json, &digits) && !bt_json_to_double(digits, out))
      bt_json_stop(&place->json, "expected a time as a number");
  return bt_json_place_status(place);
}

static bt_status read_key(bt_json_place *place, bt_str *out) {
  static const bt_json_name names[] = {BT_JSON_NAME("id", 0)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, names, 1, &seen, &bit))
    status = bt_json_read_text(place, out);
  return bt_json_place_finish(place, status);
}

static bt_status read_bucket(bt_json_place *place, bucket *b) {
  enum { KEY, DOC_COUNT, FIRST, LAST, LATEST, LONGEST };
  static const bt_json_name names[] = {BT_JSON_NAME("key", KEY),       BT_JSON_NAME("doc_count", DOC_COUNT),
                                       BT_JSON_NAME("first", FIRST),   BT_JSON_NAME("last", LAST),
                                       BT_JSON_NAME("latest", LATEST), BT_JSON_NAME("longest", LONGEST)};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  *b = (bucket){.id = BT_STR("")};
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, names, COUNT(names), &seen, &bit)) {
    double *const values[] = {[FIRST] = &b->bounds.first,
                              [LAST] = &b->bounds.last,
                              [LATEST] = &b->bounds.latest,
                              [LONGEST] = &b->bounds.longest};
    if (bit == KEY)
      status = read_key(place, &b->id);
    else if (bit == DOC_COUNT)
      status = bt_json_read_uint64(place, "expected how many spans a trace has", &b->count);
    else
      status = read_value(place, values[bit]);
  }
  return bt_json_place_finish(place, status);
}

/* An id that is written in another way would not be found again by reads. */
static bool is_readable_id(const bt_elastic_fields *fields, bt_str text, bt_trace_id *id) {
  char hex[BT_TRACE_ID_HEX + 1];
  bool is_short = fields->has_short_ids && text.len == BT_TRACE_ID_HEX / 2;
  if ((text.len != BT_TRACE_ID_HEX && !is_short) || !bt_trace_id_parse(text, id)) return false;
  bt_trace_id_format(id, hex);
  return bt_str_equal(text, bt_str_from(hex + BT_TRACE_ID_HEX - text.len));
}

static bt_status take_bucket(void *context, bt_json_place *place) {
  pages *p = context;
  bucket b;
  bt_trace_id id;
  bt_status status = read_bucket(place, &b);
  if (status != BT_OK) return status;
  const bt_elastic_fields *fields = p->search->server.schema->fields;
  if (!is_readable_id(fields, b.id, &id)) return bt_json_place_stop(place, "expected trace ids of 32 small hex digits");
  snprintf(p->after, sizeof p->after, "%.*s", BT_FMT(b.id));
  p->spans += b.count;
  if (bt_trace_id_is_zero(&id)) return BT_OK;
  bt_found found = bt_elastic_bounds_of(fields, &id, &b.bounds);
  bool is_outside =
      !found.in_doubt && (found.end_ns < p->search->range.start_ns || found.start_ns >= p->search->range.end_ns);
  if (is_outside) return BT_OK; /* what was asked for is more than the range */
  return bt_found_list_add(p->search->found, &found) ? BT_OK : bt_error_no_memory(place->error);
}

/* *is_last: there is no page behind it. */
static bt_status take_page(pages *p, bt_remote_answer *answer, bool *is_last, bt_error *error) {
  bt_build build;
  bt_error why = {0};
  bt_elastic_page page;
  bt_json_place place = {.build = &build, .error = &why};
  bt_build_init(&build, page_max_bytes);
  bt_status status = bt_elastic_read_page(answer, &place, true, take_bucket, p, &page);
  if (status != BT_OK && error) *error = why;
  *is_last = page.rows < p->search->page_traces;
  p->total = page.total;
  bt_build_dispose(&build);
  return status;
}

#define SEEN                                                                                                           \
  "filter_path=timed_out,terminated_early,_shards,_clusters,hits.total,aggregations.traces.buckets.key,"               \
  "aggregations.traces.buckets.doc_count,aggregations.traces.buckets.*.value"

static bt_status ask_page(pages *p, const bt_buffer *search, bool has_view, bt_remote_answer *answer, bool *is_last,
                          bt_error *error) {
  bt_remote_question question = p->search->question;
  bt_buffer body = {0}, path = {0};
  bt_buffer_append(&body, bt_buffer_str(search));
  if (p->after[0]) bt_buffer_printf(&body, ",\"after\":{\"id\":\"%s\"}", p->after);
  bt_buffer_append(&body, BT_STR("}}}}"));
  if (!has_view) bt_buffer_printf(&path, "/%s", p->search->elastic->index);
  bt_buffer_printf(&path, "/_search?allow_partial_search_results=false&%s" SEEN,
                   has_view ? "" : BT_ELASTIC_ALL_INDICES "&");
  question.method = "POST";
  question.path = path.ptr;
  question.body = bt_buffer_str(&body);
  *is_last = true;
  bt_status status = body.failed || path.failed || search->failed
                         ? bt_error_no_memory(error)
                         : bt_elastic_ask(p->search->elastic, &question, answer, error);
  bt_buffer_dispose(&body);
  bt_buffer_dispose(&path);
  if (status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED) status = take_page(p, answer, is_last, error);
  return status;
}

/* Without a view there is one page. */
static bt_status ask_pages(pages *p, const bt_buffer *search, bool has_view, bt_remote_answer *answer,
                           bt_error *error) {
  bool is_last = false;
  bt_status status = BT_OK;
  while (status == BT_OK && !is_last) {
    bt_remote_answer_dispose(answer);
    status = ask_page(p, search, has_view, answer, &is_last, error);
    if (status != BT_OK || answer->outcome != BT_REMOTE_ANSWERED) return status;
    status = bt_found_list_check(p->search->found, p->search->max_found, error);
    if (!is_last && !has_view) {
      p->search->needs_view = true;
      return status;
    }
  }
  if (status == BT_OK && p->spans != p->total) {
    char why[120];
    snprintf(why, sizeof why, "the pages have %" PRIu64 " spans, and the store counts %" PRIu64, p->spans, p->total);
    bt_remote_fail(answer, why);
  }
  return status;
}

/* ---- a search ---- */

/* All or nothing. */
static bt_status search_part(bt_elastic_search *s, const bt_elastic_view *view, bt_str condition, size_t first,
                             size_t count, bt_remote_answer *answer, bt_error *error) {
  pages p = {.search = s};
  bt_buffer search = {0};
  size_t before = s->found->count;
  write_search(s, view, condition, first, count, &search);
  bt_status status = ask_pages(&p, &search, view != NULL, answer, error);
  if (answer->outcome != BT_REMOTE_ANSWERED) s->found->count = before;
  bt_buffer_dispose(&search);
  return status;
}

static bt_status search_parts(bt_elastic_search *s, const bt_elastic_view *view, bt_str condition,
                              bt_remote_answer *answer, bt_error *error) {
  size_t at = 0;
  bt_status status = BT_OK;
  do {
    size_t left = s->linked_count - at, count = left < LINKED_AT_ONCE ? left : LINKED_AT_ONCE;
    bt_remote_answer_dispose(answer);
    status = search_part(s, view, condition, at, count, answer, error);
    at += count;
  } while (status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED && !s->needs_view && at < s->linked_count);
  return status;
}

static bool was_refused(const bt_remote_answer *answer, int status) {
  return answer->outcome != BT_REMOTE_ANSWERED && answer->response.status == status;
}

/* What the server does not take may be that many buckets, or a clause that it was told not to answer: without it more
 * is found. */
static bt_status search_filtered(bt_elastic_search *s, const bt_elastic_view *view, bt_str condition, bool is_filtered,
                                 bt_remote_answer *answer, bt_error *error) {
  bool may_widen = is_filtered && s->query.manner == BT_ELASTIC_OVER;
  bt_status status = search_parts(s, view, condition, answer, error);
  bool is_too_large = was_refused(answer, TOO_MANY_BUCKETS) || was_refused(answer, REFUSED);
  if (status == BT_OK && is_too_large && s->page_traces > SMALL_PAGE) {
    s->page_traces = SMALL_PAGE;
    status = search_parts(s, view, condition, answer, error);
  }
  if (status != BT_OK || !may_widen || !was_refused(answer, REFUSED)) return status;
  return search_parts(s, view, BT_STR("{\"match_all\":{}}"), answer, error);
}

static bt_status search_data(bt_elastic_search *s, const bt_elastic_view *view, bt_remote_answer *answer,
                             bt_error *error) {
  bt_elastic_map map;
  bt_buffer condition = {0};
  const bt_elastic_fields *fields = s->server.schema->fields;
  bt_status status = bt_elastic_map_ask(s->elastic, &s->question, fields, s->query, &map, answer, error);
  if (status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED) {
    bool is_filtered = bt_elastic_condition_write(fields, &map, s->query, &condition);
    status = condition.failed ? bt_error_no_memory(error)
                              : search_filtered(s, view, bt_buffer_str(&condition), is_filtered, answer, error);
  }
  bt_buffer_dispose(&condition);
  bt_elastic_map_dispose(&map);
  return status;
}

/* A view may be gone before its time: *is_gone, and another one may last. */
static bt_status search_in_view(bt_elastic_search *s, bt_remote_answer *answer, bool *is_gone, bt_error *error) {
  bt_elastic_view view = {.id = {0}};
  size_t before = s->found->count;
  bt_status status = bt_elastic_view_open(s->elastic, &s->server, &s->question, &view, answer, error);
  bool is_open = status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED;
  if (is_open) {
    bt_remote_answer_dispose(answer);
    status = search_data(s, &view, answer, error);
  }
  *is_gone = is_open && status == BT_OK && was_refused(answer, GONE);
  if (*is_gone) s->found->count = before;
  bt_elastic_view_close(s->elastic, &s->server, &view);
  return status;
}

/* Most answers have one page, which sees one state of the data without a view. */
bt_status bt_elastic_search_run(bt_elastic_search *s, bt_error *error) {
  bool is_gone = true;
  bt_remote_answer answer = {0};
  uint32_t most = s->elastic->rows_per_answer;
  size_t before = s->found->count;
  s->page_traces = most && most < LARGE_PAGE ? most : LARGE_PAGE;
  bt_status status = search_data(s, NULL, &answer, error);
  bool needs_view = status == BT_OK && s->needs_view;
  s->needs_view = false;
  if (needs_view) s->found->count = before;
  for (int i = 0; needs_view && is_gone && i < 2; i++) {
    bt_remote_answer_dispose(&answer);
    status = search_in_view(s, &answer, &is_gone, error);
  }
  if (status == BT_OK && answer.outcome != BT_REMOTE_ANSWERED) {
    bool is_said = bt_source_account_fail(s->question.account, s->range, answer.reason);
    if (!is_said) status = bt_error_no_memory(error);
  }
  bt_remote_answer_dispose(&answer);
  bt_found_list_sort(s->found);
  return status;
}
