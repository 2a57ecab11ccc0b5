/* Elasticsearch and OpenSearch as a trace source: indices that Data Prepper fills in its standard format. Spans are
 * read from the documents as they were sent (`_source`), so what an index makes of a value changes nothing. A search
 * asks for what the indices can say, and widens the rest. docs/howto/ask-your-opensearch.md says what it takes. Thread:
 * any may use a source at once, and each call blocks its caller. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_SOURCE_H
#define BT_TEMPO_ELASTIC_ELASTIC_SOURCE_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_elastic_options {
  const char *kind;            /* "elasticsearch" or "opensearch": how the source calls itself; a constant */
  const char *url;             /* http://host:9200, with ?index=PATTERN or for otel-v1-apm-span-* without */
  const char *user, *password; /* copied; NULL: nobody. No message ever holds them */
  const char *api_key;         /* copied; instead of them, or NULL */
  const char *ca_file;         /* as in bt_tempo_options */
  int64_t timeout_ms;          /* of one request; 0: 300,000 */
  int64_t pause_ms;            /* before a request is tried again, doubled from time to time; 0: 250 */
  uint32_t rows_per_answer;    /* at most; 0: as many as the indices allow */
} bt_elastic_options;

/* new. The client is borrowed and must outlive the source. BT_INVALID: the URL is not one of such indices, or the
 * credentials cannot be sent. Does not connect. */
bt_status bt_elastic_source_new(bt_http_client *client, const bt_elastic_options *options, bt_source **out,
                                bt_error *error) BT_MUST_CHECK;

#endif
