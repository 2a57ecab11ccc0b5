/* What another program of betrace said of rules and traces, read from its JSON: verdicts from `eval --all --json`,
 * violations and numbers from `replay --json`. Old programs know fewer fields, so what is not there is no error; what
 * contradicts itself is. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_PROGRAM_ANSWER_H
#define BT_SERVER_CLI_LAB_PROGRAM_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

typedef struct bt_told { /* one trace under one rule */
  bt_trace_id trace_id;
  uint32_t rule;
  uint8_t verdict; /* a bt_verdict */
  uint8_t reason;  /* in the answer's `reasons`; 0: none */
  bool provisional;
  char *time, *message; /* of a violation, owned; NULL: not said */
} bt_told;

typedef struct bt_rule_answer {
  bool is_there, has_counts;
  const bt_told *told; /* sorted by trace, once the answer is ended */
  size_t told_count;
  uint64_t violations, inconclusive, evaluated, exercised; /* as replay counts */
  bool evaluated_is_exact, exercised_is_exact;
} bt_rule_answer;

typedef struct bt_program_answer {
  bt_told *told; /* owned, as `rules` */
  size_t count, capacity;
  bt_rule_answer *rules; /* as many as it was asked for, in that order */
  size_t rule_count;
  json_t *places;    /* id to place */
  json_t *reasons;   /* texts; the first is "" */
  uint64_t traces;   /* of eval's summary */
  json_t *idle;      /* texts of replay: why nothing exercised a rule; by id */
  char *stopped;     /* why a replay was not completed; NULL: it was, or did not say */
  bool has_end;      /* the summary, or the whole answer of a replay */
  bool is_complete;  /* a replay was */
  bt_buffer text;    /* the line under way, or the whole of a replay */
  bt_buffer problem; /* why it cannot be read; empty: it can */
  size_t lines;
} bt_program_answer;

/* ids: of the rules, borrowed until the return. BT_NO_MEMORY. Dispose in each case. */
bt_status bt_program_answer_init(bt_program_answer *answer, const char *const *ids, size_t count,
                                 bt_error *error) BT_MUST_CHECK;
void bt_program_answer_dispose(bt_program_answer *answer);
/* Pieces of stdout, for a bt_program_take: of eval, and of replay. */
void bt_program_answer_take_eval(void *answer, bt_str piece);
void bt_program_answer_take_replay(void *answer, bt_str piece);
/* After the last piece. `problem` says then whether it could be read. */
void bt_program_answer_end_eval(bt_program_answer *answer);
void bt_program_answer_end_replay(bt_program_answer *answer);
/* "" where there is none. */
const char *bt_program_answer_reason(const bt_program_answer *answer, const bt_told *told);

#endif
