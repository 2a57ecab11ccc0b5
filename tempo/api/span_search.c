/* Spans without knowing whose they are. See span_search.h. The range is divided into windows of time where whoever asks
 * says how long traces are (span_windows.h), and then the ids into parts of one size, as many as the expected traces
 * need. Each part is one question with a filter on the id, so that no trace lies in two of a window. A part whose
 * answer is too large or full is halved. Two are under way, so that Tempo works on the next while we decode. An answer
 * is decoded twice: first its ids, which the spans are sorted into, then the spans. Traces in which the filter finds
 * many spans would cost Tempo the square of them where it keeps them apart: they are found before, left out, and given
 * without spans. */
#include "tempo/api/span_search.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/api/traceql.h"
#include "tempo/api/column_lists.h"
#include "tempo/api/id_cover.h"
#include "tempo/api/search_window.h"
#include "tempo/api/span_windows.h"
#include "tempo/api/tempo_tail.h"
#include "tempo/api/trace_sizes.h"
#include "tempo/wire/own_trace.h"
#include "tempo/api/trace_merge.h"

enum {
  IN_FLIGHT = 2,
  TRACES_PER_PART = 14000, /* some spans each: about 14 MiB of an answer. Half a usual limit of searches. */
  TRACES_BESIDE = 25000,   /* of one of two questions that are asked at the same time */
  TWO_FROM = 2000,         /* traces that are worth two questions, because Tempo works at two at once */
  FIRST_BITS_MAX = 8,      /* at most 2^8 parts of a window to begin with */
  LEARNED_BITS_MAX = 6,    /* one huge trace must not divide every window so */
  BITS_MAX = 32,           /* and 2^32 of what turns out too large */
  WIDE_SET = 100,          /* spans of a trace that are not kept apart: what Tempo gives at most, if nobody said less */
  ENDLESS_MAX = 8, /* answers one after the other, of ever fewer ids, that went past what is taken: as in search.c */
};
static const size_t max_answer_bytes = (size_t)64 << 20, max_decoded_bytes = (size_t)128 << 20;

/* The ids whose first `bits` bits are those of `prefix`, in one window. */
typedef struct id_part {
  uint32_t prefix;
  unsigned bits;
  uint32_t window;
} id_part;

typedef struct slot {
  bt_tempo_call call;
  id_part part;
  bt_trace_id low, high;
  int64_t start_s, end_s; /* what its window asks for */
} slot;

typedef struct span_search {
  bt_tempo *tempo;
  const bt_spans_request *request;
  bt_apart apart;
  bt_spans_sink sink;
  void *context;
  bool has_given;
  bt_tempo_caller caller;
  int64_t start_s, end_s;
  bt_span_windows windows;
  bt_found_list crowded;
  bt_buffer filter; /* the request's, */
  bt_buffer others; /* and without the crowded ones */
  id_part *todo;    /* a stack */
  size_t todo_count, todo_capacity;
  unsigned least_bits;   /* of the windows that follow: a part with fewer was too large */
  slot slots[IN_FLIGHT]; /* a ring */
  uint32_t first, count;
  uint32_t endless; /* answers since the last whole one */
  /* Of the answer that is being decoded. */
  const slot *at;
  bt_found_list found;
  bt_trace_id *ids; /* of found */
  bt_trace_merge *merge;
} span_search;

/* What has to be known before. */
typedef struct before_spans {
  bt_ahead head; /* first */
  bt_tempo_caller caller;
  bt_buffer filter;
  bt_crowds crowds;
  bool may_hold_lists; /* blocks of the range of crowds */
} before_spans;

typedef struct begun_spans {
  bt_ahead head; /* first */
  bt_spans_request request;
  span_search search;
  bool is_taken;
} begun_spans;

/* NULL: it is not known. */
static before_spans *known_before(const bt_ahead *ahead) {
  if (ahead && ahead->kind == BT_AHEAD_SPANS) ahead = ((const begun_spans *)ahead)->request.ahead;
  return ahead && ahead->kind == BT_AHEAD_BEFORE_SPANS ? (before_spans *)ahead : NULL;
}

static bt_status too_much(bt_error *error) {
  return bt_error_set(error, BT_LIMIT, "the spans are more than answers hold");
}

/* ---- parts ---- */

