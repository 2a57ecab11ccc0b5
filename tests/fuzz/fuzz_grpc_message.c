/* Messages of gRPC from outside: the program can write again what it reads, and reads that as the same message. */
#include <stdlib.h>

#include "server/grpc/betrace/v1/rule.pb-c.h"
#include "server/grpc/betrace/v1/span.pb-c.h"
#include "server/grpc/betrace/v1/violation.pb-c.h"
#include "server/grpc/transcoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bare values lose which kind of message they were, so spans are only read. */
static void check(const ProtobufCMessageDescriptor *type, bt_str bytes, bool is_written) {
  json_t *read = NULL, *again = NULL;
  bt_buffer wire = {0};
  if (bt_grpc_to_json(type, bytes, &read, NULL) != BT_OK) return;
  if (is_written) {
    if (bt_grpc_from_json(type, read, &wire, NULL) != BT_OK) abort();
    if (bt_grpc_to_json(type, bt_buffer_str(&wire), &again, NULL) != BT_OK) abort();
    if (!json_equal(read, again)) abort();
  }
  json_decref(read);
  json_decref(again);
  bt_buffer_dispose(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str bytes = {(const char *)data, size};
  check(&betrace__v1__update_rule_request__descriptor, bytes, true);
  check(&betrace__v1__query_violations_response__descriptor, bytes, true);
  check(&betrace__v1__list_rules_request__descriptor, bytes, true);
  check(&betrace__v1__push_spans_request__descriptor, bytes, false);
  return 0;
}
