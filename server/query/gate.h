/* Is a new version worse than the old one? Rates of violations of the traces that each version took part in, for a
 * rollout. The split is made in the language: each rule is replayed with "… and some span is of this version" added, so
 * that nothing else decides what belongs to a version. Thread: no state of its own. */
#ifndef BT_SERVER_QUERY_GATE_H
#define BT_SERVER_QUERY_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/query/rates.h"
#include "server/query/statistics.h"
#include "server/replay/unseen_names.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

typedef struct bt_gate_question {
  const char *by; /* an attribute of the resource; "span." before it: of spans */
  const char *baseline, *candidate;
  const char *service; /* whose version it is; or NULL */
  uint64_t least;      /* traces of each version that have to exercise a rule */
  double max_increase; /* in points of percent */
} bt_gate_question;

/* PASS: no increase beyond what is allowed is shown. What is not certain, or is about kept traces alone, is never PASS.
 */
typedef enum bt_gate_word { BT_GATE_PASS, BT_GATE_WORSE, BT_GATE_TOO_FEW, BT_GATE_UNKNOWN } bt_gate_word;
const char *bt_gate_word_name(bt_gate_word word); /* "pass", "worse", "too_few", "unknown" */

/* Baseline and candidate are one: no difference is ever shown, so nobody may ask that. */
bool bt_gate_compares_itself(const bt_gate_question *question);

/* Of each rule that of the baseline, then that of the candidate: owned, 2 * count, to be freed by bt_gate_rules_free in
 * each case. BT_INVALID: a version or a rule that no text can be made of (derived_rule.h). BT_NO_MEMORY. */
bt_status bt_gate_rules_derive(const bt_gate_question *question, const bt_rule_definition *const *rules, size_t count,
                               bt_rule_definition ***out, bt_error *error) BT_MUST_CHECK;
void bt_gate_rules_free(bt_rule_definition **derived, size_t count);

/* rates: of each rule two, as bt_gate_rules_derive orders them. */
bt_gate_word bt_gate_judge_rule(const bt_gate_question *question, const bt_rate *rates, size_t rule,
                                bt_interval *difference);
/* The worst that is said of a rule; without rules UNKNOWN. */
bt_gate_word bt_gate_judge(const bt_gate_question *question, const bt_rate *rates, size_t count);

/* Finds what is said besides of the rules that were given. asked: of them. BT_NO_MEMORY alone; dispose in each case. */
bt_status bt_gate_words_find(bt_source *source, const bt_replay_request *asked, const bt_rate *rates,
                             bt_rule_words *out, bt_error *error) BT_MUST_CHECK;

#endif
