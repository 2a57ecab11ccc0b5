/* A compliance report: measures the rules of a framework over a range and writes what came out as entries of an
 * evidence chain (docs/COMPLIANCE.md lists their members). The other forms, HTML and OSCAL, are made of this document
 * and of nothing else. Thread: the caller's. */
#ifndef BT_SERVER_REPORT_BUILDER_H
#define BT_SERVER_REPORT_BUILDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/evidence.h"
#include "server/compliance/measurement.h"
#include "server/compliance/previous_report.h"
#include "server/memory/account.h"
#include "server/metrics/metrics.h"
#include "server/store/rule_store.h"
#include "server/watch/watch.h"

/* Of the conclusions of a report, in its first entry: 2 since each rule says what its finding rests on, 3 since time
 * stamps. Reports without one are of before (1). */
enum { BT_REPORT_VERSION = 3 };

typedef struct bt_report_request {
  bt_rule_store *store;
  bt_rule_elsewhere_of elsewhere; /* as in bt_reports_options */
  const void *elsewhere_context;
  bool is_store_said;
  bt_watch *watch;            /* NULL: nothing is watched */
  bt_metrics *metrics;        /* how far watch is with each rule; or NULL */
  const char *version;        /* of this program */
  int64_t started_at_ns;      /* of this program: watch is not known to have gone on before */
  const bt_evidence_key *key; /* NULL: unsigned */
  bool is_stamped;            /* a time stamp is asked for once it is signed */
  const char *report_id;
  bt_str framework; /* any spelling */
  /* Names the report before, of the framework as the report names it, once everything is measured and before it is
   * written; NULL: nobody knows. */
  bt_status (*name_previous)(void *context, bt_str framework, bt_previous_report *out, bt_error *error);
  void *previous_context;
  bt_memory_hold *hold; /* of the report, which asks for room there for all that it takes; its owner's afterwards; NULL:
                           there is no limit */
  bt_measure_request measure; /* source, range, now, assumptions, tenant, seed, cancel, progress */
} bt_report_request;

/* new. BT_CANCELLED, BT_NO_MEMORY, BT_INVALID; BT_LIMIT: there was no room (results_full); BT_IO when the store cannot
 * be read. */
bt_status bt_report_build(const bt_report_request *request, json_t **out, bt_error *error) BT_MUST_CHECK;

/* What a rule's numbers, or a control's rules, come to. In order of what a reader has to hear first. */
typedef enum bt_finding {
  BT_FINDING_VIOLATED,
  BT_FINDING_INCONCLUSIVE,     /* something was not read, judged or compared: it may be violated */
  BT_FINDING_INCOMPLETE,       /* the range had not settled to its end: it may be violated there */
  BT_FINDING_NO_DATA,          /* the source has no trace in the range */
  BT_FINDING_NOT_EVALUATED,    /* disabled, or a shadow: nothing is claimed */
  BT_FINDING_NOT_EXERCISED,    /* nothing that the rule speaks of happened */
  BT_FINDING_PARTLY_EXERCISED, /* of a control: some rules passed, others were not exercised */
  BT_FINDING_PASS,             /* exercised, and everything was read: no violation */
  BT_FINDING_NO_RULES          /* of a control: no rule speaks of it */
} bt_finding;
enum { BT_FINDING_COUNT = BT_FINDING_NO_RULES + 1 };
const char *bt_finding_name(bt_finding finding); /* "violated", … "no_rules" */
/* Of a rule. reason: why it is not more, for people; "" where nothing has to be said. */
enum { BT_REASON_BYTES = 900 };
bt_finding bt_finding_of_rule(const bt_measured *rule, const bt_measurement *all, char reason[BT_REASON_BYTES]);
/* Of a rule with settings of its own, whose text was also measured with the service's: a setting never makes a finding
 * better, so the worse one counts. reason: in what it is own's, out what it is of the finding. */
bt_finding bt_finding_of_both(const bt_measured *own, bt_finding by_own, bt_finding by_service,
                              const char *service_reason, char reason[BT_REASON_BYTES]);
/* Of a control whose rules these are, shadows and disabled ones left out. */
bt_finding bt_finding_of_control(const bt_finding *rules, size_t count);
/* The same where a rule that may stand for this control, or did so inside the range, says nothing: it cannot be read,
 * or was disabled, put on trial or taken away. Then nothing good is claimed. */
bt_finding bt_finding_beside_unknown(bt_finding finding, bool has_unknown);

#endif
