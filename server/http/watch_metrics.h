/* What /metrics says of watch: how far it is, what it could not do, what it sent. Thread: any. */
#ifndef BT_SERVER_HTTP_WATCH_METRICS_H
#define BT_SERVER_HTTP_WATCH_METRICS_H

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/service.h"

/* Appends the families, without samples where nothing is watched. only_tenant NULL: of all tenants, and of what they
 * share. BT_NO_MEMORY alone. */
bt_status bt_watch_metrics_write(const bt_service *service, const char *only_tenant, bt_buffer *out,
                                 bt_error *error) BT_MUST_CHECK;

typedef struct bt_rule_tenants { /* borrowed */
  const char *const *names;
  size_t count;
} bt_rule_tenants;
/* Joins into out, one for each tenant: how its traces were sampled, as those say that watch read whole. BT_NO_MEMORY
 * alone. */
bt_status bt_watch_metrics_sampling(const bt_service *service, const bt_rule_tenants *tenants, bt_sampled_traces *out,
                                    bt_error *error) BT_MUST_CHECK;

#endif
