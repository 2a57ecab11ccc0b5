/* Problems of rule files, and rules that traces violate, as SARIF 2.1.0, which code hosts show next to the lines of a
 * change. Thread: no state. */
#ifndef BT_SERVER_SARIF_H
#define BT_SERVER_SARIF_H

#include <jansson.h>
#include <stdbool.h>

/* A new log with one run. `is_whole`: every file could be read; else the run says that it did not succeed, so that
 * nobody takes what is not listed for mended. `problems`: an array as check_json.h writes it, each with its `file`
 * besides (and a "note", which is nothing wrong, among the severities). Without a `file` it has no place. `meaning`
 * says what its `code` means, where that is none of the checker's. NULL: no memory. */
json_t *bt_sarif_json(const json_t *problems, bool is_whole, const char *version);

#endif
