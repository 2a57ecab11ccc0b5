/* What a compliance report is of: framework, tenant, range, how much of it was settled, and the outcome of each control
 * and rule. `betrace verify-report` says it, because a true signature under another framework's report proves nothing;
 * and it holds it against what the auditor expects. Thread: the main thread. */
#ifndef BT_SERVER_CLI_REPORT_SUBJECT_H
#define BT_SERVER_CLI_REPORT_SUBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/compliance/time_stamp_request.h"

typedef struct bt_report_subject { /* borrowed from the document */
  const json_t *document;
  const char *framework, *tenant; /* tenant "": none */
  const char *start, *end, *settled_end;
  const char *key_id; /* of the key that the signature was checked with; NULL: none was */
  const bt_reported_stamp *stamp;
  int version; /* of its conclusions */
} bt_report_subject;
/* Of a document that bt_evidence_check has passed. */
bt_report_subject bt_report_subject_of(const json_t *document, const char *key_id, const bt_reported_stamp *stamp);

/* Its rules that nothing exercised. */
size_t bt_report_subject_idle(const bt_report_subject *subject);
void bt_report_subject_print(const bt_report_subject *subject);
/* Adds framework, tenant, range, settled, key_id, controls and rules. */
void bt_report_subject_add(const bt_report_subject *subject, json_t *object);

enum { BT_EXPECTATIONS_MAX = 16 };
typedef struct bt_expectations {
  const char *items[BT_EXPECTATIONS_MAX]; /* "framework=soc2"; borrowed */
  size_t count;
} bt_expectations;
/* False: it is none of framework=NAME, tenant=NAME, range=START/END, key=ID, timestamp=checked, timestamp=START/END and
 * version=N, or there are too many. */
bool bt_expectations_add(bt_expectations *expectations, const char *text);
/* new: an array of {what, expected, found} of those that do not hold; NULL: no memory. Where no version is named it is
 * this program's: reports of older ones have less to contradict, and whoever has the key can still write them. */
json_t *bt_expectations_check(const bt_expectations *expectations, const bt_report_subject *subject);
void bt_mismatches_print(const json_t *mismatches);

#endif
