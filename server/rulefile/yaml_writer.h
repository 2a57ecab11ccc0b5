/* Rules as a rule file (dsl.md §8): the other direction of rulefile.h. One form for one set of rules: texts formatted,
 * what is as it would be without saying left out, labels and annotations by key. Tests and groups are of files, not of
 * rules, and are not written. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_YAML_WRITER_H
#define BT_SERVER_RULEFILE_YAML_WRITER_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/rule_definition.h"

/* Appends YAML whose rules are these, in this order. The text of a broken rule (rule_definition.h) is written as it is,
 * and a comment at the top names it: it does not compile here. BT_NO_MEMORY alone. */
bt_status bt_rulefile_write(const bt_rule_definition *const *rules, size_t count, bt_buffer *out,
                            bt_error *error) BT_MUST_CHECK;

#endif
