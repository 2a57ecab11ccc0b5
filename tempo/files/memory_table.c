/* What the memory source holds. See memory_table.h. */
#include "tempo/files/memory_table.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/files/memory_source.h"

enum {
  FILTER_SHARE = 64, /* of the cap, in bytes, for the filter of evicted ids */
  FILTER_LEAST_BYTES = 1024,
  FILTER_HASHES = 4
};

/* ---- tenants ---- */

bool bt_memory_tenant_is_named(bt_str asked, const bt_memory_tenant *t) {
  for (;;) {
    const char *bar = asked.len ? memchr(asked.ptr, '|', asked.len) : NULL;
    bt_str one = {asked.ptr, bar ? (size_t)(bar - asked.ptr) : asked.len};
    if (bt_str_equal(one, bt_str_from(t->name))) return true;
    if (!bar) return false;
    asked = (bt_str){bar + 1, asked.len - one.len - 1};
  }
}

static bt_memory_tenant *tenant_new(bt_str name) {
  bt_memory_tenant *made = calloc(1, sizeof *made);
  char *copy = made ? calloc(1, name.len + 1) : NULL;
  if (!copy) {
    free(made);
    return NULL;
  }
  if (name.len) memcpy(copy, name.ptr, name.len);
  made->name = copy;
  made->evicted_end_ns = INT64_MIN;
  return made;
}

static void tenant_free(bt_memory_tenant *t) {
  free(t->name);
  free(t);
}

bt_status bt_memory_table_tenant(bt_memory_table *table, bt_str name, bt_memory_tenant **out, bt_error *error) {
  for (size_t i = 0; i < table->tenant_count; i++)
    if (bt_str_equal(bt_str_from(table->tenants[i]->name), name)) return *out = table->tenants[i], BT_OK;
  if (table->tenant_count == BT_MEMORY_TENANTS_MAX)
    return bt_error_set(error, BT_LIMIT, "the memory source holds %d tenants and takes no more", BT_MEMORY_TENANTS_MAX);
  bt_memory_tenant **tenants =
      bt_grow_array(table->tenants, table->tenant_count, &table->tenant_capacity, sizeof(bt_memory_tenant *));
  if (!tenants) return bt_error_no_memory(error);
  table->tenants = tenants;
  *out = tenant_new(name);
  if (!*out) return bt_error_no_memory(error);
  tenants[table->tenant_count++] = *out;
  return BT_OK;
}

/* ---- entries ---- */

/* Seeded, so that nobody can choose ids that fall together. */
static uint64_t hash_id(uint64_t seed, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t bits = (halves[0] ^ seed) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32) ^ halves[1]) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u; /* so that the last bytes of an id reach the low bits too */
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  return bits ^ (bits >> 32);
}

static size_t bucket_of(const bt_memory_table *table, const bt_trace_id *id) {
  return (size_t)hash_id(table->seed, id) & (BT_MEMORY_BUCKETS - 1);
}

const bt_memory_entry *bt_memory_table_bucket(const bt_memory_table *table, const bt_trace_id *id) {
  return table->buckets[bucket_of(table, id)];
}

bt_memory_entry *bt_memory_table_find(const bt_memory_table *table, const bt_trace_id *id, const bt_memory_tenant *t) {
  for (bt_memory_entry *e = table->buckets[bucket_of(table, id)]; e; e = e->next)
    if (e->of == t && bt_trace_id_compare(&e->id, id) == 0) return e;
  return NULL;
}

void bt_memory_table_add(bt_memory_table *table, bt_memory_entry *e) {
  size_t bucket = bucket_of(table, &e->id);
  e->next = table->buckets[bucket];
  table->buckets[bucket] = e;
  table->entries[table->count++] = e;
  table->used_bytes += sizeof *e;
}

void bt_memory_table_link(bt_memory_table *table, bt_memory_entry *e, bt_memory_piece *piece) {
  bool is_first = !e->newest;
  if (is_first) e->start_ns = e->end_ns = 0;
  if (piece->start_ns && (!e->start_ns || piece->start_ns < e->start_ns)) e->start_ns = piece->start_ns;
  if (piece->end_ns > e->end_ns) e->end_ns = piece->end_ns;
  e->may_be_own = (is_first || e->may_be_own) && piece->may_be_own;
  piece->before = e->newest; /* the entry's reference becomes the piece's */
  piece->depth = is_first ? 1 : e->newest->depth + 1;
  e->newest = piece;
  e->push = table->pushes;
  table->used_bytes += piece->bytes;
}

