/* Which traces have to be read: the over-formula of each rule, evaluated to sets of trace ids over the whole range with margins, less what
 * its under-queries find. What is searched may miss nothing, so that a window that failed is said; what is subtracted may lack anything.
 * Sets are bits over the traces that some search found. Thread: the replay's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/run.h"

enum {
  AUTO_COUNT_MAX = 100000, /* traces that are listed only to be counted */
  SUBTRACT_FROM = 256      /* fewer candidates than this are read faster than anything is subtracted from them */
};

static bt_status add_over(bt_run *run, const bt_over *over, bool is_over, bt_error *error) {
  size_t index = 0;
  bt_status status = BT_OK;
  switch (over->kind) {
  case BT_OVER_NONE: break;
  case BT_OVER_ALL:
    if (is_over) run->is_all_needed = true;
    break;
  case BT_OVER_QUERY: status = bt_query_add(run, over->query.filter, is_over, &index, error); break;
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++)
      status = add_over(run, over->items[i], is_over, error);
    break;
  }
  return status;
}

static bt_status ask_over(bt_run *run, double from, double to, bt_error *error) {
  for (size_t i = 1; i < run->query_count; i++) {
    if (run->queries[i].asked) continue;
    bt_status status = bt_query_ask(run, &run->queries[i], 0, NULL, error);
    if (status != BT_OK) return status;
    bt_run_progress(run, from + (to - from) * (double)(i + 1) / (double)run->query_count);
  }
  return BT_OK;
}

/* The listing comes after the filters, so that it has to hold every trace that they found. */
static bt_status ask_listing(bt_run *run, bt_error *error) {
  bt_query *all = &run->queries[BT_QUERY_ALL];
  if (!run->is_all_needed && run->request.count == BT_COUNT_AT_LEAST) return BT_OK;
  size_t maximum = run->is_all_needed || run->request.count == BT_COUNT_EXACT ? 0 : AUTO_COUNT_MAX;
  bool exceeded = false;
  all->is_over = true; /* its failed windows are said: whether there is any data rests on it */
  bt_status status = bt_query_ask(run, all, maximum, &exceeded, error);
  run->is_listed = status == BT_OK && !exceeded && all->is_complete;
  return status;
}

static int compare_known(const void *a, const void *b) {
  return bt_trace_id_compare(&((const bt_known *)a)->matched.id, &((const bt_known *)b)->matched.id);
}

static void join_found(bt_found *into, const bt_found *from) {
  if (from->start_ns < into->start_ns) into->start_ns = from->start_ns;
  if (from->end_ns > into->end_ns) into->end_ns = from->end_ns;
}

static void join_known(bt_known *into, const bt_known *from) {
  bt_found *bounds = from->flags & BT_KNOWN_LISTED ? &into->listed : &into->matched;
  const bt_found *more = from->flags & BT_KNOWN_LISTED ? &from->listed : &from->matched;
  if (into->flags & from->flags)
    join_found(bounds, more);
  else
    *bounds = *more;
  into->flags |= from->flags;
}

static size_t count_found(const bt_run *run) {
  size_t total = 0;
  for (size_t i = 0; i < run->query_count; i++) total += run->queries[i].found.count;
  return total;
}

static void append_found(bt_run *run, const bt_query *query, bool is_listing) {
  for (size_t i = 0; i < query->found.count; i++) {
    const bt_found *found = &query->found.items[i];
    bt_known known = {.flags = is_listing ? BT_KNOWN_LISTED : BT_KNOWN_MATCHED};
    known.matched.id = known.listed.id = found->id;
    *(is_listing ? &known.listed : &known.matched) = *found;
    run->known[run->known_count++] = known;
  }
}

/* All traces that anything found, by id, each once. */
static bt_status gather_known(bt_run *run, bt_error *error) {
  size_t total = count_found(run);
  run->known = bt_realloc_array(NULL, total, sizeof *run->known);
  if (!run->known) return bt_error_no_memory(error);
  for (size_t i = 0; i < run->query_count; i++) append_found(run, &run->queries[i], i == BT_QUERY_ALL);
  if (run->query_count > 1) qsort(run->known, run->known_count, sizeof *run->known, compare_known);
  size_t kept = 0;
  for (size_t i = 0; i < run->known_count; i++) {
    if (kept && compare_known(&run->known[kept - 1], &run->known[i]) == 0)
      join_known(&run->known[kept - 1], &run->known[i]);
    else
      run->known[kept++] = run->known[i];
  }
  run->known_count = kept;
  run->word_count = kept / 64 + 1;
  return BT_OK;
}

