/* What the files of the rule store share: the store's thread and its calls. For server/store alone. Thread: as each
 * part says. */
#ifndef BT_SERVER_STORE_PARTS_H
#define BT_SERVER_STORE_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/rules/rule_definition.h"
#include "server/store/database.h"
#include "server/store/rule_index.h"
#include "server/store/rule_store.h"

typedef struct store_call {
  bt_status (*run)(bt_rule_store *store, struct store_call *call);
  const char *tenant, *id, *user;
  bt_rule_definition *definition; /* to create or update with; taken */
  int64_t if_version;
  bool enabled;
  const bt_rule_definition *result; /* shared */
  bt_rule_import *imports;
  size_t import_count;
  bt_import_options *import_options;
  int64_t since_ns; /* of what was changed */
  bool is_dry_run;  /* of imports: all but the commit */
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
  int64_t probed_at_ns;        /* monotonic time of the last write that worked; 0: none */
  uint64_t most_pattern_bytes; /* of the enabled rules of a tenant; 0: no limit */
  size_t largest_rule_bytes;   /* of those that were read or were to be written */
  /* behind queue_lock */
  pthread_mutex_t queue_lock;
  pthread_cond_t asked, answered;
  store_call *first, *last;
  bool is_closing;
  /* behind index_lock */
  pthread_mutex_t index_lock;
  bt_rule_index *index;
  /* since the store was opened */
  size_t max_rules, max_versions; /* of a tenant; 0: any number */
  bt_rule_damage *damage;
  size_t damage_count, damage_capacity;
  pthread_t thread;
};

/* On the store thread. */
/* The store's own copy of a tenant's name, kept until it is closed. BT_NO_MEMORY alone. */
bt_status bt_store_intern_tenant(bt_rule_store *store, const char *tenant, const char **out,
                                 bt_error *error) BT_MUST_CHECK;
/* Before the thread runs: makes the index of what the database holds, and the list of what is damaged. Errors are those
 * of rule_rows.h. */
bt_status bt_store_load(bt_rule_store *store, bt_error *error) BT_MUST_CHECK;
void bt_store_free_damage(bt_rule_store *store);
/* Before it is written: /ready has to try as much. */
void bt_store_note_size(bt_rule_store *store, const bt_rule_fields *fields);
/* Gives readers the next index; takes the reference. */
void bt_store_publish(bt_rule_store *store, bt_rule_index *next);

/* pattern_budget.c. Whether the tenant's rules may be as they are in `next`; BT_LIMIT says what came, what may be and
 * what to do. */
bt_status bt_store_check_patterns(const bt_rule_store *store, const char *tenant, const bt_rule_index *next,
                                  bt_error *error) BT_MUST_CHECK;
/* Before the thread runs: a rule that does not fit beside those of its tenant so far (*tenant_sum) becomes broken.
 * BT_NO_MEMORY alone. */
bt_status bt_store_fit_patterns(const bt_rule_store *store, uint64_t *tenant_sum, bt_rule_definition *definition,
                                bt_error *error) BT_MUST_CHECK;

/* Any thread: leaves the call in the queue, waits for its end and gives the status of it. */
bt_status bt_store_ask(bt_rule_store *store, store_call *call);

/* BT_NOT_FOUND, which names the id. */
bt_status bt_store_not_found(const char *id, bt_error *error);
/* BT_INVALID, which says why it is broken. */
bt_status bt_store_refuse_broken(const bt_rule_definition *definition, bt_error *error);

#endif
