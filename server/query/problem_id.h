/* Which problem a violation is of. Violations of one rule in which the same part failed, in traces that begin in the
 * same service, are of one problem, however the rule is written. Its id is a hash of these, so it is the same in every
 * answer, and says nothing to who has only the id. Violations of a rule that nobody looked at are of one more problem.
 * Thread: the namer belongs to one at a time. */
#ifndef BT_SERVER_QUERY_PROBLEM_ID_H
#define BT_SERVER_QUERY_PROBLEM_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"

enum { BT_PROBLEM_ID_HEX = 16 };

typedef struct bt_problem_key { /* borrows of the violation, and of the namer until its next call */
  bool has_root;
  bt_str service;     /* of the root span; "" where there is no root */
  bt_range failed;    /* in the rule's text */
  const char *clause; /* bt_violation_clause of it */
  bt_str part;        /* the failed part, as `betrace fmt` writes it, on one line */
} bt_problem_key;

typedef struct bt_problem_namer { /* all-zero is empty; bt_problem_namer_dispose */
  const bt_rule_definition *const *rules;
  size_t rule_count;
  struct bt_written_rule *written; /* of each rule, from its first violation on */
  bt_buffer part;
} bt_problem_namer;

/* Borrows the rules. BT_NO_MEMORY alone. */
bt_status bt_problem_namer_init(bt_problem_namer *namer, const bt_rule_definition *const *rules, size_t count,
                                bt_error *error) BT_MUST_CHECK;
void bt_problem_namer_dispose(bt_problem_namer *namer);
/* `rule` is a number in the rules of the namer. BT_NO_MEMORY alone. */
bt_status bt_problem_key_of(bt_problem_namer *namer, size_t rule, const bt_violation *violation, bt_problem_key *out,
                            bt_error *error) BT_MUST_CHECK;

/* NULL as key: of the rule's violations that nobody looked at. BT_NO_MEMORY alone. */
bt_status bt_problem_id_of(const char *rule_id, const bt_problem_key *key, char out[BT_PROBLEM_ID_HEX + 1],
                           bt_error *error) BT_MUST_CHECK;
/* Whether the text can be one. */
bool bt_problem_id_is_valid(const char *text);
#endif
