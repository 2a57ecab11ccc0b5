/* `betrace diff --old-program`: which verdicts change between another program of betrace and this one, over the same
 * rules and traces. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_DIFF_PROGRAMS_H
#define BT_SERVER_CLI_LAB_DIFF_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "server/cli/lab/program_answer.h"
#include "server/cli/lab/program_change.h"
#include "server/cli/lab/program_rules.h"
#include "server/cli/lab/program_run.h"
#include "server/cli/replay_options.h"

typedef struct bt_program_diff {    /* all-zero, and what is asked for; borrowed */
  const bt_replay_options *options; /* which have a source */
  const char *old_program;
  const char *rules_path, *rules_text; /* one of them */
  bt_words passed;   /* flags about the store and assumptions, as they were given; owned by the caller */
  uint64_t examples; /* 0: all */

  /* what comes of it */
  bt_judged_rules rules;
  bt_program_answer answers[2]; /* before and after */
  bt_program_answer counts[2];  /* of files: what replay counts; has_end: it did */
  bt_two_answers two;
  bt_program_change *changes; /* of each rule; those that a program refused have none */
  bt_buffer unknown;          /* why nothing is known of any rule; empty: something is */
  char start[40], end[40];    /* of a store's range; "": files */
} bt_program_diff;

/* Runs both and prints what came. An exit status. */
int bt_program_diff_run(bt_program_diff *diff);

/* ---- printing (diff_programs_print.c) ---- */

void bt_program_diff_print(const bt_program_diff *diff);
void bt_program_diff_print_json(const bt_program_diff *diff);
/* What replay says of the rule on that side; NULL: nothing. */
const bt_rule_answer *bt_program_diff_counts(const bt_program_diff *diff, size_t rule, int side);
/* Nothing exercised it for this program, as it says. */
bool bt_program_diff_is_idle(const bt_program_diff *diff, size_t rule);
bool bt_program_diff_is_refused(const bt_program_diff *diff, size_t rule);
/* Appends why not everything is known of it; nothing where all is. */
void bt_program_diff_say_unknown(const bt_program_diff *diff, size_t rule, bt_buffer *out);
uint64_t bt_program_diff_total(const bt_program_diff *diff);
bool bt_program_diff_is_certain(const bt_program_diff *diff);

#endif
