/* Texts within JSON that somebody sent: a member that is not there, or is no text, gives the empty text. What is given
 * belongs to the value that was asked. Thread: no state. */
#ifndef BT_SERVER_JSON_MEMBERS_H
#define BT_SERVER_JSON_MEMBERS_H

#include <jansson.h>

#include "dsl/base/text.h"

bt_str bt_json_str(const json_t *value); /* with the bytes of NUL that it has; NULL and what is no text: {NULL, 0} */
bt_str bt_json_str_at(const json_t *object, const char *name);
const char *bt_json_text_at(const json_t *object, const char *name); /* never NULL */

#endif
