/* The trace state of a span: a list of members `vendor=value`, parted by commas (W3C Trace Context). Blanks and tabs
 * around a member are no part of it, and what has no `=`, or nothing before it, is none. Thread: no state. */
#ifndef BT_DSL_TRACE_TRACE_STATE_H
#define BT_DSL_TRACE_TRACE_STATE_H

#include "dsl/base/text.h"

typedef enum bt_member_found {
  BT_MEMBER_NONE,
  BT_MEMBER_ONE,
  BT_MEMBER_SEVERAL /* it stands more than once, and they differ: nobody knows which one is meant */
} bt_member_found;

/* *value: what stands behind the first `=` of the vendor's member, a part of `state`; of SEVERAL the first one's. Left
 * alone where there is none. */
bt_member_found bt_trace_state_find(bt_str state, bt_str vendor, bt_str *value);

#endif
