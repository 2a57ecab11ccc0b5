/* The ids of violations, derived from what they are about (api.md, Violation spans), so that the same violation has
 * the same id in every run. The layout of what is hashed is that of tempo/wire/own_trace.h over
 * server/base/sha256.h: four fields, each as its length in 8 bytes, big-endian, and then its bytes: the tenant (""
 * without one), the rule's id, the condition hash in lower-case hex, the violating trace's id in 32 digits of
 * lower-case hex. Bytes 0 to 15 of the hash are the violation's id (and its trace's in the source), 16 to 23 its
 * span's, 24 to 31 those of the span that takes it back. Thread: any. */
#ifndef BT_SERVER_REPLAY_VIOLATION_ID_H
#define BT_SERVER_REPLAY_VIOLATION_ID_H

#include "tempo/wire/own_trace.h"

/* Gives tempo/wire/own_trace.h its digest. A program calls it first of all, so that sources know BeTrace's own
 * traces from the start; any number of calls does the same as one. */
void bt_violation_ids_install(void);

bt_status bt_violation_ids_derive(bt_str tenant, bt_str rule_id, bt_str condition_hash, const bt_trace_id *violating,
                                  bt_own_ids *out, bt_error *error) BT_MUST_CHECK;

#endif
