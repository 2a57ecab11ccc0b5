/* Whether a rule that decided over a control inside a range does so no more: it was disabled, put on trial (shadow) or
 * taken away. What it would say of the range is not known then, so the control does not pass, whatever its other rules
 * say. Thread: no state. */
#ifndef BT_SERVER_WITHDRAWAL_H
#define BT_SERVER_WITHDRAWAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/rules/rule_definition.h"
#include "server/store/rule_store.h"

typedef struct bt_withdrawn { /* borrowed from the versions */
  const char *how;            /* "disabled", "shadow"; NULL: it was not */
  int64_t at_ns;
  const char *by;
} bt_withdrawn;

/* Shadow rules are on trial and disabled ones are off: they are shown, and nothing is concluded from them. */
bool bt_rule_decides(const bt_rule_definition *rule);
/* Of a rule's versions, oldest first: whether one that decided was in effect after since_ns, and the last one does not
 * decide. */
bt_withdrawn bt_find_withdrawn(const bt_rule_version *versions, size_t count, int64_t since_ns);

#endif
