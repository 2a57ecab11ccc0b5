/* Reading what has to be read: candidates that were not subtracted, and traces near an edge whose bounds do not tell where they belong.
 * In batches over each page's traces from their start − margin to now, and by id what a batch cannot give. A trace that search found and no
 * read gives is named in the coverage. Each trace is read once each way at most. Thread: the replay's. */
#include <stdio.h>
#include <stdlib.h>

#include "server/replay/run.h"

enum {
  PAGE_MAX = 2000,              /* traces of one batch read */
  EXPECTED_TRACE_BYTES = 65536, /* of a trace while it is read: sets the first size of pages */
  BY_ID_PAGE_MAX = 256
};

typedef struct page {
  bt_run *run;
  const size_t *known; /* what is read */
  bt_trace_id *ids;
  uint32_t *span_counts;
  bool *answered;
  size_t count;
  bool by_id;
  size_t beside; /* so many, the first, are read by id too */
  bool is_last;
} page;

/* Whether the trace has to be read, and if so, whether only by id. */
static bool is_wanted(const bt_run *run, size_t index, bool *whole) {
  bool wanted = false;
  *whole = false;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    if (!bt_bit_get(run->decider.rules[i].unread, index)) continue;
    wanted = true;
    if (run->plan.rules[i].whole_trace) *whole = true;
  }
  return wanted;
}

/* One of the sample of traces that need no reading: that it is gone takes nothing from the answer. */
static bool is_only_sampled(const bt_run *run, size_t known) {
  bool whole;
  return !is_wanted(run, known, &whole) &&
         bt_trace_table_place(&run->table, &run->table.traces[known]) == BT_PLACE_SETTLED;
}

static bt_status take_missing(page *p, size_t known, bt_error *error) {
  if (!p->by_id && !p->run->plan.is_static) return bt_run_queue_by_id(p->run, known, error);
  if (is_only_sampled(p->run, known)) return BT_OK;
  return bt_account_fail_trace(&p->run->account, &p->run->table.traces[known],
                               "search found it, but it cannot be read: expired, or not there yet", error);
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  page *p = context;
  bt_run *run = p->run;
  if (bt_replay_plan_is_cancelled(&run->plan)) return bt_replay_plan_cancelled(error);
  if (read->is_also_by_id) return bt_beside_take(run, p->known[read->index], read->trace, error);
  if (p->answered[read->index]) return BT_OK;
  p->answered[read->index] = true;
  size_t known = p->known[read->index];
  run->judged++;
  if (!read->trace || !read->trace->span_count) return take_missing(p, known, error);
  if (read->needs_by_id && !p->by_id) return bt_run_queue_by_id(run, known, error);
  return bt_judge_trace(run, known, read->trace, p->by_id || run->plan.is_static, error);
}

static size_t read_more(void *context, size_t *places) {
  const page *p = context;
  return p->is_last ? bt_beside_more(p->run, p->known, p->count, places) : 0;
}

/* From the earliest start less margin to now: late spans lie in blocks dated by their arrival. */
static bt_time_range range_of(const page *p) {
  bt_time_range range = {INT64_MAX, p->run->plan.request.now_ns};
  for (size_t i = 0; i < p->count; i++) {
    const bt_found *found = bt_known_bounds(&p->run->table.traces[p->known[i]]);
    if (found->start_ns < range.start_ns) range.start_ns = found->start_ns;
    if (found->end_ns > range.end_ns) range.end_ns = found->end_ns;
  }
  return (bt_time_range){bt_time_subtract(range.start_ns, p->run->plan.window.margin_ns), bt_time_add(range.end_ns, 1)};
}

/* Each trace that got no answer is named; the first answers of the page count. */
static bt_status fail_unanswered(page *p, const char *reason, bt_error *error) {
  for (size_t i = 0; i < p->count; i++) {
    if (p->answered[i]) continue;
    bt_status status = bt_account_fail_trace(&p->run->account, &p->run->table.traces[p->known[i]], reason, error);
    if (status != BT_OK) return status;
  }
  return BT_OK;
}

