/* Writing rules. A write builds the next index before it commits, so that nothing can fail between the commit and the
 * moment readers see it: what is answered is on the disk and in the snapshot. The run_ functions live on the store
 * thread, the public ones on their callers'. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/base/sha256.h"
#include "server/rules/rule_fields.h"
#include "server/store/rule_comparison.h"
#include "server/store/rule_rows.h"
#include "server/store/store_parts.h"

/* The rule that a call is about; on the store thread, which alone changes the index. */
static const bt_rule_definition *find_current(bt_rule_store *store, const store_call *call) {
  return bt_rule_index_find(store->index, call->tenant, call->id);
}

static bt_status find_at_version(bt_rule_store *store, const store_call *call, const bt_rule_definition **out) {
  *out = find_current(store, call);
  if (!*out) return bt_store_not_found(call->id, call->error);
  if (call->if_version == 0 || call->if_version == (*out)->version) return BT_OK;
  return bt_error_set(call->error, BT_CONFLICT,
                      "rule \"%s\" was expected at version %lld, but version %lld is stored; read it again", call->id,
                      (long long)call->if_version, (long long)(*out)->version);
}

/* The next version of an id, inside a write. `known` is what the index has, 0 where it has none. */
static bt_status next_version(bt_rule_store *store, const store_call *call, const char *id, int64_t known,
                              int64_t *out) {
  int64_t highest = 0;
  bt_status status = bt_rule_rows_highest(store->database.handle, call->tenant, id, &highest, call->error);
  if (!status && known && highest != known)
    status = bt_error_set(call->error, BT_IO,
                          "another program changed the rule database; restart the service to read it anew");
  *out = highest + 1;
  return status;
}

typedef struct new_version {
  const bt_rule_fields *fields;   /* what to store */
  bt_rule_record record;          /* its version is filled in by commit_versions */
  bt_rule_definition *definition; /* what readers get; NULL: a deletion */
  int64_t known_version;          /* of the rule so far; 0: none */
} new_version;

static bt_status write_row(bt_rule_store *store, const store_call *call, new_version *version) {
  const char *id = version->fields->id;
  bt_store_note_size(store, version->fields);
  bt_status status = next_version(store, call, id, version->known_version, &version->record.version);
  if (version->definition) version->definition->version = version->record.version;
  if (status) return status;
  return bt_rule_rows_insert(store->database.handle, call->tenant, version->fields, &version->record,
                             !version->definition, call->error);
}

static int compare_ids(const void *a, const void *b) {
  const bt_rule_definition *left = *(const bt_rule_definition *const *)a,
                           *right = *(const bt_rule_definition *const *)b;
  return strcmp(left->fields.id, right->fields.id);
}

/* The index with these versions in it; they are of different rules. */
static bt_status build_index(bt_rule_store *store, const store_call *call, const new_version *versions, size_t count,
                             bt_rule_index **out) {
  const char *tenant = NULL;
  if (!versions[0].definition) return bt_rule_index_without(store->index, call->tenant, call->id, out, call->error);
  bt_status status = bt_store_intern_tenant(store, call->tenant, &tenant, call->error);
  if (status) return status;
  const bt_rule_definition **sorted = bt_realloc_array(NULL, count, sizeof *sorted);
  if (!sorted) return bt_error_no_memory(call->error);
  for (size_t i = 0; i < count; i++) sorted[i] = versions[i].definition;
  qsort(sorted, count, sizeof *sorted, compare_ids);
  status = bt_rule_index_with(store->index, tenant, sorted, count, out, call->error);
  free(sorted);
  return status;
}

/* The open transaction's end: on the disk first, then seen by readers. Takes the index. */
static bt_status commit_index(bt_rule_store *store, const store_call *call, bt_rule_index *next) {
  bt_status status = bt_database_commit(store->database.handle, call->error);
  store->probed_at_ns = status ? 0 : bt_clock_monotonic_ns();
  if (status)
    bt_rule_index_unref(next);
  else
    bt_store_publish(store, next);
  return status;
}

