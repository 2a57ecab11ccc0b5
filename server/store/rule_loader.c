/* Filling the index when a database is opened. Every version of every rule is read, compiled and compared with its seal
 * and its condition hash. A rule is what its highest version says, and what cannot be believed makes a broken rule,
 * never an older one or none. */
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/store/row_seal.h"
#include "server/store/rule_rows.h"
#include "server/store/store_parts.h"

typedef struct loader {
  bt_rule_store *store;
  const char *tenant;         /* of `latest`; the store's own copy */
  bt_rule_definition *latest; /* the highest version so far of the rule whose rows are being read; or NULL */
  bool is_deletion;
  const char *summed_tenant; /* of which the regexes so far take pattern_bytes */
  uint64_t pattern_bytes;
} loader;

static bt_status note_damage(bt_rule_store *store, const char *tenant, const char *id, int64_t version,
                             const char *what, bt_error *error) {
  bt_rule_damage *grown = bt_grow_array(store->damage, store->damage_count, &store->damage_capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(error);
  store->damage = grown;
  bt_rule_damage *damage = &grown[store->damage_count];
  *damage = (bt_rule_damage){strdup(tenant), strdup(id), version, what};
  store->damage_count++;
  return damage->tenant && damage->rule_id ? BT_OK : bt_error_no_memory(error);
}

static bt_status fit_patterns(loader *loading, bt_error *error) {
  if (loading->summed_tenant != loading->tenant) loading->pattern_bytes = 0;
  loading->summed_tenant = loading->tenant;
  return bt_store_fit_patterns(loading->store, &loading->pattern_bytes, loading->latest, error);
}

/* The rows of one rule have ended. A row that is damaged may have been a deletion or not: the rule is there, and
 * broken. */
static bt_status end_rule(loader *loading, bt_error *error) {
  bt_status status = BT_OK;
  if (loading->latest) bt_store_note_size(loading->store, &loading->latest->fields);
  bool is_there = loading->latest && (!loading->is_deletion || loading->latest->is_damaged);
  if (is_there) status = fit_patterns(loading, error);
  if (is_there && !status)
    status = bt_rule_index_append(loading->store->index, loading->tenant, loading->latest, error);
  bt_rule_definition_unref(loading->latest);
  loading->latest = NULL;
  return status;
}

static bool is_next_rule(const loader *loading, const bt_stored_row *row) {
  return !loading->latest || strcmp(loading->tenant, row->tenant) != 0 ||
         strcmp(loading->latest->fields.id, row->id) != 0;
}

static bt_status take_row(loader *loading, const bt_stored_row *row, bt_error *error) {
  bt_status status = BT_OK;
  if (row->damage) status = note_damage(loading->store, row->tenant, row->id, row->version, row->damage, error);
  if (status || !row->definition) return status;
  if (is_next_rule(loading, row)) {
    status = end_rule(loading, error);
    if (!status) status = bt_store_intern_tenant(loading->store, row->tenant, &loading->tenant, error);
  }
  if (status) return status;
  bt_rule_definition_unref(loading->latest);
  loading->latest = bt_rule_definition_ref(row->definition);
  loading->is_deletion = row->is_deletion;
  return BT_OK;
}

static bt_status load_row(void *context, const bt_stored_row *row, bt_error *error) {
  bt_status status = take_row(context, row, error);
  bt_rule_definition_unref(row->definition);
  return status;
}

static bt_status replace_rule(bt_rule_store *store, const char *tenant, const bt_rule_definition *definition,
                              bt_error *error) {
  const char *kept = NULL;
  bt_rule_index *next = NULL;
  bt_status status = bt_store_intern_tenant(store, tenant, &kept, error);
  if (!status) status = bt_rule_index_with(store->index, kept, &definition, 1, &next, error);
  if (status) return status;
  bt_rule_index_unref(store->index);
  store->index = next;
  return BT_OK;
}

static bool is_tenant(const char *tenant) {
  return bt_utf8_valid(bt_str_from(tenant));
}

/* A seal whose row is gone. Where it was the latest version, nobody knows what the rule says now. */
static bt_status load_lost(void *context, const bt_lost_row *lost, bt_error *error) {
  static const char what[] = "it is gone, and only its checksum is left";
  bt_rule_store *store = context;
  bt_rule_definition *ghost = NULL;
  bt_status status = note_damage(store, lost->tenant, lost->id, lost->version, what, error);
  if (status || !lost->is_latest || !is_tenant(lost->tenant) || !bt_rule_id_is_valid(bt_str_from(lost->id)))
    return status;
  status = bt_rule_definition_damaged(bt_str_from(lost->id), BT_STR(""), lost->version, what, &ghost, error);
  if (!status) status = replace_rule(store, lost->tenant, ghost, error);
  bt_rule_definition_unref(ghost);
  return status;
}

bt_status bt_store_load(bt_rule_store *store, bt_error *error) {
  loader loading = {.store = store};
  bt_status status = bt_rule_index_new(&store->index, error);
  if (!status) status = bt_rule_rows_all(store->database.handle, load_row, &loading, error);
  if (!status) status = end_rule(&loading, error);
  bt_rule_definition_unref(loading.latest);
  return status ? status : bt_row_seals_lost(store->database.handle, load_lost, store, error);
}

size_t bt_rule_store_damage(const bt_rule_store *store, const bt_rule_damage **out) {
  *out = store->damage;
  return store->damage_count;
}

void bt_store_free_damage(bt_rule_store *store) {
  for (size_t i = 0; i < store->damage_count; i++) {
    free(store->damage[i].tenant);
    free(store->damage[i].rule_id);
  }
  free(store->damage);
}
