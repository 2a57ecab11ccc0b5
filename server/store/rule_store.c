/* The rule store: one thread owns the connection and does one call at a time; callers leave a struct on their stack in its queue and wait.
 * A write builds the next index before it commits, so that nothing can fail between the commit and the moment readers see it: what is
 * answered is on the disk and in the snapshot. Two mutexes: `queue_lock` for calls, `index_lock` for the pointer to the index; neither is
 * held across I/O. */
#include "server/store/rule_store.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/arena.h"
#include "server/rule_fields.h"
#include "server/store/database.h"
#include "server/store/rule_index.h"
#include "server/store/rule_rows.h"
#include "server/clock.h"

static const int64_t probe_interval_ns = 5000000000;

typedef struct store_call {
  bt_status (*run)(bt_rule_store *store, struct store_call *call);
  const char *tenant, *id, *user;
  bt_rule_definition *definition; /* to create or update with; taken */
  int64_t if_version;
  bool enabled;
  const bt_rule_definition *result; /* shared */
  bt_rule_version *versions;
  size_t version_count, version_capacity;
  bt_error *error;
  bt_status status;
  bool is_answered;
  struct store_call *next;
} store_call;

struct bt_rule_store {
  /* of the store thread, once it runs */
  bt_database database;
  char **tenants; /* every tenant name that an index may point to */
  size_t tenant_count, tenant_capacity;
  int64_t probed_at_ns; /* monotonic time of the last write that worked; 0: none */
  /* behind queue_lock */
  pthread_mutex_t queue_lock;
  pthread_cond_t asked, answered;
  store_call *first, *last;
  bool is_closing;
  /* behind index_lock */
  pthread_mutex_t index_lock;
  bt_rule_index *index;
  pthread_t thread;
};

static bt_rule_index *take_index(bt_rule_store *store) {
  pthread_mutex_lock(&store->index_lock);
  bt_rule_index *index = bt_rule_index_ref(store->index);
  pthread_mutex_unlock(&store->index_lock);
  return index;
}

/* Takes the reference to `next`. */
static void publish(bt_rule_store *store, bt_rule_index *next) {
  pthread_mutex_lock(&store->index_lock);
  bt_rule_index *previous = store->index;
  store->index = next;
  pthread_mutex_unlock(&store->index_lock);
  bt_rule_index_unref(previous);
}

