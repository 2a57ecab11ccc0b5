/* RFC 3161 time stamps through libcrypto: what is asked of a time-stamp authority, whether its answer is the one to
 * that question, and what a token says and proves. All of ASN.1 and CMS is read by libcrypto. Thread: values, no state.
 */
#ifndef BT_SERVER_TIME_STAMP_H
#define BT_SERVER_TIME_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_TIME_STAMP_MAX_BYTES = 256 << 10 /* of an answer: a token, its certificate and what that hangs on */ };

typedef struct bt_time_stamp_query {
  uint64_t nonce;
  bt_str stamped; /* borrowed */
  bt_buffer der;  /* what is sent */
} bt_time_stamp_query;
/* Asks for a token over the SHA-256 of `stamped`, with a random nonce, and for the certificate that it is signed with.
 * Dispose in every case. BT_UNAVAILABLE: the system gives no random bytes. BT_NO_MEMORY. */
bt_status bt_time_stamp_query_make(bt_str stamped, bt_time_stamp_query *out, bt_error *error) BT_MUST_CHECK;
void bt_time_stamp_query_dispose(bt_time_stamp_query *query);

/* Appends the token (DER) of an answer that was granted, is over what was asked, has the nonce, and is signed by the
 * certificate in it. BT_INVALID: it is not, and what. */
bt_status bt_time_stamp_take(const bt_time_stamp_query *query, bt_str answer, bt_buffer *token,
                             bt_error *error) BT_MUST_CHECK;

typedef struct bt_time_stamp {
  int64_t time_ns;
  char by[256];    /* name of the certificate that it is signed with */
  bool is_checked; /* that certificate hangs on a trusted authority, and may stamp times */
  bool is_expired; /* it was valid when it stamped, and is no more */
} bt_time_stamp;
/* A token (DER) over `stamped`: its imprint, and its signature by the certificate in it. ca_file: authorities (PEM)
 * that this certificate has to hang on, at the time of the token; NULL: not looked at. BT_INVALID: it does not hold,
 * and what; BT_IO: the authorities cannot be read. */
bt_status bt_time_stamp_check(bt_str token, bt_str stamped, const char *ca_file, bt_time_stamp *out,
                              bt_error *error) BT_MUST_CHECK;

#endif
