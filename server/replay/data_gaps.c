/* What is not there. See data_gaps.h. Where the listing is complete it tells; else short searches do. */
#include "server/replay/data_gaps.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/replay/marked_traces.h"
#include "server/replay/shard.h"

enum {
  /* To find the earliest trace where no listing tells: */
  EDGE_SEARCHES = 24,
  EDGE_TRACES = 2000,
  STEP_TRACES = 500 /* of one search that looks which steps hold any trace */
};
static const int64_t EDGE_PRECISION_NS = 1000000000;

typedef struct grid {
  bt_time_range range; /* from the start to the effective end; of steps, to the end */
  bt_gap_grid windows; /* of the range, or of the greater one that it is a shard of */
  size_t first, count; /* of these windows those that lie in the range, or reach into it */
  int64_t tail_ns;     /* of a longer trace so much before its end counts; 0: all of it */
  bool *seen;          /* some trace is known there */
  bool *empty;         /* it is known that there is none */
} grid;

static void free_grid(grid *g) {
  free(g->seen);
  free(g->empty);
}

static bt_time_range grid_window(const grid *g, size_t index) {
  bt_time_range window = bt_gap_grid_window(&g->windows, g->first + index);
  return (bt_time_range){bt_time_later(window.start_ns, g->range.start_ns),
                         bt_time_earlier(window.end_ns, g->range.end_ns)};
}

static bt_gap_grid grid_of_steps(const bt_replay_plan *plan, bt_time_range range) {
  uint64_t length_ns = (uint64_t)range.end_ns - (uint64_t)range.start_ns;
  return (bt_gap_grid){range, plan->gap_step_ns, (size_t)((length_ns - 1) / (uint64_t)plan->gap_step_ns) + 1};
}

/* Of the greater range as far as that is settled, so that its windows are told the same in all shards. */
static bt_gap_grid grid_of_whole(const bt_replay_plan *plan) {
  const bt_window *window = &plan->window;
  return bt_gap_grid_of(
      (bt_time_range){window->whole.start_ns, bt_time_earlier(window->whole.end_ns, window->whole_end_ns)});
}

/* Steps are the caller's, who says which of them are settled. */
static void divide_grid(const bt_replay_plan *plan, grid *g) {
  uint64_t length_ns = (uint64_t)g->range.end_ns - (uint64_t)g->range.start_ns;
  if (plan->gap_step_ns) {
    g->windows = grid_of_steps(plan, g->range);
    g->tail_ns = plan->gap_is_whole ? 0 : plan->window.margin_ns;
  } else if (plan->wants_earliest) {
    g->windows = (bt_gap_grid){g->range, (int64_t)length_ns, 1};
  } else {
    g->windows = plan->request.is_shard ? grid_of_whole(plan) : bt_gap_grid_of(g->range);
  }
  g->first = bt_gap_grid_index(&g->windows, g->range.start_ns);
  g->count = bt_gap_grid_index(&g->windows, g->range.end_ns - 1) - g->first + 1;
}

/* A count of 0: nothing of the range is settled. Free it in every case. */
static bt_status make_grid(const bt_questions *questions, grid *g, bt_error *error) {
  const bt_replay_plan *plan = questions->plan;
  *g = (grid){.range = plan->window.range};
  if (!plan->gap_step_ns && plan->window.effective_end_ns < g->range.end_ns)
    g->range.end_ns = plan->window.effective_end_ns;
  if (g->range.end_ns <= g->range.start_ns) return BT_OK;
  divide_grid(plan, g);
  g->seen = calloc(g->count, sizeof *g->seen);
  g->empty = calloc(g->count, sizeof *g->empty);
  return g->seen && g->empty ? BT_OK : bt_error_no_memory(error);
}

static size_t grid_index(const grid *g, int64_t time_ns) {
  return bt_gap_grid_index(&g->windows, time_ns) - g->first;
}