static bool push_part(span_search *s, id_part part) {
  id_part *todo = bt_grow_array(s->todo, s->todo_count, &s->todo_capacity, sizeof *todo);
  if (!todo) return false;
  s->todo = todo;
  todo[s->todo_count++] = part;
  return true;
}

static bt_status push_halves(span_search *s, id_part part, bt_error *error) {
  if (part.bits == BITS_MAX) return too_much(error);
  id_part lower = {part.prefix << 1, part.bits + 1, part.window}, upper = lower;
  upper.prefix |= 1;
  bool ok = push_part(s, upper) && push_part(s, lower);
  return ok ? BT_OK : bt_error_no_memory(error);
}

/* As many parts, by a power of two, as so many traces need; each costs Tempo a look at all ids. */
static unsigned bits_for(const bt_spans_request *request, uint64_t expected) {
  const uint64_t most = request->is_beside ? TRACES_BESIDE : TRACES_PER_PART;
  unsigned bits = 0;
  while (bits < BITS_MAX && expected >> bits > most) bits++;
  return bits;
}

/* Each window costs what is around it, and each part of the ids a look at its window: half of the parts by each. */
static void plan_windows(span_search *s) {
  const bt_spans_request *request = s->request;
  bt_tempo_dating dating;
  (void)bt_tempo_known_dating(s->tempo, &dating);
  const bt_late_promise late = bt_tempo_late_of(&dating);
  int64_t reach_ns = request->late_ns ? bt_late_reach_ns(&late, request->late_ns) : 0;
  uint64_t most = (uint64_t)1 << bits_for(request, request->expected) / 2;
  s->windows = bt_span_windows_plan(s->start_s, s->end_s, most, request->longest_ns, reach_ns);
}

/* The earliest window, and the lowest ids, are asked for first. */
static bt_status push_first(span_search *s, bt_error *error) {
  const bt_spans_request *request = s->request;
  plan_windows(s);
  bool is_shared = request->expected >= TWO_FROM && !request->is_beside && s->windows.count == 1;
  unsigned bits = bits_for(request, bt_span_windows_share(&s->windows, request->expected));
  if (is_shared && !bits) bits = 1;
  if (bits > FIRST_BITS_MAX) bits = FIRST_BITS_MAX;
  for (uint32_t window = s->windows.count; window-- > 0;)
    for (uint32_t prefix = (uint32_t)1 << bits; prefix-- > 0;)
      if (!push_part(s, (id_part){prefix, bits, window})) return bt_error_no_memory(error);
  return BT_OK;
}

static void set_bounds(slot *at) {
  unsigned left = BITS_MAX - at->part.bits;
  uint32_t ours = left == BITS_MAX ? UINT32_MAX : ((uint32_t)1 << left) - 1;
  uint32_t low = left == BITS_MAX ? 0 : at->part.prefix << left, high = low | ours;
  memset(at->low.bytes, 0, sizeof at->low.bytes);
  memset(at->high.bytes, 0xff, sizeof at->high.bytes);
  for (unsigned i = 0; i < sizeof low; i++) {
    at->low.bytes[i] = (uint8_t)(low >> (24 - 8 * i));
    at->high.bytes[i] = (uint8_t)(high >> (24 - 8 * i));
  }
}

/* ---- answers ---- */

/* A cover may find ids beyond its part: they are another part's. A trace that was given as crowded is
 * not given again, also where an answer has it. */
static bool is_ours(const span_search *s, const slot *at, const bt_trace_id *id) {
  bool is_of_part = bt_trace_id_compare(&at->low, id) <= 0 && bt_trace_id_compare(id, &at->high) <= 0;
  return is_of_part && !bt_found_list_get(&s->crowded, id);
}

static bt_status take_id(void *context, const bt_search_row *row, bt_error *error) {
  span_search *s = context;
  bt_found found = bt_found_of_row(row, s->at->start_s, s->at->end_s);
  if (row->span || !is_ours(s, s->at, &row->id)) return BT_OK;
  return bt_found_list_add(&s->found, &found) ? BT_OK : bt_error_no_memory(error);
}

