/* Exhaustive search. See search.h. Windows lie on a stack; a few are asked at once and looked at in the order in which
 * they were asked. An answer with as many traces as the limit may be cut: its window is split and asked again in parts,
 * down to one second and then by trace id. A full answer is work for nothing, so once one came, windows that are as
 * dense as the last one answered in full would be full too are cut before they are asked. A window ends in one of two
 * ways: answered in full, or in account->failed with its reason. */
#include "tempo/api/search.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsl/time_sum.h"
#include "tempo/api/traceql.h"
#include "tempo/api/search_window.h"
#include "tempo/api/tempo_tail.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/wall_clock.h"

enum {
  IN_FLIGHT_MAX = 8,
  FAILED_WINDOWS_MAX =
      32, /* then Tempo is not well, or answers nonsense: the rest is not asked and said to be unread */
  ENDLESS_MAX =
      8, /* answers one after the other, of ever shorter ranges, that went past what is taken: it is no Tempo's */
  CLOCKS_DIFFER_S = 5,  /* ours and Tempo's, at most */
  PARTS_MAX = 16,       /* of a window that is cut before it is asked */
  SHARED_FROM = 2000,   /* traces: a question that finds so many is asked in halves, */
  SHARED_FROM_S = 7200, /* and one of so long a range, where nobody knows what it finds. */
  REFUSALS_MAX = 3,     /* an eighth of what was refused is not halved */
  QUARTERS_FROM_S = 4   /* a full window of so many seconds is cut in four: it may hold many times what an answer may */
};
/* Of what an answer may hold: parts are made for the first number where they would have more than the second. */
static const double aimed_share = 0.6, full_share = 0.9;
static const size_t max_answer_bytes = (size_t)64 << 20;
static const int64_t second_ns = 1000000000;

typedef struct slot {
  bt_tempo_call call;
  bt_window window;
  uint32_t limit;
  bool is_wider; /* asked with the wider filter */
} slot;

typedef struct search {
  bt_tempo *tempo;
  const bt_search_request *request;
  bt_tempo_caller caller;
  bt_found_list *found;
  size_t found_before; /* what was in it at the beginning */
  bt_source_account *account;
  bt_window_stack todo;
  slot slots[IN_FLIGHT_MAX]; /* a ring */
  uint32_t first, count, wanted;
  int64_t end_s;           /* of the range */
  int64_t reach_s, edge_s; /* so much beyond its own end a window is asked, and so much beyond that of the range */
  bt_buffer filter;        /* `{ … }` */
  bt_buffer regex, query;  /* scratch */
  size_t failed_windows;
  uint32_t endless;  /* answers since the last whole one */
  bt_buffer wider;   /* the filter, once Tempo stumbled over it; empty before */
  bool was_full;     /* some answer was */
  bool is_too_long;  /* the query is */
  double per_second; /* traces, of the window that was answered in full last; 0: none was */
  /* Of the answer that is being decoded. */
  const bt_window *window;
  size_t kept;        /* found->count before it */
  size_t trace_count; /* as many as Tempo gave */
} search;

/* Of a window that lies after everything that Tempo shows the second before is asked, too. */
static int64_t asked_from_s(const search *s, const bt_window *window) {
  int64_t newest_s = s->todo.whole_from_s - 1;
  return window->end_s - newest_s <= atomic_load(&s->tempo->max_range_s) ? bt_time_earlier(window->start_s, newest_s)
                                                                         : window->start_s;
}

/* A late span may lie in a block that is dated by its arrival, and Tempo finds it where a question overlaps both: so
 * each window goes on for as long as that may have come after its end. */
static int64_t asked_to_s(const search *s, const bt_window *window) {
  return bt_time_earlier(window->end_s + s->reach_s, bt_time_later(window->end_s, s->end_s + s->edge_s));
}

static bt_status take_row(void *context, const bt_search_row *row, bt_error *error) {
  search *s = context;
  if (row->span) return BT_OK;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&row->id, hex);
  if (!bt_window_has_id(s->window, hex))
    return bt_error_set(error, BT_INVALID, "Tempo answered with a trace id that was not asked for");
  bt_found found = bt_found_of_row(row, asked_from_s(s, s->window), asked_to_s(s, s->window));
  return bt_found_list_add(s->found, &found) ? BT_OK : bt_error_no_memory(error);
}

