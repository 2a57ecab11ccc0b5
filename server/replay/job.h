/* Replay jobs: a queue with workers, results in memory under a cap, progress, cancel. A replay outlives the request
 * that started it. Thread: every function may be called from any thread; none blocks on I/O (state is behind one
 * mutex). */
#ifndef BT_SERVER_REPLAY_JOB_H
#define BT_SERVER_REPLAY_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/memory/account.h"
#include "server/metrics/metrics.h"
#include "server/replay/price.h"
#include "server/replay/replay.h"
#include "server/replay/trust.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "server/work/workplace.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

typedef struct bt_job_queue bt_job_queue;

enum { BT_REPLAYS_BESIDE = 1 }; /* places beside max_replays: whoever has no replay running does not wait for others */

typedef struct bt_job_queue_options {
  bt_workplace *work;                  /* borrowed */
  bt_source *source;                   /* borrowed */
  bt_http_client *client;              /* for emission; NULL: nothing is emitted */
  const bt_exporter_options *exporter; /* NULL: nothing is emitted */
  bt_assumptions assumptions;
  uint32_t max_replays;      /* running at once, besides one of a tenant that has no other; 0: 4 */
  size_t memory_limit_bytes; /* without an account: of one of its own; 0: 256 MiB */
  bt_memory_account *memory; /* what jobs hold is asked for there, and the queue is its keeper; NULL: it has its own */
  bool emit_at_original_time;
  bt_price_table *prices; /* what replays cost is added to it; NULL: to none */
  bt_trust *trust;        /* what replays compared counts for later ones; NULL: it does not */
  bt_metrics *metrics;    /* counts replays and what they evaluate; NULL: nobody counts */
} bt_job_queue_options;

/* new. BT_NO_MEMORY alone. */
bt_status bt_job_queue_new(const bt_job_queue_options *options, bt_job_queue **out, bt_error *error) BT_MUST_CHECK;
/* Cancels what runs, waits for the workers to end (at most about a second each) and frees everything. */
void bt_job_queue_free(bt_job_queue *queue);

typedef struct bt_job_request {
  const bt_rule_definition *const *rules; /* references are taken */
  size_t rule_count;
  bt_time_range range;
  bool emit;
  bt_count_mode count;
  const char *tenant; /* or NULL */
  bt_source *source;  /* borrowed, as that of the queue; NULL: the queue's. Of another one nothing is emitted. */
} bt_job_request;

enum { BT_REPLAY_ID_BYTES = 40 };

/* Queues it. replay_id gets a fresh id ("r-" and 32 hex digits). BT_INVALID: no rule, or an empty range. BT_LIMIT: too
 * many are queued. BT_UNAVAILABLE: the system gives no random bytes. BT_NO_MEMORY. */
bt_status bt_job_submit(bt_job_queue *queue, const bt_job_request *request, char replay_id[BT_REPLAY_ID_BYTES],
                        bt_error *error) BT_MUST_CHECK;

typedef enum bt_job_state {
  BT_JOB_QUEUED,
  BT_JOB_RUNNING,
  BT_JOB_COMPLETED,
  BT_JOB_INCOMPLETE,
  BT_JOB_CANCELLED,
  BT_JOB_FAILED
} bt_job_state;
const char *bt_job_state_name(bt_job_state state); /* "queued", … */

typedef struct bt_job_view { /* a copy of what is known now; dispose it */
  char replay_id[BT_REPLAY_ID_BYTES];
  uint64_t number; /* of its submission, from 1 */
  bt_job_state state;
  bt_time_range range;
  const char *store;                                    /* of the source; NULL: there is but one */
  double progress;                                      /* 0 to 1 */
  int64_t created_at_ns, started_at_ns, finished_at_ns; /* 0: not yet */
  bool emit;
  const bt_rule_definition **rules; /* shared */
  size_t rule_count;
  bt_replay_result result; /* what is known so far while it runs; coverage only once it ended */
  uint64_t spans_emitted, spans_already_there, spans_failed;
  char emission_message[200];
} bt_job_view;
void bt_job_view_dispose(bt_job_view *view);

/* BT_NOT_FOUND: never was, forgotten, or of another tenant (the message says which of them could be). */
bt_status bt_job_get(bt_job_queue *queue, const char *tenant, const char *replay_id, bt_job_view *out,
                     bt_error *error) BT_MUST_CHECK;
/* The latest replay that had this rule. BT_NOT_FOUND: there is none. BT_NO_MEMORY. */
bt_status bt_job_latest(bt_job_queue *queue, const char *tenant, const char *rule_id, bt_job_view *out,
                        bt_error *error) BT_MUST_CHECK;
typedef struct bt_job_listing {
  bt_job_view *views; /* newest first; dispose each, and free the array */
  size_t count;
  bool goes_on; /* there are older ones */
} bt_job_listing;
/* Of a tenant, at most `limit` replays of those that were submitted before the one with the number `before` (0: from
 * the newest). BT_NO_MEMORY alone. */
bt_status bt_job_list(bt_job_queue *queue, const char *tenant, uint64_t before, size_t limit, bt_job_listing *out,
                      bt_error *error) BT_MUST_CHECK;
void bt_job_listing_dispose(bt_job_listing *listing);
/* A running one is cancelled, a finished one forgotten. BT_NOT_FOUND as above. */
bt_status bt_job_cancel(bt_job_queue *queue, const char *tenant, const char *replay_id, bt_error *error) BT_MUST_CHECK;

typedef struct bt_job_stats {
  size_t queued, running, finished; /* replays that are kept, by state */
  size_t result_bytes, result_limit_bytes;
} bt_job_stats;
void bt_job_queue_stats(bt_job_queue *queue, bt_job_stats *out);

typedef bt_status (*bt_job_violation_visit)(void *context, const bt_rule_definition *definition,
                                            const bt_violation *violation);
/* In which order violations are numbered. By arrival a number never changes, so that a reader who begins while the
 * job runs can go on to its end without missing one or getting one twice. */
typedef enum bt_job_order {
  BT_JOB_BY_TIME,   /* (time, id): of a finished job; of one that runs, by arrival */
  BT_JOB_BY_ARRIVAL /* as they were found */
} bt_job_order;

typedef struct bt_job_page {
  bt_job_order order; /* the one that was taken */
  size_t total;       /* violations that are there now */
  bt_job_state state;
  bool is_finished; /* there will be no more */
} bt_job_page;

/* Visits violations number first … first + limit − 1. The visit runs without the queue's lock; what it is given is
 * there until it returns, also when the replay is forgotten meanwhile. `limit` counts violations. BT_NOT_FOUND as
 * above, or what the visit returned. */
bt_status bt_job_violations(bt_job_queue *queue, const char *tenant, const char *replay_id, bt_job_order order,
                            size_t first, size_t limit, bt_job_violation_visit visit, void *context, bt_job_page *page,
                            bt_error *error) BT_MUST_CHECK;

#endif
