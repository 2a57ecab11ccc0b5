/* Whether the reports that somebody shows follow each other without a gap: each names the one before it of its
 * framework and tenant. `betrace verify-report` says it of several files, or of those in a folder. Thread: the main
 * thread. */
#ifndef BT_SERVER_CLI_REPORT_CHAIN_H
#define BT_SERVER_CLI_REPORT_CHAIN_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "server/cli/command.h"
#include "server/cli/rule_paths.h"

/* The files of operands: a folder stands for its *.json files, in the order of their names. BT_INVALID: a folder
 * without one; BT_IO; BT_NO_MEMORY. Dispose with bt_rule_paths_dispose in any case. */
bt_status bt_report_files_find(const bt_operands *operands, bt_rule_paths *out, bt_error *error) BT_MUST_CHECK;

/* Of a report that holds: {report_id, framework, tenant, head, made_at, previous}; new. NULL: no memory. */
json_t *bt_report_link_json(const json_t *document);

/* new: of each framework and tenant among the links {framework, tenant, reports, first, last, begins_after, missing,
 * unknown, forks, whole}; NULL: no memory. missing: named by one that is here, and not here; unknown: what comes after
 * a gap that nobody can judge; forks: named by two. */
json_t *bt_report_chains_json(const json_t *links);
void bt_report_chains_print(const json_t *chains);
/* BT_EXIT_FINE: all are whole; BT_EXIT_FOUND: one has a gap or a fork; BT_EXIT_UNKNOWN: a report does not say which one
 * it follows. */
int bt_report_chains_code(const json_t *chains);

/* "previous   rep-…" of one report. */
void bt_report_previous_print(const json_t *document);

#endif
