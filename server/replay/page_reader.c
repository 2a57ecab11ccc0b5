/* Reading pages. See page_reader.h. Batches go over each page's traces from their start − margin to now. A trace that
 * search found and no read gives is named in the coverage. */
#include "server/replay/page_reader.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/replay/decider.h"
#include "server/replay/trace_judge.h"
#include "server/replay/violation_sample.h"
#include "tempo/wire/pause.h"

enum {
  PAGE_MAX = 2000,              /* traces of one batch read */
  EXPECTED_TRACE_BYTES = 65536, /* of a trace while it is read: sets the first size of pages */
  BY_ID_PAGE_MAX = 256,
  PAUSES_MAX = 4 /* before what was not there is asked for once more: not before each page of what is gone for good */
};

typedef struct page {
  bt_judge *judge;
  const size_t *known; /* what is read */
  bt_trace_id *ids;
  uint32_t *span_counts;
  bool *answered;
  size_t count;
  bool by_id;
  bool is_shown;         /* without links, for one rule that follows them */
  size_t again, missing; /* so many, the first, are asked for the second time; so many were not there the first time */
  unsigned pauses;       /* before such second times */
} page;

/* One of the sample of traces that need no reading: that it is gone takes nothing from the answer. */
static bool is_only_sampled(const bt_judge *judge, size_t known) {
  bool whole;
  return !bt_decider_wants(judge->decider, known, &whole) &&
         bt_trace_table_place(judge->table, &judge->table->traces[known]) == BT_PLACE_SETTLED;
}

/* A Tempo that hands a block over does not find its traces by id for a moment: the page leaves it unanswered, and asks
 * once more. */
static bt_status take_missing(page *p, size_t index, bt_error *error) {
  size_t known = p->known[index];
  if (!p->by_id && !p->judge->plan->is_static) return bt_trace_judge_queue(p->judge, known, error);
  if (is_only_sampled(p->judge, known)) return BT_OK;
  if (p->by_id && index >= p->again) {
    p->answered[index] = false;
    p->missing++;
    p->judge->judged--;
    return BT_OK;
  }
  return bt_account_fail_trace(p->judge->account, &p->judge->table->traces[known],
                               "search found it, but it cannot be read: expired, or not there yet", error);
}

/* It lacks a span that a search showed: one that hands a block over may do so for a moment, as well. */
static bool asks_again(page *p, size_t index, const bt_trace *trace) {
  bool is_whole = bt_known_is_whole_in(&p->judge->table->traces[p->known[index]], trace);
  if (!p->by_id || index < p->again || is_whole) return false;
  p->answered[index] = false;
  p->missing++;
  p->judge->judged--;
  return true;
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  page *p = context;
  bt_judge *judge = p->judge;
  if (bt_replay_plan_is_cancelled(judge->plan)) return bt_replay_plan_cancelled(error);
  if (p->answered[read->index]) return BT_OK;
  p->answered[read->index] = true;
  size_t known = p->known[read->index];
  judge->judged++;
  if (!read->trace || !read->trace->span_count) return take_missing(p, read->index, error);
  if (asks_again(p, read->index, read->trace)) return BT_OK;
  if (read->trace->differing_copies) judge->table->traces[known].flags |= BT_KNOWN_COPIES;
  if (read->needs_by_id && !p->by_id) return bt_trace_judge_queue(judge, known, error);
  if (p->is_shown) return bt_trace_judge_take_shown(judge, known, read->trace, error);
  return bt_trace_judge_take(judge, known, read->trace, p->by_id || judge->plan->is_static, error);
}

/* From the earliest start less margin to now: late spans lie in blocks dated by their arrival. What a span says of a
 * time far away makes it no longer. */
