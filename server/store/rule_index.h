/* The rules of all tenants as they were after one commit: an immutable sorted array, replaced as a whole. For
 * server/store alone. Thread: immutable once published; shared by an atomic count. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_STORE_RULE_INDEX_H
#define BT_SERVER_STORE_RULE_INDEX_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "server/rules/rule_definition.h"

typedef struct bt_rule_entry {
  const char *tenant;                   /* borrowed from the store, which keeps it until it is closed */
  const bt_rule_definition *definition; /* shared: one reference */
} bt_rule_entry;

typedef struct bt_rule_index bt_rule_index;

bt_status bt_rule_index_new(bt_rule_index **out, bt_error *error) BT_MUST_CHECK; /* new, empty */
/* Never NULL; given back by bt_rule_index_unref. */
bt_rule_index *bt_rule_index_ref(bt_rule_index *index);
void bt_rule_index_unref(bt_rule_index *index); /* NULL is fine */

/* A copy with these definitions (of one tenant, by id, each id once; references are taken) in the place of those with
 * their ids, or added. */
bt_status bt_rule_index_with(const bt_rule_index *index, const char *tenant,
                             const bt_rule_definition *const *definitions, size_t count, bt_rule_index **out,
                             bt_error *error) BT_MUST_CHECK;
bt_status bt_rule_index_without(const bt_rule_index *index, const char *tenant, const char *id, bt_rule_index **out,
                                bt_error *error) BT_MUST_CHECK;
/* Adds at the end, while the index is still private; entries come in order. A reference is taken. */
bt_status bt_rule_index_append(bt_rule_index *index, const char *tenant, const bt_rule_definition *definition,
                               bt_error *error) BT_MUST_CHECK;

/* Borrowed from the index; NULL: not there. */
const bt_rule_definition *bt_rule_index_find(const bt_rule_index *index, const char *tenant, const char *id);
/* The entries of one tenant, borrowed. */
const bt_rule_entry *bt_rule_index_tenant(const bt_rule_index *index, const char *tenant, size_t *count);
const bt_rule_entry *bt_rule_index_all(const bt_rule_index *index, size_t *count);

#endif
