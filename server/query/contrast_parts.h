/* Inside of contrast: contrast.c finds and reads the traces, contrast_entry.c knows what traces begin with,
 * contrast_rule.c says what the rule compares itself, contrast_marks.c tests what was counted. Only these include it.
 * Thread: that of the contrast. Errors: BT_NO_MEMORY alone, unless said. */
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
 * on it does too. Of the same entry, whether any part of the rule does: the other traces need not exercise it. */
bool bt_contrast_rule_decides_by(bt_contrast_rule *rule, bt_contrast_others others, const bt_span *span);

/* What the violating traces begin with: name and service of their roots, each once. */
typedef struct bt_contrast_entries {
  struct {
    uint64_t hash;
    uint32_t service; /* bt_entry_of */
  } items[BT_SAMPLE_SIDE_MAX];
  size_t count;
} bt_contrast_entries;
void bt_contrast_entries_add(bt_contrast_entries *entries, const bt_trace *trace);
bool bt_contrast_entries_have(const bt_contrast_entries *entries, const bt_trace *trace);
/* Lists the range of the replay, and leaves the traces that may begin so. BT_LIMIT: there are more than `most`, of
 * which a source lists which it likes: no random sample can be taken. Else the errors of the source. */
bt_status bt_contrast_entries_list(const bt_contrast_entries *entries, bt_source *source,
                                   const bt_search_request *request, bt_found_list *found, bt_source_account *account,
                                   bt_error *error) BT_MUST_CHECK;

/* From result->tally and the sides' numbers to findings, exclusions and the conclusion. */
bt_status bt_contrast_conclude(bt_contrast_result *result, bt_contrast_rule *rule, size_t most_findings,
                               bt_error *error) BT_MUST_CHECK;

#endif