static bt_status decode_ids(span_search *s, bt_str body, bool is_json, bt_error *error) {
  bt_search_answer answer = {0};
  s->found.count = 0;
  bt_status status = bt_tempo_decode_search(body, is_json, false, take_id, s, &answer, error);
  s->caller.account->bytes_inspected += answer.inspected_bytes;
  if (status == BT_OK && answer.trace_count >= s->at->call.limit) return too_much(error);
  if (status != BT_OK) return status;
  bt_found_list_sort(&s->found);
  bt_trace_id *ids = bt_realloc_array(s->ids, s->found.count, sizeof *ids);
  if (!ids) return bt_error_no_memory(error);
  s->ids = ids;
  for (size_t i = 0; i < s->found.count; i++) ids[i] = s->found.items[i].id;
  return BT_OK;
}

typedef struct chosen_rows {
  bt_merge_part part; /* first */
  const span_search *search;
} chosen_rows;

static bt_status take_row(void *context, const bt_search_row *row, bt_error *error) {
  chosen_rows *rows = context;
  return is_ours(rows->search, rows->search->at, &row->id) ? bt_trace_merge_row(&rows->part, row, error) : BT_OK;
}

static bt_status decode_spans(void *context, bt_str body, bool is_json, bt_error *error) {
  span_search *s = context;
  bt_search_answer answer = {0};
  bt_status status = decode_ids(s, body, is_json, error);
  bt_trace_merge_free(s->merge);
  s->merge = NULL;
  if (status == BT_OK)
    status =
        bt_trace_merge_new(s->ids, s->found.count, s->request->projection, true, max_decoded_bytes, &s->merge, error);
  chosen_rows rows = {{s->merge, 0}, s};
  return status == BT_OK ? bt_tempo_decode_search(body, is_json, true, take_row, &rows, &answer, error) : status;
}

/* With the bounds that its spans show: a row's are those of its longest fragment. Where not all spans are there, they
 * may be farther apart. */
static bt_status give_found(span_search *s, const bt_found_spans *row, bt_error *error) {
  bt_found_spans given = *row;
  bool is_divided = s->windows.count > 1;
  if (given.trace && bt_trace_may_be_own(given.trace)) given.needs_by_id = true;
  if (given.trace) bt_found_widen(&given.found, given.trace);
  given.found.in_doubt = given.found.in_doubt || (is_divided && given.needs_by_id);
  if (!bt_span_windows_gives(&s->windows, s->at->part.window, &given.found)) return BT_OK;
  s->has_given = true;
  return s->sink(s->context, &given, error);
}

static bt_status give_found_spans(span_search *s, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < s->found.count; i++) {
    bt_trace storage;
    bt_found_spans row = {.found = s->found.items[i]};
    status = bt_trace_merge_take(s->merge, i, &storage, &row.trace, &row.needs_by_id, error);
    if (status == BT_LIMIT) row = (bt_found_spans){.found = s->found.items[i], .needs_by_id = true};
    if (status == BT_LIMIT) status = BT_OK;
    if (status == BT_OK) status = give_found(s, &row, error);
  }
  return status;
}

/* ---- questions ---- */

static bt_status write_url(span_search *s, slot *at, bt_error *error) {
  bt_buffer regex = {0}, query = {0};
  bt_id_cover(&at->low, &at->high, &regex);
  bt_traceql_read_spans(bt_buffer_str(&s->others), s->apart, bt_buffer_str(&regex), s->request->projection, 0,
                        bt_tempo_columns(s->tempo), &query);
  bt_tempo_search_url url = {.query = bt_buffer_str(&query),
                             .start_s = at->start_s,
                             .end_s = at->end_s,
                             .limit = at->call.limit,
                             .spans_per_set = s->apart == BT_APART_NOT ? WIDE_SET : BT_READ_SPANS_PER_SET};
  bool ok = !regex.failed && !query.failed && bt_tempo_url_search(s->tempo, &url, &at->call.url);
  bt_buffer_dispose(&regex);
  bt_buffer_dispose(&query);
  return ok ? BT_OK : bt_error_no_memory(error);
}

/* Of one that is sure to be too large the halves are asked for. */
static bt_status take_part(span_search *s, id_part *out, bt_error *error) {
  bt_status status = BT_OK;
  while (status == BT_OK && s->todo[s->todo_count - 1].bits < s->least_bits)
    status = push_halves(s, s->todo[--s->todo_count], error);
  if (status == BT_OK) *out = s->todo[--s->todo_count];
  return status;
}