static void mark_seen(grid *g, const bt_found *found) {
  if (found->end_ns < g->range.start_ns || found->start_ns >= g->range.end_ns) return;
  int64_t first_ns = found->start_ns > g->range.start_ns ? found->start_ns : g->range.start_ns;
  int64_t last_ns = found->end_ns < g->range.end_ns ? found->end_ns : g->range.end_ns - 1;
  if (g->tail_ns) {
    int64_t tail_ns = bt_time_subtract(found->end_ns, g->tail_ns);
    if (tail_ns > first_ns) first_ns = tail_ns;
    if (last_ns == found->end_ns && last_ns > found->start_ns) last_ns--; /* it ends where the next step begins */
    if (first_ns > last_ns) return;
  }
  for (size_t i = grid_index(g, first_ns); i <= grid_index(g, last_ns); i++) g->seen[i] = true;
}

/* Where it lies, by what a search said of it or by its spans. False: neither tells. */
static bool find_bounds(const bt_trace_table *table, const bt_known *known, const bt_found *said, bt_found *out) {
  *out = *said;
  if (!said->in_doubt) return true;
  if (!known->judged) return false;
  out->start_ns = out->end_ns = bt_trace_table_placed_in(table, &table->plan->windows[0], known)->time_ns;
  return out->start_ns != 0;
}

/* It began before the range and goes on in it: then there are data from its start on, whatever the trace's time. */
static bool reaches_in(const bt_replay_plan *plan, const bt_found *bounds) {
  return bounds->start_ns < plan->window.range.start_ns && bounds->end_ns >= plan->window.range.start_ns;
}

/* Marks what is known; returns whether there is any trace of the window, the tail included, and where the earliest
 * one starts. */
static bool mark_known(const bt_questions *questions, grid *g, int64_t *from_ns) {
  bool any = false;
  *from_ns = INT64_MAX;
  for (size_t i = 0; i < questions->table->count; i++) {
    const bt_known *known = &questions->table->traces[i];
    if (known->flags & BT_KNOWN_OWN) continue;
    bt_found listed, matched;
    bool is_listed = known->flags & BT_KNOWN_LISTED && find_bounds(questions->table, known, &known->listed, &listed);
    bool is_matched =
        known->flags & BT_KNOWN_MATCHED && find_bounds(questions->table, known, &known->matched, &matched);
    if (is_listed && g->count) mark_seen(g, &listed);
    if (is_matched && g->count) mark_seen(g, &matched);
    bt_place place = bt_trace_table_place(questions->table, known);
    bool is_placed = place == BT_PLACE_SETTLED || place == BT_PLACE_TAIL;
    any = any || is_placed;
    const bt_found *bounds = is_listed ? &listed : is_matched ? &matched : NULL;
    if (!bounds || !(is_placed || reaches_in(questions->plan, bounds))) continue;
    *from_ns = bt_time_earlier(*from_ns, bt_time_later(bounds->start_ns, questions->plan->window.range.start_ns));
  }
  return any;
}

typedef enum probe { PROBE_EMPTY, PROBE_DATA, PROBE_UNKNOWN } probe;

/* Whether the source has any trace there: a search that stops above one. */
static bt_status probe_window(bt_questions *questions, bt_time_range range, probe *out, bt_error *error) {
  *out = PROBE_UNKNOWN;
  if (questions->source_lost) return BT_OK;
  bt_search_request search = bt_replay_plan_search(questions->plan, bt_other_traces_query(), range);
  search.max_found = 1;
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_status status = bt_source_search(questions->source, &search, &found, &account, error);
  if (status == BT_LIMIT || found.count)
    *out = PROBE_DATA;
  else if (status == BT_OK && !account.failed_count)
    *out = PROBE_EMPTY;
  bt_status added = bt_account_add(questions->account, &account, status == BT_OK && !found.count, error);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  if (status == BT_UNAVAILABLE) questions->source_lost = true;
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : added;
}

