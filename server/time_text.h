/* Times and durations as text (api.md: times in and out). Thread: no state. */
#ifndef BT_SERVER_TIME_TEXT_H
#define BT_SERVER_TIME_TEXT_H

#include "dsl/text.h"

/* RFC 3339, UTC, nanoseconds: "2026-01-11T14:23:17.000000000Z". out has room for 40 bytes. */
void bt_time_format(int64_t time_ns, char out[40]);
/* RFC 3339 (any offset), unix s/ms/ns, "now", "now-24h" (units ns us ms s m h d). false: not a time. */
bool bt_time_parse(bt_str text, int64_t now_ns, int64_t *out_ns);
/* "500ms", "24h", "7d". */
bool bt_duration_parse(bt_str text, int64_t *out_ns);

#endif
