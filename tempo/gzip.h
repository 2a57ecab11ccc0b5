/* Unpacking gzip with a maximum. Thread: no state. Only tempo/ includes this. */
#ifndef BT_TEMPO_GZIP_H
#define BT_TEMPO_GZIP_H

#include "dsl/error.h"

bool bt_gzip_is(bt_str input); /* whether it begins as gzip does */
/* Appends what the members of a gzip file hold to out, within out->maximum (BT_LIMIT above it). BT_INVALID: not gzip, damaged, cut off, or
 * something else follows. */
bt_status bt_gzip_unpack(bt_str input, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