static uint64_t *new_bits(const bt_run *run) {
  return calloc(run->word_count, sizeof(uint64_t));
}

/* Both lists are by id. */
static bt_status make_bits(bt_run *run, bt_query *query, bt_error *error) {
  if (!(query->bits = new_bits(run))) return bt_error_no_memory(error);
  size_t known = 0;
  for (size_t i = 0; i < query->found.count; i++) {
    const bt_trace_id *id = &query->found.items[i].id;
    int order = -1;
    while (known < run->known_count && (order = bt_trace_id_compare(&run->known[known].matched.id, id)) < 0) known++;
    if (order == 0 && known < run->known_count) bt_bit_set(query->bits, known);
  }
  bt_found_list_dispose(&query->found);
  return BT_OK;
}

static bt_status combine(bt_run *run, const bt_over *over, uint64_t *out, bt_error *error);

static bt_status combine_items(bt_run *run, const bt_over *over, uint64_t *out, bt_error *error) {
  uint64_t *item = new_bits(run);
  if (!item) return bt_error_no_memory(error);
  bt_status status = combine(run, over->items[0], out, error);
  for (uint32_t i = 1; status == BT_OK && i < over->item_count; i++) {
    status = combine(run, over->items[i], item, error);
    for (size_t w = 0; w < run->word_count; w++)
      out[w] = over->kind == BT_OVER_AND ? out[w] & item[w] : out[w] | item[w];
  }
  free(item);
  return status;
}

static void copy_bits(const bt_run *run, const bt_query *query, uint64_t *out) {
  memcpy(out, query->bits, run->word_count * sizeof *out);
}

/* ALL is every trace that is known: when a rule needs it, the listing has been asked without a maximum. */
static bt_status combine(bt_run *run, const bt_over *over, uint64_t *out, bt_error *error) {
  switch (over->kind) {
  case BT_OVER_NONE: memset(out, 0, run->word_count * sizeof *out); return BT_OK;
  case BT_OVER_ALL:
    memset(out, 0, run->word_count * sizeof *out);
    for (size_t i = 0; i < run->known_count; i++) bt_bit_set(out, i);
    return BT_OK;
  case BT_OVER_QUERY: copy_bits(run, &run->queries[bt_query_find(run, over->query.filter)], out); return BT_OK;
  case BT_OVER_AND:
  case BT_OVER_OR: return combine_items(run, over, out, error);
  }
  return BT_OK;
}

static const bt_over every_trace = {.kind = BT_OVER_ALL};

static const bt_over *violating_of(const bt_run *run, const bt_run_rule *rule) {
  return run->filters ? rule->plan->violating : &every_trace;
}

/* Whether every filter of the formula was asked and answered in full. */
static bool is_answered(const bt_run *run, const bt_over *over) {
  switch (over->kind) {
  case BT_OVER_NONE: return true;
  case BT_OVER_ALL: return run->is_listed;
  case BT_OVER_QUERY: {
    size_t index = bt_query_find(run, over->query.filter);
    return index < run->query_count && run->queries[index].is_complete;
  }
  case BT_OVER_AND:
  case BT_OVER_OR: break;
  }
  for (uint32_t i = 0; i < over->item_count; i++)
    if (!is_answered(run, over->items[i])) return false;
  return true;
}

static bt_status make_rule_bits(bt_run *run, bt_run_rule *rule, bt_error *error) {
  const bt_over *exercising = run->filters ? rule->plan->exercising : &every_trace;
  bool exercising_known = is_answered(run, exercising);
  rule->candidates = new_bits(run);
  rule->unread = new_bits(run);
  if (exercising_known) rule->exercising = new_bits(run);
  if (!rule->candidates || !rule->unread || (exercising_known && !rule->exercising)) return bt_error_no_memory(error);
  bt_status status = combine(run, violating_of(run, rule), rule->candidates, error);
  if (status == BT_OK && exercising_known) status = combine(run, exercising, rule->exercising, error);
  memcpy(rule->unread, rule->candidates, run->word_count * sizeof *rule->unread);
  return status;
}