void bt_rule_store_set_limits(bt_rule_store *store, size_t max_rules, size_t max_versions) {
  store->max_rules = max_rules;
  store->max_versions = max_versions;
}

/* Of what is about to be committed. Who is over a limit that was lowered may go on with the rules that are there. */
static bt_status check_limits(bt_rule_store *store, const store_call *call, const bt_rule_index *next) {
  size_t before = 0, after = 0;
  int64_t versions = 0;
  bt_rule_index_tenant(store->index, call->tenant, &before);
  bt_rule_index_tenant(next, call->tenant, &after);
  if (store->max_rules && after > before && after > store->max_rules)
    return bt_error_set(call->error, BT_LIMIT,
                        "a tenant may have %zu rules and would have %zu: delete some, or raise --max-rules",
                        store->max_rules, after);
  if (!store->max_versions) return BT_OK;
  bt_status status = bt_rule_rows_count(store->database.handle, call->tenant, &versions, call->error);
  if (status || versions <= (int64_t)store->max_versions) return status;
  return bt_error_set(
      call->error, BT_LIMIT,
      "the history of a tenant's rules may have %zu versions and would have %lld: it only grows, so raise "
      "--max-rule-versions",
      store->max_versions, (long long)versions);
}

/* All of them in one transaction, or none. A deletion comes alone. */
static bt_status commit_versions(bt_rule_store *store, const store_call *call, new_version *versions, size_t count) {
  bt_rule_index *next = NULL;
  bt_status status = bt_database_begin(store->database.handle, call->error);
  for (size_t i = 0; i < count && !status; i++) status = write_row(store, call, &versions[i]);
  if (!status) status = build_index(store, call, versions, count, &next);
  if (!status) status = bt_store_check_patterns(store, call->tenant, next, call->error);
  if (!status && versions[0].definition) status = check_limits(store, call, next);
  if (!status && !call->is_dry_run) return commit_index(store, call, next);
  bt_database_rollback(store->database.handle);
  bt_rule_index_unref(next);
  return status;
}

/* The version of `definition` that follows `previous` (NULL: a new rule). */
static bt_status make_version(const store_call *call, bt_rule_definition *definition,
                              const bt_rule_definition *previous, new_version *out) {
  int64_t now_ns = bt_clock_wall_ns();
  /* A clock that was set back must not make a later version look older. */
  if (previous && now_ns < previous->updated_at_ns) now_ns = previous->updated_at_ns;
  definition->created_at_ns = previous ? previous->created_at_ns : now_ns;
  definition->updated_at_ns = now_ns;
  if (call->user && call->user[0] && !(definition->updated_by = bt_rule_text_copy(bt_str_from(call->user))))
    return bt_error_no_memory(call->error);
  *out = (new_version){.fields = &definition->fields,
                       .record = {.created_at_ns = definition->created_at_ns,
                                  .updated_at_ns = now_ns,
                                  .updated_by = definition->updated_by,
                                  .condition_hash = definition->condition_hash},
                       .definition = definition,
                       .known_version = previous ? previous->version : 0};
  return BT_OK;
}

/* Stores call->definition as the version after `previous` (NULL: a new rule). */
static bt_status put_definition(bt_rule_store *store, store_call *call, const bt_rule_definition *previous) {
  new_version version;
  bt_status status = make_version(call, call->definition, previous, &version);
  if (!status) status = commit_versions(store, call, &version, 1);
  if (!status) call->result = bt_rule_definition_ref(call->definition);
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
  if (!status && current->broken) status = bt_store_refuse_broken(current, call->error);
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
  return commit_versions(store, call, &version, 1);
}

/* The version of each rule of an import, 0 where there is none, as one hash: two imports that see the same one start
 * from the same. */
