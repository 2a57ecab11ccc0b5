/* Questions about the size of traces. See trace_sizes.h. Each is asked over its range in slices that Tempo allows, one
 * after the other. */
#include "tempo/api/trace_sizes.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/api/traceql.h"
#include "tempo/wire/otlp_decoder.h"

static const size_t max_answer_bytes = (size_t)64 << 20;

/* One question, and what is made of its answers. */
typedef struct question {
  const bt_tempo_caller *caller;
  bt_str query;
  uint32_t most; /* traces that its answer may hold; 0: as many as Tempo allows */
  bool with_spans;
  bool may_take_long; /* where the last one did */
  bt_search_row_sink sink;
  void (*begin)(void *context); /* an answer is decoded, perhaps once more */
  void (*end)(void *context);   /* it was decoded whole */
  void *context;
  uint32_t limit;       /* of the request under way */
  bt_tempo_call *begun; /* of the first slice, where it was asked ahead; or NULL */
} question;

static bt_status too_much(bt_error *error) {
  return bt_error_set(error, BT_LIMIT, "the sizes of these traces are more than one answer holds");
}

static bt_status decode_sizes(void *context, bt_str body, bool is_json, bt_error *error) {
  const question *q = context;
  bt_search_answer answer = {0};
  q->begin(q->context);
  bt_status status = bt_tempo_decode_search(body, is_json, q->with_spans, q->sink, q->context, &answer, error);
  q->caller->account->bytes_inspected += answer.inspected_bytes;
  return status == BT_OK && answer.trace_count >= q->limit ? too_much(error) : status;
}

/* A busy Tempo that never answers within its patience would never have a batch divided. */
static int64_t patience_ms(const question *q, bt_tempo *tempo) {
  bool waits = q->may_take_long && atomic_load(&tempo->sizes_took_long);
  return waits ? tempo->timeout_ms : bt_tempo_patience_ms(tempo);
}

static void learn_patience(const question *q, const bt_tempo_call *call, bt_tempo_outcome outcome) {
  bt_tempo *tempo = call->caller->tempo;
  bool is_quick = outcome == BT_TEMPO_ANSWERED && call->response.took_ms < bt_tempo_patience_ms(tempo);
  if (q->may_take_long && (outcome == BT_TEMPO_TOO_SLOW || is_quick))
    atomic_store(&tempo->sizes_took_long, outcome == BT_TEMPO_TOO_SLOW);
}

/* Dispose of the call in every case. */
static bt_status start_slice(const question *q, int64_t start_s, int64_t end_s, bt_tempo_call *call, bt_error *error) {
  bt_tempo *tempo = q->caller->tempo;
  uint32_t allowed = atomic_load(&tempo->search_limit);
  *call = (bt_tempo_call){.caller = q->caller,
                          .max_body_bytes = max_answer_bytes,
                          .patience_ms = patience_ms(q, tempo),
                          .kind = BT_HTTP_SEARCH,
                          .limit = q->most && q->most < allowed ? q->most + 1 : allowed,
                          .range_s = end_s - start_s};
  bt_tempo_search_url url = {
      .query = q->query, .start_s = start_s, .end_s = end_s, .limit = call->limit, .spans_per_set = 1};
  return bt_tempo_url_search(tempo, &url, &call->url) ? bt_tempo_call_start(call, error) : bt_error_no_memory(error);
}

static bt_status finish_slice(question *q, bt_tempo_call *call, bt_tempo_outcome *outcome, bt_error *error) {
  q->limit = call->limit;
  bt_status status = bt_tempo_call_finish(call, decode_sizes, q, outcome, error);
  if (status == BT_OK) learn_patience(q, call, *outcome);
  if (status == BT_OK && (*outcome == BT_TEMPO_FAILED || *outcome == BT_TEMPO_TOO_SLOW))
    status = bt_error_set(error, call->may_pass ? BT_UNAVAILABLE : BT_REFUSED, "%s", call->reason);
  return status;
}

static bt_status ask_slice(question *q, int64_t start_s, int64_t end_s, bt_tempo_outcome *outcome, bt_error *error) {
  bt_tempo_call own = {0}, *call = q->begun ? q->begun : &own;
  bt_status status = q->begun ? BT_OK : start_slice(q, start_s, end_s, call, error);
  q->begun = NULL;
  if (status == BT_OK) status = finish_slice(q, call, outcome, error);
  bt_tempo_call_dispose(call);
  return status;
}