static bt_status take_outcome(page *p, bt_status status, const bt_error *why, bt_error *error) {
  if (status == BT_OK) return fail_unanswered(p, "the source gave no answer for it", error);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY || p->run->questions.source_lost) {
    if (error) *error = *why;
    return status;
  }
  if (status == BT_UNAVAILABLE) {
    bt_questions_lose_source(&p->run->questions, why->message);
  }
  return fail_unanswered(p, why->message, error);
}

/* *too_large: what got no answer has to be read in smaller pages. */
static bt_status read_page(page *p, bool *too_large, bt_error *error) {
  bt_run *run = p->run;
  bt_read_request request = bt_replay_plan_read(&run->plan, p->ids, p->count, range_of(p));
  request.projection = p->by_id || run->plan.is_static ? NULL : run->questions.projection;
  request.by_id = p->by_id;
  request.also_by_id = p->beside;
  request.more_by_id = read_more;
  request.span_counts = p->span_counts;
  for (size_t i = 0; i < p->count; i++) {
    p->ids[i] = run->table.traces[p->known[i]].matched.id;
    p->span_counts[i] = bt_known_span_count(&run->table.traces[p->known[i]]);
    p->answered[i] = false;
  }
  bt_answer answer;
  bt_status added = bt_questions_read(&run->questions, &request, take_read, p, true, &answer, error);
  if (added == BT_OK && p->beside) added = bt_beside_settle(run, error);
  p->beside = 0;
  if (added != BT_OK) return added;
  *too_large = answer.status == BT_LIMIT && p->count > 1;
  return *too_large ? BT_OK : take_outcome(p, answer.status, &answer.why, error);
}

/* Of a page that was too large: moves the traces that got their answer to its front and returns their number. */
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

static bt_status fail_rest(bt_run *run, const size_t *known, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++)
    status = bt_account_fail_trace(&run->account, &run->table.traces[known[i]], run->questions.lost_reason, error);
  return status;
}

static size_t page_size(const bt_run *run, bool by_id) {
  size_t size = run->plan.request.memory_limit_bytes / EXPECTED_TRACE_BYTES;
  size_t most = by_id ? BY_ID_PAGE_MAX : PAGE_MAX;
  if (size < 1) size = 1;
  return size < most ? size : most;
}

static void show_progress(bt_run *run) {
  bt_account_show(&run->account, run->to_judge ? 0.3 + 0.6 * (double)run->judged / (double)run->to_judge : 0.9);
}

static bt_status read_pages(bt_run *run, size_t *known, size_t count, page *p, bt_error *error) {
  size_t size = page_size(run, p->by_id);
  bt_status status = BT_OK;
  while (status == BT_OK && count) {
    if (bt_replay_plan_is_cancelled(&run->plan)) return bt_replay_plan_cancelled(error);
    if (run->questions.source_lost) return fail_rest(run, known, count, error);
    bool too_large = false;
    status = bt_trace_table_hold(&run->table, 0, error);
    if (status != BT_OK) return status;
    p->known = known;
    p->count = count < size ? count : size;
    p->is_last = p->count == count;
    status = read_page(p, &too_large, error);
    if (too_large) size = p->count / 2;
    size_t passed = too_large ? pass_answered(p, known) : p->count;
    known += passed;
    count -= passed;
    show_progress(run);
  }
  return status;
}

