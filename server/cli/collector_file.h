/* A Collector's file that was given to a command: read, held against rules, and told. Thread: the main thread. */
#ifndef BT_SERVER_CLI_COLLECTOR_FILE_H
#define BT_SERVER_CLI_COLLECTOR_FILE_H

#include <jansson.h>

#include "server/cli/cli.h"
#include "server/sampler/collector_check.h"

typedef struct bt_collector_file { /* all-zero at first */
  const char *path;                /* borrowed */
  char *text;
  bt_collector_check check;
} bt_collector_file;

/* BT_INVALID: the file cannot be read; BT_NO_MEMORY. Dispose in every case. */
bt_status bt_collector_file_check(bt_collector_file *file, const char *path, const bt_cli_rules *rules,
                                  double keep_percent, bt_error *error) BT_MUST_CHECK;
void bt_collector_file_dispose(bt_collector_file *file);
/* A line for each policy that is not as it should be, and one that counts. */
void bt_collector_file_print(const bt_collector_file *file, size_t rule_count);
/* {file, in_step, missing, edited, stale, left_over, dropped_before, not_compared}; new, for the caller to release.
 * NULL: no memory. */
json_t *bt_collector_file_json(const bt_collector_file *file);
/* BT_EXIT_FOUND: it is behind the rules. BT_EXIT_UNKNOWN: what its policies keep could not be compared. */
int bt_collector_file_exit(const bt_collector_file *file);

#endif
