/* A series as it is answered: points of each rule and what they cover. Thread: one worker at a time. */
#ifndef BT_SERVER_HTTP_SERIES_ANSWER_H
#define BT_SERVER_HTTP_SERIES_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/http/call.h"
#include "server/query/series.h"
#include "server/replay/replay.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef enum bt_series_value { BT_SERIES_COUNT, BT_SERIES_EXERCISED, BT_SERIES_RATIO } bt_series_value;

typedef struct bt_series_answer_options {
  bt_series_question question; /* borrowed while the answer begins; rules are kept by reference */
  bt_series_value value;
  bt_time_range asked;
  bt_assumptions assumptions;
  bt_source_about source;
  bt_losses losses;      /* what is known of that by what was counted before */
  bool is_static;        /* files: everything is settled */
  const char *unchecked; /* rules that cannot be evaluated, as a sentence; NULL: none */
  int64_t timeout_ns;
  const bt_cancel *cancel;
} bt_series_answer_options;

/* Answers the call; takes the ask. At once when everything is known, else as a stream of one document. */
void bt_series_answer(bt_call *call, bt_series_ask *ask, const bt_series_answer_options *options);

#endif
