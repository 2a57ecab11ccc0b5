/* Rules that nothing exercised, of the traces that a test sent, and rules without `when` none of whose names came: both
 * would pass whatever the program does. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_LISTEN_IDLE_H
#define BT_SERVER_CLI_LAB_LISTEN_IDLE_H

#include "dsl/base/error.h"
#include "server/cli/lab/listen_report.h"
#include "tempo/wire/source.h"

enum { BT_LISTEN_EXPLAINED = 20 }; /* rules of which it is said which names no trace has */

/* What a verdict says of it. */
void bt_listen_note_exercise(bt_listen_rule *rule, const bt_rule_verdict *verdict);
/* Whether a trace exercised it, or what is left open may have. Without any trace none is. */
bool bt_listen_is_exercised(const bt_listen_report *report, size_t i);
/* Fills `idle` and `lacks_names` of the rules, and `unexercised`. The source has all traces that came. BT_CANCELLED,
 * BT_NO_MEMORY. */
bt_status bt_listen_idle_find(bt_listen_report *report, bt_source *source, bt_error *error) BT_MUST_CHECK;

#endif