static bt_status decode_rows(void *context, bt_str body, bool is_json, bt_error *error) {
  search *s = context;
  bt_search_answer answer = {0};
  s->found->count = s->kept;
  bt_status status = bt_tempo_decode_search(body, is_json, false, take_row, s, &answer, error);
  s->trace_count = answer.trace_count;
  s->account->bytes_inspected += answer.inspected_bytes;
  return status;
}

static bt_status fail_window(search *s, const bt_window *window, const char *reason, bt_error *error) {
  char text[sizeof((bt_failed_window *)0)->reason];
  if (window->prefix[0])
    snprintf(text, sizeof text, "%.160s (trace ids that start with %s)", reason, window->prefix);
  else
    snprintf(text, sizeof text, "%s", reason);
  bt_time_range range = {.start_ns = bt_time_later(window->start_s * second_ns, s->request->range.start_ns),
                         .end_ns = bt_time_earlier(window->end_s * second_ns, s->request->range.end_ns)};
  s->failed_windows++;
  return bt_source_account_fail(s->account, range, text) ? BT_OK : bt_error_no_memory(error);
}

/* In two, or where there are seconds enough in four. */
static bt_window_split push_parts(search *s, const bt_window *full) {
  bool is_long = !full->prefix[0] && bt_window_divisible_s(&s->todo, full) >= QUARTERS_FROM_S;
  bt_window window = *full;
  window.is_cut = false;
  bt_window_split split = bt_window_split_push(&s->todo, &window);
  if (!is_long || split != BT_WINDOW_SPLIT) return split;
  bt_window first = s->todo.items[--s->todo.count], second = s->todo.items[--s->todo.count];
  split = bt_window_split_push(&s->todo, &second);
  return split == BT_WINDOW_SPLIT ? bt_window_split_push(&s->todo, &first) : split;
}

static bt_status split_window(search *s, const bt_window *window, const char *why, bt_error *error) {
  s->was_full = true;
  switch (push_parts(s, window)) {
  case BT_WINDOW_SPLIT: return BT_OK;
  case BT_WINDOW_NO_MEMORY: return bt_error_no_memory(error);
  case BT_WINDOW_SMALLEST: break;
  }
  return fail_window(s, window, why, error);
}

static bt_status push_window(search *s, const bt_window *window, bt_error *error) {
  return bt_window_push(&s->todo, window) ? BT_OK : bt_error_no_memory(error);
}

static bt_status too_many(const search *s, bt_error *error) {
  return bt_error_set(error, BT_LIMIT, "the search finds more than %zu traces", s->request->max_found);
}

static bt_status check_maximum(search *s, bt_error *error) {
  size_t maximum = s->request->max_found;
  if (!maximum || s->found->count <= maximum) return BT_OK;
  bt_found_list_sort(s->found);
  if (s->found->count <= maximum) return BT_OK;
  return too_many(s, error);
}

static int compare_found_ids(const void *a, const void *b) {
  return bt_trace_id_compare(&((const bt_found *)a)->id, &((const bt_found *)b)->id);
}

/* Of the rows of this answer. A Tempo names each trace once. */
static bool has_repeated(const search *s) {
  size_t count = s->found->count - s->kept;
  bt_found *rows = count ? s->found->items + s->kept : NULL;
  if (count) qsort(rows, count, sizeof *rows, compare_found_ids);
  for (size_t i = 1; i < count; i++)
    if (compare_found_ids(&rows[i - 1], &rows[i]) == 0) return true;
  return false;
}

/* A full answer is asked again in parts, unless it alone has more than the maximum. Not one that is full of the same
 * traces: its parts would be too, down to the last digit of each id. */
