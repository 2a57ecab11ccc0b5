/* Times and durations as text (api.md: times in and out). Thread: no state. */
#ifndef BT_SERVER_BASE_TIME_TEXT_H
#define BT_SERVER_BASE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"

/* RFC 3339, UTC, nanoseconds: "2026-01-11T14:23:17.000000000Z". out has room for 40 bytes. */
void bt_time_format(int64_t time_ns, char out[40]);

/* Reads a time of the years 1677 to 2262, exactly. false: not a time, or one that 64-bit nanoseconds cannot hold. Taken
 * are
 * - RFC 3339 with any offset, at most nanoseconds; a leap second (23:59:60 UTC) is the second after it;
 * - "now", "now-24h", "now+5m", with a duration as below;
 * - unix time in digits, its unit told by its size: below 10^11 seconds, from 10^11 and below 10^14 milliseconds, from
 * 10^17 nanoseconds. Between 10^14 and 10^17 it would be microseconds, or nanoseconds of the year 1970 to 1973: refused
 * rather than guessed, because a time read in the wrong unit makes an empty range look like one without violations. */
bool bt_time_parse(bt_str text, int64_t now_ns, int64_t *out_ns);

/* "500ms", "24h", "1.5s", "1m30s" (units d h m s ms us µs ns, falling, each once), and "0"; exact, never negative.
 * false: not a duration, a part of a nanosecond, or more than 64 bits of nanoseconds. */
bool bt_duration_parse(bt_str text, int64_t *out_ns);
/* A short form that bt_duration_parse reads back to the same number: "2m", "1m30s", "3.329s", "0s". out has room for 64
 * bytes. */
void bt_duration_format(int64_t duration_ns, char out[64]);

#endif
