/* The report before: each report names the last one of its framework and tenant by id and head, so that who has them
 * all sees that none is missing between them. The service knows its own since it started, and those of before by the
 * spans that they left in the store: one counts where its head is signed by the service's key. Where neither tells, the
 * report says that it does not know, and why. Thread: any; what is remembered is locked by its owner. */
#ifndef BT_SERVER_PREVIOUS_REPORT_H
#define BT_SERVER_PREVIOUS_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/evidence.h"
#include "server/compliance/other_reports.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef enum bt_known_by { BT_KNOWN_BY_NOBODY, BT_KNOWN_BY_SERVICE, BT_KNOWN_BY_SPAN } bt_known_by;

typedef struct bt_previous_report {
  bt_known_by known_by;
  char report_id[BT_OTHER_REPORT_TEXT], head[BT_OTHER_REPORT_TEXT];
  char reason[200]; /* why it is not known */
} bt_previous_report;
/* new: {report_id, head, known_by, reason}; the first three are null where it is not known, and the last where it is.
 * NULL: no memory. */
json_t *bt_previous_report_json(const bt_previous_report *previous);
/* Whether a report's member is one that bt_previous_report_json makes. */
bool bt_previous_report_is_right(const json_t *previous);

/* The last report of each framework and tenant that this process made. Thread: none of its own; the owner locks. */
typedef struct bt_last_reports bt_last_reports;
bt_last_reports *bt_last_reports_new(void); /* new; NULL: no memory */
void bt_last_reports_free(bt_last_reports *last);
bool bt_last_reports_find(const bt_last_reports *last, const char *tenant, bt_str framework, bt_previous_report *out);
/* The framework and tenant whose turn is longest ago make room: then their next report asks the store, as after a
 * start. BT_NO_MEMORY alone. */
bt_status bt_last_reports_set(bt_last_reports *last, const char *tenant, bt_str framework, const char *report_id,
                              const char *head, bt_error *error) BT_MUST_CHECK;

/* By the newest span in [now - back, now] with a head that this key has signed, or one of before. Fills the reason
 * where there is none, or where not all could be looked at. BT_CANCELLED, BT_NO_MEMORY. */
typedef struct bt_previous_question {
  bt_source *source;
  const char *tenant; /* "": none */
  bt_str framework;
  const bt_evidence_key *key;
  const bt_evidence_keys *older_keys; /* NULL: none */
  int64_t now_ns, back_ns;
  const bt_cancel *cancel;
} bt_previous_question;
bt_status bt_previous_report_ask(const bt_previous_question *question, bt_previous_report *out,
                                 bt_error *error) BT_MUST_CHECK;

#endif