static bt_time_range range_of(const page *p) {
  const bt_replay_plan *plan = p->judge->plan;
  bt_time_range range = {INT64_MAX, plan->request.now_ns};
  for (size_t i = 0; i < p->count; i++) {
    const bt_found *found = bt_known_bounds(&p->judge->table->traces[p->known[i]]);
    range.start_ns = bt_time_earlier(range.start_ns, found->start_ns);
    range.end_ns = bt_time_later(range.end_ns, bt_time_earlier(found->end_ns, plan->search_range.end_ns));
  }
  range.start_ns = bt_time_later(range.start_ns, plan->search_range.start_ns);
  return (bt_time_range){bt_time_subtract(range.start_ns, plan->window.margin_ns), bt_time_add(range.end_ns, 1)};
}

/* Each trace that got no answer is named; the first answers of the page count. */
static bt_status fail_unanswered(page *p, const char *reason, bt_error *error) {
  for (size_t i = 0; i < p->count; i++) {
    if (p->answered[i]) continue;
    bt_status status = bt_account_fail_trace(p->judge->account, &p->judge->table->traces[p->known[i]], reason, error);
    if (status != BT_OK) return status;
  }
  return BT_OK;
}

static bt_status take_outcome(page *p, bt_status status, const bt_error *why, bt_error *error) {
  if (status == BT_OK) return fail_unanswered(p, "the source gave no answer for it", error);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY || p->judge->questions->source_lost) {
    if (error) *error = *why;
    return status;
  }
  if (status == BT_UNAVAILABLE) {
    bt_questions_lose_source(p->judge->questions, why->message);
  }
  return fail_unanswered(p, why->message, error);
}

/* What a page left to do. */
typedef enum page_rest {
  PAGE_IS_DONE,
  PAGE_TOO_LARGE, /* what got no answer has to be read in smaller pages */
  PAGE_NOT_THERE  /* what got no answer has to be asked for once more */
} page_rest;

static bt_status read_page(page *p, page_rest *rest, bt_error *error) {
  bt_judge *judge = p->judge;
  bt_read_request request = bt_replay_plan_read(judge->plan, p->ids, p->count, range_of(p));
  request.projection = p->by_id || judge->plan->is_static ? NULL : judge->questions->projection;
  if (p->is_shown) request.projection = &judge->plan->rules[0].own_fields;
  request.by_id = p->by_id;
  request.span_counts = p->span_counts;
  for (size_t i = 0; i < p->count; i++) {
    p->ids[i] = judge->table->traces[p->known[i]].matched.id;
    p->span_counts[i] = bt_known_span_count(&judge->table->traces[p->known[i]]);
    p->answered[i] = false;
  }
  p->missing = 0;
  if (!p->by_id) bt_violation_sample_ask_chosen(judge, &request);
  bt_answer answer;
  bt_status added = bt_questions_read(judge->questions, &request, take_read, p, true, &answer, error);
  if (added != BT_OK) return added;
  *rest = answer.status == BT_LIMIT && p->count > 1 ? PAGE_TOO_LARGE
          : answer.status == BT_OK && p->missing    ? PAGE_NOT_THERE
                                                    : PAGE_IS_DONE;
  return *rest != PAGE_IS_DONE ? BT_OK : take_outcome(p, answer.status, &answer.why, error);
}

/* Of a page that is not done: moves the traces that got their answer to its front and returns their number. */
static size_t pass_answered(const page *p, size_t *known) {
  size_t passed = 0;
  for (size_t i = 0; i < p->count; i++) {
    if (!p->answered[i]) continue;
    size_t index = known[i];
    known[i] = known[passed];
    known[passed++] = index;
  }
  return passed;
}

static bt_status fail_rest(bt_judge *judge, const size_t *known, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++)
    status =
        bt_account_fail_trace(judge->account, &judge->table->traces[known[i]], judge->questions->lost_reason, error);
  return status;
}

static size_t page_size(const bt_judge *judge, bool by_id) {
  size_t size = judge->plan->request.memory_limit_bytes / EXPECTED_TRACE_BYTES;
  size_t most = by_id ? BY_ID_PAGE_MAX : PAGE_MAX, at_once = judge->plan->costs.reads_at_once;
  if (!by_id && judge->plan->reads_agree && most < at_once) most = size = at_once; /* it says what fits */
  if (size < 1) size = 1;
  return size < most ? size : most;
}

