/* Rules that nothing exercised, over a range or a few files: such a rule is never violated, and looks like one that
 * holds. What a trace exercises is said in dsl.md §2. Which of the names of its `when` no trace has, and what is near
 * to them, is found as `betrace vacuity` finds it. Of a request the rules, range, assumptions, tenant, cancel, priority
 * and memory are used. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_IDLE_RULES_H
#define BT_SERVER_REPLAY_IDLE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "server/replay/first_violation.h"
#include "server/replay/replay.h"
#include "server/replay/rule_names.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

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
/* "No violation" says nothing where nothing exercised the rule, so that is open then. */
bt_exercise bt_exercise_of_first(const bt_first_result *result, const bt_rule_definition *rule);

/* Asks for what is open, and explains up to BT_IDLE_EXPLAINED idle rules by the names that no trace has. `exercise`:
 * one for each rule. BT_CANCELLED, BT_NO_MEMORY; other failures leave a rule unknown or unexplained. Dispose in each
 * case. */
enum { BT_IDLE_EXPLAINED = 3 };
bt_status bt_idle_rules_find(bt_source *source, const bt_replay_request *asked, const bt_exercise *exercise,
                             bt_idle_rules *out, bt_error *error) BT_MUST_CHECK;
/* The same with what a replay of these rules over that range says. */
bt_status bt_idle_rules_of_replay(bt_source *source, const bt_replay_request *asked, const bt_replay_result *result,
                                  bt_idle_rules *out, bt_error *error) BT_MUST_CHECK;
/* For people who ask a service: *notes is the caller's to free; exercise is changed. The others fill result->idle, or
 * result->idle of the one rule, with BT_REPLAY_NOTES_MAX rules at most. Only of the first BT_IDLE_EXPLAINED of which
 * the result does not tell is it searched for. What is not found out before it is cancelled, or for want of memory, is
 * not said. */
void bt_idle_notes_find(bt_source *source, const bt_replay_request *asked, bt_exercise *exercise, bt_idle_note **notes,
                        size_t *count);
void bt_replay_explain_idle(bt_source *source, const bt_replay_request *asked, bt_replay_result *result);
void bt_first_explain_idle(bt_source *source, const bt_replay_request *asked, bt_first_result *result);
void bt_idle_rules_dispose(bt_idle_rules *idle);

/* "nothing exercised this rule: no trace has db.client.query; near: db.query (442 traces)" */
void bt_idle_rule_write(const bt_idle_rule *idle, bt_buffer *out);
/* A line for each, "ID: …"; of more than BT_IDLE_EXPLAINED one line for all. */
void bt_idle_rules_write(const bt_idle_rules *idle, bt_buffer *out);

#endif
