/* The rule store: rules and their versions in SQLite, nothing else. WAL and FULL: what was acknowledged survives kill
 * -9. Thread: one thread of the store owns the connection. Every call here may come from any thread and blocks it until
 * the store answered, so the event loops never call it (they hand requests to workers). bt_rule_store_snapshot,
 * _broken, _broken_count and _get are the exceptions. They take no lock that a write holds across I/O, and give the
 * rules as they were after the last commit. Errors that come from SQLite (BT_IO: disk full, damaged, locked …) leave
 * everything as it was and name neither SQL nor paths. */
#ifndef BT_SERVER_RULE_STORE_H
#define BT_SERVER_RULE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/rules/rule_definition.h"

typedef struct bt_rule_store bt_rule_store;

/* new. Creates or migrates the database; refuses one that is damaged (BT_IO), newer, another program's, or open in
 * another betrace (BT_REFUSED), and says what to do. BT_INVALID: the path is too long. BT_LIMIT: the system gives no
 * thread. BT_NO_MEMORY. The message names the file: it is for who starts the service.
 * ":memory:" is fine. A stored rule that is damaged, or that this program's language does not take any more, does not
 * stop it: see bt_rule_store_broken. The regexes of the enabled rules of each tenant may take most_pattern_bytes
 * together (bt_rule_pattern_bytes; 0: no limit). A write that makes it more is BT_LIMIT. A stored rule that does not
 * fit beside those before it, by id, is broken, too. */
bt_status bt_rule_store_open(const char *path, uint64_t most_pattern_bytes, bt_rule_store **out,
                             bt_error *error) BT_MUST_CHECK;
void bt_rule_store_close(bt_rule_store *store);
/* The end begins: nobody waits any more for another program that holds a lock on the database. NULL is fine. */
void bt_rule_store_hurry(bt_rule_store *store);
/* How many rules a tenant may have, and how many versions of all its rules together; 0: any number. What is there
 * already stays, may be changed where its history has room, and may always be deleted. To be called before anybody else
 * has the store. */
void bt_rule_store_set_limits(bt_rule_store *store, size_t max_rules, size_t max_versions);

typedef struct bt_rule_list {       /* a snapshot; by id */
  const bt_rule_definition **items; /* shared: one reference each */
  size_t count;
} bt_rule_list;
bt_status bt_rule_store_snapshot(bt_rule_store *store, const char *tenant, bt_rule_list *out,
                                 bt_error *error) BT_MUST_CHECK;
void bt_rule_list_dispose(bt_rule_list *list);
/* The tenants that have rules now, each once; their names stay until the store is closed. free() the array. */
bt_status bt_rule_store_tenants(bt_rule_store *store, const char ***out, size_t *count, bt_error *error) BT_MUST_CHECK;
/* The stored rules that nothing can evaluate: their text does not compile in this program (written for a newer
 * language, or refused since), means something else than when it was stored, or the row is not what was written
 * (is_damaged). `broken` says why and `rule` is NULL. They are in no snapshot. Whoever says "no violations" or "ready"
 * has to look here, since an enabled one among them is not being checked. An update with a text that compiles mends
 * one; a delete removes it. */
bt_status bt_rule_store_broken(bt_rule_store *store, const char *tenant, bt_rule_list *out,
                               bt_error *error) BT_MUST_CHECK;
/* The same over all tenants, enabled ones only: for /ready. */
size_t bt_rule_store_broken_count(bt_rule_store *store);
/* What the regexes of the enabled rules of each tenant may take together; 0: no limit. */
uint64_t bt_rule_store_most_pattern_bytes(const bt_rule_store *store);
/* What was not as it was written when the store was opened, versions that are not the latest too: borrowed until the
 * store is closed. */
typedef struct bt_rule_damage {
  char *tenant, *rule_id; /* as they are stored, whatever bytes that may be */
  int64_t version;
  const char *what;
} bt_rule_damage;
size_t bt_rule_store_damage(const bt_rule_store *store, const bt_rule_damage **out);
/* shared; BT_NOT_FOUND names the id; BT_INVALID: it is there but broken, and why. */
bt_status bt_rule_store_get(bt_rule_store *store, const char *tenant, const char *id, const bt_rule_definition **out,
                            bt_error *error) BT_MUST_CHECK;