static size_t count_bits(const bt_run *run, const uint64_t *bits) {
  size_t count = 0;
  for (size_t w = 0; w < run->word_count; w++) count += (size_t)__builtin_popcountll(bits[w]);
  return count;
}

static bt_status subtract_query(bt_run *run, bt_run_rule *rule, bt_str text, bt_error *error) {
  size_t index = 0;
  bt_status status = bt_query_add(run, text, false, &index, error);
  if (status != BT_OK) return status;
  bt_query *query = &run->queries[index];
  if (!query->asked) {
    /* A search of candidates that is also subtracted keeps its bits; a new one that exceeds memory only subtracts less. */
    status = bt_query_ask(run, query, 0, NULL, error);
    if (status != BT_OK) return status;
  }
  if (!query->bits) status = make_bits(run, query, error);
  for (size_t w = 0; status == BT_OK && w < run->word_count; w++) rule->unread[w] &= ~query->bits[w];
  return status;
}

static bt_status subtract(bt_run *run, bt_run_rule *rule, bt_error *error) {
  bt_status status = BT_OK;
  for (uint32_t i = 0; status == BT_OK && i < rule->plan->subtract_count; i++) {
    if (count_bits(run, rule->unread) < SUBTRACT_FROM) break;
    status = subtract_query(run, rule, rule->plan->subtract[i].filter, error);
  }
  return status;
}

static bt_status add_rules(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++)
    status = add_over(run, violating_of(run, &run->rules[i]), true, error);
  return status;
}

/* Counting exercised traces by search is worth a query only where it gives the exact number. */
static bt_status add_exercising(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  if (!run->filters || run->request.count == BT_COUNT_AT_LEAST) return BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++)
    if (run->rules[i].plan->exercising_is_exact) status = add_over(run, run->rules[i].plan->exercising, false, error);
  return status;
}

static bt_status search_all(bt_run *run, bt_error *error) {
  size_t index = 0;
  bt_status status = bt_query_add(run, BT_STR("{}"), false, &index, error);
  if (status == BT_OK) status = add_rules(run, error);
  if (status == BT_OK) status = ask_over(run, 0, 0.15, error);
  if (status == BT_OK) status = add_exercising(run, error);
  if (status == BT_OK) status = ask_over(run, 0.15, 0.2, error);
  if (status == BT_OK) status = ask_listing(run, error);
  if (status == BT_OK) status = gather_known(run, error);
  return status;
}

/* A complete listing, asked later, has every trace that a filter found. One that it lacks shows that search did not give everything. */
static bt_status check_against_listing(bt_run *run, bt_error *error) {
  if (!run->is_listed || !run->filters) return BT_OK;
  for (size_t i = 0; i < run->known_count; i++) {
    const bt_known *known = &run->known[i];
    bool is_recent = known->matched.end_ns >= run->window.effective_end_ns;
    if (known->flags & BT_KNOWN_LISTED || is_recent) continue;
    bt_status status =
        bt_coverage_fail_trace(run, known, "a filter found it, but the listing of all traces does not have it", error);
    if (status != BT_OK) return status;
  }
  return BT_OK;
}

bt_status bt_candidates_find(bt_run *run, bt_error *error) {
  bt_status status = search_all(run, error);
  for (size_t i = 0; status == BT_OK && i < run->query_count; i++) status = make_bits(run, &run->queries[i], error);
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++)
    status = make_rule_bits(run, &run->rules[i], error);
  if (status == BT_OK) status = check_against_listing(run, error);
  for (size_t i = 0; status == BT_OK && run->filters && i < run->request.rule_count; i++)
    status = subtract(run, &run->rules[i], error);
  if (status == BT_OK && run->filters) status = bt_own_traces_mark(run, error);
  if (status == BT_OK) bt_run_progress(run, 0.3);
  return status;
}

void bt_candidates_dispose(bt_run *run) {
  for (size_t i = 0; i < run->query_count; i++) {
    bt_found_list_dispose(&run->queries[i].found);
    free(run->queries[i].bits);
  }
  for (size_t i = 0; run->rules && i < run->request.rule_count; i++) {
    free(run->rules[i].candidates);
    free(run->rules[i].unread);
    free(run->rules[i].exercising);
  }
  free(run->queries);
  free(run->known);
}