static bt_status ask_next(span_search *s, bt_error *error) {
  id_part part;
  bt_status taken = take_part(s, &part, error);
  if (taken != BT_OK) return taken;
  slot *at = &s->slots[(s->first + s->count++) % IN_FLIGHT];
  *at = (slot){.part = part};
  set_bounds(at);
  bt_span_windows_bounds(&s->windows, at->part.window, &at->start_s, &at->end_s);
  at->call.caller = &s->caller;
  at->call.max_body_bytes = max_answer_bytes;
  at->call.patience_ms = s->tempo->timeout_ms;
  at->call.kind = BT_HTTP_READ;
  at->call.limit = atomic_load(&s->tempo->search_limit);
  at->call.range_s = at->end_s - at->start_s;
  bt_status status = write_url(s, at, error);
  return status == BT_OK ? bt_tempo_call_start(&at->call, error) : status;
}

/* Each of them costs all that is taken of one, and a part has 32 halvings. */
static bt_status look_at_large(span_search *s, const slot *at, bt_error *error) {
  if (at->call.is_endless && ++s->endless >= ENDLESS_MAX) return too_much(error);
  bool may_learn = s->windows.count > 1 && at->part.bits < LEARNED_BITS_MAX;
  if (may_learn && at->part.bits >= s->least_bits) s->least_bits = at->part.bits + 1;
  return push_halves(s, at->part, error);
}

static bt_status look_at(span_search *s, const slot *at, bt_tempo_outcome outcome, bt_error *error) {
  if (outcome == BT_TEMPO_ANSWERED) s->endless = 0;
  switch (outcome) {
  case BT_TEMPO_ANSWERED: return give_found_spans(s, error);
  case BT_TEMPO_TOO_LARGE: return look_at_large(s, at, error);
  case BT_TEMPO_LIMIT_TOO_HIGH:
    if (at->call.limit > 2) return push_part(s, at->part) ? BT_OK : bt_error_no_memory(error);
    return too_much(error);
  case BT_TEMPO_RANGE_TOO_LONG:
  case BT_TEMPO_TOO_SLOW:
  case BT_TEMPO_QUERY_TOO_LONG: return too_much(error);
  case BT_TEMPO_STUMBLED:
  case BT_TEMPO_FAILED: break;
  }
  return bt_error_set(error, at->call.may_pass ? BT_UNAVAILABLE : BT_REFUSED, "the spans could not be searched: %.190s",
                      at->call.reason);
}

static bt_status finish_oldest(span_search *s, bt_error *error) {
  slot *at = &s->slots[s->first];
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  s->at = at;
  bt_status status = bt_tempo_call_finish(&at->call, decode_spans, s, &outcome, error);
  if (status == BT_OK) status = look_at(s, at, outcome, error);
  bt_trace_merge_free(s->merge);
  s->merge = NULL;
  bt_tempo_call_dispose(&at->call);
  s->first = (s->first + 1) % IN_FLIGHT;
  s->count--;
  return status;
}

static bt_status leave_out_crowded(span_search *s, bt_error *error) {
  before_spans *before = known_before(s->request->ahead);
  bt_crowds *ahead = before ? &before->crowds : NULL;
  bt_traceql_write(s->request->spans.asked, false, &s->filter);
  bt_str filter = bt_buffer_str(&s->filter);
  if (s->apart == BT_APART_NOT) bt_buffer_append(&s->others, filter);
  if (s->filter.failed || s->others.failed) return bt_error_no_memory(error);
  if (s->apart == BT_APART_NOT) return BT_OK;
  return bt_tempo_leave_out_crowded(&s->caller, s->request->range, filter, BT_CROWDED_FROM, ahead, &s->crowded,
                                    &s->others, error);
}

static bt_status give_crowded(span_search *s, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < s->crowded.count; i++) {
    bt_found_spans given = {.found = s->crowded.items[i], .needs_by_id = true};
    status = s->sink(s->context, &given, error);
    s->has_given = true;
  }
  return status;
}

static bool is_too_long(const span_search *s) {
  return s->end_s - s->start_s > atomic_load(&s->tempo->max_range_s);
}