/* Takes `definition` (not yet shared, version 0) in every case; *out (shared, may be NULL if not wanted) is the stored
 * one with its version (1, or the next one where a rule of that id was deleted before) and times. BT_CONFLICT: the id
 * is taken. BT_LIMIT, here and below: set_limits. tenant "" is the tenant of a service without tenants. */
bt_status bt_rule_store_create(bt_rule_store *store, const char *tenant, bt_rule_definition *definition,
                               const char *user, const bt_rule_definition **out, bt_error *error) BT_MUST_CHECK;
/* if_version 0: whatever is there; else BT_CONFLICT when the stored version is another. BT_NOT_FOUND: no rule has this
 * id. */
bt_status bt_rule_store_update(bt_rule_store *store, const char *tenant, bt_rule_definition *definition,
                               int64_t if_version, const char *user, const bt_rule_definition **out,
                               bt_error *error) BT_MUST_CHECK;
/* Already so: nothing is written and *out is the rule as it is. BT_INVALID for a broken rule; BT_CONFLICT, BT_NOT_FOUND
 * as for an update. */
bt_status bt_rule_store_set_enabled(bt_rule_store *store, const char *tenant, const char *id, bool enabled,
                                    int64_t if_version, const char *user, const bt_rule_definition **out,
                                    bt_error *error) BT_MUST_CHECK;
/* BT_CONFLICT, BT_NOT_FOUND as for an update. */
bt_status bt_rule_store_delete(bt_rule_store *store, const char *tenant, const char *id, int64_t if_version,
                               const char *user, bt_error *error) BT_MUST_CHECK;
/* Rules that come together: all are stored in one transaction, or none. */
typedef enum bt_import_change {
  BT_IMPORT_UNCHANGED, /* the stored rule says the same (but for the layout of its text) and keeps its version */
  BT_IMPORT_CREATED,
  BT_IMPORT_UPDATED
} bt_import_change;
typedef struct bt_rule_import {
  bt_rule_definition *definition;   /* in: not yet shared, version 0; taken in every case (NULL afterwards) */
  bt_import_change change;          /* out */
  const bt_rule_definition *stored; /* out, shared: the rule as it is stored now; in a dry run as it would be */
} bt_rule_import;
enum { BT_IMPORT_STATE_BYTES = 65 };
typedef struct bt_import_options {
  const char *user; /* or NULL */
  bool is_dry_run;
  const char *if_state;              /* BT_CONFLICT unless the rules are in this state; NULL: whatever it is */
  char state[BT_IMPORT_STATE_BYTES]; /* out: which versions of these rules there were before, as a hash in hex */
} bt_import_options;
/* The ids have to be different. A dry run does everything but the commit, so that what it says is what would happen.
 * After an error nothing was stored and `rules` is empty. BT_CONFLICT: they are not in if_state any more. */
bt_status bt_rule_store_import(bt_rule_store *store, const char *tenant, bt_rule_import *rules, size_t count,
                               bt_import_options *options, bt_error *error) BT_MUST_CHECK;
void bt_rule_imports_dispose(bt_rule_import *rules, size_t count); /* what they hold; not the array */

/* Every version that ever was, oldest first, deletions included (as the last fields with enabled=false and version + 1
 * where deleted). Versions whose text does not compile any more are there too, with `broken` set and `rule` NULL.
 * BT_NOT_FOUND: there never was one. */
typedef struct bt_rule_version {
  const bt_rule_definition *definition;
  bool deleted;
} bt_rule_version;
bt_status bt_rule_store_versions(bt_rule_store *store, const char *tenant, const char *id, bt_rule_version **out,
                                 size_t *count, bt_error *error) BT_MUST_CHECK;
/* For reports: every version of all rules that were changed or deleted at or after this time and in some version may
 * name a framework, or may have, where versions of them are damaged or gone; by id, oldest first. None is no error. */
bt_status bt_rule_store_changed(bt_rule_store *store, const char *tenant, int64_t since_ns, bt_rule_version **out,
                                size_t *count, bt_error *error) BT_MUST_CHECK;
void bt_rule_versions_free(bt_rule_version *versions, size_t count);
/* Can it still write as much as a rule takes? For /ready. Tries for real, but not again within five seconds of a
 * success. */
bt_status bt_rule_store_check(bt_rule_store *store, bt_error *error) BT_MUST_CHECK;

#endif
