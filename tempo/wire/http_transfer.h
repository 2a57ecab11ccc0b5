/* One HTTP transfer: a curl easy handle with the limits that every request of ours has, and the body that it collects.
 * We unpack the body ourselves, to notice a stream without its end (curl passes it as complete). Thread: the client
 * thread. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_HTTP_TRANSFER_H
#define BT_TEMPO_WIRE_HTTP_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/gzip.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/zstd.h"

typedef enum bt_http_packed { BT_HTTP_NOT_PACKED, BT_HTTP_GZIP, BT_HTTP_ZSTD } bt_http_packed;

typedef struct bt_http_transfer {
  CURL *easy;
  struct curl_slist *headers;
  bt_http_response *response; /* borrowed */
  const char *kept_header;    /* borrowed; or NULL */
  size_t max_body_bytes;
  int64_t timeout_ms;
  bt_status body_status; /* why the write callback gave up; BT_OK: it did not */
  bt_http_packed packed; /* the answer */
  bt_gzip *gzip;         /* what unpacks it; NULL: nothing came yet */
  bt_zstd *zstd;
  int64_t asked_ns; /* our steady clock when it was made */
  bool is_kept;     /* the answer lay in a cache */
  bool framed;      /* it has a length or is chunked: being cut off shows */
} bt_http_transfer;

/* Sets up transfer->easy; on failure everything is disposed of. BT_INVALID: not an http or https URL. BT_NO_MEMORY. The
 * transfer must not move until dispose. */
bt_status bt_http_transfer_init(bt_http_transfer *transfer, const bt_http_request *request, const char *user_agent,
                                bt_http_response *response, bt_error *error) BT_MUST_CHECK;
/* What curl's result means; fills the response's status, type and Retry-After. Errors are those of bt_http_send but
 * BT_CANCELLED. */
bt_status bt_http_transfer_result(bt_http_transfer *transfer, CURLcode code, bt_error *error) BT_MUST_CHECK;
void bt_http_transfer_dispose(bt_http_transfer *transfer);

#endif
