/* ClickHouse as a trace source: a table that the Collector's ClickHouse exporter fills, with attributes as Map (its
 * default). It is asked over HTTP in SQL, and answers in RowBinary. Searches go by a condition on one row
 * (clickhouse_filter.h); rules are judged here, on whole traces or on the spans that they speak of. The store keeps
 * texts without their types (untyped_text.h). docs/howto/ask-your-clickhouse.md says what it takes of ClickHouse.
 * Thread: any may use a source at once, and each call blocks its caller. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SOURCE_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SOURCE_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_clickhouse_options {
  const char *url;             /* http://host:8123/DATABASE, with ?table=TABLE or for otel_traces without */
  const char *user, *password; /* copied; NULL: nobody, and without a password. No message ever holds them */
  const char *ca_file;         /* as in bt_tempo_options */
  int64_t timeout_ms;          /* of one request; 0: 300,000 */
  int64_t pause_ms;            /* before a request is tried again, doubled from time to time; 0: 250 */
  uint32_t ids_per_read;       /* traces of one batch at most; 0: as many as fit */
} bt_clickhouse_options;

/* new. The client is borrowed and must outlive the source. BT_INVALID: the URL is not one of such a table, or the user
 * or the password cannot be sent. Does not connect. */
bt_status bt_clickhouse_source_new(bt_http_client *client, const bt_clickhouse_options *options, bt_source **out,
                                   bt_error *error) BT_MUST_CHECK;

#endif