static bt_status look_at_rows(search *s, const slot *at, bt_error *error) {
  if (s->trace_count < at->limit) {
    if (!at->window.prefix[0])
      s->per_second = (double)s->trace_count / (double)bt_time_later(bt_window_divisible_s(&s->todo, &at->window), 1);
    return check_maximum(s, error);
  }
  bool is_repeated = has_repeated(s);
  size_t rows = s->found->count - s->kept, maximum = s->request->max_found;
  if (maximum && rows > maximum && !is_repeated) return too_many(s, error);
  s->found->count = s->kept; /* its parts will find them again */
  if (is_repeated)
    return fail_window(s, &at->window, "the answer is full and names a trace twice: what it lacks cannot be asked for",
                       error);
  return split_window(s, &at->window, "more traces share one second and the start of their ids than an answer may hold",
                      error);
}

/* The window is asked again, and all after it, with a filter that finds more. */
static bt_status widen_window(search *s, const slot *at, bt_error *error) {
  bool is_wider = at->is_wider;
  if (!is_wider && !s->wider.len && s->request->may_widen && bt_traceql_can_widen(s->request->query))
    bt_traceql_write(s->request->query, true, &s->wider);
  if (s->wider.failed) return bt_error_no_memory(error);
  if (is_wider || !s->wider.len) return fail_window(s, &at->window, at->call.reason, error);
  s->account->was_widened = true;
  return push_window(s, &at->window, error);
}

/* A part of what is too large is smaller, but not of an answer that has no end: each of them costs all that is taken of
 * one, and there are a hundred parts until the smallest. Then nothing else is asked. */
static bt_status look_at_large(search *s, const slot *at, bt_error *error) {
  if (!at->call.is_endless || ++s->endless < ENDLESS_MAX)
    return split_window(s, &at->window, "the answer is too large in the smallest window too", error);
  s->failed_windows = FAILED_WINDOWS_MAX;
  return fail_window(s, &at->window, "answers go on past 64 MiB however short the range is: is this address Tempo's?",
                     error);
}

/* It lies in what was asked, and not in a gateway in front of nothing, a wrong address or password, or a live store
 * that lags. A query that Tempo cannot parse is refused for each part alike. */
static bool is_refused(const slot *at) {
  int status = at->call.response.status;
  bool is_unparsed = strstr(at->call.reason, "parse error") != NULL;
  if (at->call.is_lagging || is_unparsed) return false;
  return status == 400 || status == 422 || status == 429 || status == 500;
}

/* A part of the range may be what Tempo cannot answer for: the rest of it is answered. */
static bt_status look_at_refusal(search *s, const slot *at, bt_error *error) {
  int64_t divisible_s = bt_window_divisible_s(&s->todo, &at->window);
  bool is_divisible = !at->window.prefix[0] && divisible_s >= 2 && divisible_s > s->todo.least_s;
  bt_window window = at->window;
  if (!is_refused(at) || !is_divisible || window.refusals++ >= REFUSALS_MAX)
    return fail_window(s, &at->window, at->call.reason, error);
  window.is_cut = false;
  return bt_window_split_push(&s->todo, &window) == BT_WINDOW_SPLIT ? BT_OK : bt_error_no_memory(error);
}

static bt_status look_at_answer(search *s, const slot *at, bt_tempo_outcome outcome, bt_error *error) {
  if (outcome == BT_TEMPO_ANSWERED) s->endless = 0;
  if (outcome != BT_TEMPO_ANSWERED) s->found->count = s->kept;
  switch (outcome) {
  case BT_TEMPO_ANSWERED: return look_at_rows(s, at, error);
  case BT_TEMPO_TOO_LARGE: return look_at_large(s, at, error);
  case BT_TEMPO_RANGE_TOO_LONG:
    if (at->window.end_s - at->window.start_s > 1)
      return push_window(s, &at->window, error); /* sliced when it is asked */
    return fail_window(s, &at->window,
                       s->reach_s ? "Tempo refuses a range that is no longer than what may come late (--lateness)"
                                  : "Tempo refuses a range of one second as too long",
                       error);
  case BT_TEMPO_LIMIT_TOO_HIGH:
    if (at->limit > 1) return push_window(s, &at->window, error);
    return fail_window(s, &at->window, "Tempo refuses every limit", error);
  case BT_TEMPO_STUMBLED: return widen_window(s, at, error);
  case BT_TEMPO_QUERY_TOO_LONG: s->is_too_long = true; break;
  case BT_TEMPO_TOO_SLOW:
  case BT_TEMPO_FAILED: return look_at_refusal(s, at, error);
  }
  return fail_window(s, &at->window, at->call.reason, error);
}

