/* What a caller takes: lists as of Accept, Accept-Encoding and If-None-Match. Thread: no state. */
#ifndef BT_SERVER_HTTP_ACCEPT_H
#define BT_SERVER_HTTP_ACCEPT_H

#include <stdbool.h>

#include "dsl/base/text.h"

/* Cuts the next part off; false when none is left. */
bool bt_accept_next(bt_str *list, char separator, bt_str *part);
/* Whether the list names this, and not with q=0. Wildcards do not count: who says nothing in particular gets what is
 * plain. */
bool bt_accept_names(bt_str list, const char *name);

#endif
