/* The rule store: one thread owns the connection and does one call at a time; callers leave a struct on their stack in
 * its queue and wait. Here are the thread, its queue, and what only reads; rule_loader.c fills it, rule_writes.c has
 * what writes. Two mutexes: `queue_lock` for calls, `index_lock` for the pointer to the index; neither is held across
 * I/O.
 */
#include "server/store/rule_store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/rules/rule_fields.h"
#include "server/store/rule_rows.h"
#include "server/store/store_parts.h"
#include "tempo/wire/wait_guard.h"

static const int64_t probe_interval_ns = 5000000000;

static bt_rule_index *take_index(bt_rule_store *store) {
  pthread_mutex_lock(&store->index_lock);
  bt_rule_index *index = bt_rule_index_ref(store->index);
  pthread_mutex_unlock(&store->index_lock);
  return index;
}

/* Takes the reference to `next`. */
void bt_store_publish(bt_rule_store *store, bt_rule_index *next) {
  pthread_mutex_lock(&store->index_lock);
  bt_rule_index *previous = store->index;
  store->index = next;
  pthread_mutex_unlock(&store->index_lock);
  bt_rule_index_unref(previous);
}

/* The store's own copy of a tenant's name, kept until it is closed. */
bt_status bt_store_intern_tenant(bt_rule_store *store, const char *tenant, const char **out, bt_error *error) {
  for (size_t i = 0; i < store->tenant_count; i++)
    if (strcmp(store->tenants[i], tenant) == 0) return *out = store->tenants[i], BT_OK;
  char **grown = bt_grow_array(store->tenants, store->tenant_count, &store->tenant_capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(error);
  store->tenants = grown;
  char *copy = bt_rule_text_copy(bt_str_from(tenant));
  if (!copy) return bt_error_no_memory(error);
  *out = store->tenants[store->tenant_count++] = copy;
  return BT_OK;
}

bt_status bt_store_not_found(const char *id, bt_error *error) {
  char shown[BT_SHOWN_BYTES];
  return bt_error_set(error, BT_NOT_FOUND, "there is no rule \"%s\"", bt_rule_text_shown(bt_str_from(id), shown));
}

bt_status bt_store_refuse_broken(const bt_rule_definition *definition, bt_error *error) {
  return bt_error_set(error, BT_INVALID,
                      "rule \"%s\" is stored, but its text does not compile here or cannot be believed (%.300s); "
                      "update it, or delete it",
                      definition->fields.id, definition->broken);
}

static bt_status add_version(void *context, const bt_stored_row *row, bt_error *error) {
  store_call *call = context;
  if (!row->definition) return BT_OK; /* of an id that can be none: nobody asked for it */
  bt_rule_version *grown = bt_grow_array(call->versions, call->version_count, &call->version_capacity, sizeof *grown);
  if (!grown) {
    bt_rule_definition_unref(row->definition);
    return bt_error_no_memory(error);
  }
  call->versions = grown;
  call->versions[call->version_count++] = (bt_rule_version){row->definition, row->is_deletion};
  return BT_OK;
}

static bt_status run_versions(bt_rule_store *store, store_call *call) {
  bt_status status =
      bt_rule_rows_history(store->database.handle, call->tenant, call->id, add_version, call, call->error);
  if (!status && call->version_count == 0) status = bt_store_not_found(call->id, call->error);
  return status;
}

static bool is_listed(const store_call *call, const char *id) {
  for (size_t i = 0; i < call->version_count; i++)
    if (strcmp(call->versions[i].definition->fields.id, id) == 0) return true;
  return false;
}

/* Of a rule with versions that are damaged or gone nobody knows what they named: it is among them, whatever the others
 * name. */
static bt_status run_changed(bt_rule_store *store, store_call *call) {
  sqlite3 *handle = store->database.handle;
  bt_status status = bt_rule_rows_changed(handle, call->tenant, call->since_ns, add_version, call, call->error);
  for (size_t i = 0; !status && i < store->damage_count; i++) {
    const bt_rule_damage *damage = &store->damage[i];
    if (strcmp(damage->tenant, call->tenant) == 0 && !is_listed(call, damage->rule_id))
      status = bt_rule_rows_history(handle, call->tenant, damage->rule_id, add_version, call, call->error);
  }
  return status;
}

static size_t pairs_bytes(const bt_string_pair *pairs, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += strlen(pairs[i].key) + strlen(pairs[i].value) + 8;
  return bytes;
}

void bt_store_note_size(bt_rule_store *store, const bt_rule_fields *fields) {
  size_t bytes = strlen(fields->dsl) + (fields->description ? strlen(fields->description) : 0) +
                 pairs_bytes(fields->labels, fields->label_count) +
                 pairs_bytes(fields->annotations, fields->annotation_count);
  if (bytes > store->largest_rule_bytes) store->largest_rule_bytes = bytes;
}

/* As much as the largest rule takes, and the pages of keys, seals and indexes that are written with it. */
static bt_status write_probe(bt_rule_store *store, bt_error *error) {
  enum { KEY_BYTES = 16384 };
  sqlite3_stmt *statement = NULL;
  bt_status status = BT_OK;
  if (sqlite3_prepare_v2(store->database.handle,
                         "INSERT INTO write_probe (id, at_ns, filler) VALUES (1, CAST(unixepoch() AS INTEGER) * "
                         "1000000000, zeroblob(?)) ON CONFLICT (id) DO UPDATE SET at_ns = excluded.at_ns, filler = "
                         "excluded.filler",
                         -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_bind_int64(statement, 1, (int64_t)store->largest_rule_bytes + KEY_BYTES) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_DONE)
    status = bt_database_fail(store->database.handle, "write", error);
  sqlite3_finalize(statement);
  return status;
}

static bt_status run_check(bt_rule_store *store, store_call *call) {
  int64_t now_ns = bt_clock_monotonic_ns();
  if (store->probed_at_ns && now_ns - store->probed_at_ns < probe_interval_ns) return BT_OK;
  bt_status status = write_probe(store, call->error);
  store->probed_at_ns = status ? 0 : now_ns;
  return status;
}

/* The next call, or NULL when the store is closing and the queue is empty. */
static store_call *wait_for_call(bt_rule_store *store) {
  pthread_mutex_lock(&store->queue_lock);
  while (!store->first && !store->is_closing) pthread_cond_wait(&store->asked, &store->queue_lock);
  store_call *call = store->first;
  if (call) store->first = call->next;
  if (!store->first) store->last = NULL;
  pthread_mutex_unlock(&store->queue_lock);
  return call;
}

static void *serve_calls(void *argument) {
  bt_rule_store *store = argument;
  store_call *call;
  bt_thread_forbid_waits();
  while ((call = wait_for_call(store))) {
    bt_status status = call->run(store, call);
    pthread_mutex_lock(&store->queue_lock);
    call->status = status;
    call->is_answered = true;
    pthread_cond_broadcast(&store->answered);
    pthread_mutex_unlock(&store->queue_lock);
  }
  return NULL;
}

bt_status bt_store_ask(bt_rule_store *store, store_call *call) {
  bt_thread_assert_may_wait();
  pthread_mutex_lock(&store->queue_lock);
  if (store->last)
    store->last->next = call;
  else
    store->first = call;
  store->last = call;
  pthread_cond_signal(&store->asked);
  while (!call->is_answered) pthread_cond_wait(&store->answered, &store->queue_lock);
  pthread_mutex_unlock(&store->queue_lock);
  return call->status;
}

/* Signals are for main: this thread must not be the one that they interrupt. */
static bt_status start_thread(bt_rule_store *store, bt_error *error) {
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  int failure = pthread_create(&store->thread, NULL, serve_calls, store);
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  return failure ? bt_error_set(error, BT_LIMIT, "the store's thread could not be started: %s", strerror(failure))
                 : BT_OK;
}

static void dispose_store(bt_rule_store *store) {
  bt_database_close(&store->database);
  bt_rule_index_unref(store->index);
  bt_store_free_damage(store);
  for (size_t i = 0; i < store->tenant_count; i++) free(store->tenants[i]);
  free(store->tenants);
  pthread_cond_destroy(&store->asked);
  pthread_cond_destroy(&store->answered);
  pthread_mutex_destroy(&store->queue_lock);
  pthread_mutex_destroy(&store->index_lock);
  free(store);
}

bt_status bt_rule_store_open(const char *path, uint64_t most_pattern_bytes, bt_rule_store **out, bt_error *error) {
  *out = NULL;
  bt_rule_store *store = calloc(1, sizeof *store);
  if (!store) return bt_error_no_memory(error);
  store->most_pattern_bytes = most_pattern_bytes;
  pthread_mutex_init(&store->queue_lock, NULL);
  pthread_mutex_init(&store->index_lock, NULL);
  bt_condition_init(&store->asked);
  bt_condition_init(&store->answered);
  bt_status status = bt_database_open(path, &store->database, error);
  if (!status) status = bt_store_load(store, error);
  if (!status) status = start_thread(store, error);
  if (status)
    dispose_store(store);
  else
    *out = store;
  return status;
}

void bt_rule_store_hurry(bt_rule_store *store) {
  if (store) atomic_store(&store->database.hurries, true);
}

void bt_rule_store_close(bt_rule_store *store) {
  if (!store) return;
  pthread_mutex_lock(&store->queue_lock);
  store->is_closing = true;
  pthread_cond_signal(&store->asked);
  pthread_mutex_unlock(&store->queue_lock);
  pthread_join(store->thread, NULL);
  dispose_store(store);
}

static bt_status list_rules(bt_rule_store *store, const char *tenant, bool broken, bt_rule_list *out, bt_error *error) {
  *out = (bt_rule_list){0};
  bt_rule_index *index = take_index(store);
  size_t count;
  const bt_rule_entry *entries = bt_rule_index_tenant(index, tenant, &count);
  out->items = bt_realloc_array(NULL, count ? count : 1, sizeof(const bt_rule_definition *));
  for (size_t i = 0; out->items && i < count; i++)
    if ((entries[i].definition->broken != NULL) == broken)
      out->items[out->count++] = bt_rule_definition_ref(entries[i].definition);
  bt_rule_index_unref(index);
  return out->items ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_rule_store_snapshot(bt_rule_store *store, const char *tenant, bt_rule_list *out, bt_error *error) {
  return list_rules(store, tenant, false, out, error);
}

bt_status bt_rule_store_broken(bt_rule_store *store, const char *tenant, bt_rule_list *out, bt_error *error) {
  return list_rules(store, tenant, true, out, error);
}

size_t bt_rule_store_broken_count(bt_rule_store *store) {
  bt_rule_index *index = take_index(store);
  size_t count, broken = 0;
  const bt_rule_entry *entries = bt_rule_index_all(index, &count);
  for (size_t i = 0; i < count; i++) broken += entries[i].definition->broken && entries[i].definition->fields.enabled;
  bt_rule_index_unref(index);
  return broken;
}

/* Entries of one tenant are neighbours, and its name is one pointer. */
bt_status bt_rule_store_tenants(bt_rule_store *store, const char ***out, size_t *count, bt_error *error) {
  bt_rule_index *index = take_index(store);
  size_t entry_count;
  const bt_rule_entry *entries = bt_rule_index_all(index, &entry_count);
  *count = 0;
  *out = bt_realloc_array(NULL, entry_count + 1, sizeof **out);
  for (size_t i = 0; *out && i < entry_count; i++)
    if (!i || strcmp(entries[i].tenant, entries[i - 1].tenant) != 0) (*out)[(*count)++] = entries[i].tenant;
  bt_rule_index_unref(index);
  return *out ? BT_OK : bt_error_no_memory(error);
}

void bt_rule_list_dispose(bt_rule_list *list) {
  for (size_t i = 0; i < list->count; i++) bt_rule_definition_unref(list->items[i]);
  free(list->items);
  *list = (bt_rule_list){0};
}

bt_status bt_rule_store_get(bt_rule_store *store, const char *tenant, const char *id, const bt_rule_definition **out,
                            bt_error *error) {
  bt_status status = BT_OK;
  bt_rule_index *index = take_index(store);
  *out = NULL;
  const bt_rule_definition *found = bt_rule_index_find(index, tenant, id);
  if (!found)
    status = bt_store_not_found(id, error);
  else if (found->broken)
    status = bt_store_refuse_broken(found, error);
  else
    *out = bt_rule_definition_ref(found);
  bt_rule_index_unref(index);
  return status;
}

void bt_rule_versions_free(bt_rule_version *versions, size_t count) {
  for (size_t i = 0; i < count; i++) bt_rule_definition_unref(versions[i].definition);
  free(versions);
}

static bt_status ask_versions(bt_rule_store *store, store_call *call, bt_rule_version **out, size_t *count) {
  bt_status status = bt_store_ask(store, call);
  if (status) {
    bt_rule_versions_free(call->versions, call->version_count);
    call->versions = NULL;
    call->version_count = 0;
  }
  *out = call->versions;
  *count = call->version_count;
  return status;
}

bt_status bt_rule_store_versions(bt_rule_store *store, const char *tenant, const char *id, bt_rule_version **out,
                                 size_t *count, bt_error *error) {
  store_call call = {.run = run_versions, .tenant = tenant, .id = id, .error = error};
  return ask_versions(store, &call, out, count);
}

bt_status bt_rule_store_changed(bt_rule_store *store, const char *tenant, int64_t since_ns, bt_rule_version **out,
                                size_t *count, bt_error *error) {
  store_call call = {.run = run_changed, .tenant = tenant, .since_ns = since_ns, .error = error};
  return ask_versions(store, &call, out, count);
}

bt_status bt_rule_store_check(bt_rule_store *store, bt_error *error) {
  store_call call = {.run = run_check, .error = error};
  return bt_store_ask(store, &call);
}