static bt_status finish_oldest(search *s, bt_error *error) {
  slot *at = &s->slots[s->first];
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  s->window = &at->window;
  s->kept = s->found->count;
  bt_status status = bt_tempo_call_finish(&at->call, decode_rows, s, &outcome, error);
  if (status == BT_OK)
    status = look_at_answer(s, at, outcome, error);
  else
    s->found->count = s->kept;
  bt_tempo_call_dispose(&at->call);
  s->first = (s->first + 1) % IN_FLIGHT_MAX;
  s->count--;
  return status;
}

/* Who wants to know whether there are more than a few does not have to be given all. */
static uint32_t limit_of(const search *s) {
  uint32_t most = atomic_load(&s->tempo->search_limit);
  size_t maximum = s->request->max_found;
  return maximum && maximum < most ? (uint32_t)maximum + 1 : most;
}

static bt_status ask_window(search *s, const bt_window *window, bt_error *error) {
  slot *at = &s->slots[(s->first + s->count) % IN_FLIGHT_MAX];
  *at = (slot){.window = *window, .limit = limit_of(s), .is_wider = s->wider.len > 0};
  at->call.caller = &s->caller;
  at->call.max_body_bytes = max_answer_bytes;
  at->call.kind = BT_HTTP_SEARCH;
  at->call.limit = at->limit;
  at->call.range_s = asked_to_s(s, window) - window->start_s;
  bt_buffer_clear(&s->query);
  bt_window_id_regex(window, &s->regex);
  bt_str filter = bt_buffer_str(at->is_wider ? &s->wider : &s->filter);
  bt_traceql_search(filter, bt_buffer_str(&s->regex), &s->query);
  bt_tempo_search_url url = {.query = bt_buffer_str(&s->query),
                             .start_s = asked_from_s(s, window),
                             .end_s = asked_to_s(s, window),
                             .limit = at->limit,
                             .spans_per_set = 1};
  s->count++; /* from here on the slot is disposed of with the others */
  if (s->regex.failed || s->query.failed || !bt_tempo_url_search(s->tempo, &url, &at->call.url))
    return bt_error_no_memory(error);
  return bt_tempo_call_start(&at->call, error);
}

/* How long a window may be, which goes on beyond its end. */
static int64_t most_of(const search *s) {
  return bt_time_later(atomic_load(&s->tempo->max_range_s) - s->reach_s, 1);
}

/* How long a window may be, for what Tempo allows and for what an answer may hold. What was cut for the latter is asked
 * before it is cut again, since another part of the range may be far less dense. */
static int64_t longest_window_s(const search *s, const bt_window *window) {
  int64_t longest_s = most_of(s), length_s = bt_window_divisible_s(&s->todo, window);
  double limit = limit_of(s), expected = s->per_second * (double)length_s;
  if (!s->was_full || window->prefix[0] || window->is_cut || expected <= limit * full_share) return longest_s;
  double parts = expected / (limit * aimed_share);
  int64_t aimed_s = length_s / (parts < PARTS_MAX ? (int64_t)parts + 1 : PARTS_MAX);
  if (aimed_s < 1) aimed_s = 1;
  return aimed_s < longest_s ? aimed_s : longest_s;
}

/* Asks the next window; of one that is longer than it may be the last slice. What Tempo allows goes before what is not
 * divided for its sake. */
static bt_status ask_next(search *s, bt_error *error) {
  bt_window window = s->todo.items[--s->todo.count];
  int64_t most_s = most_of(s), longest_s = longest_window_s(s, &window);
  if (window.slice_s && window.slice_s < longest_s) longest_s = window.slice_s;
  int64_t length_s = window.end_s - window.start_s, divisible_s = bt_window_divisible_s(&s->todo, &window);
  if (length_s - divisible_s + longest_s <= most_s) length_s = divisible_s;
  if (length_s <= longest_s) {
    window.slice_s = 0;
    return ask_window(s, &window, error);
  }
  window.is_cut = window.slice_s ? window.is_cut : longest_s < most_s;
  bt_window slice = bt_window_cut_slice(&window, length_s, longest_s);
  if (!bt_window_push(&s->todo, &window)) return bt_error_no_memory(error);
  return ask_window(s, &slice, error);
}

