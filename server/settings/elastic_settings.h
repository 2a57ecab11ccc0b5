/* How an Elasticsearch or an OpenSearch is reached: ELASTICSEARCH_USER and the others of store_access.h, or those that
 * begin with OPENSEARCH. Only source_settings.c opens one. Thread: the main thread, before others start. */
#ifndef BT_SERVER_SETTINGS_ELASTIC_SETTINGS_H
#define BT_SERVER_SETTINGS_ELASTIC_SETTINGS_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

/* kind: "elasticsearch" or "opensearch", constant; url, pause_ms: as bt_elastic_options has them. *out is new. BT_IO,
 * BT_INVALID: the message names the setting and shows nothing of a secret. */
bt_status bt_elastic_settings_open(const char *kind, const char *url, int64_t pause_ms, bt_http_client *client,
                                   bt_source **out, bt_error *error) BT_MUST_CHECK;

#endif