/* A window that cannot be probed is not called empty: it is one that failed. */
static bt_status probe_grid(bt_questions *questions, grid *g, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < g->count; i++) {
    if (g->seen[i]) continue;
    probe answer = PROBE_EMPTY;
    if (questions->source_lost) break;
    status = probe_window(questions, grid_window(g, i), &answer, error);
    g->empty[i] = answer == PROBE_EMPTY;
    g->seen[i] = answer == PROBE_DATA;
    if (status == BT_OK && answer == PROBE_UNKNOWN)
      status = bt_account_fail(questions->account, grid_window(g, i),
                               "it could not be asked whether there is any trace", error);
  }
  return status;
}

/* ---- steps: each is told whether it holds any trace, however many are looked at together ---- */

typedef struct step_range {
  size_t first, end; /* of the grid */
} step_range;

/* The first ones from there on of which nothing is known. False: there are none before `end`. */
static bool next_unseen(const grid *g, size_t from, size_t end, step_range *out) {
  while (from < end && g->seen[from]) from++;
  out->first = out->end = from;
  while (out->end < end && !g->seen[out->end]) out->end++;
  return out->first < end;
}

static bool has_failed(const bt_source_account *account, bt_time_range step) {
  for (size_t i = 0; i < account->failed_count; i++)
    if (account->failed[i].range.start_ns < step.end_ns && account->failed[i].range.end_ns > step.start_ns) return true;
  return false;
}

/* Where a trace lies its bounds say, so that a step is told the same alone and among others. */
static void take_steps(grid *g, step_range steps, const bt_found_list *found, const bt_source_account *account,
                       bool is_whole) {
  bool is_in_doubt = false; /* a trace lies anywhere in them: then none is called empty */
  for (size_t i = 0; i < found->count; i++) {
    is_in_doubt = is_in_doubt || found->items[i].in_doubt;
    mark_seen(g, &found->items[i]);
  }
  for (size_t i = steps.first; !is_in_doubt && is_whole && i < steps.end; i++)
    g->empty[i] = !g->seen[i] && !has_failed(account, grid_window(g, i));
}

/* *is_cut: there are more traces than were looked at, so what was not seen may hold some. */
static bt_status ask_steps(bt_questions *questions, grid *g, step_range steps, bool *is_cut, bt_error *error) {
  bt_time_range range = {grid_window(g, steps.first).start_ns, grid_window(g, steps.end - 1).end_ns};
  bt_search_request search = bt_replay_plan_search(questions->plan, bt_other_traces_query(), range);
  search.max_found = STEP_TRACES;
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_status status = bt_source_search(questions->source, &search, &found, &account, error);
  *is_cut = status == BT_LIMIT;
  take_steps(g, steps, &found, &account, status == BT_OK);
  bt_status added = bt_account_add(questions->account, &account, status == BT_OK, error);
  if (added == BT_OK && !*is_cut && status != BT_OK)
    added = bt_account_fail(questions->account, range, "it could not be asked whether there is any trace", error);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  if (status == BT_UNAVAILABLE) questions->source_lost = true;
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : added;
}

/* Of an answer that was cut the steps that it did not show are asked for again: those between others apart, and all of
 * them in halves. A single one that is cut holds many. */
static bt_status probe_steps(bt_questions *questions, grid *g, size_t from, size_t end, bt_error *error) {
  step_range steps;
  bt_status status = BT_OK;
  while (status == BT_OK && !questions->source_lost && next_unseen(g, from, end, &steps)) {
    bool is_cut = false;
    status = ask_steps(questions, g, steps, &is_cut, error);
    size_t middle = steps.first + (steps.end - steps.first) / 2;
    if (is_cut && middle == steps.first) g->seen[steps.first] = true;
    if (status == BT_OK && is_cut && middle > steps.first) {
      status = probe_steps(questions, g, steps.first, middle, error);
      if (status == BT_OK) status = probe_steps(questions, g, middle, steps.end, error);
    }
    from = steps.end;
  }
  return status;
}

typedef struct edge {
  int64_t from_ns, until_ns; /* where the earliest trace is looked for */
  int64_t dense_ns;          /* where a part ends that held too many to look through */
  bool is_known;
} edge;