static bt_status give_up(search *s, bt_error *error) {
  bt_status status = BT_OK;
  while (status == BT_OK && s->todo.count) {
    bt_window window = s->todo.items[--s->todo.count];
    status = fail_window(s, &window, "not asked: too many windows before it had failed", error);
  }
  return status;
}

static bool is_over(const search *s) {
  return !s->todo.count && !s->count;
}

/* As many windows as may be under way. */
static bt_status ask_some(search *s, bt_error *error) {
  bt_status status = BT_OK;
  while (status == BT_OK && s->todo.count && s->count < s->wanted && s->failed_windows < FAILED_WINDOWS_MAX)
    status = ask_next(s, error);
  return status;
}

/* Waits for one of them. */
static bt_status take_oldest(search *s, bt_error *error) {
  if (s->todo.count && s->failed_windows >= FAILED_WINDOWS_MAX) return give_up(s, error);
  return s->count ? finish_oldest(s, error) : BT_OK;
}

static void dispose_search(search *s) {
  for (; s->count; s->count--, s->first = (s->first + 1) % IN_FLIGHT_MAX)
    bt_tempo_call_dispose(&s->slots[s->first].call);
  bt_window_stack_dispose(&s->todo);
  bt_buffer_dispose(&s->filter);
  bt_buffer_dispose(&s->regex);
  bt_buffer_dispose(&s->query);
  bt_buffer_dispose(&s->wider);
  bt_tempo_caller_dispose(&s->caller);
}

/* What costs Tempo most of a search that finds much is its answer, and it puts that together on one processor: 10,000
 * of 200,000 traces took 1.0 s, in halves 0.7, and the same processor time. Where it finds little, halves cost up to
 * 1.7 of the whole: both look at each block that holds the whole range. And where Tempo dates late spans by their
 * arrival, one question over all of the range finds even those that came later than is promised. */
static bool is_shared(const search *s, const bt_window *whole) {
  int64_t length_s = bt_window_divisible_s(&s->todo, whole);
  bool is_sliced = whole->end_s - whole->start_s > most_of(s);
  bool is_counted = limit_of(s) < atomic_load(&s->tempo->search_limit);
  uint64_t expected = s->request->expected;
  if (!expected)
    expected = bt_filter_memory_expect(&s->tempo->filters, s->caller.tenant, bt_buffer_str(&s->filter), length_s);
  return !is_sliced && !is_counted && !s->reach_s && s->wanted > 1 && length_s >= 2 &&
         (expected ? expected >= SHARED_FROM : length_s >= SHARED_FROM_S);
}

static bt_status push_whole(search *s, bt_error *error) {
  bt_window whole = {0};
  bt_status status = bt_tempo_seconds(s->request->range, &whole.start_s, &whole.end_s, error);
  if (status != BT_OK || s->request->range.start_ns >= s->request->range.end_ns) return status;
  s->end_s = whole.end_s;
  if (!is_shared(s, &whole)) return push_window(s, &whole, error);
  return bt_window_split_push(&s->todo, &whole) == BT_WINDOW_NO_MEMORY ? bt_error_no_memory(error) : BT_OK;
}

/* The last second that has its data. From 2.10 on Tempo takes now, less what 3.0 hides (tempo_tail.h), for a later end
 * of a range; it refuses a range that begins in that second (400), and answers one that begins later as one about the
 * last hour, whose traces no division makes fewer (tests/facts/facts_search.py). So nothing after it is asked alone. */
static int64_t newest_second(bt_tempo *tempo) {
  int64_t tail_ns = atomic_load(&tempo->hidden_tail_ns);
  int64_t now_ns = bt_clock_wall_ns() - bt_source_clock_ahead_ns(&tempo->head);
  return now_ns / second_ns - CLOCKS_DIFFER_S - (tail_ns > 0 ? tail_ns / second_ns + 1 : 0);
}

