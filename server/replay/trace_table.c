/* The table of traces. See trace_table.h. */
#include "server/replay/trace_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/mix.h"

/* A page of traces as they are read and judged: an answer of the source, its spans, what the evaluator needs. Of a
 * small limit a part, so that several fit. */
static const size_t PAGE_BYTES = (size_t)2 << 20;
enum { PAGE_PART = 32 };

/* ---- sets ---- */

uint64_t *bt_bits_new(const bt_trace_table *table) {
  return calloc(table->word_count, sizeof(uint64_t));
}

size_t bt_bits_count(const bt_trace_table *table, const uint64_t *bits) {
  size_t count = 0;
  for (size_t w = 0; w < table->word_count; w++) count += (size_t)__builtin_popcountll(bits[w]);
  return count;
}

/* ---- joining ---- */

void bt_trace_table_register(bt_trace_table *table, bt_trace_holder holder) {
  assert(table->holder_count < BT_TRACE_HOLDERS);
  table->holders[table->holder_count++] = holder;
}

static size_t bytes_of_page(const bt_trace_table *table) {
  size_t part = bt_memory_limit(table->plan->request.memory) / PAGE_PART;
  return part < PAGE_BYTES ? part : PAGE_BYTES;
}

/* The table, and the numbers of those that are read, by id or in pages; what others keep for them. */
bt_status bt_trace_table_hold(bt_trace_table *table, size_t more_bytes, bt_error *error) {
  size_t bytes = bytes_of_page(table) + table->count * (sizeof *table->traces + sizeof(size_t));
  for (size_t i = 0; i < table->holder_count; i++) bytes += table->holders[i].bytes(table->holders[i].context);
  table->hold.account = table->plan->request.memory;
  table->hold.kind = BT_MEMORY_READS;
  if (bt_memory_hold_set(&table->hold, bytes + more_bytes)) return BT_OK;
  table->has_no_room = true;
  return bt_error_set(error, BT_LIMIT,
                      "there is no room for the %zu traces that were found: what runs and what is kept fills the %zu "
                      "bytes of --memory-limit; take a shorter range, or wait for others to end",
                      table->count, bt_memory_limit(table->plan->request.memory));
}

static void add_bounds(bt_known *known, const bt_found *found, uint16_t flag) {
  bt_found *bounds = flag == BT_KNOWN_LISTED ? &known->listed : &known->matched;
  known->matched.id = known->listed.id = found->id;
  if (known->flags & flag)
    bt_found_join(bounds, found);
  else
    *bounds = *found;
  known->flags |= flag;
}

/* The old traces and one more list, both by id. */
static size_t merge_found(const bt_trace_table *table, const bt_found_list *found, uint16_t flag, bt_known *out) {
  size_t old = 0, more = 0, count = 0;
  while (old < table->count || more < found->count) {
    int order = old == table->count    ? 1
                : more == found->count ? -1
                                       : bt_trace_id_compare(&table->traces[old].matched.id, &found->items[more].id);
    out[count] = order <= 0 ? table->traces[old++] : (bt_known){0};
    if (order >= 0) add_bounds(&out[count], &found->items[more++], flag);
    count++;
  }
  return count;
}

