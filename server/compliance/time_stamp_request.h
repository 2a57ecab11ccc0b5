/* The time stamp of a report: asked of a time-stamp authority (RFC 3161 over HTTP) once the report is signed, kept next
 * to the signature, and checked. It is over the bytes that the signature is over. An authority that is away, slow or
 * wrong never prevents a report, which then says why it has none. Thread: the caller's; asking blocks for ten seconds
 * at most. */
#ifndef BT_SERVER_TIME_STAMP_REQUEST_H
#define BT_SERVER_TIME_STAMP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/error.h"
#include "server/compliance/time_stamp.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"

/* Puts {token, reason} into the evidence of a signed document, one of them null. reason: why there is no token, for
 * people; "" where there is one. BT_OK also where there is none; else BT_NO_MEMORY. */
enum { BT_TIME_STAMP_REASON_BYTES = 400 };
bt_status bt_time_stamp_add(bt_http_client *client, const char *url, json_t *document, const bt_cancel *cancel,
                            char reason[BT_TIME_STAMP_REASON_BYTES], bt_error *error) BT_MUST_CHECK;

typedef struct bt_reported_stamp {
  bool is_there;
  const char *reason; /* of the document, borrowed: why there is none; NULL: nobody was asked, or it does not say */
  bt_time_stamp stamp;
} bt_reported_stamp;
/* Of a document that bt_evidence_check has passed. BT_INVALID: a token is there and does not hold
 * (bt_time_stamp_check). BT_IO: libcrypto has no certificates to check by. BT_NO_MEMORY. */
bt_status bt_time_stamp_read(const json_t *document, const char *ca_file, bt_reported_stamp *out,
                             bt_error *error) BT_MUST_CHECK;

#endif
