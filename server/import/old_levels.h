/* Which level a rule of the original speaks on: tests of one span, or conditions on a trace. Thread: no state. */
#ifndef BT_SERVER_IMPORT_OLD_LEVELS_H
#define BT_SERVER_IMPORT_OLD_LEVELS_H

#include "dsl/base/error.h"
#include "server/import/old_rule.h"

/* Says in `rule` whether it is of one span. BT_INVALID: a test of one span is next to conditions on the trace. */
bt_status bt_old_levels_check(bt_old_rule *rule, bt_error *error) BT_MUST_CHECK;

#endif
