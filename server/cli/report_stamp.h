/* What `betrace verify-report` says of the time stamp of a report. Thread: the main thread. */
#ifndef BT_SERVER_CLI_REPORT_STAMP_H
#define BT_SERVER_CLI_REPORT_STAMP_H

#include <jansson.h>
#include <stdbool.h>

#include "server/compliance/time_stamp_request.h"

/* ca_file: what it was checked against; NULL: it was not. made_at: when the report says that it was evaluated; a stamp
 * of much later shows that it was not. */
void bt_report_stamp_print(const bt_reported_stamp *stamp, const char *ca_file, const char *made_at);
json_t *bt_report_stamp_json(const bt_reported_stamp *stamp, const char *made_at); /* new */

/* "checked", or START/END that the time of a checked one has to lie in: what --expect timestamp= takes. */
bool bt_report_stamp_is_expectation(const char *text);
bool bt_report_stamp_holds(const bt_reported_stamp *stamp, const char *expected);
/* What is there instead: "none", "not checked", or its time. */
json_t *bt_report_stamp_found_json(const bt_reported_stamp *stamp); /* new. NULL: no memory */

#endif
