/* Which parts of the language a checked rule uses, for a census: a generator that never writes something would test it
 * without effect. */
#ifndef BT_TESTS_RULE_FEATURES_H
#define BT_TESTS_RULE_FEATURES_H

#include "dsl/rule/rule.h"

enum { RULE_FEATURE_MAX = 128 };

typedef struct rule_features {
  bool has[RULE_FEATURE_MAX];
} rule_features;

size_t rule_feature_count(void);
const char *rule_feature_name(size_t feature);
void rule_features_find(const bt_rule *rule, rule_features *out);

#endif
