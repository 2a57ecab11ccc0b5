/* Rules that nothing exercised, over a range or a few files: such a rule is never violated, and looks like one that
 * holds. What a trace exercises is said in dsl.md §2. Which of the names of its `when` no trace has, and what is near
 * to them, is found as `betrace vacuity` finds it. Commands that judge share the words, the JSON and the flag
 * --require-exercised. Thread: the main thread. */
#ifndef BT_SERVER_CLI_IDLE_RULES_H
#define BT_SERVER_CLI_IDLE_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/error.h"
#include "dsl/rule.h"
#include "dsl/text.h"
#include "server/cli/names.h"
#include "server/cli/replay_options.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

/* A row for the flags of a command; bt_replay_options_take takes it. */
#define BT_FLAG_ROW_EXERCISED                                                                                          \
  {                                                                                                                    \
    "require-exercised", BT_FLAG_EXERCISED, NULL, NULL,                                                                \
        "end with 3 where nothing exercised a rule, unless one is "                                                    \
        "violated",                                                                                                    \
        NULL                                                                                                           \
  }
#define BT_EXERCISED_UNKNOWN "with --require-exercised also: nothing exercised a rule"

typedef struct bt_near_name {
  bt_str name;
  uint64_t traces; /* that have it; only with: */
  bool is_counted; /* in files; of a Tempo nobody counts them */
} bt_near_name;

typedef struct bt_lacked_name { /* one that no trace has */
  bt_used_name used;
  bt_near_name near[BT_NEAR_NAMES];
  size_t near_count;
} bt_lacked_name;

typedef struct bt_idle_rule {
  const bt_rule_definition *rule;
  bool is_known; /* nothing exercised it; false: that could not be found out, and `why` says why */
  bool has_tail; /* what is not settled yet may have */
  char why[200];
  bt_rule_definition *exercising; /* violated by what exercises the rule; NULL: names were not looked at */
  bt_lacked_name *lacked;
  size_t lacked_count, lacked_capacity;
} bt_idle_rule;

typedef struct bt_idle_rules { /* all-zero is empty; bt_idle_rules_dispose */
  bt_idle_rule *items;         /* in the order of the rules */
  size_t count, rule_count;    /* rule_count: of all rules that were asked about */
  bt_known_names known;
} bt_idle_rules;

/* What is known of one rule before anything is asked: it was exercised; it was not; only a search can tell. */
typedef enum bt_exercise { BT_EXERCISED, BT_NOT_EXERCISED, BT_EXERCISE_OPEN } bt_exercise;
/* Of a rule whose range was looked at in full and shows a settled trace; else it counts as exercised: the result says
 * already what is not known. */
bt_exercise bt_exercise_of_result(const bt_replay_result *result, const bt_rule_definition *rule, size_t index);

/* Asks for what is open, and explains up to BT_IDLE_EXPLAINED idle rules by the names that no trace has. `exercise`:
 * one for each rule. BT_CANCELLED, BT_NO_MEMORY; other failures leave a rule unknown or unexplained. Dispose in each
 * case. */
enum { BT_IDLE_EXPLAINED = 3 };
bt_status bt_idle_rules_find(bt_source *source, const bt_replay_options *options, bt_time_range range,
                             const bt_rule_definition *const *rules, const bt_exercise *exercise, size_t count,
                             bt_idle_rules *out, bt_error *error) BT_MUST_CHECK;
/* The same with what a replay of these rules over that range says. */
bt_status bt_idle_rules_of_replay(bt_source *source, const bt_replay_options *options, bt_time_range range,
                                  const bt_rule_definition *const *rules, const bt_replay_result *result,
                                  bt_idle_rules *out, bt_error *error) BT_MUST_CHECK;
void bt_idle_rules_dispose(bt_idle_rules *idle);

/* "nothing exercised this rule: no trace has db.client.query; near: db.query (442 traces)" */
void bt_idle_rule_write(const bt_idle_rule *idle, bt_buffer *out);
/* A line for each, "ID: …"; of more than BT_IDLE_EXPLAINED one line for all. */
void bt_idle_rules_write(const bt_idle_rules *idle, bt_buffer *out);
/* Prints that to stdout, in yellow, or to stderr behind "betrace NAME: ". */
void bt_idle_rules_print(const bt_idle_rules *idle);
void bt_idle_rules_print_error(const bt_idle_rules *idle, const char *command);
/* new: [{rule_id, known, message, absent: [{kind, name, near: [{name, traces}]}]}]; traces null: not counted. NULL: no
 * memory. */
json_t *bt_idle_rules_json(const bt_idle_rules *idle);
/* The exit status of a command that ends with `code` otherwise: with --require-exercised BT_EXIT_UNKNOWN in place of
 * BT_EXIT_FINE where `is_idle`. */
int bt_idle_exit_status(const bt_replay_options *options, bool is_idle, int code);

#endif
