/* What answers have in common that are given at once when they are known, and else wait for it as a stream, without a
 * place of a lane. Thread: one worker at a time. */
#ifndef BT_SERVER_HTTP_ANSWER_PARTS_H
#define BT_SERVER_HTTP_ANSWER_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "server/http/call.h"
#include "tempo/wire/cancellation.h"

enum { BT_ANSWER_PIECE = 48 * 1024 /* bytes of a stream at a time */ };

/* So long is waited for an answer without a stream: who reads hears something then. */
static const int64_t BT_ANSWER_FIRST_WAIT_NS = INT64_C(200) * 1000000;

typedef struct bt_patience {
  int64_t first_until_ns, until_ns; /* monotonic: for a whole answer; for any */
  const bt_cancel *cancel;          /* of the call; or NULL */
} bt_patience;

bt_patience bt_patience_begin(int64_t timeout_ns, const bt_cancel *cancel);
/* The answer is a stream from now on. */
bool bt_patience_wants_stream(const bt_patience *patience);
/* The time is over, or the call was cancelled. */
bool bt_patience_is_over(const bt_patience *patience);

/* Appends an object as compact JSON, and takes it. NULL, and no room: out->failed. */
void bt_answer_append(bt_buffer *out, json_t *object);
/* Ends a document `{"…":[…` with the members of an object, which is taken: `],"reason":…}`. */
void bt_answer_end_list(bt_buffer *out, json_t *members);
/* Answers with the text, or that there was no memory for it. */
void bt_answer_text(bt_call *call, const char *content_type, const bt_buffer *text);
/* Answers that there is no memory to begin an answer. */
void bt_answer_no_room(bt_call *call);

#endif