static int64_t earliest_start(const bt_found_list *found) {
  int64_t start_ns = INT64_MAX;
  for (size_t i = 0; i < found->count; i++)
    if (!found->items[i].in_doubt) start_ns = bt_time_earlier(start_ns, found->items[i].start_ns);
  return start_ns;
}

static void narrow_edge(edge *e, bool is_dense, const bt_found_list *found) {
  if (is_dense) {
    e->dense_ns = e->until_ns;
    e->until_ns = e->from_ns + (e->until_ns - e->from_ns) / 2;
  } else if (found->count) {
    int64_t start_ns = earliest_start(found);
    if (start_ns > e->from_ns && start_ns < e->until_ns) e->from_ns = start_ns;
    e->is_known = true;
  } else {
    /* Nothing before: it is in the rest of the part that held too many, or at the end of all that was looked at. */
    e->from_ns = e->until_ns;
    e->until_ns = e->dense_ns;
    e->is_known = e->from_ns >= e->until_ns;
  }
}

static void begin_edge(const bt_questions *questions, bt_data_gaps *asked, int64_t from_ns, int64_t until_ns) {
  *asked = (bt_data_gaps){.is_begun = true};
  asked->search = bt_replay_plan_search(questions->plan, bt_other_traces_query(),
                                        (bt_time_range){from_ns, bt_time_add(until_ns, 1)});
  asked->search.max_found = EDGE_TRACES;
  asked->search.ahead =
      bt_source_begin(questions->source, (bt_asked){BT_AHEAD_SEARCH, .search = &asked->search}, &asked->account);
}

/* What was begun over more is an answer, too, unless it is one of too many. */
static bt_status look_for_edge(bt_questions *questions, bt_data_gaps *asked, edge *e, bool *goes_on, bt_error *error) {
  const bt_time_range *range = &asked->search.range;
  if (asked->is_begun && (range->start_ns > e->from_ns || range->end_ns < bt_time_add(e->until_ns, 1)))
    bt_data_gaps_dispose(questions, asked);
  if (!asked->is_begun) begin_edge(questions, asked, e->from_ns, e->until_ns);
  bt_error why = {0};
  bt_status status = bt_source_search(questions->source, &asked->search, &asked->found, &asked->account, &why);
  bt_source_drop(asked->search.ahead);
  asked->search.ahead = NULL;
  asked->is_begun = false;
  bool is_dense = status == BT_LIMIT;
  *goes_on = is_dense || (status == BT_OK && !asked->account.failed_count);
  if (*goes_on) narrow_edge(e, is_dense, &asked->found);
  bt_status added = bt_account_add(questions->account, &asked->account, status == BT_OK, error);
  bt_found_list_dispose(&asked->found);
  bt_source_account_dispose(&asked->account);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return added;
  if (error) *error = why;
  return status;
}

/* Up to the first span that is known there, whichever window its trace belongs to: the less time, the fewer traces,
 * where one search may not be enough. */
static bt_time_range edge_range(const bt_questions *questions, const grid *g, size_t window) {
  bt_time_range range = grid_window(g, window);
  for (size_t i = 0; i < questions->table->count; i++) {
    const bt_found *bounds = bt_known_bounds(&questions->table->traces[i]);
    if (questions->table->traces[i].flags & BT_KNOWN_OWN || bounds->in_doubt || bounds->end_ns < range.start_ns)
      continue;
    if (bounds->start_ns < range.end_ns) range.end_ns = bounds->start_ns;
  }
  if (range.end_ns < range.start_ns) range.end_ns = range.start_ns;
  return range;
}

/* Without a listing: the first window that is not empty holds the earliest trace. One search says which it is,
 * unless there are very many: then its first half, and so on. */
