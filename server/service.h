/* What the service is made of; given to every HTTP handler. Thread: set up before the server starts, then read only (each part says itself
 * which threads may use it). */
#ifndef BT_SERVER_SERVICE_H
#define BT_SERVER_SERVICE_H

#include "server/replay/job.h"
#include "server/store/rule_store.h"

typedef struct bt_service {
  bt_rule_store *store;
  bt_source *source;
  bt_job_queue *jobs;
  bt_http_client *client;
  const bt_exporter_options *exporter; /* NULL: no OTLP endpoint */
  bt_assumptions assumptions;          /* of the service; rules may override theirs */
  int64_t max_range_ns;                /* of one replay; 0: none */
  int64_t started_at_ns;
  bt_cancel stopping; /* set when the service ends: requests that take long stop then */
  const char *version;
} bt_service;

#endif
