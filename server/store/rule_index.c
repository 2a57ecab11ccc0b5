/* The sorted array behind a snapshot. A write copies it: pointers and counts only, some microseconds for thousands of
 * rules, and readers never wait. Thread: see the header. */
#include "server/store/rule_index.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"

struct bt_rule_index {
  atomic_size_t references;
  bt_rule_entry *entries; /* by tenant and id, as bytes */
  size_t count, capacity;
};

bt_status bt_rule_index_new(bt_rule_index **out, bt_error *error) {
  *out = calloc(1, sizeof **out);
  if (!*out) return bt_error_no_memory(error);
  atomic_init(&(*out)->references, 1);
  return BT_OK;
}

bt_rule_index *bt_rule_index_ref(bt_rule_index *index) {
  atomic_fetch_add_explicit(&index->references, 1, memory_order_relaxed);
  return index;
}

void bt_rule_index_unref(bt_rule_index *index) {
  if (!index || atomic_fetch_sub_explicit(&index->references, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < index->count; i++) bt_rule_definition_unref(index->entries[i].definition);
  free(index->entries);
  free(index);
}

static int compare_entry(const bt_rule_entry *entry, const char *tenant, const char *id) {
  int order = strcmp(entry->tenant, tenant);
  return order ? order : strcmp(entry->definition->fields.id, id);
}

/* The first place that is not before (tenant, id). */
static size_t lower_bound(const bt_rule_index *index, const char *tenant, const char *id) {
  size_t low = 0, high = index->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_entry(&index->entries[middle], tenant, id) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_at(const bt_rule_index *index, size_t at, const char *tenant, const char *id) {
  return at < index->count && compare_entry(&index->entries[at], tenant, id) == 0;
}

static void add_entry(bt_rule_index *index, const char *tenant, const bt_rule_definition *definition) {
  index->entries[index->count++] = (bt_rule_entry){tenant, bt_rule_definition_ref(definition)};
}

/* Empty, with room for that many. */
static bt_status index_with_room(size_t capacity, bt_rule_index **out, bt_error *error) {
  bt_status status = bt_rule_index_new(out, error);
  if (status) return status;
  (*out)->capacity = capacity;
  (*out)->entries = bt_realloc_array(NULL, capacity ? capacity : 1, sizeof(bt_rule_entry));
  if ((*out)->entries) return BT_OK;
  bt_rule_index_unref(*out);
  *out = NULL;
  return bt_error_no_memory(error);
}

bt_status bt_rule_index_with(const bt_rule_index *index, const char *tenant,
                             const bt_rule_definition *const *definitions, size_t count, bt_rule_index **out,
                             bt_error *error) {
  size_t next = 0;
  bt_status status = index_with_room(index->count + count, out, error);
  if (status) return status;
  for (size_t i = 0; i < index->count; i++) {
    const bt_rule_entry *entry = &index->entries[i];
    int order = -1;
    while (next < count && (order = compare_entry(entry, tenant, definitions[next]->fields.id)) > 0)
      add_entry(*out, tenant, definitions[next++]);
    if (next < count && order == 0)
      add_entry(*out, tenant, definitions[next++]);
    else
      add_entry(*out, entry->tenant, entry->definition);
  }
  while (next < count) add_entry(*out, tenant, definitions[next++]);
  return BT_OK;
}

bt_status bt_rule_index_without(const bt_rule_index *index, const char *tenant, const char *id, bt_rule_index **out,
                                bt_error *error) {
  size_t at = lower_bound(index, tenant, id);
  bool is_there = is_at(index, at, tenant, id);
  bt_status status = index_with_room(index->count, out, error);
  for (size_t i = 0; i < index->count && !status; i++)
    if (!is_there || i != at) add_entry(*out, index->entries[i].tenant, index->entries[i].definition);
  return status;
}

bt_status bt_rule_index_append(bt_rule_index *index, const char *tenant, const bt_rule_definition *definition,
                               bt_error *error) {
  bt_rule_entry *grown = bt_grow_array(index->entries, index->count, &index->capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(error);
  index->entries = grown;
  add_entry(index, tenant, definition);
  return BT_OK;
}

const bt_rule_definition *bt_rule_index_find(const bt_rule_index *index, const char *tenant, const char *id) {
  size_t at = lower_bound(index, tenant, id);
  return is_at(index, at, tenant, id) ? index->entries[at].definition : NULL;
}

const bt_rule_entry *bt_rule_index_tenant(const bt_rule_index *index, const char *tenant, size_t *count) {
  size_t first = lower_bound(index, tenant, ""), end = first; /* no id is empty */
  while (end < index->count && strcmp(index->entries[end].tenant, tenant) == 0) end++;
  *count = end - first;
  return index->entries ? index->entries + first : NULL;
}

const bt_rule_entry *bt_rule_index_all(const bt_rule_index *index, size_t *count) {
  *count = index->count;
  return index->entries;
}
