/* Violations as they are given to a reader: one JSON document, JSON lines, or server-sent events. The answer is made
 * piece by piece while the evaluation goes on, so that neither a long evaluation nor a slow reader holds a thread or
 * more than one page. Thread: one worker at a time. */
#ifndef BT_SERVER_HTTP_VIOLATION_ANSWER_H
#define BT_SERVER_HTTP_VIOLATION_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "server/http/call.h"
#include "server/query/evaluation.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef enum bt_violation_form {
  BT_VIOLATIONS_DOCUMENT, /* {"violations": [...], ...}: one page */
  BT_VIOLATIONS_LINES,    /* {"violation": {...}} each on a line, in the end {"done": {...}} */
  BT_VIOLATIONS_EVENTS    /* event violation with the cursor after it as id, in the end event done */
} bt_violation_form;

/* What the Accept header asks for: application/x-ndjson, text/event-stream, or a document. */
bt_violation_form bt_violation_form_of(const bt_call *call);

typedef struct bt_violation_answer_options {
  bt_violation_form form;
  size_t limit;       /* violations at most; 0: all there are */
  int64_t timeout_ns; /* then what is certain is given, and the cursor goes on */
  const char *tenant;
  const char *unchecked; /* rules that cannot be evaluated, as a sentence; NULL: none */
  const bt_cancel *cancel;
} bt_violation_answer_options;

/* Answers the call; takes the look. At once when the page is there, else as a stream. */
void bt_violation_answer(bt_call *call, bt_look *look, const bt_violation_answer_options *options);
/* Answers a question of which nothing was evaluated, and says so with `word`, why in one word, and `why`, in a
 * sentence. */
void bt_violation_answer_nothing(bt_call *call, bt_time_range range, const char *word, const char *why,
                                 const bt_violation_answer_options *options);

#endif
