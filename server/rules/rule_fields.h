/* Checking what a user said about a rule, before its text is looked at. For rule_definition.c; the store uses the
 * small helpers too. Thread: no state. */
#ifndef BT_SERVER_RULES_RULE_FIELDS_H
#define BT_SERVER_RULES_RULE_FIELDS_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/rule_definition.h"

/* Fills in id, name and description where they are missing and checks every field but the language of the text.
 * BT_INVALID: `error` says
 * "<field>: expected …, got …" about the first wrong one. */
bt_status bt_rule_fields_complete(bt_rule_fields *fields, bt_error *error) BT_MUST_CHECK;
void bt_string_pairs_free(bt_string_pair *pairs, size_t count);
/* A heap copy with a NUL; NULL: no memory. */
char *bt_rule_text_copy(bt_str text) BT_MUST_CHECK;

/* At most 60 bytes of a user's text for an error message: cut between characters, what is not shown as "?". */
enum { BT_SHOWN_BYTES = 72 };
const char *bt_rule_text_shown(bt_str text, char shown[BT_SHOWN_BYTES]);

#endif
