/* `betrace changed` without sides: which deploys the range has, and which of them is compared. Thread: the main thread.
 */
#ifndef BT_SERVER_CLI_LAB_CHANGED_DEPLOYS_H
#define BT_SERVER_CLI_LAB_CHANGED_DEPLOYS_H

#include <jansson.h>

#include "server/query/changed.h"
#include "server/query/deploys.h"

typedef struct bt_changed_deploys { /* all-zero: nobody looked for any; bt_changed_deploys_dispose */
  bt_versions versions;
  bt_trace_sample_account account;
  uint64_t traces;         /* that were looked at */
  const bt_deploy *chosen; /* NULL: none */
  bt_str *services;        /* that it brought to its version */
  size_t service_count;
} bt_changed_deploys;

/* Looks at a sample of the range. wanted: "SERVICE=VERSION"; NULL: the most recent one. BT_NOT_FOUND: there is none, or
 * no such one, and the error says what there is. Else errors are those of bt_trace_sample_read. */
bt_status bt_changed_deploys_find(bt_source *source, const bt_replay_request *replay, size_t sample, const char *wanted,
                                  bt_changed_deploys *out, bt_error *error) BT_MUST_CHECK;
/* The new version on its services against their other traces, in that range. Borrows the deploys. */
void bt_changed_deploys_set_sides(const bt_changed_deploys *deploys, bt_time_range range,
                                  bt_changed_side sides[BT_MINE_GROUPS]);
/* Appends lines: the deploys, which one is compared, and how to choose another one. */
void bt_changed_deploys_write(const bt_changed_deploys *deploys, bt_buffer *out);
/* new: [{service, from, to, first_seen, region, compared}]. NULL: no memory. */
json_t *bt_changed_deploys_json(const bt_changed_deploys *deploys);
void bt_changed_deploys_dispose(bt_changed_deploys *deploys);

#endif
