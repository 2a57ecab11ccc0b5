/* Behaviours in words, and as rules of the language. Thread: no state. */
#ifndef BT_SERVER_QUERY_BEHAVIOUR_TEXT_H
#define BT_SERVER_QUERY_BEHAVIOUR_TEXT_H

#include "dsl/base/text.h"
#include "dsl/mine/change.h"
#include "server/rules/rule_definition.h"

const char *bt_behaviour_kind_name(bt_behaviour_kind kind);
/* Appends what traces do, as "retry with db.query where span.duration > 1s (inventory-service)". */
void bt_behaviour_write(const bt_mine_sample *sample, const bt_behaviour *behaviour, bt_buffer *out);
/* Appends the value of an attribute: a text without quotes. */
void bt_mine_value_write(const bt_mine_sample *sample, const bt_mine_attribute *value, bt_buffer *out);
/* new: a rule that says what traces do; is_opposite: that they never do. Its id begins with `head`. The other fields
 * are set before, and disposed here. BT_INVALID where the language does not take it, BT_NO_MEMORY. */
bt_status bt_behaviour_rule(const bt_mine_sample *sample, const bt_behaviour *behaviour, bool is_opposite,
                            bt_rule_fields *fields, const char *head, bt_rule_definition **out,
                            bt_error *error) BT_MUST_CHECK;
/* new: a rule that says what was so before. NULL with BT_OK: it held now and then only, so no rule says it. Errors:
 * BT_INVALID where the language does not take it, BT_NO_MEMORY. */
bt_status bt_change_rule(const bt_mine_sample *sample, const bt_change *change, bt_rule_definition **out,
                         bt_error *error) BT_MUST_CHECK;

#endif
