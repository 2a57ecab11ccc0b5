/* The rule store: rules and their versions in SQLite, nothing else. WAL and FULL: what was acknowledged survives kill -9.
 * Thread: one thread of the store owns the connection; every call here may come from any thread and blocks it until the store answered,
 * so the event loops never call it (they hand requests to workers). bt_rule_store_snapshot, _broken, _broken_count and _get are the
 * exceptions: they take no lock that a write holds across I/O, and give the rules as they were after the last commit.
 * Errors that come from SQLite (BT_IO: disk full, damaged, locked …) leave everything as it was and name neither SQL nor paths. */
#ifndef BT_SERVER_RULE_STORE_H
#define BT_SERVER_RULE_STORE_H

#include "server/rule_definition.h"

typedef struct bt_rule_store bt_rule_store;

/* new. Creates or migrates the database; refuses one that is damaged (BT_IO), newer, another program's, or open in another betrace
 * (BT_REFUSED), and says what to do. The message names the file: it is for who starts the service. ":memory:" is fine.
 * A stored rule that this program's language does not take any more does not stop it: see bt_rule_store_broken. */
bt_status bt_rule_store_open(const char *path, bt_rule_store **out, bt_error *error) BT_MUST_CHECK;
void bt_rule_store_close(bt_rule_store *store);

typedef struct bt_rule_list {       /* a snapshot; by id */
  const bt_rule_definition **items; /* shared: one reference each */
  size_t count;
} bt_rule_list;
bt_status bt_rule_store_snapshot(bt_rule_store *store, const char *tenant, bt_rule_list *out,
                                 bt_error *error) BT_MUST_CHECK;
void bt_rule_list_dispose(bt_rule_list *list);
/* The stored rules that nothing can evaluate, because their text does not compile in this program (written for a newer language, or refused
 * since): `broken` says why and `rule` is NULL. They are in no snapshot. Whoever says "no violations" or "ready" has to look here, since an
 * enabled one among them is not being checked. An update with a text that compiles mends one; a delete removes it. */
bt_status bt_rule_store_broken(bt_rule_store *store, const char *tenant, bt_rule_list *out,
                               bt_error *error) BT_MUST_CHECK;
/* The same over all tenants, enabled ones only: for /ready. */
size_t bt_rule_store_broken_count(bt_rule_store *store);
/* shared; BT_NOT_FOUND names the id; BT_INVALID: it is there but broken, and why. */
bt_status bt_rule_store_get(bt_rule_store *store, const char *tenant, const char *id, const bt_rule_definition **out,
                            bt_error *error) BT_MUST_CHECK;

/* Takes `definition` (not yet shared, version 0) in every case; *out (shared, may be NULL if not wanted) is the stored one with its version
 * (1, or the next one where a rule of that id was deleted before) and times. BT_CONFLICT: the id is taken. tenant "" is the tenant of a service without tenants. */
bt_status bt_rule_store_create(bt_rule_store *store, const char *tenant, bt_rule_definition *definition,
                               const char *user, const bt_rule_definition **out, bt_error *error) BT_MUST_CHECK;
/* if_version 0: whatever is there; else BT_CONFLICT when the stored version is another. BT_NOT_FOUND: no rule has this id. */
bt_status bt_rule_store_update(bt_rule_store *store, const char *tenant, bt_rule_definition *definition,
                               int64_t if_version, const char *user, const bt_rule_definition **out,
                               bt_error *error) BT_MUST_CHECK;
/* Already so: nothing is written and *out is the rule as it is. BT_INVALID for a broken rule. */
bt_status bt_rule_store_set_enabled(bt_rule_store *store, const char *tenant, const char *id, bool enabled,
                                    int64_t if_version, const char *user, const bt_rule_definition **out,
                                    bt_error *error) BT_MUST_CHECK;
bt_status bt_rule_store_delete(bt_rule_store *store, const char *tenant, const char *id, int64_t if_version,
                               const char *user, bt_error *error) BT_MUST_CHECK;
/* Every version that ever was, oldest first, deletions included (as the last fields with enabled=false and version + 1 where deleted).
 * Versions whose text does not compile any more are there too, with `broken` set and `rule` NULL. BT_NOT_FOUND: there never was one. */
typedef struct bt_rule_version {
  const bt_rule_definition *definition;
  bool deleted;
} bt_rule_version;
bt_status bt_rule_store_versions(bt_rule_store *store, const char *tenant, const char *id, bt_rule_version **out,
                                 size_t *count, bt_error *error) BT_MUST_CHECK;
void bt_rule_versions_free(bt_rule_version *versions, size_t count);
/* Can it still write? For /ready. Tries for real, but not again within five seconds of a success. */
bt_status bt_rule_store_check(bt_rule_store *store, bt_error *error) BT_MUST_CHECK;

#endif