static void set_reach(search *s) {
  bt_tempo_dating dating;
  (void)bt_tempo_known_dating(s->tempo, &dating);
  bt_late_promise late = bt_tempo_late_of(&dating);
  int64_t apart_ns = s->request->late_ns ? bt_late_reach_ns(&late, s->request->late_ns) : 0;
  if (!apart_ns) return;
  s->reach_s = s->todo.least_s = apart_ns / second_ns + 1;
  s->edge_s = dating.cut_ns / second_ns + 1;
}

/* Of an answer that lacks something nothing is learned. */
static void learn_yield(const search *s) {
  int64_t length_s = (s->request->range.end_ns - s->request->range.start_ns) / second_ns;
  if (s->failed_windows || s->account->was_widened) return;
  bt_filter_memory_note(&s->tempo->filters, s->caller.tenant, bt_buffer_str(&s->filter),
                        s->found->count - s->found_before, length_s);
}

/* filter: instead of the request's; len 0: that one. */
static bt_status open_search(search *s, bt_tempo *tempo, const bt_search_job *job, bt_str filter, bt_error *error) {
  *s = (search){.tempo = tempo, .request = job->request, .found = job->found, .account = job->account};
  uint32_t allowed = tempo->in_flight > 1 ? bt_http_client_allowed(tempo->client) : 1;
  uint32_t wanted = allowed > tempo->in_flight ? allowed : tempo->in_flight;
  s->wanted = wanted < IN_FLIGHT_MAX ? wanted : IN_FLIGHT_MAX;
  s->todo.whole_from_s = newest_second(tempo) + 1;
  s->found_before = job->found->count;
  set_reach(s);
  bt_tempo_identity identity = {job->request->tenant, job->request->rule_id, job->request->cancel,
                                job->request->priority};
  if (filter.len)
    bt_buffer_append(&s->filter, filter);
  else
    bt_traceql_write(job->request->query, false, &s->filter);
  bt_status status = bt_tempo_caller_init(&s->caller, tempo, &identity, job->account, error);
  if (status == BT_OK && s->filter.failed) status = bt_error_no_memory(error);
  return status == BT_OK ? push_whole(s, error) : status;
}

static void close_search(search *s, bt_status status) {
  if (status == BT_OK) learn_yield(s);
  dispose_search(s);
  bt_found_list_sort(s->found);
}

static bt_status finish_search(search *s, bt_status status, bt_error *error) {
  while (status == BT_OK && !is_over(s)) {
    status = ask_some(s, error);
    if (status == BT_OK) status = take_oldest(s, error);
  }
  close_search(s, status);
  return status;
}

bt_status bt_tempo_search_text(bt_tempo *tempo, const bt_search_request *request, bt_str filter, bt_found_list *found,
                               bt_source_account *account, bool *is_too_long, bt_error *error) {
  search s;
  const bt_search_job job = {.request = request, .found = found, .account = account};
  bt_status status = open_search(&s, tempo, &job, filter, error);
  status = finish_search(&s, status, error);
  *is_too_long = s.is_too_long;
  return status;
}

bt_status bt_tempo_search(bt_tempo *tempo, const bt_search_request *request, bt_found_list *found,
                          bt_source_account *account, bt_error *error) {
  bool is_too_long; /* its windows failed, and say so */
  return bt_tempo_search_text(tempo, request, (bt_str){0}, found, account, &is_too_long, error);
}

/* ---- in two steps ---- */

struct bt_search_ahead {
  search search;
};

void bt_tempo_begin_search(bt_tempo *tempo, bt_search_job *job) {
  job->ahead = calloc(1, sizeof *job->ahead);
  if (!job->ahead) return;
  job->status = open_search(&job->ahead->search, tempo, job, (bt_str){0}, &job->why);
  if (job->status == BT_OK) job->status = ask_some(&job->ahead->search, &job->why);
}

void bt_tempo_finish_search(bt_search_job *job) {
  job->status = finish_search(&job->ahead->search, job->status, &job->why);
  free(job->ahead);
}

void bt_tempo_drop_search(bt_search_job *job) {
  dispose_search(&job->ahead->search);
  free(job->ahead);
}
