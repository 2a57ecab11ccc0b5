/* See kinship.h. Each table is gathered as a list of ties, sorted, and packed. */
#include "dsl/trace/kinship.h"

#include <stdlib.h>
#include <string.h>

typedef struct tie { /* a span id in a trace, and a span that has it, names it or links to it */
  uint32_t trace;
  bt_span_id id;
  uint32_t span;
} tie;

typedef struct builder {
  bt_kinship *kinship;
  const bt_family_trace *traces;
  bt_arena *arena;
  uint32_t *by_id; /* numbers of the traces in order of their ids */
  tie *ties;       /* room for those of any table */
  uint32_t count;
} builder;

typedef void (*gather_function)(builder *b, uint32_t trace, const bt_span *span, uint32_t number);

static int compare_keys(uint32_t trace, const bt_span_id *id, uint32_t other_trace, const bt_span_id *other_id) {
  if (trace != other_trace) return trace < other_trace ? -1 : 1;
  return memcmp(id->bytes, other_id->bytes, sizeof id->bytes);
}

static int compare_ties(const void *left, const void *right) {
  const tie *a = left, *b = right;
  int order = compare_keys(a->trace, &a->id, b->trace, &b->id);
  return order ? order : (a->span > b->span) - (a->span < b->span);
}

static int compare_traces(const void *left, const void *right, void *context) {
  const bt_family_trace *traces = context;
  const uint32_t *a = left, *b = right;
  return bt_trace_id_compare(&traces[*a].trace->id, &traces[*b].trace->id);
}

void bt_family_order(const bt_family_trace *traces, uint32_t count, uint32_t *by_id) {
  for (uint32_t i = 0; i < count; i++) by_id[i] = i;
  qsort_r(by_id, count, sizeof *by_id, compare_traces, (void *)(uintptr_t)traces);
}

