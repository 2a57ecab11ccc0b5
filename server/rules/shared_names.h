/* The names that a rule file gives, as long as one of its rules needs them. Thread: any; the names do not change. */
#ifndef BT_SERVER_RULES_SHARED_NAMES_H
#define BT_SERVER_RULES_SHARED_NAMES_H

#include "dsl/base/error.h"
#include "dsl/rule/own_names.h"

typedef struct bt_shared_names bt_shared_names;

/* A copy of all that it is given; BT_NO_MEMORY alone. *out is new. */
bt_status bt_shared_names_new(const bt_own_names *names, bt_shared_names **out, bt_error *error) BT_MUST_CHECK;
/* One more user: the same ones, owned by one more, to be given back with unref. NULL gives NULL. */
bt_shared_names *bt_shared_names_ref(bt_shared_names *shared);
void bt_shared_names_unref(bt_shared_names *shared);
/* Of NULL: NULL. */
const bt_own_names *bt_shared_names_get(const bt_shared_names *shared);

#endif