static int compare_starts(const void *a, const void *b, void *context) {
  const bt_run *run = context;
  const bt_found *x = bt_known_bounds(&run->table.traces[*(const size_t *)a]);
  const bt_found *y = bt_known_bounds(&run->table.traces[*(const size_t *)b]);
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

static int compare_seeded(const void *a, const void *b, void *context) {
  const bt_run *run = context;
  uint64_t x = bt_sample_key(run, &run->table.traces[*(const size_t *)a].matched.id);
  uint64_t y = bt_sample_key(run, &run->table.traces[*(const size_t *)b].matched.id);
  return (x > y) - (x < y);
}

/* `known` is changed in its order; the first `beside` are read by id too. Files hold traces roughly in order of time: a page of neighbours reads a part of them, one in order of id
 * would read all of them. */
static bt_status read_all(bt_run *run, size_t *known, size_t count, bool by_id, size_t beside, bt_error *error) {
  if (!count) return BT_OK;
  if (run->plan.is_static)
    qsort_r(known, count, sizeof *known, compare_starts, run);
  else if (run->plan.request.random_part)
    qsort_r(known, count, sizeof *known, compare_seeded, run);
  size_t size = page_size(run, by_id);
  page p = {.run = run, .by_id = by_id, .beside = beside < size ? beside : size};
  p.ids = bt_realloc_array(NULL, size, sizeof *p.ids);
  p.span_counts = bt_realloc_array(NULL, size, sizeof *p.span_counts);
  p.answered = bt_realloc_array(NULL, size, sizeof *p.answered);
  bool has_room = p.ids && p.span_counts && p.answered;
  bt_status status = has_room ? read_pages(run, known, count, &p, error) : bt_error_no_memory(error);
  free(p.ids);
  free(p.span_counts);
  free(p.answered);
  return status;
}

/* What is left to read: by id (*whole) or in batches. While the listing is under way only traces whose place is sure are read. */
static bool is_due(const bt_run *run, size_t index, bool is_first_part, bool *whole) {
  const bt_known *k = &run->table.traces[index];
  bt_place place = bt_trace_table_place(&run->table, k);
  bool wanted = is_wanted(run, index, whole);
  bool is_unclear = place == BT_PLACE_UNDECIDED && run->table.is_listed;
  if (k->flags & (BT_KNOWN_OWN | BT_KNOWN_ASKED | BT_KNOWN_BY_ID) || place == BT_PLACE_OUTSIDE) return false;
  if (is_first_part && place == BT_PLACE_UNDECIDED) return false;
  return wanted || is_unclear;
}

/* Fills `known` with what is read in batches and the queue with what is read by id. */
static bt_status choose(bt_run *run, bool is_first_part, bt_known_list *known, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->table.count; i++) {
    bool whole = false;
    if (!is_due(run, i, is_first_part, &whole)) continue;
    run->to_judge++;
    run->table.traces[i].flags |= BT_KNOWN_ASKED;
    if (whole && !run->plan.is_static)
      status = bt_run_queue_by_id(run, i, error);
    else
      known->items[known->count++] = i;
  }
  return status;
}

