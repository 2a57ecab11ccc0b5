/* The frameworks that a tenant can ask a report of: those of the catalogues, and those that only its rules name.
 * Thread: any. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_FRAMEWORKS_JSON_H
#define BT_SERVER_FRAMEWORKS_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/store/rule_store.h"

/* new: {"frameworks": [{name, title, in_catalogue, controls, controls_with_rules, rules: [{rule_id, controls, …}]}]} */
bt_status bt_frameworks_json(bt_rule_store *store, const char *tenant, json_t **out, bt_error *error) BT_MUST_CHECK;
/* Whether it is in a catalogue, or a rule of the tenant names it. */
bt_status bt_framework_is_known(bt_rule_store *store, const char *tenant, bt_str name, bool *out,
                                bt_error *error) BT_MUST_CHECK;

#endif