static bt_status find_edge(bt_questions *questions, bt_data_gaps *ahead, const grid *g, bt_error *error) {
  bt_coverage *coverage = &questions->account->result->coverage;
  size_t first = 0;
  while (first < g->count && g->empty[first]) first++;
  if (first == g->count || !g->seen[first]) return BT_OK;
  bt_time_range range = edge_range(questions, g, first);
  edge e = {range.start_ns, range.end_ns, range.end_ns, false};
  bool goes_on = !questions->source_lost;
  for (int i = 0; i < EDGE_SEARCHES && goes_on && !e.is_known && e.until_ns - e.from_ns > EDGE_PRECISION_NS; i++) {
    bt_status status = look_for_edge(questions, ahead, &e, &goes_on, error);
    if (status != BT_OK) return status;
  }
  coverage->has_data_from = true;
  coverage->data_from_ns = e.from_ns;
  return BT_OK;
}

static bt_status name_empty(bt_questions *questions, const grid *g, bt_error *error) {
  bt_coverage *coverage = &questions->account->result->coverage;
  coverage->windows_empty = bt_realloc_array(NULL, g->count, sizeof *coverage->windows_empty);
  if (!coverage->windows_empty) return bt_error_no_memory(error);
  for (size_t i = 0; i < g->count; i++) {
    if (!g->empty[i]) continue;
    bool goes_on = i && g->empty[i - 1];
    if (goes_on)
      coverage->windows_empty[coverage->windows_empty_count - 1].end_ns = grid_window(g, i).end_ns;
    else
      coverage->windows_empty[coverage->windows_empty_count++] = grid_window(g, i);
  }
  return BT_OK;
}

static void begin_first(bt_questions *questions, bt_data_gaps *ahead, grid *g) {
  int64_t from_ns;
  if (!g->count || !mark_known(questions, g, &from_ns) || !g->seen[0]) return;
  bt_time_range range = edge_range(questions, g, 0);
  if (range.end_ns - range.start_ns > EDGE_PRECISION_NS) begin_edge(questions, ahead, range.start_ns, range.end_ns);
}

/* The first window is looked at if something of it is known already: which window it would be otherwise is not. */
void bt_data_gaps_begin(bt_questions *questions, bt_data_gaps *ahead) {
  grid g;
  *ahead = (bt_data_gaps){0};
  if (questions->table->is_listed || questions->plan->wants_earliest || questions->source_lost) return;
  if (make_grid(questions, &g, NULL) == BT_OK) begin_first(questions, ahead, &g);
  free_grid(&g);
}

void bt_data_gaps_dispose(const bt_questions *questions, bt_data_gaps *ahead) {
  bt_source_drop(ahead->search.ahead);
  bt_account_add_cost(questions->account, &ahead->account);
  bt_found_list_dispose(&ahead->found);
  bt_source_account_dispose(&ahead->account);
  *ahead = (bt_data_gaps){0};
}

static bt_status fill_grid(bt_questions *questions, grid *g, bt_error *error) {
  if (questions->table->is_listed) {
    for (size_t i = 0; i < g->count; i++) g->empty[i] = !g->seen[i];
    return BT_OK;
  }
  return questions->plan->gap_step_ns ? probe_steps(questions, g, 0, g->count, error) : probe_grid(questions, g, error);
}

static bt_status find_in_grid(bt_questions *questions, bt_data_gaps *ahead, grid *g, bool *has_data, bt_error *error) {
  bt_coverage *coverage = &questions->account->result->coverage;
  *has_data = mark_known(questions, g, &coverage->data_from_ns);
  /* Of a shard also what begins before it and goes on in it: the whole may have the trace. */
  bool counts = *has_data || questions->plan->request.is_shard;
  questions->account->result->has_traces = *has_data;
  coverage->has_data_from = counts && coverage->data_from_ns != INT64_MAX;
  if (!coverage->has_data_from) coverage->data_from_ns = 0;
  if (!g->count) return BT_OK;
  bt_status status = fill_grid(questions, g, error);
  for (size_t i = 0; i < g->count; i++)
    if (g->seen[i]) *has_data = true;
  if (status == BT_OK && !questions->table->is_listed && !questions->plan->wants_earliest)
    status = find_edge(questions, ahead, g, error);
  return status == BT_OK ? name_empty(questions, g, error) : status;
}