static int compare_times(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void set_cut(bt_run *run, int64_t *starts, size_t count) {
  size_t most = run->plan.request.most_reads;
  int64_t nearest_ns = bt_time_add(run->plan.window.range.start_ns, run->plan.window.margin_ns);
  if (count <= most) return;
  qsort(starts, count, sizeof *starts, compare_times);
  int64_t cut_ns = starts[most] > nearest_ns ? starts[most] : nearest_ns;
  run->account.result->is_cut = cut_ns < run->plan.window.range.end_ns;
  run->account.result->cut_ns = cut_ns;
}

bt_status bt_confirm_cut(bt_run *run, bt_error *error) {
  size_t count = 0;
  bool whole = false;
  if (!run->plan.request.most_reads || run->table.count <= run->plan.request.most_reads) return BT_OK;
  int64_t *starts = bt_realloc_array(NULL, run->table.count, sizeof *starts);
  if (!starts) return bt_error_no_memory(error);
  for (size_t i = 0; i < run->table.count; i++) {
    const bt_known *known = &run->table.traces[i];
    if (known->flags & BT_KNOWN_OWN || bt_trace_table_place(&run->table, known) == BT_PLACE_OUTSIDE) continue;
    if (is_wanted(run, i, &whole)) starts[count++] = bt_known_bounds(known)->start_ns;
  }
  set_cut(run, starts, count);
  free(starts);
  return BT_OK;
}

static int compare_start(const void *a, const void *b, void *context) {
  const bt_run *run = context;
  int64_t x = bt_known_bounds(&run->table.traces[*(const size_t *)a])->start_ns;
  int64_t y = bt_known_bounds(&run->table.traces[*(const size_t *)b])->start_ns;
  return (x > y) - (x < y);
}

static int compare_sizes(const void *a, const void *b, void *context) {
  const bt_run *run = context;
  uint32_t x = bt_known_span_count(&run->table.traces[*(const size_t *)a]);
  uint32_t y = bt_known_span_count(&run->table.traces[*(const size_t *)b]);
  return (x < y) - (x > y);
}

/* What only a read by id can give. Nothing is queued while it goes on, as by id is final. The largest are asked for
 * first: a read keeps one processor of the source busy, and the last one would be waited for alone. */
static bt_status read_queue(bt_run *run, bt_error *error) {
  size_t count = run->queue_count;
  run->to_judge += count;
  run->queue_count = 0;
  if (count) qsort_r(run->queue, count, sizeof *run->queue, compare_sizes, run);
  return read_all(run, run->queue, count, true, 0, error);
}

static bool has_enough(const bt_run *run, uint64_t last_key) {
  const bt_replay_observer *observer = run->account.observer;
  bt_part_read so_far = {.last_key = last_key};
  if (!observer || !observer->enough) return false;
  bt_counts_later(run, &so_far);
  return observer->enough(observer->context, &so_far);
}

/* In parts of a random order. `by_id`: what only a read by id can give; else what of the part a batch could not give is read by id with it. `asks`: whether
 * that may be enough; not where other traces are still to be read that decide it. */
static bt_status read_in_parts(bt_run *run, size_t *known, size_t count, bool by_id, bool asks, bt_error *error) {
  size_t part = run->plan.request.random_part;
  bt_status status = BT_OK;
  if (count) qsort_r(known, count, sizeof *known, compare_seeded, run); /* none: there may be no array either */
  for (size_t at = 0; status == BT_OK && at < count && !run->account.result->is_sampled; at += part, part *= 2) {
    if (part > count - at) part = count - at;
    uint64_t last_key = bt_sample_key(run, &run->table.traces[known[at + part - 1]].matched.id);
    status = read_all(run, known + at, part, by_id, 0, error);
    if (status == BT_OK) status = read_queue(run, error);
    if (status == BT_OK && asks) run->account.result->is_sampled = has_enough(run, last_key) && at + part < count;
  }
  return status;
}

/* What was chosen to be read by id alone waits in the queue; that fills again with what batches cannot give. */
static bt_status read_at_random(bt_run *run, bt_known_list *known, bt_error *error) {
  size_t *by_id = run->queue, by_id_count = run->queue_count;
  run->queue = NULL;
  run->queue_count = run->queue_capacity = 0;
  run->to_judge += by_id_count;
  bt_status status = read_in_parts(run, known->items, known->count, false, !by_id_count, error);
  if (status == BT_OK) status = read_in_parts(run, by_id, by_id_count, true, true, error);
  free(by_id);
  return status;
}

typedef struct sample_read {
  bt_run *run;
  bool *answered;
} sample_read;

static bt_status take_sampled(void *context, const bt_read_trace *read, bt_error *error) {
  sample_read *sample = context;
  if (bt_replay_plan_is_cancelled(&sample->run->plan)) return bt_replay_plan_cancelled(error);
  if (sample->answered[read->index]) return BT_OK;
  sample->answered[read->index] = true;
  const bt_trace *trace = read->trace && read->trace->span_count ? read->trace : NULL;
  return bt_judge_sampled(sample->run, &sample->run->samples[read->index], trace, BT_SAMPLE_IS_GONE, error);
}

static bt_status ask_samples(bt_run *run, bt_trace_id *ids, sample_read *sample, bt_error *error) {
  bt_read_request request = bt_replay_plan_read(&run->plan, ids, run->sample_count, run->plan.search_range);
  request.by_id = true;
  for (uint32_t i = 0; i < run->sample_count; i++) ids[i] = run->table.traces[run->samples[i].known].matched.id;
  bt_answer answer;
  bt_status added = bt_questions_read(&run->questions, &request, take_sampled, sample, true, &answer, error);
  if (added == BT_OK && error) *error = answer.why;
  return added == BT_OK ? answer.status : added;
}

/* Violations of samples that could not be read by id are reported as the batch showed them, and the coverage names them. */
static bt_status read_samples(bt_run *run, bt_error *error) {
  if (!run->sample_count) return BT_OK;
  bt_trace_id *ids = bt_realloc_array(NULL, run->sample_count, sizeof *ids);
  bool *answered = calloc(run->sample_count, sizeof *answered);
  sample_read sample = {run, answered};
  bt_error why = {0};
  bt_status status = BT_NO_MEMORY;
  if (!ids || !answered)
    (void)bt_error_no_memory(&why);
  else
    status = run->questions.source_lost ? BT_UNAVAILABLE : ask_samples(run, ids, &sample, &why);
  bool goes_on = status != BT_CANCELLED && status != BT_NO_MEMORY;
  bt_status delivered = BT_OK;
  for (uint32_t i = 0; goes_on && delivered == BT_OK && i < run->sample_count; i++)
    if (!answered[i]) delivered = bt_judge_sampled(run, &run->samples[i], NULL, "it could not be read by id", error);
  if (!goes_on && error) *error = why;
  free(ids);
  free(answered);
  return goes_on ? delivered : status;
}

static bt_status read_part(bt_run *run, bool is_first_part, bt_error *error) {
  bt_known_list known = {bt_realloc_array(NULL, run->table.count + 1, sizeof *known.items), 0};
  if (!known.items) return bt_error_no_memory(error);
  bt_status status = choose(run, is_first_part, &known, error);
  if (status == BT_OK && !is_first_part) status = bt_unread_sample(run, &known, error);
  bool is_at_random = run->plan.reads_at_random;
  if (status == BT_OK && is_at_random) status = read_at_random(run, &known, error);
  if (status == BT_OK && !is_at_random) {
    qsort_r(known.items, known.count, sizeof *known.items, compare_start, run);
    size_t beside = bt_beside_choose(run, &known);
    status = read_all(run, known.items, known.count, false, beside, error);
    if (status == BT_OK) status = read_queue(run, error);
  }
  free(known.items);
  return status;
}

/* What a batch showed so far is enough to read a sample of it: by id is what costs Tempo most, and the listing has it busy anyway. Not where
 * the whole sample has to be of a certain number, or of the earliest. */
static bt_status sample_first_part(bt_run *run, bt_error *error) {
  if (!run->plan.samples_in_parts) return BT_OK;
  bt_status status = bt_sample_settle(run, error);
  if (status == BT_OK) status = read_samples(run, error);
  if (status != BT_OK) return status;
  run->samples_read = run->sample_count;
  run->has_sampled_part = true;
  run->sample_count = 0;
  return BT_OK;
}

/* What is sure to be needed is read beside the listing of all traces; the rest when it is known what else there is. */
bt_status bt_confirm_all(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  bool has_first_part =
      run->plan.reads_first_part && bt_questions_are_open(&run->questions); /* it is not of the edges */
  if (has_first_part) status = read_part(run, true, error);
  if (has_first_part && status == BT_OK) status = sample_first_part(run, error);
  if (status == BT_OK) status = bt_decider_complete(&run->decider, error);
  if (status == BT_OK) status = read_part(run, false, error);
  if (status == BT_OK) status = bt_sample_settle(run, error);
  return status == BT_OK ? read_samples(run, error) : status;
}

void bt_confirm_dispose(bt_run *run) {
  for (uint32_t i = 0; i < run->sample_count; i++) bt_judged_free(run->samples[i].rules, run->plan.rule_count);
  bt_beside_dispose(run);
  free(run->samples);
  free(run->queue);
}