static void show_progress(bt_judge *judge) {
  bt_account_show(judge->account, judge->to_judge ? 0.3 + 0.6 * (double)judge->judged / (double)judge->to_judge : 0.9);
}

static bt_status read_pages(bt_judge *judge, size_t *known, size_t count, page *p, bt_error *error) {
  size_t size = page_size(judge, p->by_id);
  bt_status status = BT_OK;
  while (status == BT_OK && count) {
    if (bt_replay_plan_is_cancelled(judge->plan)) return bt_replay_plan_cancelled(error);
    if (judge->questions->source_lost) return fail_rest(judge, known, count, error);
    page_rest rest = PAGE_IS_DONE;
    status = bt_trace_table_hold(judge->table, 0, error);
    if (status != BT_OK) return status;
    p->known = known;
    p->count = count < size ? count : size;
    status = read_page(p, &rest, error);
    if (status != BT_OK) return status;
    if (rest == PAGE_TOO_LARGE) size = p->count / 2;
    size_t passed = rest == PAGE_IS_DONE ? p->count : pass_answered(p, known);
    p->again = rest == PAGE_NOT_THERE ? p->count - passed : 0;
    if (p->again && p->pauses++ < PAUSES_MAX) bt_pause_ms(judge->plan->request.cancel, BT_LOOK_AGAIN_MS);
    known += passed;
    count -= passed;
    show_progress(judge);
  }
  return status;
}

static int compare_starts(const void *a, const void *b, void *context) {
  const bt_judge *judge = context;
  const bt_found *x = bt_known_bounds(&judge->table->traces[*(const size_t *)a]);
  const bt_found *y = bt_known_bounds(&judge->table->traces[*(const size_t *)b]);
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

int bt_page_reader_compare_seeded(const void *a, const void *b, void *context) {
  const bt_judge *judge = context;
  uint64_t x = bt_replay_plan_sample_key(judge->plan, &judge->table->traces[*(const size_t *)a].matched.id);
  uint64_t y = bt_replay_plan_sample_key(judge->plan, &judge->table->traces[*(const size_t *)b].matched.id);
  return (x > y) - (x < y);
}

static bt_status read_with_room(page *p, size_t *known, size_t count, bt_error *error) {
  size_t size = page_size(p->judge, p->by_id);
  p->ids = bt_realloc_array(NULL, size, sizeof *p->ids);
  p->span_counts = bt_realloc_array(NULL, size, sizeof *p->span_counts);
  p->answered = bt_realloc_array(NULL, size, sizeof *p->answered);
  bool has_room = p->ids && p->span_counts && p->answered;
  bt_status status = has_room ? read_pages(p->judge, known, count, p, error) : bt_error_no_memory(error);
  free(p->ids);
  free(p->span_counts);
  free(p->answered);
  return status;
}

/* `known` is changed in its order. Files hold traces roughly in order of time:
 * a page of neighbours reads a part of them, one in order of id would read all of them. The first violations are those
 * that are listed. */
bt_status bt_page_reader_read(bt_judge *judge, size_t *known, size_t count, bool by_id, bt_error *error) {
  if (!count) return BT_OK;
  if (judge->plan->is_static || (by_id && judge->plan->request.most_listed && !judge->plan->reads_at_random))
    qsort_r(known, count, sizeof *known, compare_starts, judge);
  else if (judge->plan->reads_at_random)
    qsort_r(known, count, sizeof *known, bt_page_reader_compare_seeded, judge);
  page p = {.judge = judge, .by_id = by_id};
  return read_with_room(&p, known, count, error);
}

bt_status bt_page_reader_read_shown(bt_judge *judge, size_t *known, size_t count, bt_error *error) {
  page p = {.judge = judge, .is_shown = true};
  return count ? read_with_room(&p, known, count, error) : BT_OK;
}
