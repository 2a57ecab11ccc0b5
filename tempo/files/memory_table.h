/* What the memory source holds: an entry for each trace and tenant, in an array in no order and in a hash table by
 * trace id, and what was evicted. Ids of evicted traces are kept in a Bloom filter: it may name too many, never too
 * few, so that what comes later of an evicted trace is always known to be a part. Thread: under the owner's mutex. Only
 * memory_source.c includes this. */
#ifndef BT_TEMPO_FILES_MEMORY_TABLE_H
#define BT_TEMPO_FILES_MEMORY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/files/memory_piece.h"

typedef struct bt_memory_tenant {
  char *name; /* new; "" for none */
  bool has_evicted;
  int64_t evicted_end_ns; /* latest end of what was evicted */
} bt_memory_tenant;

typedef struct bt_memory_entry bt_memory_entry;
struct bt_memory_entry {
  bt_trace_id id;
  bt_memory_tenant *of;
  bt_memory_piece *newest;
  int64_t start_ns, end_ns;
  uint64_t push; /* number of the last one that brought spans of it */
  bool was_evicted, may_be_own;
};

typedef struct bt_memory_table {
  size_t cap_bytes;
  size_t used_bytes;
  uint8_t *filter;
  size_t filter_bytes; /* a power of two */
  uint64_t pushes;
  bt_memory_entry **entries;
  size_t count, capacity;
  bt_memory_tenant **tenants;
  size_t tenant_count, tenant_capacity;
  bt_table table; /* of entries, by trace id */
} bt_memory_table;

/* The table is zeroed memory. False: no memory. */
bool bt_memory_table_init(bt_memory_table *table, size_t cap_bytes) BT_MUST_CHECK;
void bt_memory_table_dispose(bt_memory_table *table);

/* Whether `asked`, a name or several with bars between, names the tenant. */
bool bt_memory_tenant_is_named(bt_str asked, const bt_memory_tenant *tenant);
/* The tenant, new or not, owned by the table. BT_LIMIT: there are BT_MEMORY_TENANTS_MAX already. */
bt_status bt_memory_table_tenant(bt_memory_table *table, bt_str name, bt_memory_tenant **out,
                                 bt_error *error) BT_MUST_CHECK;

/* All entries with that id, each tenant's: bt_memory_table_next gives one after another, owned by the table, and NULL
 * in the end. */
typedef struct bt_memory_walk {
  bt_table_walk walk;
  bt_trace_id id;
} bt_memory_walk;
bt_memory_walk bt_memory_table_all(const bt_memory_table *table, const bt_trace_id *id);
bt_memory_entry *bt_memory_table_next(const bt_memory_table *table, bt_memory_walk *walk);
/* Owned by the table; NULL: there is none. */
bt_memory_entry *bt_memory_table_find(const bt_memory_table *table, const bt_trace_id *id,
                                      const bt_memory_tenant *tenant);
/* Makes room for so many more. BT_NO_MEMORY alone. */
bt_status bt_memory_table_reserve(bt_memory_table *table, size_t more, bt_error *error) BT_MUST_CHECK;
/* Takes an entry for which room was made, and that has no piece yet. */
void bt_memory_table_add(bt_memory_table *table, bt_memory_entry *entry);
/* Takes the reference. */
void bt_memory_table_link(bt_memory_table *table, bt_memory_entry *entry, bt_memory_piece *piece);

/* Those that ended first go first, until what is held is below the cap. */
void bt_memory_table_evict(bt_memory_table *table);
/* Certainly true when the trace was evicted; seldom true when it was not. */
bool bt_memory_table_may_be_evicted(const bt_memory_table *table, const bt_memory_tenant *tenant,
                                    const bt_trace_id *id);

#endif
