/* Inside of contrast: contrast.c finds and reads the traces, contrast_rule.c says what the rule compares itself,
 * contrast_marks.c tests what was counted. Only these include it. Thread: that of the contrast. Errors: BT_NO_MEMORY
 * alone. */
#ifndef BT_SERVER_QUERY_CONTRAST_PARTS_H
#define BT_SERVER_QUERY_CONTRAST_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"
#include "server/query/contrast.h"
#include "server/query/tally.h"
#include "server/rules/rule_keys.h"

typedef struct bt_contrast_rule {
  const bt_rule *rule;
  bt_rule_keys keys;
  bt_status status; /* BT_NO_MEMORY: something could not be found out */
} bt_contrast_rule;
bt_status bt_contrast_rule_init(bt_contrast_rule *out, const bt_rule *rule, bt_error *error) BT_MUST_CHECK;
void bt_contrast_rule_dispose(bt_contrast_rule *rule);
/* Whether nothing says which traces it is about: no `when`, and beside a `not` nothing that is none. */
bool bt_contrast_rule_is_of_all(const bt_rule *rule);
/* Whether the rule compares spans with that name, or services, or reads that attribute. */
bool bt_contrast_rule_compares(bt_contrast_rule *rule, bt_mark_kind kind, bt_str name);
/* Whether only always, never or a `not` speaks of such spans: whether there is one decides the verdict, so whatever is
 * on it does too. */
bool bt_contrast_rule_decides_by(bt_contrast_rule *rule, const bt_span *span);

/* From result->tally and the sides' numbers to findings, exclusions and the conclusion. */
bt_status bt_contrast_conclude(bt_contrast_result *result, bt_contrast_rule *rule, size_t most_findings,
                               bt_error *error) BT_MUST_CHECK;

#endif
