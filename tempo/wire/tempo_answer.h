/* What an answer of Tempo means, from its status and its sentence. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_TEMPO_ANSWER_H
#define BT_TEMPO_WIRE_TEMPO_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "tempo/wire/http_client.h"

typedef enum bt_tempo_meaning {
  BT_MEANS_ANSWER,
  BT_MEANS_TOO_LARGE,
  BT_MEANS_RANGE_TOO_LONG,
  BT_MEANS_LIMIT_TOO_HIGH,
  BT_MEANS_QUERY_TOO_LONG,
  BT_MEANS_STUMBLES, /* a test of the query cannot be made of some value in the data */
  BT_MEANS_PASSING,  /* worth another attempt */
  BT_MEANS_LAGGING,  /* likewise, but it takes a while: Tempo 3's live store has not read yet what was sent to it */
  BT_MEANS_REFUSED
} bt_tempo_meaning;

bt_tempo_meaning bt_tempo_meaning_of(const bt_http_response *response);
/* The question has to be divided. */
bool bt_tempo_is_too_large(const bt_http_response *response);
/* A Tempo of several tenants that was asked without one. */
bool bt_tempo_wants_tenant(const bt_http_response *response);
/* For people: status, of a 400 Tempo's own sentence (5xx sentences carry addresses), and of 401, 403 and 404 what to do
 * about it. */
void bt_tempo_describe(const bt_http_response *response, char *out, size_t capacity);
/* application/json or application/protobuf; false: neither. */
bool bt_tempo_content(const bt_http_response *response, bool *is_json);
/* The number or the Go duration (168h0m0s) after `marker` in the body; 0: there is none. */
int64_t bt_tempo_number_after(bt_str body, bt_str marker);
int64_t bt_tempo_duration_s_after(bt_str body, bt_str marker);

#endif
