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

bt_memory_entry *bt_memory_table_find(const bt_memory_table *table, const bt_trace_id *id, const bt_memory_tenant *t) {
  bt_memory_walk walk = bt_memory_table_all(table, id);
  for (bt_memory_entry *e; (e = bt_memory_table_next(table, &walk));)
    if (e->of == t) return e;
  return NULL;
}

bt_memory_walk bt_memory_table_all(const bt_memory_table *table, const bt_trace_id *id) {
  return (bt_memory_walk){bt_table_find(&table->table, bt_hash_id(id->bytes)), *id};
}

bt_memory_entry *bt_memory_table_next(const bt_memory_table *table, bt_memory_walk *walk) {
  while (bt_table_next(&table->table, &walk->walk)) {
    bt_memory_entry *e = table->entries[walk->walk.number];
    if (bt_trace_id_compare(&e->id, &walk->id) == 0) return e;
  }
  return NULL;
}

void bt_memory_table_add(bt_memory_table *table, bt_memory_entry *e) {
  bt_table_add(&table->table, bt_hash_id(e->id.bytes), table->count);
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
  if (entries) table->entries = entries;
  if (!entries || !bt_table_reserve(&table->table, wanted)) return bt_error_no_memory(error);
  table->capacity = wanted;
  return BT_OK;
}

/* ---- eviction ---- */

/* Place number i of an id in the filter: a bit. */
static size_t filter_bit(const bt_memory_table *table, const bt_memory_tenant *t, const bt_trace_id *id, unsigned i) {
  uint64_t hash = bt_hash_pair(bt_hash_id(id->bytes), (uintptr_t)t), step = (hash >> 32) | 1;
  return (size_t)(hash + i * step) & (table->filter_bytes * 8 - 1);
}

bool bt_memory_table_may_be_evicted(const bt_memory_table *table, const bt_memory_tenant *t, const bt_trace_id *id) {
  for (unsigned i = 0; i < FILTER_HASHES; i++) {
    size_t bit = filter_bit(table, t, id, i);
    if (!(table->filter[bit / 8] & 1u << bit % 8)) return false;
  }
  return true;
}

/* Its place in table->entries is the caller's to close, and the table to fill anew. */
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
  bt_table_clear(&table->table);
  for (size_t i = 0; i < kept; i++) bt_table_add(&table->table, bt_hash_id(table->entries[i]->id.bytes), i);
}

/* ---- the whole ---- */

bool bt_memory_table_init(bt_memory_table *table, size_t cap_bytes) {
  table->cap_bytes = cap_bytes;
  table->filter_bytes = FILTER_LEAST_BYTES;
  while (table->filter_bytes * 2 <= cap_bytes / FILTER_SHARE) table->filter_bytes *= 2;
  table->filter = calloc(1, table->filter_bytes);
  return table->filter != NULL;
}

void bt_memory_table_dispose(bt_memory_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    bt_memory_piece_release(table->entries[i]->newest);
    free(table->entries[i]);
  }
  for (size_t i = 0; i < table->tenant_count; i++) tenant_free(table->tenants[i]);
  free(table->entries);
  bt_table_dispose(&table->table);
  free(table->tenants);
  free(table->filter);
}