bool bt_family_find(const bt_family_trace *traces, uint32_t count, const uint32_t *by_id, const bt_trace_id *id,
                    uint32_t *number) {
  uint32_t low = 0, high = count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    *number = by_id[middle];
    int order = bt_trace_id_compare(&traces[*number].trace->id, id);
    if (order == 0) return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

/* ---- what is gathered ---- */

static void add_tie(builder *b, uint32_t trace, const bt_span_id *id, uint32_t span) {
  if (!bt_span_id_is_zero(id)) b->ties[b->count++] = (tie){trace, *id, span};
}

static void gather_id(builder *b, uint32_t trace, const bt_span *span, uint32_t number) {
  add_tie(b, trace, &span->id, number);
}

/* What was kept beside a summary may have had another parent. */
static void gather_child(builder *b, uint32_t trace, const bt_span *span, uint32_t number) {
  if (span->pruning == BT_PRUNING_NONE) add_tie(b, trace, &span->parent_id, number);
}

static void gather_links(builder *b, uint32_t trace, const bt_span *span, uint32_t number) {
  (void)trace;
  for (uint32_t i = 0, target; i < span->link_count; i++)
    if (bt_family_find(b->traces, b->kinship->trace_count, b->by_id, &span->links[i].trace_id, &target))
      add_tie(b, target, &span->links[i].span_id, number);
}

/* A summary's id, parent and links are those of several spans, and so they tie no single span. */
static void gather_ties(builder *b, gather_function gather) {
  const bt_kinship *kinship = b->kinship;
  b->count = 0;
  for (uint32_t t = 0; t < kinship->trace_count; t++) {
    const bt_trace *trace = kinship->traces[t];
    for (uint32_t i = 0; i < trace->span_count; i++)
      if (trace->spans[i].pruning != BT_PRUNING_SUMMARY) gather(b, t, &trace->spans[i], kinship->first_span[t] + i);
  }
}

/* ---- tables ---- */

/* A span that links twice to another one is one of those that link to it. */
static uint32_t sort_ties(builder *b) {
  uint32_t kept = 0, keys = 0;
  if (b->count > 1) qsort(b->ties, b->count, sizeof *b->ties, compare_ties);
  for (uint32_t i = 0; i < b->count; i++) {
    const tie *last = kept ? &b->ties[kept - 1] : NULL, *next = &b->ties[i];
    bool is_new = !last || compare_keys(last->trace, &last->id, next->trace, &next->id) != 0;
    if (!is_new && last->span == next->span) continue;
    keys += is_new;
    b->ties[kept++] = *next;
  }
  b->count = kept;
  return keys;
}

static bool make_table(builder *b, gather_function gather, bt_kin_table *table) {
  gather_ties(b, gather);
  uint32_t keys = sort_ties(b);
  table->keys = bt_arena_array(b->arena, (size_t)keys + 1, sizeof *table->keys);
  table->spans = bt_arena_array(b->arena, b->count, sizeof *table->spans);
  if (!table->keys || !table->spans) return false;
  for (uint32_t i = 0; i < b->count; i++) {
    const tie *one = &b->ties[i];
    bool is_new = !i || compare_keys(one[-1].trace, &one[-1].id, one->trace, &one->id) != 0;
    if (is_new) table->keys[table->key_count++] = (bt_kin_key){one->trace, one->id, i};
    table->spans[i] = one->span;
  }
  table->keys[table->key_count] = (bt_kin_key){.trace = UINT32_MAX, .first = b->count};
  table->count = b->count;
  return true;
}

static uint64_t count_links(const bt_family_trace *traces, uint32_t count) {
  uint64_t links = 0;
  for (uint32_t t = 0; t < count; t++)
    for (uint32_t i = 0; i < traces[t].trace->span_count; i++) links += traces[t].trace->spans[i].link_count;
  return links;
}

static uint64_t count_spans(const bt_family_trace *traces, uint32_t count) {
  uint64_t spans = 0;
  for (uint32_t t = 0; t < count; t++) spans += traces[t].trace->span_count;
  return spans;
}

static bool number_traces(builder *b, const bt_family_trace *traces) {
  bt_kinship *kinship = b->kinship;
  kinship->traces = bt_arena_array(b->arena, kinship->trace_count, sizeof(const bt_trace *));
  kinship->first_span = bt_arena_array(b->arena, kinship->trace_count, sizeof *kinship->first_span);
  if (!kinship->traces || !kinship->first_span) return false;
  for (uint32_t t = 0; t < kinship->trace_count; t++) {
    kinship->traces[t] = traces[t].trace;
    kinship->first_span[t] = kinship->span_count;
    kinship->span_count += traces[t].trace->span_count;
  }
  bt_family_order(traces, kinship->trace_count, b->by_id);
  return true;
}

const bt_kinship *bt_kinship_make(const bt_family_trace *traces, uint32_t count, bt_arena *arena) {
  uint64_t spans = count_spans(traces, count), links = count_links(traces, count), most = spans > links ? spans : links;
  bt_kinship *kinship = bt_arena_alloc(arena, sizeof *kinship);
  if (!kinship || spans > BT_KINSHIP_MAX_SPANS || most > UINT32_MAX) return NULL;
  builder b = {.kinship = kinship, .traces = traces, .arena = arena};
  kinship->trace_count = count;
  b.by_id = bt_realloc_array(NULL, count, sizeof *b.by_id);
  b.ties = bt_realloc_array(NULL, most + 1, sizeof *b.ties);
  bool is_made = b.by_id && b.ties && number_traces(&b, traces) && make_table(&b, gather_id, &kinship->ids) &&
                 make_table(&b, gather_child, &kinship->children) && make_table(&b, gather_links, &kinship->linkers);
  free(b.by_id);
  free(b.ties);
  return is_made ? kinship : NULL;
}

size_t bt_kinship_most_bytes(const bt_family_trace *traces, uint32_t count) {
  enum { TABLES = 3, ROUNDING = 9 * sizeof(max_align_t) }; /* of nine arrays of an arena */
  uint64_t ties = 2 * count_spans(traces, count) + count_links(traces, count);
  return ties * (sizeof(bt_kin_key) + sizeof(uint32_t)) + count * (sizeof(const bt_trace *) + sizeof(uint32_t)) +
         TABLES * sizeof(bt_kin_key) + sizeof(bt_kinship) + ROUNDING;
}

bool bt_kinship_is_of(const bt_kinship *kinship, const bt_family *family, uint32_t *own) {
  uint32_t place = 0, count = family->trace_count;
  if (!kinship || kinship->trace_count != count) return false;
  while (place + 1 < count && family->traces[place + 1].trace == kinship->traces[place]) place++;
  if (family->traces[0].trace != kinship->traces[place]) return false;
  for (uint32_t i = place + 1; i < count; i++)
    if (family->traces[i].trace != kinship->traces[i]) return false;
  *own = place;
  return true;
}

uint32_t bt_kin_table_find(const bt_kin_table *table, uint32_t trace, const bt_span_id *id, bool *is_there) {
  uint32_t low = 0, high = table->key_count;
  *is_there = false;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const bt_kin_key *key = &table->keys[middle];
    int order = compare_keys(key->trace, &key->id, trace, id);
    if (order == 0) return *is_there = true, middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
