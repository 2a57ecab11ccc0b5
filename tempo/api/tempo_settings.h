/* Settings of a Tempo, out of the text of /status/config (YAML). Internal to tempo/. Thread: any. */
#ifndef BT_TEMPO_API_TEMPO_SETTINGS_H
#define BT_TEMPO_API_TEMPO_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of a setting: BT_TEMPO_PATH("query_frontend", "search", "ingester_shards"). */
#define BT_TEMPO_PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What stands behind the last key of the path, without spaces and quotes, up to the end of the text; NULL: it is not
 * there. Borrowed from config. */
const char *bt_tempo_setting(const char *config, const char *const *path);

/* Go's way to print a duration in hours, minutes and seconds: 1h0m30s, 30s, 0s. And Prometheus's, which has days, weeks
 * and years of 365 days: 2w. False: something else. */
bool bt_tempo_read_duration(const char *text, int64_t *out_ns);

#endif