static bt_status hash_state(bt_rule_store *store, const store_call *call, char out[BT_IMPORT_STATE_BYTES]) {
  bt_buffer text = {0};
  bt_sha256 hash;
  for (size_t i = 0; i < call->import_count; i++) {
    const char *id = call->imports[i].definition->fields.id;
    const bt_rule_definition *current = bt_rule_index_find(store->index, call->tenant, id);
    bt_buffer_printf(&text, "%s %" PRId64 "\n", id, current ? current->version : 0);
  }
  bt_str whole = bt_buffer_str(&text);
  bt_status status = text.failed ? bt_error_no_memory(call->error) : bt_sha256_fields(&whole, 1, &hash, call->error);
  if (!status) bt_sha256_format(&hash, out);
  bt_buffer_dispose(&text);
  return status;
}

static bt_status check_state(bt_rule_store *store, store_call *call) {
  bt_import_options *options = call->import_options;
  bt_status status = hash_state(store, call, options->state);
  if (status || !options->if_state || strcmp(options->if_state, options->state) == 0) return status;
  return bt_error_set(
      call->error, BT_CONFLICT,
      "somebody changed, created or deleted one of these rules after this plan; nothing was stored, make a new plan");
}

/* What to do with each rule of an import; `versions` gets those that are to be written. */
static bt_status plan_import(bt_rule_store *store, store_call *call, new_version *versions, size_t *count) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < call->import_count && !status; i++) {
    bt_rule_import *import = &call->imports[i];
    const bt_rule_definition *current = bt_rule_index_find(store->index, call->tenant, import->definition->fields.id);
    bool is_same = false;
    if (current) status = bt_rule_definition_same(current, import->definition, &is_same, call->error);
    import->change = !current ? BT_IMPORT_CREATED : is_same ? BT_IMPORT_UNCHANGED : BT_IMPORT_UPDATED;
    if (status) return status;
    if (is_same)
      import->stored = bt_rule_definition_ref(current);
    else
      status = make_version(call, import->definition, current, &versions[(*count)++]);
  }
  return status;
}

static bt_status run_import(bt_rule_store *store, store_call *call) {
  size_t count = 0;
  new_version *versions = bt_realloc_array(NULL, call->import_count + 1, sizeof *versions);
  if (!versions) return bt_error_no_memory(call->error);
  bt_status status = check_state(store, call);
  if (!status) status = plan_import(store, call, versions, &count);
  if (!status && count) status = commit_versions(store, call, versions, count);
  for (size_t i = 0; i < call->import_count && !status; i++)
    if (!call->imports[i].stored) call->imports[i].stored = bt_rule_definition_ref(call->imports[i].definition);
  free(versions);
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
  bt_status status = bt_store_ask(store, &call);
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
  bt_status status = bt_store_ask(store, &call);
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
  bt_status status = bt_store_ask(store, &call);
  return hand_over(&call, status, out);
}

bt_status bt_rule_store_delete(bt_rule_store *store, const char *tenant, const char *id, int64_t if_version,
                               const char *user, bt_error *error) {
  store_call call = {
      .run = run_delete, .tenant = tenant, .id = id, .user = user, .if_version = if_version, .error = error};
  return bt_store_ask(store, &call);
}

bt_status bt_rule_store_import(bt_rule_store *store, const char *tenant, bt_rule_import *rules, size_t count,
                               bt_import_options *options, bt_error *error) {
  store_call call = {.run = run_import,
                     .tenant = tenant,
                     .user = options->user,
                     .imports = rules,
                     .import_count = count,
                     .import_options = options,
                     .is_dry_run = options->is_dry_run,
                     .error = error};
  bt_status status = bt_store_ask(store, &call);
  for (size_t i = 0; i < count; i++) {
    bt_rule_definition_unref(rules[i].definition);
    rules[i].definition = NULL;
  }
  if (status) bt_rule_imports_dispose(rules, count);
  return status;
}

void bt_rule_imports_dispose(bt_rule_import *rules, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bt_rule_definition_unref(rules[i].definition);
    bt_rule_definition_unref(rules[i].stored);
    rules[i] = (bt_rule_import){0};
  }
}