bt_status bt_trace_table_join(bt_trace_table *table, const bt_found_list *found, uint16_t flag, bt_error *error) {
  bt_known *traces = bt_realloc_array(NULL, table->count + found->count + 1, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  size_t count = merge_found(table, found, flag, traces);
  free(table->traces);
  table->traces = traces;
  table->count = count;
  table->word_count = count / 64 + 1;
  return BT_OK;
}

void bt_trace_table_dispose(bt_trace_table *table) {
  bt_memory_hold_shrink(&table->hold, 0);
  free(table->traces);
  free(table->places);
}

/* ---- what is known of one ---- */

bt_known *bt_trace_table_find(const bt_trace_table *table, const bt_trace_id *id) {
  size_t low = 0, high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = bt_trace_id_compare(&table->traces[middle].matched.id, id);
    if (order == 0) return &table->traces[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

const bt_found *bt_known_bounds(const bt_known *known) {
  return known->flags & BT_KNOWN_MATCHED ? &known->matched : &known->listed;
}

uint32_t bt_known_span_count(const bt_known *known) {
  uint32_t matched = known->flags & BT_KNOWN_MATCHED ? known->matched.span_count : 0;
  uint32_t listed = known->flags & BT_KNOWN_LISTED ? known->listed.span_count : 0;
  return matched > listed ? matched : listed;
}

bool bt_known_is_whole_in(const bt_known *known, const bt_trace *read) {
  bool has_matched = !(known->flags & BT_KNOWN_MATCHED) || bt_shown_are_in(&known->matched.shown, read);
  return has_matched && (!(known->flags & BT_KNOWN_LISTED) || bt_shown_are_in(&known->listed.shown, read));
}

bool bt_known_has_values_in(const bt_known *known, const bt_trace *read) {
  return !(known->flags & BT_KNOWN_MATCHED) || bt_shown_values_are_in(&known->matched.shown, read);
}

bool bt_known_has_ids_in(const bt_known *known, const bt_trace *read) {
  bool has_matched = !(known->flags & BT_KNOWN_MATCHED) || bt_shown_ids_are_in(&known->matched.shown, read);
  return has_matched && (!(known->flags & BT_KNOWN_LISTED) || bt_shown_ids_are_in(&known->listed.shown, read));
}

/* The listing and the filters are asked at different times, so that a filter can show a fragment that the listing
 * did not have yet: then the listing's bounds are not those of all fragments. (An end beyond the listing's is no
 * sign of that, since Tempo 2.8 gives a trace of several fragments the duration of the longest one; it is taken for
 * one all the same, which costs a read at most.) */
bool bt_trace_table_bounds(const bt_trace_table *table, const bt_known *known, bt_found *bounds) {
  *bounds = *bt_known_bounds(known);
  if (!table->is_listed || !(known->flags & BT_KNOWN_LISTED)) return false;
  bool has_all = bounds->start_ns >= known->listed.start_ns && bounds->end_ns <= known->listed.end_ns;
  bt_found_join(bounds, &known->listed);
  return has_all;
}

/* Room for the places of one more trace. */
static bool grow_places(bt_trace_table *table) {
  size_t windows = table->plan->window_count, wanted = (table->judged_count + 1) * windows;
  if (wanted <= table->places_capacity) return true;
  size_t capacity = table->places_capacity ? table->places_capacity * 2 : 64 * windows;
  bt_placed *places = bt_realloc_array(table->places, capacity, sizeof *places);
  if (!places) return false;
  table->places = places;
  table->places_capacity = capacity;
  return true;
}

static bt_placed *places_of(const bt_trace_table *table, const bt_known *known) {
  return table->places + (size_t)(known->judged - 1) * table->plan->window_count;
}

bt_status bt_trace_table_keep_places(bt_trace_table *table, bt_known *known, const bt_trace *trace, bt_error *error) {
  const bt_replay_plan *plan = table->plan;
  const bt_found found = *bt_known_bounds(known);
  if (!known->judged && !grow_places(table)) return bt_error_no_memory(error);
  if (!known->judged) known->judged = (uint32_t)++table->judged_count;
  bt_placed *places = places_of(table, known);
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < plan->window_count; i++)
    status = bt_window_place_trace(&plan->windows[i], trace, &found, &places[i], error);
  return status;
}

static bool has_start(const bt_trace *trace, int64_t start_ns) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].start_ns == start_ns) return true;
  return false;
}

bool bt_trace_table_began_otherwise(const bt_trace_table *table, const bt_known *known, const bt_trace *read) {
  const bt_found *found = bt_known_bounds(known);
  if (table->plan->is_static || found->in_doubt || has_start(read, found->start_ns)) return false;
  for (size_t i = 0; i < table->plan->window_count; i++)
    if (bt_window_place_time(&table->plan->windows[i], found->start_ns) != BT_PLACE_OUTSIDE) return true;
  return false;
}