/* What comes before any answer. */
static bt_status prepare_parts(span_search *s, bt_error *error) {
  if (is_too_long(s)) return too_much(error);
  bt_status status = leave_out_crowded(s, error);
  if (status == BT_OK && is_too_long(s)) return too_much(error); /* that was learned now */
  return status == BT_OK ? push_first(s, error) : status;
}

static bool may_ask(const span_search *s) {
  return s->todo_count && s->count < IN_FLIGHT;
}

static bt_status search_all(span_search *s, bt_error *error) {
  bt_status status = give_crowded(s, error);
  while (status == BT_OK && (s->todo_count || s->count))
    status = may_ask(s) ? ask_next(s, error) : finish_oldest(s, error);
  return status;
}

static bool covers_range_of(bt_time_range whole, bt_time_range part) {
  return whole.start_ns <= part.start_ns && part.end_ns <= whole.end_ns;
}

/* What one question cannot ask for; and where an attribute may be of a list, it decides nothing. */
static bt_status refuse_what_is_too_much(const span_search *s, bt_error *error) {
  const before_spans *before = known_before(s->request->ahead);
  bool may_hold_lists = false;
  if (is_too_long(s)) return too_much(error);
  if (!s->request->projection->attribute_count) return BT_OK;
  if (before && !before->may_hold_lists && covers_range_of(before->crowds.range, s->request->range)) return BT_OK;
  bt_status status = bt_tempo_may_hold_lists(&s->caller, s->request->range, &may_hold_lists, error);
  return status == BT_OK && may_hold_lists ? too_much(error) : status;
}

static void dispose_search(span_search *s) {
  for (; s->count; s->count--, s->first = (s->first + 1) % IN_FLIGHT) bt_tempo_call_dispose(&s->slots[s->first].call);
  bt_found_list_dispose(&s->found);
  bt_found_list_dispose(&s->crowded);
  bt_buffer_dispose(&s->filter);
  bt_buffer_dispose(&s->others);
  free(s->ids);
  free(s->todo);
  bt_tempo_caller_dispose(&s->caller);
}

static bt_status open_search(span_search *s, bt_apart apart, bt_source_account *account, bt_error *error) {
  const bt_spans_request *request = s->request;
  bt_tempo_identity identity = {request->tenant, request->rule_id, request->cancel, request->priority};
  s->apart = apart;
  bt_status status = bt_tempo_caller_init(&s->caller, s->tempo, &identity, account, error);
  if (status == BT_OK) status = bt_tempo_seconds(request->range, &s->start_s, &s->end_s, error);
  if (status == BT_OK) status = refuse_what_is_too_much(s, error);
  return status == BT_OK ? prepare_parts(s, error) : status;
}

static bt_status find_apart(span_search *s, bt_apart apart, bt_source_account *account, bt_error *error) {
  bt_status status = open_search(s, apart, account, error);
  if (status == BT_OK) status = search_all(s, error);
  dispose_search(s);
  return status;
}

static bool is_same(const bt_spans_request *a, const bt_spans_request *b) {
  return bt_query_equal(a->spans.asked, b->spans.asked) && a->spans.apart == b->spans.apart &&
         a->range.start_ns == b->range.start_ns && a->range.end_ns == b->range.end_ns &&
         a->projection == b->projection && a->longest_ns == b->longest_ns;
}

/* NULL: nothing goes on, or something else. */
static begun_spans *begun_of(const bt_spans_request *request) {
  begun_spans *begun = request->ahead && request->ahead->kind == BT_AHEAD_SPANS ? (begun_spans *)request->ahead : NULL;
  return begun && !begun->is_taken && is_same(&begun->request, request) ? begun : NULL;
}

static bt_status finish_begun(begun_spans *begun, const span_search *taker, bt_source_account *account,
                              bt_error *error) {
  span_search *s = &begun->search;
  begun->is_taken = true;
  s->request = taker->request;
  s->sink = taker->sink;
  s->context = taker->context;
  s->caller.account = account;
  bt_status status = begun->head.status;
  if (status != BT_OK) *error = begun->head.why;
  if (status == BT_OK) status = search_all(s, error);
  dispose_search(s);
  return status;
}

