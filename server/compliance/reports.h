/* Compliance reports under way and done. A report outlives the request that asked for it. While one is made, the same
 * question gets it, too, unless a rule was changed since. A caller who was told to ask again gets it after its end.
 * Finished ones stay in memory, under a limit for each tenant and one for all; the oldest is forgotten first. If the
 * common limit is reached, the tenant with the most reports makes room, so nobody pushes out the reports of another.
 * Everybody of a tenant who knows a report's id may read it; an editor, or the one who asked for it, may delete it. A
 * new report that says the same as the last one of its tenant, framework and range is dropped before anybody sees it,
 * and is not sent: the caller gets the last one. Thread: every function from any thread; a crew makes two reports at
 * once. */
#ifndef BT_SERVER_REPORTS_H
#define BT_SERVER_REPORTS_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/evidence.h"
#include "server/compliance/measurement.h"
#include "server/memory/account.h"
#include "server/metrics/metrics.h"
#include "server/replay/replay.h"
#include "server/store/rule_store.h"
#include "server/watch/watch.h"
#include "server/work/wait.h"
#include "server/work/workplace.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

typedef struct bt_reports bt_reports;

typedef struct bt_reports_options { /* all borrowed */
  bt_workplace *work;
  bt_source *source;
  bt_rule_store *store;
  bt_rule_elsewhere_of elsewhere; /* NULL: all rules are of the store that is asked */
  const void *elsewhere_context;
  bt_watch *watch;  /* or NULL */
  uint32_t at_once; /* reports that are made at once; 0: 2 */
  bt_metrics *metrics;
  bt_http_client *client;
  const bt_exporter_options *exporter; /* NULL: no `betrace.report` span is sent */
  const bt_evidence_key *key;          /* NULL: unsigned */
  const bt_evidence_keys *older_keys;  /* which signed before it; NULL: none */
  const char *timestamp_url;           /* of a time-stamp authority, for signed ones; or NULL */
  bt_assumptions assumptions;
  const char *version;
  int64_t started_at_ns;
  size_t memory_limit_bytes; /* of finished reports; 0: 64 MiB; of one tenant a quarter of it */
  bt_memory_account
      *memory; /* where they are counted, and replays for them ask for room; NULL: there is no other limit */
} bt_reports_options;

/* new. BT_NO_MEMORY alone. */
bt_status bt_reports_new(const bt_reports_options *options, bt_reports **out, bt_error *error) BT_MUST_CHECK;
/* Cancels what runs and waits for it. NULL is fine. */
void bt_reports_free(bt_reports *reports);

/* What they are signed with; NULL: they are not. */
const bt_evidence_key *bt_reports_key(const bt_reports *reports);

enum { BT_REPORT_ID_BYTES = 40 };

/* The latest end of a range that has settled to its end by the service's settings: what is reported where nobody says
 * an end. */
int64_t bt_reports_settled_ns(const bt_reports *reports, bt_source *source, int64_t now_ns);

typedef enum bt_report_form { BT_REPORT_JSON, BT_REPORT_HTML, BT_REPORT_OSCAL, BT_REPORT_DSSE } bt_report_form;

typedef struct bt_report_question { /* all borrowed */
  const char *tenant, *user;        /* user: or NULL */
  bt_str framework;
  bt_source *source;  /* which is asked */
  bool is_store_said; /* the question names it */
  bt_time_range range;
  bt_report_form form; /* of whoever is first to ask */
  bt_str words;        /* the range as it was said: "now-1d" is another range each time, and the same words */
  bool is_again;       /* the asker asks until there is one: what ended meanwhile is his, where it was promised */
} bt_report_question;
/* Queues one, or finds the one that answers the question. A report of another user is never the one, since its owner
 * may delete it. BT_LIMIT: too many are under way. BT_UNAVAILABLE: the system gives no random bytes. BT_NO_MEMORY. */
bt_status bt_reports_submit(bt_reports *reports, const bt_report_question *question, char report_id[BT_REPORT_ID_BYTES],
                            bt_error *error) BT_MUST_CHECK;
/* Its asker was told to ask the same again: for ten minutes after its end it is kept for one question that is_again. */
void bt_reports_promise(bt_reports *reports, const char *tenant, const char *report_id);

typedef enum bt_report_state { BT_REPORT_QUEUED, BT_REPORT_RUNNING, BT_REPORT_DONE, BT_REPORT_FAILED } bt_report_state;
const char *bt_report_state_name(bt_report_state state); /* "queued", "running", "completed", "failed" */

typedef struct bt_report_view { /* a copy; dispose it */
  char report_id[BT_REPORT_ID_BYTES];
  bt_report_state state;
  bt_report_form form; /* that was asked for first */
  double progress;
  bt_measure_progress so_far; /* parts 0: nothing has begun */
  char framework[256];
  bt_time_range range;
  int64_t created_at_ns;
  bt_buffer text;      /* of a finished one: its canonical JSON */
  char span_state[16]; /* "sent", "failed", "not_sent" */
  char message[512];   /* of a failed one, or why the span was not sent */
} bt_report_view;
void bt_report_view_dispose(bt_report_view *view);

/* Never waits: where it has not ended, `wait` is woken by its end (NULL: nobody waits), and bt_reports_stop_waiting
 * comes before the wait goes; after an error nobody waits. BT_NOT_FOUND: never was, forgotten, deleted, or another
 * tenant's. */
bt_status bt_reports_get(bt_reports *reports, const char *tenant, const char *report_id, bt_wait *wait,
                         bt_report_view *out, bt_error *error) BT_MUST_CHECK;
void bt_reports_stop_waiting(bt_reports *reports, bt_wait *wait); /* NULL is fine */
/* Cancels a running one, forgets a finished one. user: who may delete his own only; NULL: who may delete any.
 * BT_REFUSED: it is another's. BT_NOT_FOUND: there is none. */
bt_status bt_reports_delete(bt_reports *reports, const char *tenant, const char *user, const char *report_id,
                            bt_error *error) BT_MUST_CHECK;

#endif