void bt_trace_table_keep_found(bt_trace_table *table, const bt_known *known) {
  assert(known->judged);
  int64_t start_ns = bt_known_bounds(known)->start_ns;
  bt_placed *places = places_of(table, known);
  for (size_t i = 0; i < table->plan->window_count; i++)
    places[i] = (bt_placed){bt_window_place_time(&table->plan->windows[i], start_ns), start_ns};
}

const bt_placed *bt_trace_table_placed_in(const bt_trace_table *table, const bt_window *window, const bt_known *known) {
  assert(known->judged);
  return &places_of(table, known)[window - table->plan->windows];
}

bt_place bt_trace_table_place_in(const bt_trace_table *table, const bt_window *window, const bt_known *known) {
  bt_found bounds;
  if (known->judged) return bt_trace_table_placed_in(table, window, known)->place;
  bool are_of_all = bt_trace_table_bounds(table, known, &bounds);
  return are_of_all ? bt_window_place_listed(window, &bounds) : bt_window_place_found(window, &bounds);
}

bool bt_trace_table_is_outside(const bt_trace_table *table, const bt_known *known) {
  if (bt_trace_table_place(table, known) != BT_PLACE_OUTSIDE) return false;
  bt_found bounds = *bt_known_bounds(known);
  if (table->is_listed && known->flags & BT_KNOWN_LISTED) bt_found_join(&bounds, &known->listed);
  return known->judged || table->plan->is_static || bounds.start_ns >= table->plan->window.range.start_ns;
}

bt_place bt_trace_table_place(const bt_trace_table *table, const bt_known *known) {
  bool has[BT_PLACE_UNDECIDED + 1] = {false};
  for (size_t i = 0; i < table->plan->window_count; i++)
    has[bt_trace_table_place_in(table, &table->plan->windows[i], known)] = true;
  if (has[BT_PLACE_UNDECIDED]) return BT_PLACE_UNDECIDED;
  if (has[BT_PLACE_SETTLED]) return BT_PLACE_SETTLED;
  return has[BT_PLACE_TAIL] ? BT_PLACE_TAIL : BT_PLACE_OUTSIDE;
}

bool bt_trace_table_is_in_tail(const bt_trace_table *table, const bt_known *known) {
  for (size_t i = 0; i < table->plan->window_count; i++)
    if (bt_trace_table_place_in(table, &table->plan->windows[i], known) == BT_PLACE_TAIL) return true;
  return false;
}

/* ---- samples: the traces with the smallest keys ---- */

uint64_t bt_seeded_key(uint64_t seed, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t key = seed ^ halves[0] ^ (halves[1] << 1 | halves[1] >> 63);
  for (int round = 0; round < 2; round++) key = bt_mix_bits(key + 0x9E3779B97F4A7C15u);
  return key;
}

void bt_reservoir_offer(bt_reservoir *reservoir, size_t room, bt_keyed item) {
  size_t place = reservoir->count;
  if (!room) return;
  if (reservoir->count < room)
    reservoir->count++;
  else if (item.key >= reservoir->items[--place].key)
    return;
  while (place && reservoir->items[place - 1].key > item.key) {
    reservoir->items[place] = reservoir->items[place - 1];
    place--;
  }
  reservoir->items[place] = item;
}

/* ---- what earlier parts of a range decided ---- */

void bt_seen_traces_sort(bt_seen_traces *seen) {
  if (seen->count) qsort(seen->items, seen->count, sizeof *seen->items, bt_trace_id_order);
}

bool bt_seen_traces_has(const bt_seen_traces *seen, const bt_trace_id *id) {
  return seen->count && bsearch(id, seen->items, seen->count, sizeof *seen->items, bt_trace_id_order);
}

void bt_seen_traces_dispose(bt_seen_traces *seen) {
  free(seen->items);
  *seen = (bt_seen_traces){0};
}