bt_status bt_memory_table_reserve(bt_memory_table *table, size_t more, bt_error *error) {
  if (more <= table->capacity - table->count) return BT_OK;
  size_t wanted = (table->count + more) * 2;
  bt_memory_entry **entries = bt_realloc_array(table->entries, wanted, sizeof(bt_memory_entry *));
  if (!entries) return bt_error_no_memory(error);
  table->entries = entries;
  table->capacity = wanted;
  return BT_OK;
}

/* ---- eviction ---- */

/* Place number i of an id in the filter: a bit. */
static size_t filter_bit(const bt_memory_table *table, const bt_memory_tenant *t, const bt_trace_id *id, unsigned i) {
  uint64_t hash = hash_id(table->seed + (uintptr_t)t, id), step = (hash >> 32) | 1;
  return (size_t)(hash + i * step) & (table->filter_bytes * 8 - 1);
}

bool bt_memory_table_may_be_evicted(const bt_memory_table *table, const bt_memory_tenant *t, const bt_trace_id *id) {
  for (unsigned i = 0; i < FILTER_HASHES; i++) {
    size_t bit = filter_bit(table, t, id, i);
    if (!(table->filter[bit / 8] & 1u << bit % 8)) return false;
  }
  return true;
}

/* Its place in table->entries is the caller's to close. */
static void evict_entry(bt_memory_table *table, bt_memory_entry *e) {
  for (const bt_memory_piece *piece = e->newest; piece; piece = piece->before) table->used_bytes -= piece->bytes;
  table->used_bytes -= sizeof *e;
  bt_memory_piece_release(e->newest);
  for (unsigned i = 0; i < FILTER_HASHES; i++) {
    size_t bit = filter_bit(table, e->of, &e->id, i);
    table->filter[bit / 8] = (uint8_t)(table->filter[bit / 8] | 1u << bit % 8);
  }
  e->of->has_evicted = true;
  if (e->end_ns > e->of->evicted_end_ns) e->of->evicted_end_ns = e->end_ns;
  bt_memory_entry **place = &table->buckets[bucket_of(table, &e->id)];
  while (*place != e) place = &(*place)->next;
  *place = e->next;
  free(e);
}

static int compare_end(const void *a, const void *b) {
  const bt_memory_entry *x = *(bt_memory_entry *const *)a, *y = *(bt_memory_entry *const *)b;
  return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* Whether the entry has to go. Below the cap with some room to spare, so that not every push sorts; but for that room
 * nothing goes that has just come. */
static bool has_to_go(const bt_memory_table *table, const bt_memory_entry *e) {
  size_t wanted_bytes = table->cap_bytes - table->cap_bytes / 8;
  return table->used_bytes > table->cap_bytes || (table->used_bytes > wanted_bytes && e->push != table->pushes);
}

void bt_memory_table_evict(bt_memory_table *table) {
  if (table->used_bytes <= table->cap_bytes) return;
  size_t kept = 0;
  qsort(table->entries, table->count, sizeof *table->entries, compare_end);
  for (size_t i = 0; i < table->count; i++) {
    if (has_to_go(table, table->entries[i]))
      evict_entry(table, table->entries[i]);
    else
      table->entries[kept++] = table->entries[i];
  }
  table->count = kept;
}

/* ---- the whole ---- */

bool bt_memory_table_init(bt_memory_table *table, size_t cap_bytes) {
  table->cap_bytes = cap_bytes;
  table->filter_bytes = FILTER_LEAST_BYTES;
  while (table->filter_bytes * 2 <= cap_bytes / FILTER_SHARE) table->filter_bytes *= 2;
  table->filter = calloc(1, table->filter_bytes);
  table->seed = (uint64_t)(uintptr_t)table * 0x9E3779B97F4A7C15u;
  return table->filter != NULL;
}

void bt_memory_table_dispose(bt_memory_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    bt_memory_piece_release(table->entries[i]->newest);
    free(table->entries[i]);
  }
  for (size_t i = 0; i < table->tenant_count; i++) tenant_free(table->tenants[i]);
  free(table->entries);
  free(table->tenants);
  free(table->filter);
}
