/* What the service is made of; given to every HTTP handler. Thread: set up before the server starts, then read only
 * (each part says itself which threads may use it). */
#ifndef BT_SERVER_HTTP_SERVICE_H
#define BT_SERVER_HTTP_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/compliance/reports.h"
#include "server/memory/account.h"
#include "server/metrics/metrics.h"
#include "server/query/evaluation.h"
#include "server/query/series.h"
#include "server/query/silent_watch.h"
#include "server/query/tag_cache.h"
#include "server/replay/job.h"
#include "server/replay/price.h"
#include "server/replay/replay.h"
#include "server/store/rule_store.h"
#include "server/telemetry/own_spans.h"
#include "server/watch/watch.h"
#include "server/work/workplace.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

/* A store beside the service's own. */
typedef struct bt_named_store {
  const char *name; /* of the server */
  bt_source *source;
  bt_workplace *work;
  bt_watch *watch; /* NULL: nothing is watched */
} bt_named_store;
enum { BT_NAMED_STORES = 16 };
/* A store that is this tenant's: open to it, and to others that have it too. */
typedef struct bt_store_grant {
  bt_str tenant;
  const char *store;
} bt_store_grant;
enum { BT_STORE_GRANTS = 256 };

typedef struct bt_service {
  bt_rule_store *store;
  bt_source *source; /* what is asked where no store is named */
  bt_named_store named[BT_NAMED_STORES];
  size_t named_count;
  const bt_store_grant *grants;
  size_t grant_count;
  bt_source *memory;          /* the source, where it takes pushed spans; else NULL */
  bt_memory_account *account; /* of all that answers and what makes them hold */
  bt_job_queue *jobs;
  bt_evaluations *evaluations; /* violations on demand */
  bt_series_pool *series;      /* counts by steps */
  bt_reports *reports;         /* of compliance */
  bt_watch *watch;             /* NULL: nothing is watched */
  bt_silent_watch *silence;    /* NULL: nobody looks whether rules fall silent */
  bt_tag_cache *tags;          /* for completion */
  bt_http_client *client;
  bt_metrics *metrics;
  bt_price_table *prices;              /* what each rule has cost the store so far */
  const bt_exporter_options *exporter; /* NULL: no OTLP endpoint */
  bt_own_spans *own_spans;             /* NULL: there are no traces of the service itself */
  bt_assumptions assumptions;          /* of the service; rules may override theirs */
  int64_t max_range_ns;                /* of one replay; 0: none */
  int64_t started_at_ns;
  int64_t started_steady_ns; /* the same on a clock that nobody sets */
  bt_workplace *work;        /* threads, deadlines, and the scope of all */
  bool has_mcp_writes;       /* assistants of /mcp may store rules, where their token may */
  const char *version;
} bt_service;

#endif
