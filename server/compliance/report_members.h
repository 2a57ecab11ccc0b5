/* Which members the entries of a report have: exactly those that this program writes of its version. Whoever has the
 * key can take one away, and a reader that takes what is not there for "no" would read something better. Thread: no
 * state. */
#ifndef BT_SERVER_REPORT_MEMBERS_H
#define BT_SERVER_REPORT_MEMBERS_H

#include <jansson.h>

#include "dsl/base/error.h"

/* version: 2 and later; of version 1 nothing is asked. BT_INVALID: a member is missing or does not belong there, and
 * where. */
bt_status bt_report_check_members(const json_t *document, int version, bt_error *error) BT_MUST_CHECK;

#endif