/* Where Tempo's owner allows fewer spans of a trace, it refuses wide sets; spans apart are in narrow ones. */
bt_status bt_tempo_find_spans(bt_tempo *tempo, const bt_spans_request *request, bt_spans_sink sink, void *context,
                              bt_source_account *account, bt_error *error) {
  const span_search taker = {.tempo = tempo, .request = request, .sink = sink, .context = context};
  span_search s = taker;
  bt_error why = {0};
  if (request->projection->whole_trace || bt_projection_groups(request->projection) != 1) return too_much(error);
  if (request->range.start_ns >= request->range.end_ns) return BT_OK; /* nothing is in it, as for a search */
  begun_spans *begun = begun_of(request);
  const span_search *asked = begun ? &begun->search : &s;
  bt_apart apart = atomic_load(&tempo->refuses_wide_sets) ? BT_APART_BY_KIND : request->spans.apart;
  bt_status status = begun ? finish_begun(begun, &taker, account, &why) : find_apart(&s, apart, account, &why);
  if (status == BT_REFUSED && asked->apart == BT_APART_NOT && !asked->has_given) {
    s = taker;
    status = find_apart(&s, BT_APART_BY_KIND, account, &why);
    if (status == BT_OK) atomic_store(&tempo->refuses_wide_sets, true);
  }
  if (status != BT_OK && error) *error = why;
  return status;
}

/* ---- ahead of it ---- */

static void drop_spans(bt_ahead *ahead) {
  begun_spans *begun = (begun_spans *)ahead;
  if (!begun->is_taken) dispose_search(&begun->search);
  free(begun);
}

bt_ahead *bt_tempo_begin_spans(bt_tempo *tempo, const bt_spans_request *request, bt_source_account *account) {
  bool is_refused = request->spans.apart == BT_APART_NOT && atomic_load(&tempo->refuses_wide_sets);
  if (request->projection->whole_trace || bt_projection_groups(request->projection) != 1) return NULL;
  if (request->range.start_ns >= request->range.end_ns) return NULL;
  begun_spans *begun = calloc(1, sizeof *begun);
  if (!begun) return NULL;
  bt_ahead *head = &begun->head;
  span_search *s = &begun->search;
  *head = (bt_ahead){.kind = BT_AHEAD_SPANS, .drop = drop_spans};
  begun->request = *request;
  *s = (span_search){.tempo = tempo, .request = &begun->request};
  head->status = open_search(s, is_refused ? BT_APART_BY_KIND : request->spans.apart, account, &head->why);
  while (head->status == BT_OK && may_ask(s)) head->status = ask_next(s, &head->why);
  return head;
}

/* A short question, beside the long one. Where it fails, each range is asked for itself. */
static void look_for_lists(before_spans *before, const bt_spans_request *request) {
  bt_error ignored = {0};
  before->may_hold_lists = true;
  if (!request->projection->attribute_count) return;
  bool may_hold_lists = true;
  bt_status status = bt_tempo_may_hold_lists(&before->caller, request->range, &may_hold_lists, &ignored);
  before->may_hold_lists = status != BT_OK || may_hold_lists;
}

static void drop_before(bt_ahead *ahead) {
  before_spans *before = (before_spans *)ahead;
  bt_tempo_dispose_crowds(&before->crowds);
  bt_tempo_caller_dispose(&before->caller);
  bt_buffer_dispose(&before->filter);
  free(before);
}

bt_ahead *bt_tempo_begin_before_spans(bt_tempo *tempo, const bt_spans_request *request, bt_source_account *account) {
  bt_tempo_identity identity = {request->tenant, request->rule_id, request->cancel, request->priority};
  bt_error ignored = {0};
  before_spans *before = calloc(1, sizeof *before);
  if (!before) return NULL;
  before->head = (bt_ahead){.kind = BT_AHEAD_BEFORE_SPANS, .drop = drop_before};
  bt_traceql_write(request->spans.asked, false, &before->filter);
  bt_status status = bt_tempo_caller_init(&before->caller, tempo, &identity, account, &ignored);
  if (status == BT_OK && before->filter.failed) status = BT_NO_MEMORY;
  if (status == BT_OK)
    status = bt_tempo_begin_crowds(&before->crowds, &before->caller, request->range, bt_buffer_str(&before->filter),
                                   BT_CROWDED_FROM, &ignored);
  if (status == BT_OK) {
    look_for_lists(before, request);
    return &before->head;
  }
  drop_before(&before->head);
  return NULL;
}
