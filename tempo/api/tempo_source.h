/* Tempo as a trace source: exhaustive search and whole traces in batches or by id, over one HTTP client thread
 * (http_client.h). What of Tempo it relies on is measured by tests named facts_*. Thread: any may use a source at once,
 * and each call blocks its caller. */
#ifndef BT_TEMPO_API_TEMPO_SOURCE_H
#define BT_TEMPO_API_TEMPO_SOURCE_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_tempo_options {
  const char *url;       /* http://host:port, with or without a path that its API lies under (https://host/tempo) */
  uint32_t search_limit; /* traces an answer may hold; 0: 30,000 */
  int64_t max_range_ns;  /* longest range of one search; 0: 168 h */
  uint32_t windows;      /* windows asked for at once, more where the client allows more; 1: no more. 0: 2 */
  int64_t timeout_ms;    /* of one request; 0: 120,000 */
  uint32_t
      replication;  /* ingesters that hold each span; 0: what /status/config says, and where that is hidden, several */
  int64_t pause_ms; /* before a request is tried again, doubled from time to time; 0: 250 */
  /* Copied. Basic authentication (both) or a bearer token; none: NULL. No message ever holds them. */
  const char *user, *password, *token;
  const char *ca_file; /* certificates (PEM) of authorities to trust for https, besides the system's; or NULL */
  /* Told, by whoever takes an answer, when it is seen that our clock is ahead of Tempo's; or NULL. */
  void (*on_clock_ahead)(int64_t ahead_ns);
} bt_tempo_options;

/* new. The client is borrowed and must outlive the source. BT_INVALID: the URL is not one, or the credentials cannot be
 * sent. Does not connect. */
bt_status bt_tempo_source_new(bt_http_client *client, const bt_tempo_options *options, bt_source **out,
                              bt_error *error) BT_MUST_CHECK;

/* What no operation asks: a GET of `path` (with its query) below the address of a source that bt_tempo_source_new made;
 * of no tenant, not tried again. BT_OK: an answer of whatever status. Dispose the response in every case. Errors are
 * those of bt_http_send. */
bt_status bt_tempo_source_get(bt_source *source, const char *path, const bt_cancel *cancel, bt_http_response *response,
                              bt_error *error) BT_MUST_CHECK;

#endif