/* The store's own copy of a tenant's name, kept until it is closed. */
static bt_status intern_tenant(bt_rule_store *store, const char *tenant, const char **out, bt_error *error) {
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

/* The rule that a call is about; on the store thread, which alone changes the index. */
static const bt_rule_definition *find_current(bt_rule_store *store, const store_call *call) {
  return bt_rule_index_find(store->index, call->tenant, call->id);
}

static bt_status not_found(const char *id, bt_error *error) {
  char shown[BT_SHOWN_BYTES];
  return bt_error_set(error, BT_NOT_FOUND, "there is no rule \"%s\"", bt_rule_text_shown(bt_str_from(id), shown));
}

static bt_status find_at_version(bt_rule_store *store, const store_call *call, const bt_rule_definition **out) {
  *out = find_current(store, call);
  if (!*out) return not_found(call->id, call->error);
  if (call->if_version == 0 || call->if_version == (*out)->version) return BT_OK;
  return bt_error_set(call->error, BT_CONFLICT,
                      "rule \"%s\" was expected at version %lld, but version %lld is stored; read it again", call->id,
                      (long long)call->if_version, (long long)(*out)->version);
}

static bt_status refuse_broken(const bt_rule_definition *definition, bt_error *error) {
  return bt_error_set(
      error, BT_INVALID,
      "rule \"%s\" is stored, but its text does not compile here (%.300s); update it with one that does, or delete it",
      definition->fields.id, definition->broken);
}

/* The next version of an id, inside a write. `known` is what the index has, 0 where it has none. */
static bt_status next_version(bt_rule_store *store, const store_call *call, int64_t known, int64_t *out) {
  int64_t highest = 0;
  bt_status status = bt_rule_rows_highest(store->database.handle, call->tenant, call->id, &highest, call->error);
  if (!status && known && highest != known)
    status = bt_error_set(call->error, BT_IO,
                          "another program changed the rule database; restart the service to read it anew");
  *out = highest + 1;
  return status;
}

typedef struct new_version {
  const bt_rule_fields *fields;   /* what to store */
  bt_rule_record record;          /* its version is filled in by commit_version */
  bt_rule_definition *definition; /* what readers get; NULL: a deletion */
  int64_t known_version;          /* of the rule so far; 0: none */
} new_version;

static bt_status write_row(bt_rule_store *store, const store_call *call, new_version *version) {
  bt_status status = next_version(store, call, version->known_version, &version->record.version);
  if (version->definition) version->definition->version = version->record.version;
  if (status) return status;
  return bt_rule_rows_insert(store->database.handle, call->tenant, version->fields, &version->record,
                             !version->definition, call->error);
}

static bt_status build_index(bt_rule_store *store, const store_call *call, const new_version *version,
                             bt_rule_index **out) {
  const char *tenant = NULL;
  if (!version->definition) return bt_rule_index_without(store->index, call->tenant, call->id, out, call->error);
  bt_status status = intern_tenant(store, call->tenant, &tenant, call->error);
  return status ? status : bt_rule_index_with(store->index, tenant, version->definition, out, call->error);
}

static bt_status commit_version(bt_rule_store *store, const store_call *call, new_version *version) {
  bt_rule_index *next = NULL;
  bt_status status = bt_database_begin(store->database.handle, call->error);
  if (status) return status;
  status = write_row(store, call, version);
  if (!status) status = build_index(store, call, version, &next);
  if (status) {
    bt_database_rollback(store->database.handle);
    return status;
  }
  status = bt_database_commit(store->database.handle, call->error);
  store->probed_at_ns = status ? 0 : bt_clock_monotonic_ns();
  if (status)
    bt_rule_index_unref(next);
  else
    publish(store, next);
  return status;
}

/* Stores call->definition as the version after `previous` (NULL: a new rule). */
static bt_status put_definition(bt_rule_store *store, store_call *call, const bt_rule_definition *previous) {
  bt_rule_definition *definition = call->definition;
  int64_t now_ns = bt_clock_wall_ns();
  /* A clock that was set back must not make a later version look older. */
  if (previous && now_ns < previous->updated_at_ns) now_ns = previous->updated_at_ns;
  definition->created_at_ns = previous ? previous->created_at_ns : now_ns;
  definition->updated_at_ns = now_ns;
  if (call->user && call->user[0] && !(definition->updated_by = bt_rule_text_copy(bt_str_from(call->user))))
    return bt_error_no_memory(call->error);
  new_version version = {.fields = &definition->fields,
                         .record = {.created_at_ns = definition->created_at_ns,
                                    .updated_at_ns = now_ns,
                                    .updated_by = definition->updated_by,
                                    .condition_hash = definition->condition_hash},
                         .definition = definition,
                         .known_version = previous ? previous->version : 0};
  bt_status status = commit_version(store, call, &version);
  if (!status) call->result = bt_rule_definition_ref(definition);
  return status;
}

static bt_status run_create(bt_rule_store *store, store_call *call) {
  if (!find_current(store, call)) return put_definition(store, call, NULL);
  return bt_error_set(call->error, BT_CONFLICT, "there is a rule \"%s\" already; update it, or choose another id",
                      call->id);
}

static bt_status run_update(bt_rule_store *store, store_call *call) {
  const bt_rule_definition *current;
  bt_status status = find_at_version(store, call, &current);
  return status ? status : put_definition(store, call, current);
}

static bt_status run_set_enabled(bt_rule_store *store, store_call *call) {
  const bt_rule_definition *current;
  bt_rule_fields fields;
  bt_status status = find_at_version(store, call, &current);
  if (!status && current->broken) status = refuse_broken(current, call->error);
  if (status) return status;
  if (current->fields.enabled == call->enabled) return call->result = bt_rule_definition_ref(current), BT_OK;
  status = bt_rule_fields_copy(&current->fields, &fields, call->error);
  if (status) return status;
  fields.enabled = call->enabled;
  bt_rule_record record = {.condition_hash = current->condition_hash};
  status = bt_rule_definition_restore(&fields, &record, &call->definition, call->error);
  return status ? status : put_definition(store, call, current);
}

static bt_status run_delete(bt_rule_store *store, store_call *call) {
  const bt_rule_definition *current;
  bt_status status = find_at_version(store, call, &current);
  if (status) return status;
  bt_rule_fields fields = current->fields; /* borrowed */
  fields.enabled = false;
  int64_t now_ns = bt_clock_wall_ns();
  new_version version = {.fields = &fields,
                         .record = {.created_at_ns = current->created_at_ns,
                                    .updated_at_ns = now_ns < current->updated_at_ns ? current->updated_at_ns : now_ns,
                                    .updated_by = call->user,
                                    .condition_hash = current->condition_hash},
                         .known_version = current->version};
  return commit_version(store, call, &version);
}

static bt_status add_version(void *context, const char *tenant, bt_rule_definition *definition, bool is_deletion,
                             bt_error *error) {
  store_call *call = context;
  (void)tenant; /* the query names it */
  bt_rule_version *grown = bt_grow_array(call->versions, call->version_count, &call->version_capacity, sizeof *grown);
  if (!grown) {
    bt_rule_definition_unref(definition);
    return bt_error_no_memory(error);
  }
  call->versions = grown;
  call->versions[call->version_count++] = (bt_rule_version){definition, is_deletion};
  return BT_OK;
}

static bt_status run_versions(bt_rule_store *store, store_call *call) {
  bt_status status =
      bt_rule_rows_history(store->database.handle, call->tenant, call->id, add_version, call, call->error);
  if (!status && call->version_count == 0) status = not_found(call->id, call->error);
  return status;
}

static bt_status run_check(bt_rule_store *store, store_call *call) {
  int64_t now_ns = bt_clock_monotonic_ns();
  if (store->probed_at_ns && now_ns - store->probed_at_ns < probe_interval_ns) return BT_OK;
  bt_status status =
      bt_database_execute(store->database.handle,
                          "INSERT INTO write_probe (id, at_ns) VALUES (1, CAST(unixepoch() AS INTEGER) * 1000000000) "
                          "ON CONFLICT (id) DO UPDATE SET at_ns = excluded.at_ns",
                          "write", call->error);
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

static void *serve(void *argument) {
  bt_rule_store *store = argument;
  store_call *call;
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

static bt_status ask(bt_rule_store *store, store_call *call) {
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

static bt_status load_rule(void *context, const char *tenant, bt_rule_definition *definition, bool is_deletion,
                           bt_error *error) {
  bt_rule_store *store = context;
  const char *kept = NULL;
  (void)is_deletion; /* the query leaves deletions out */
  bt_status status = intern_tenant(store, tenant, &kept, error);
  if (!status) status = bt_rule_index_append(store->index, kept, definition, error);
  bt_rule_definition_unref(definition);
  return status;
}

/* Signals are for main: this thread must not be the one that they interrupt. */
static bt_status start_thread(bt_rule_store *store, bt_error *error) {
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  int failure = pthread_create(&store->thread, NULL, serve, store);
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  return failure ? bt_error_set(error, BT_LIMIT, "the store's thread could not be started: %s", strerror(failure))
                 : BT_OK;
}

static void dispose(bt_rule_store *store) {
  bt_database_close(&store->database);
  bt_rule_index_unref(store->index);
  for (size_t i = 0; i < store->tenant_count; i++) free(store->tenants[i]);
  free(store->tenants);
  pthread_cond_destroy(&store->asked);
  pthread_cond_destroy(&store->answered);
  pthread_mutex_destroy(&store->queue_lock);
  pthread_mutex_destroy(&store->index_lock);
  free(store);
}

bt_status bt_rule_store_open(const char *path, bt_rule_store **out, bt_error *error) {
  *out = NULL;
  bt_rule_store *store = calloc(1, sizeof *store);
  if (!store) return bt_error_no_memory(error);
  pthread_mutex_init(&store->queue_lock, NULL);
  pthread_mutex_init(&store->index_lock, NULL);
  pthread_cond_init(&store->asked, NULL);
  pthread_cond_init(&store->answered, NULL);
  bt_status status = bt_database_open(path, &store->database, error);
  if (!status) status = bt_rule_index_new(&store->index, error);
  if (!status) status = bt_rule_rows_current(store->database.handle, load_rule, store, error);
  if (!status) status = start_thread(store, error);
  if (status)
    dispose(store);
  else
    *out = store;
  return status;
}

void bt_rule_store_close(bt_rule_store *store) {
  if (!store) return;
  pthread_mutex_lock(&store->queue_lock);
  store->is_closing = true;
  pthread_cond_signal(&store->asked);
  pthread_mutex_unlock(&store->queue_lock);
  pthread_join(store->thread, NULL);
  dispose(store);
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
    status = not_found(id, error);
  else if (found->broken)
    status = refuse_broken(found, error);
  else
    *out = bt_rule_definition_ref(found);
  bt_rule_index_unref(index);
  return status;
}

/* Gives the result to a caller that wants it. */
static bt_status hand_over(store_call *call, bt_status status, const bt_rule_definition **out) {
  bt_rule_definition_unref(call->definition);
  if (out)
    *out = call->result;
  else
    bt_rule_definition_unref(call->result);
  return status;
}

bt_status bt_rule_store_create(bt_rule_store *store, const char *tenant, bt_rule_definition *definition,
                               const char *user, const bt_rule_definition **out, bt_error *error) {
  store_call call = {.run = run_create,
                     .tenant = tenant,
                     .id = definition->fields.id,
                     .user = user,
                     .definition = definition,
                     .error = error};
  bt_status status = ask(store, &call);
  return hand_over(&call, status, out);
}

bt_status bt_rule_store_update(bt_rule_store *store, const char *tenant, bt_rule_definition *definition,
                               int64_t if_version, const char *user, const bt_rule_definition **out, bt_error *error) {
  store_call call = {.run = run_update,
                     .tenant = tenant,
                     .id = definition->fields.id,
                     .user = user,
                     .definition = definition,
                     .if_version = if_version,
                     .error = error};
  bt_status status = ask(store, &call);
  return hand_over(&call, status, out);
}

bt_status bt_rule_store_set_enabled(bt_rule_store *store, const char *tenant, const char *id, bool enabled,
                                    int64_t if_version, const char *user, const bt_rule_definition **out,
                                    bt_error *error) {
  store_call call = {.run = run_set_enabled,
                     .tenant = tenant,
                     .id = id,
                     .user = user,
                     .enabled = enabled,
                     .if_version = if_version,
                     .error = error};
  bt_status status = ask(store, &call);
  return hand_over(&call, status, out);
}

bt_status bt_rule_store_delete(bt_rule_store *store, const char *tenant, const char *id, int64_t if_version,
                               const char *user, bt_error *error) {
  store_call call = {
      .run = run_delete, .tenant = tenant, .id = id, .user = user, .if_version = if_version, .error = error};
  return ask(store, &call);
}

void bt_rule_versions_free(bt_rule_version *versions, size_t count) {
  for (size_t i = 0; i < count; i++) bt_rule_definition_unref(versions[i].definition);
  free(versions);
}

bt_status bt_rule_store_versions(bt_rule_store *store, const char *tenant, const char *id, bt_rule_version **out,
                                 size_t *count, bt_error *error) {
  store_call call = {.run = run_versions, .tenant = tenant, .id = id, .error = error};
  bt_status status = ask(store, &call);
  if (status) {
    bt_rule_versions_free(call.versions, call.version_count);
    call.versions = NULL;
    call.version_count = 0;
  }
  *out = call.versions;
  *count = call.version_count;
  return status;
}

bt_status bt_rule_store_check(bt_rule_store *store, bt_error *error) {
  store_call call = {.run = run_check, .error = error};
  return ask(store, &call);
}
