/* All traces that anything found, by id, each once, and sets of them as bits. Answers come in two steps (what has to be read; then the listing of
 * all traces and what is only counted), so that known traces get other numbers while the replay runs: whatever holds such numbers is moved
 * along here. Thread: the replay's. */
#include <stdlib.h>

#include "server/replay/run.h"

uint64_t *bt_bits_new(const bt_run *run) {
  return calloc(run->word_count, sizeof(uint64_t));
}

size_t bt_bits_count(const bt_run *run, const uint64_t *bits) {
  size_t count = 0;
  for (size_t w = 0; w < run->word_count; w++) count += (size_t)__builtin_popcountll(bits[w]);
  return count;
}

static void add_bounds(bt_known *known, const bt_found *found, uint8_t flag) {
  bt_found *bounds = flag == BT_KNOWN_LISTED ? &known->listed : &known->matched;
  known->matched.id = known->listed.id = found->id;
  if (known->flags & flag)
    bt_found_join(bounds, found);
  else
    *bounds = *found;
  known->flags |= flag;
}

/* The old known traces and one more list, both by id. moved_to[i]: the new number of the old number i. */
static size_t merge(const bt_run *run, const bt_found_list *found, uint8_t flag, bt_known *out, size_t *moved_to) {
  size_t old = 0, more = 0, count = 0;
  while (old < run->known_count || more < found->count) {
    int order = old == run->known_count ? 1
                : more == found->count  ? -1
                                        : bt_trace_id_compare(&run->known[old].matched.id, &found->items[more].id);
    out[count] = order <= 0 ? run->known[old] : (bt_known){0};
    if (order >= 0) add_bounds(&out[count], &found->items[more++], flag);
    if (order <= 0) moved_to[old++] = count;
    count++;
  }
  return count;
}

static bt_status move_bits(const bt_run *run, uint64_t **bits, const size_t *moved_to, size_t old_count,
                           bt_error *error) {
  if (!*bits) return BT_OK;
  uint64_t *moved = bt_bits_new(run);
  if (!moved) return bt_error_no_memory(error);
  for (size_t i = 0; i < old_count; i++)
    if (bt_bit_get(*bits, i)) bt_bit_set(moved, moved_to[i]);
  free(*bits);
  *bits = moved;
  return BT_OK;
}

static bt_status move_all_bits(bt_run *run, const size_t *moved_to, size_t old_count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->query_count; i++)
    status = move_bits(run, &run->queries[i]->bits, moved_to, old_count, error);
  for (size_t i = 0; status == BT_OK && i < run->request.rule_count; i++) {
    bt_run_rule *rule = &run->rules[i];
    uint64_t **const sets[] = {&rule->candidates,        &rule->unread,  &rule->exercising,
                               &rule->surely_exercising, &rule->decided, &rule->decided_exercised};
    for (size_t s = 0; status == BT_OK && s < sizeof sets / sizeof *sets; s++)
      status = move_bits(run, sets[s], moved_to, old_count, error);
  }
  return status;
}

static void move_numbers(bt_run *run, const size_t *moved_to) {
  for (size_t i = 0; i < run->queue_count; i++) run->queue[i] = moved_to[run->queue[i]];
  for (uint32_t i = 0; i < run->sample_count; i++) run->samples[i].known = moved_to[run->samples[i].known];
}

static bt_status make_bits(bt_run *run, bt_query *query, bt_error *error) {
  if (!(query->bits = bt_bits_new(run))) return bt_error_no_memory(error);
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

static bt_status add_list(bt_run *run, const bt_query *query, uint8_t flag, bt_error *error) {
  size_t old_count = run->known_count;
  bt_known *known = bt_realloc_array(NULL, old_count + query->found.count + 1, sizeof *known);
  size_t *moved_to = bt_realloc_array(NULL, old_count + 1, sizeof *moved_to);
  bt_status status = known && moved_to ? BT_OK : bt_error_no_memory(error);
  if (status == BT_OK) {
    size_t count = merge(run, &query->found, flag, known, moved_to);
    free(run->known);
    run->known = known;
    run->known_count = count;
    run->word_count = count / 64 + 1;
    known = NULL;
    move_numbers(run, moved_to);
    status = move_all_bits(run, moved_to, old_count, error);
  }
  free(known);
  free(moved_to);
  return status;
}

/* The old table and the new one are there at the same time. */
static bt_status hold_both_tables(bt_run *run, bt_error *error) {
  size_t most = run->known_count;
  for (size_t i = 0; i < run->query_count; i++)
    if (run->queries[i]->is_taken && !run->queries[i]->is_gathered) most += run->queries[i]->found.count;
  return bt_run_hold(run, most * sizeof *run->known, error);
}

/* What is subtracted only finds traces to leave out: it makes none known. */
bt_status bt_known_gather(bt_run *run, bt_error *error) {
  run->word_count = run->known_count / 64 + 1;
  bt_status status = hold_both_tables(run, error);
  for (size_t i = 0; status == BT_OK && i < run->query_count; i++) {
    const bt_query *query = run->queries[i];
    bool makes_known = !query->is_subtracted && !query->is_own;
    if (!query->is_taken || query->is_gathered || !makes_known || !query->found.count) continue;
    status = add_list(run, query, i == BT_QUERY_ALL ? BT_KNOWN_LISTED : BT_KNOWN_MATCHED, error);
  }
  for (size_t i = 0; status == BT_OK && i < run->query_count; i++) {
    bt_query *query = run->queries[i];
    if (!query->is_taken || query->is_gathered) continue;
    query->is_gathered = true;
    if (query->is_own)
      bt_own_traces_take(run, query);
    else
      status = make_bits(run, query, error);
  }
  return status == BT_OK ? bt_run_hold(run, 0, error) : status;
}