/* Over the whole range. What Tempo allows may turn out to be less: then what is left is cut anew. */
static bt_status ask_for_sizes(question *q, bt_time_range range, bt_error *error) {
  int64_t from_s, end_s;
  bt_status status = bt_tempo_seconds(range, &from_s, &end_s, error);
  while (status == BT_OK && from_s < end_s) {
    int64_t longest_s = q->begun ? q->begun->range_s : atomic_load(&q->caller->tempo->max_range_s);
    int64_t to_s = end_s - from_s > longest_s ? from_s + longest_s : end_s;
    bt_tempo_outcome outcome = BT_TEMPO_FAILED;
    status = ask_slice(q, from_s, to_s, &outcome, error);
    if (status != BT_OK) return status;
    bool is_smaller_now = (outcome == BT_TEMPO_RANGE_TOO_LONG && to_s - from_s > 1) ||
                          (outcome == BT_TEMPO_LIMIT_TOO_HIGH && q->limit > 2);
    if (outcome != BT_TEMPO_ANSWERED && !is_smaller_now) return too_much(error);
    if (outcome != BT_TEMPO_ANSWERED) continue;
    q->end(q->context);
    from_s = to_s;
  }
  return status;
}

/* ---- sizes ---- */

typedef struct sizes {
  bt_read_ids *read;
  size_t first, count;
  uint32_t *here, *all; /* of the answer that is being read, and of all slices */
} sizes;

static uint32_t add_counts(uint32_t a, uint32_t b) {
  return b < UINT32_MAX - a ? a + b : UINT32_MAX;
}

static void begin_sizes(void *context) {
  const sizes *s = context;
  memset(s->here, 0, s->count * sizeof *s->here);
}

/* Each set is a fragment, and shows one span of it. */
static bt_status add_set(void *context, const bt_search_row *row, bt_error *error) {
  const sizes *s = context;
  const bt_trace_id *ids = s->read->ids + s->first;
  const bt_trace_id *id = bsearch(&row->id, ids, s->count, sizeof *ids, bt_trace_id_order);
  if (!id) return bt_error_set(error, BT_INVALID, "Tempo answered with a trace id that was not asked for");
  uint32_t *spans = &s->read->spans[id - s->read->ids];
  if (row->span) s->here[id - ids] = add_counts(s->here[id - ids], row->matched);
  if (row->span_count > *spans) *spans = row->span_count;
  return BT_OK;
}

static void end_sizes(void *context) {
  const sizes *s = context;
  for (size_t i = 0; i < s->count; i++) s->all[i] = add_counts(s->all[i], s->here[i]);
}

bt_status bt_tempo_ask_sizes(const bt_tempo_caller *caller, bt_time_range range, bt_read_ids *read, size_t first,
                             size_t count, bt_error *error) {
  sizes s = {.read = read, .first = first, .count = count};
  bt_buffer query = {0};
  s.here = calloc(count, sizeof *s.here);
  s.all = calloc(count, sizeof *s.all);
  bt_traceql_sizes(read->ids + first, count, &query);
  question q = {.caller = caller,
                .query = bt_buffer_str(&query),
                .with_spans = true,
                .may_take_long = true,
                .sink = add_set,
                .begin = begin_sizes,
                .end = end_sizes,
                .context = &s};
  bt_status status = query.failed || !s.here || !s.all ? bt_error_no_memory(error) : ask_for_sizes(&q, range, error);
  for (size_t i = 0; status == BT_OK && i < count; i++)
    if (s.all[i] > read->spans[first + i]) read->spans[first + i] = s.all[i];
  free(s.here);
  free(s.all);
  bt_buffer_dispose(&query);
  return status;
}

/* ---- crowds ---- */

typedef struct crowd {
  bt_found_list *found;
  size_t kept; /* before the answer that is being read */
} crowd;

static void begin_crowd(void *context) {
  const crowd *c = context;
  c->found->count = c->kept;
}

static bt_status add_found(void *context, const bt_search_row *row, bt_error *error) {
  const crowd *c = context;
  bt_found found = {.id = row->id,
                    .start_ns = row->start_ns,
                    .end_ns = row->end_ns,
                    .in_doubt = row->in_doubt,
                    .entry = row->entry & 0xffffff,
                    .span_count = row->span_count};
  return bt_found_list_add(c->found, &found) ? BT_OK : bt_error_no_memory(error);
}

static void end_crowd(void *context) {
  crowd *c = context;
  c->kept = c->found->count;
}

static bt_status ask_found(const bt_tempo_caller *caller, bt_time_range range, bt_str query, bt_tempo_call *begun,
                           bt_found_list *found, bt_error *error) {
  crowd c = {.found = found, .kept = found->count};
  question q = {.caller = caller,
                .query = query,
                .begun = begun,
                .most = BT_CROWDED_MAX,
                .sink = add_found,
                .begin = begin_crowd,
                .end = end_crowd,
                .context = &c};
  bt_status status = ask_for_sizes(&q, range, error);
  bt_found_list_sort(found);
  return status;
}

