/* What a browser calls an origin. Thread: no state. */
#ifndef BT_SERVER_BASE_ORIGIN_H
#define BT_SERVER_BASE_ORIGIN_H

#include <stdbool.h>

#include "dsl/base/text.h"

/* scheme://host[:port] in lower case and nothing else, as browsers send it (RFC 6454, section 6.2). */
bool bt_origin_is_valid(bt_str origin);

#endif
