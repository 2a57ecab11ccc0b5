/* What is not there. See data_gaps.h. Where the listing is complete it tells; else short searches do. */
#include "server/replay/data_gaps.h"

#include <stdio.h>

#include "dsl/arena.h"
#include "dsl/time_sum.h"
#include "server/replay/marked_traces.h"

enum {
  GRID = 24, /* windows that are looked at for emptiness */
  /* To find the earliest trace where no listing tells: */
  EDGE_SEARCHES = 24,
  EDGE_TRACES = 2000
};
static const int64_t EDGE_PRECISION_NS = 1000000000;

typedef struct grid {
  bt_time_range range; /* from the start to the effective end */
  int64_t step_ns;
  size_t count;
  bool seen[GRID];  /* some trace is known there */
  bool empty[GRID]; /* it is known that there is none */
} grid;

static bt_time_range grid_window(const grid *g, size_t index) {
  int64_t start_ns = g->range.start_ns + (int64_t)index * g->step_ns;
  int64_t end_ns = index + 1 == g->count ? g->range.end_ns : start_ns + g->step_ns;
  return (bt_time_range){start_ns, end_ns};
}

/* False: nothing of the range is settled. */
static bool make_grid(const bt_questions *questions, grid *g) {
  *g = (grid){.range = questions->plan->window.range};
  if (questions->plan->window.effective_end_ns < g->range.end_ns)
    g->range.end_ns = questions->plan->window.effective_end_ns;
  if (g->range.end_ns <= g->range.start_ns) return false;
  uint64_t length_ns = (uint64_t)g->range.end_ns - (uint64_t)g->range.start_ns;
  g->count = length_ns < GRID || questions->plan->wants_earliest ? 1 : GRID;
  g->step_ns = (int64_t)(length_ns / g->count);
  return true;
}

static size_t grid_index(const grid *g, int64_t time_ns) {
  uint64_t offset_ns = (uint64_t)time_ns - (uint64_t)g->range.start_ns;
  size_t index = (size_t)(offset_ns / (uint64_t)g->step_ns);
  return index < g->count ? index : g->count - 1;
}

static void mark_seen(grid *g, const bt_found *found) {
  if (found->end_ns < g->range.start_ns || found->start_ns >= g->range.end_ns) return;
  int64_t first_ns = found->start_ns > g->range.start_ns ? found->start_ns : g->range.start_ns;
  int64_t last_ns = found->end_ns < g->range.end_ns ? found->end_ns : g->range.end_ns - 1;
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
    if (place != BT_PLACE_SETTLED && place != BT_PLACE_TAIL) continue;
    any = true;
    if (!is_listed && !is_matched) continue;
    int64_t start_ns = is_listed ? listed.start_ns : matched.start_ns;
    if (start_ns < questions->plan->window.range.start_ns) start_ns = questions->plan->window.range.start_ns;
    if (start_ns < *from_ns) *from_ns = start_ns;
  }
  return any;
}

typedef enum probe { PROBE_EMPTY, PROBE_DATA, PROBE_UNKNOWN } probe;

/* Whether the source has any trace there: a search that stops above one. */
static bt_status probe_window(bt_questions *questions, bt_time_range range, probe *out, bt_error *error) {
  *out = PROBE_UNKNOWN;
  if (questions->source_lost) return BT_OK;
  bt_search_request search = bt_replay_plan_search(questions->plan, bt_other_traces_filter(), range);
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
  asked->search = bt_replay_plan_search(questions->plan, bt_other_traces_filter(),
                                        (bt_time_range){from_ns, bt_time_add(until_ns, 1)});
  asked->search.max_found = EDGE_TRACES;
  asked->job = (bt_search_job){.request = &asked->search, .found = &asked->found, .account = &asked->account};
  bt_source_begin_search(questions->source, &asked->job);
}

/* What was begun over more is an answer, too, unless it is one of too many. */
static bt_status look_for_edge(bt_questions *questions, bt_data_gaps *asked, edge *e, bool *goes_on, bt_error *error) {
  const bt_time_range *range = &asked->search.range;
  if (asked->is_begun && (range->start_ns > e->from_ns || range->end_ns < bt_time_add(e->until_ns, 1)))
    bt_data_gaps_dispose(questions, asked);
  if (!asked->is_begun) begin_edge(questions, asked, e->from_ns, e->until_ns);
  bt_source_finish_search(questions->source, &asked->job);
  asked->is_begun = false;
  bt_status status = asked->job.status;
  bool is_dense = status == BT_LIMIT;
  *goes_on = is_dense || (status == BT_OK && !asked->account.failed_count);
  if (*goes_on) narrow_edge(e, is_dense, &asked->found);
  bt_status added = bt_account_add(questions->account, &asked->account, status == BT_OK, error);
  bt_found_list_dispose(&asked->found);
  bt_source_account_dispose(&asked->account);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return added;
  if (error) *error = asked->job.why;
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

/* The first window is looked at if something of it is known already: which window it would be otherwise is not. */
void bt_data_gaps_begin(bt_questions *questions, bt_data_gaps *ahead) {
  grid g;
  int64_t from_ns;
  *ahead = (bt_data_gaps){0};
  if (questions->table->is_listed || questions->plan->wants_earliest || questions->source_lost) return;
  if (!make_grid(questions, &g) || !mark_known(questions, &g, &from_ns) || !g.seen[0]) return;
  bt_time_range range = edge_range(questions, &g, 0);
  if (range.end_ns - range.start_ns > EDGE_PRECISION_NS) begin_edge(questions, ahead, range.start_ns, range.end_ns);
}

void bt_data_gaps_dispose(const bt_questions *questions, bt_data_gaps *ahead) {
  if (ahead->is_begun) bt_source_drop_search(questions->source, &ahead->job);
  bt_account_add_cost(questions->account, &ahead->account);
  bt_found_list_dispose(&ahead->found);
  bt_source_account_dispose(&ahead->account);
  *ahead = (bt_data_gaps){0};
}

bt_status bt_data_gaps_find(bt_questions *questions, bt_data_gaps *ahead, bool *has_data, bt_error *error) {
  bt_coverage *coverage = &questions->account->result->coverage;
  grid g;
  bool is_settled = make_grid(questions, &g);
  *has_data = mark_known(questions, &g, &coverage->data_from_ns);
  coverage->has_data_from = *has_data && coverage->data_from_ns != INT64_MAX;
  if (!coverage->has_data_from) coverage->data_from_ns = 0;
  if (!is_settled) return BT_OK;
  bool is_listed = questions->table->is_listed;
  bt_status status = BT_OK;
  for (size_t i = 0; is_listed && i < g.count; i++) g.empty[i] = !g.seen[i];
  if (!is_listed) status = probe_grid(questions, &g, error);
  for (size_t i = 0; i < g.count; i++)
    if (g.seen[i]) *has_data = true;
  if (status == BT_OK && !is_listed && !questions->plan->wants_earliest)
    status = find_edge(questions, ahead, &g, error);
  return status == BT_OK ? name_empty(questions, &g, error) : status;
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
  bool has_all = known->matched.in_doubt || known->listed.start_ns <= known->matched.start_ns;
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
  bt_search_request search = bt_replay_plan_search(questions->plan, BT_STR("{}"), range);
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