bt_status bt_data_gaps_find(bt_questions *questions, bt_data_gaps *ahead, bool *has_data, bt_error *error) {
  grid g;
  *has_data = false;
  bt_status status = make_grid(questions, &g, error);
  if (status == BT_OK) status = find_in_grid(questions, ahead, &g, has_data, error);
  free_grid(&g);
  return status;
}

/* ---- holding what filters found against the listing of all traces (docs/DECISIONS.md) ---- */

/* A settled trace that a filter found and the listing lacks, or of which it lacks the beginning, shows that Tempo's
 * search loses what it has shown, and then it may have missed others too. Where several processes answer, one may not
 * have yet what another has: for those that are missing the listing is asked again, over their time only, after
 * everything else that is searched. What is missing then is named as failed. */

/* Starts are compared and not ends: of several fragments Tempo 2.8 gives the earliest start, but the longest
 * duration. */
static bool is_missing(const bt_questions *questions, const bt_known *known) {
  bool is_recent = known->matched.end_ns >= questions->plan->window.effective_end_ns;
  bool in_doubt = known->matched.in_doubt || known->listed.in_doubt; /* of either only a few spans say when it began */
  bool has_all = in_doubt || known->listed.start_ns <= known->matched.start_ns;
  bool is_listed = known->flags & BT_KNOWN_LISTED && has_all;
  return known->flags & BT_KNOWN_MATCHED && !is_listed && !is_recent;
}

/* Their number, and the range over which they lie. */
static size_t find_missing(const bt_questions *questions, bt_time_range *range) {
  size_t count = 0;
  *range = (bt_time_range){INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < questions->table->count; i++) {
    const bt_found *found = &questions->table->traces[i].matched;
    if (!is_missing(questions, &questions->table->traces[i])) continue;
    count++;
    if (found->start_ns < range->start_ns) range->start_ns = found->start_ns;
    if (found->end_ns >= range->end_ns) range->end_ns = bt_time_add(found->end_ns, 1);
  }
  range->start_ns = bt_time_later(range->start_ns, questions->plan->search_range.start_ns);
  range->end_ns = bt_time_earlier(range->end_ns, questions->plan->search_range.end_ns);
  return count;
}

static void take_listed(bt_questions *questions, const bt_found_list *found) {
  for (size_t i = 0; i < found->count; i++) {
    bt_known *known = bt_trace_table_find(questions->table, &found->items[i].id);
    if (!known) continue;
    if (known->flags & BT_KNOWN_LISTED)
      bt_found_join(&known->listed, &found->items[i]);
    else
      known->listed = found->items[i];
    known->flags |= BT_KNOWN_LISTED;
  }
}

static bt_status ask_again(bt_questions *questions, bt_time_range range, bt_error *error) {
  bt_search_request search = bt_replay_plan_search(questions->plan, bt_query_all(), range);
  search.max_found = questions->plan->request.memory_limit_bytes / sizeof(bt_known);
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error why = {0};
  bt_status status = bt_source_search(questions->source, &search, &found, &account, &why);
  if (status == BT_OK) take_listed(questions, &found);
  bt_status added = bt_account_add(questions->account, &account, false, error);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return added;
  if (error) *error = why;
  return status;
}

bt_status bt_listing_check(bt_questions *questions, bt_error *error) {
  bt_time_range range;
  if (!questions->table->is_listed || !questions->plan->filters || !find_missing(questions, &range)) return BT_OK;
  bt_status status = questions->source_lost ? BT_OK : ask_again(questions, range, error);
  for (size_t i = 0; status == BT_OK && i < questions->table->count; i++) {
    if (!is_missing(questions, &questions->table->traces[i])) continue;
    status = bt_account_fail_trace(
        questions->account, &questions->table->traces[i],
        "a filter found it, but the listing of all traces does not have it, or not its beginning", error);
  }
  return status;
}
