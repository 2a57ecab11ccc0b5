/* Where a program under test sends its spans: OTLP over HTTP, protobuf or JSON, gzip or not, and in builds with gRPC
 * over gRPC too. It takes traces, and takes and drops metrics, logs and profiles, which the same setting of an SDK
 * sends. Bodies are checked, and kept as they came in files that the file source reads: spans of a trace come in many
 * pieces. What is sent and not kept is counted, wherever it got lost: a connection that is refused or ends early too.
 * Thread: start, look, end and free are the main thread's; requests are answered on threads of the HTTP server. */
#ifndef BT_SERVER_CLI_LAB_OTLP_RECEIVER_H
#define BT_SERVER_CLI_LAB_OTLP_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"

typedef struct bt_receiver bt_receiver;

typedef struct bt_receiver_options {
  const char *listen;  /* "127.0.0.1:4318"; port 0 takes a free one */
  const char *forward; /* base URL of a receiver that is sent the same; NULL: none. Borrowed */
} bt_receiver_options;

typedef struct bt_refusal {
  uint64_t count;
  char why[320];
} bt_refusal;

enum { BT_REFUSALS_MAX = 10 };

typedef struct bt_received {
  uint64_t requests, spans;
  uint64_t refused; /* requests that were cut, or not understood, or went elsewhere: what they held is not known */
  bt_refusal refusals[BT_REFUSALS_MAX]; /* the same by reason, the most first; one has all that have no place */
  size_t refusal_count;
  uint32_t under_way;     /* requests of which something came, and nothing else is known yet */
  uint64_t not_sent;      /* requests that the other receiver did not take */
  char why_not_sent[256]; /* of the last of them */
  int64_t last_ns;        /* monotonic; when the last request with spans came; 0: none */
} bt_received;

/* new. Listens at once. BT_INVALID or BT_IO: the address, or the folder for temporary files (TMPDIR). BT_LIMIT: the
 * system gives no thread. BT_UNAVAILABLE: curl cannot be initialised. BT_NO_MEMORY. */
bt_status bt_receiver_start(const bt_receiver_options *options, bt_receiver **out, bt_error *error) BT_MUST_CHECK;
uint16_t bt_receiver_port(const bt_receiver *receiver);
/* Of OTLP over gRPC, on the same host; 0: this build has none. */
uint16_t bt_receiver_grpc_port(const bt_receiver *receiver);
void bt_receiver_look(bt_receiver *receiver, bt_received *out);
/* Takes no more, and finishes its files. BT_IO: they are not whole. */
bt_status bt_receiver_end(bt_receiver *receiver, bt_error *error) BT_MUST_CHECK;
/* After the end: the files with spans, borrowed until it is freed; how many there are. */
size_t bt_receiver_files(const bt_receiver *receiver, const char *paths[2]);
/* Removes the files. NULL is fine. */
void bt_receiver_free(bt_receiver *receiver);

#endif
