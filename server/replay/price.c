/* The price table. See price.h. Entries lie in one array and are looked through from its start: there are a few
 * thousand at most, and a replay costs far more than that. Thread: any; one mutex. */
#include "server/replay/price.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"

typedef struct entry {
  char *key; /* new: "tenant\0rule\0hash" */
  size_t key_bytes;
  uint64_t age; /* number of the last addition */
  bt_price price;
} entry;

struct bt_price_table {
  pthread_mutex_t lock;
  entry *entries;
  size_t count, capacity, room;
  uint64_t additions;
};

bt_status bt_price_table_new(size_t room, bt_price_table **out, bt_error *error) {
  *out = NULL;
  bt_price_table *table = calloc(1, sizeof *table);
  if (!table) return bt_error_no_memory(error);
  pthread_mutex_init(&table->lock, NULL);
  table->room = room ? room : BT_PRICE_ROOM;
  *out = table;
  return BT_OK;
}

void bt_price_table_free(bt_price_table *table) {
  if (!table) return;
  for (size_t i = 0; i < table->count; i++) free(table->entries[i].key);
  free(table->entries);
  pthread_mutex_destroy(&table->lock);
  free(table);
}

/* The parts cannot be mixed up: none has a zero byte in it. */
static void write_key(const bt_price_key *key, bt_buffer *out) {
  const char *parts[] = {key->tenant, key->rule_id, key->condition_hash};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    bt_buffer_append(out, bt_str_from(parts[i] ? parts[i] : ""));
    bt_buffer_append_char(out, '\0');
  }
}

static entry *find_entry(const bt_price_table *table, bt_str key) {
  for (size_t i = 0; i < table->count; i++) {
    entry *e = &table->entries[i];
    if (e->key_bytes == key.len && memcmp(e->key, key.ptr, key.len) == 0) return e;
  }
  return NULL;
}

static entry *oldest_entry(const bt_price_table *table) {
  entry *found = &table->entries[0];
  for (size_t i = 1; i < table->count; i++)
    if (table->entries[i].age < found->age) found = &table->entries[i];
  return found;
}

/* A free place, or that of the oldest entry. NULL: no memory. */
static entry *take_place(bt_price_table *table) {
  if (table->count == table->room) {
    entry *e = oldest_entry(table);
    free(e->key);
    return e;
  }
  entry *entries = bt_grow_array(table->entries, table->count, &table->capacity, sizeof *entries);
  if (!entries) return NULL;
  table->entries = entries;
  return &entries[table->count++];
}

static entry *find_or_add(bt_price_table *table, bt_str key) {
  entry *e = find_entry(table, key);
  if (e) return e;
  char *copy = malloc(key.len);
  if (!copy) return NULL;
  memcpy(copy, key.ptr, key.len);
  e = take_place(table);
  if (e)
    *e = (entry){.key = copy, .key_bytes = key.len};
  else
    free(copy);
  return e;
}

static void add_price(bt_price *into, const bt_price *more) {
  into->replays += more->replays;
  into->requests += more->requests;
  into->bytes_inspected += more->bytes_inspected;
  into->bytes_received += more->bytes_received;
  into->traces_read += more->traces_read;
  into->duration_ns += more->duration_ns;
  into->differences += more->differences;
}

void bt_price_table_add(bt_price_table *table, const bt_price_key *key, const bt_price *price) {
  bt_buffer text = {0};
  write_key(key, &text);
  pthread_mutex_lock(&table->lock);
  entry *e = text.failed ? NULL : find_or_add(table, bt_buffer_str(&text));
  if (e) {
    e->age = ++table->additions;
    add_price(&e->price, price);
  }
  pthread_mutex_unlock(&table->lock);
  bt_buffer_dispose(&text);
}

bt_price bt_price_table_get(bt_price_table *table, const bt_price_key *key) {
  bt_price price = {0};
  bt_buffer text = {0};
  write_key(key, &text);
  pthread_mutex_lock(&table->lock);
  const entry *e = text.failed ? NULL : find_entry(table, bt_buffer_str(&text));
  if (e) price = e->price;
  pthread_mutex_unlock(&table->lock);
  bt_buffer_dispose(&text);
  return price;
}