/* Fragments in which the filter finds fewer spans belong to the trace too, and may lie before or after. */
static bt_status ask_bounds(const bt_tempo_caller *caller, bt_time_range range, bt_str filter, bt_found_list *found,
                            bt_error *error) {
  bt_buffer regex = {0}, query = {0};
  for (size_t i = 0; i < found->count; i++) {
    char hex[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&found->items[i].id, hex);
    bt_buffer_printf(&regex, "%s%s", i ? "|" : "", hex + strspn(hex, "0"));
  }
  bt_traceql_search(filter, bt_buffer_str(&regex), &query);
  bt_status status = regex.failed || query.failed ? bt_error_no_memory(error)
                                                  : ask_found(caller, range, bt_buffer_str(&query), NULL, found, error);
  bt_buffer_dispose(&regex);
  bt_buffer_dispose(&query);
  return status;
}

bt_status bt_tempo_begin_crowds(bt_crowds *crowds, const bt_tempo_caller *caller, bt_time_range range, bt_str filter,
                                uint32_t least, bt_error *error) {
  int64_t from_s, end_s;
  *crowds = (bt_crowds){.caller = caller, .range = range, .filter = filter};
  bt_traceql_crowded(filter, least, &crowds->query);
  if (crowds->query.failed) return bt_error_no_memory(error);
  bt_status status = bt_tempo_seconds(range, &from_s, &end_s, error);
  if (status != BT_OK) return status;
  int64_t longest_s = atomic_load(&caller->tempo->max_range_s);
  if (end_s - from_s > longest_s) end_s = from_s + longest_s;
  question q = {.caller = caller, .query = bt_buffer_str(&crowds->query), .most = BT_CROWDED_MAX};
  return start_slice(&q, from_s, end_s, &crowds->call, error);
}

void bt_tempo_dispose_crowds(bt_crowds *crowds) {
  bt_tempo_call_dispose(&crowds->call);
  bt_buffer_dispose(&crowds->query);
  bt_found_list_dispose(&crowds->found);
}

static bt_status find_crowded(bt_crowds *crowds, bt_found_list *found, bt_error *error) {
  bt_status status =
      ask_found(crowds->caller, crowds->range, bt_buffer_str(&crowds->query), &crowds->call, found, error);
  if (status == BT_OK && found->count > BT_CROWDED_MAX) return too_much(error);
  return status == BT_OK && found->count ? ask_bounds(crowds->caller, crowds->range, crowds->filter, found, error)
                                         : status;
}

static bool write_without(bt_str filter, const bt_found_list *found, bt_buffer *rest) {
  bt_trace_id *ids = bt_realloc_array(NULL, found->count + 1, sizeof *ids);
  for (size_t i = 0; ids && i < found->count; i++) ids[i] = found->items[i].id;
  if (ids) bt_traceql_without(filter, ids, found->count, rest);
  bool ok = ids && !rest->failed;
  free(ids);
  return ok;
}

/* Once. A store that refuses the question may not know count(): then nothing is left out. */
static bt_status take_crowds(bt_crowds *crowds, bt_error *error) {
  if (!crowds->is_taken) {
    crowds->is_taken = true;
    crowds->status = find_crowded(crowds, &crowds->found, &crowds->why);
    if (crowds->status == BT_REFUSED) crowds->found.count = 0;
    if (crowds->status == BT_REFUSED) crowds->status = BT_OK;
  }
  if (crowds->status != BT_OK && error) *error = crowds->why;
  return crowds->status;
}

/* Those of a part of what was asked; Tempo counts in seconds. */
static bt_status choose_crowded(const bt_crowds *crowds, bt_time_range range, bt_found_list *found, bt_error *error) {
  const int64_t second_ns = 1000000000;
  found->count = 0;
  for (size_t i = 0; i < crowds->found.count; i++) {
    const bt_found *one = &crowds->found.items[i];
    bool is_here = one->start_ns - second_ns < range.end_ns && one->end_ns + second_ns >= range.start_ns;
    if (is_here && !bt_found_list_add(found, one)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

static bt_status leave_out(bt_crowds *crowds, bt_time_range range, bt_found_list *found, bt_buffer *rest,
                           bt_error *error) {
  bt_status status = take_crowds(crowds, error);
  if (status == BT_OK) status = choose_crowded(crowds, range, found, error);
  if (status != BT_OK) return status;
  return write_without(crowds->filter, found, rest) ? BT_OK : bt_error_no_memory(error);
}

static bool covers_range(const bt_crowds *ahead, bt_time_range range, bt_str filter) {
  return ahead && bt_str_equal(ahead->filter, filter) && ahead->range.start_ns <= range.start_ns &&
         range.end_ns <= ahead->range.end_ns;
}

bt_status bt_tempo_leave_out_crowded(const bt_tempo_caller *caller, bt_time_range range, bt_str filter, uint32_t least,
                                     bt_crowds *ahead, bt_found_list *found, bt_buffer *rest, bt_error *error) {
  if (covers_range(ahead, range, filter)) return leave_out(ahead, range, found, rest, error);
  bt_crowds crowds;
  bt_status status = bt_tempo_begin_crowds(&crowds, caller, range, filter, least, error);
  if (status == BT_OK) status = leave_out(&crowds, range, found, rest, error);
  bt_tempo_dispose_crowds(&crowds);
  return status;
}
