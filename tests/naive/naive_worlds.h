/* The naive evaluator where records of one span do not agree: it judges every trace that there may have been. Of those
 * of naive.h only. */
#ifndef BT_TESTS_NAIVE_WORLDS_H
#define BT_TESTS_NAIVE_WORLDS_H

#include "tests/naive/naive.h"

/* naive.c: a bare condition without a `not` beside other parts. */
bool naive_is_exercised_by_all(const bt_rule *rule);
bool naive_has_worlds(const bt_family *family);
/* is_family: judged with its linked traces. */
void naive_evaluate_worlds(const bt_rule *rule, const bt_family *family, bool is_family, const bt_eval_options *options,
                           naive_verdict *out);

#endif
