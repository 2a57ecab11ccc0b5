/* Values as YAML text, for who writes rule files line by line. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_YAML_TEXT_H
#define BT_SERVER_RULEFILE_YAML_TEXT_H

#include "dsl/base/text.h"
#include "dsl/trace/value.h"

/* Appends text as a YAML string in double quotes. */
void bt_yaml_quote(bt_str text, bt_buffer *out);
/* Appends the value of an attribute; null for what none has. */
void bt_yaml_append_value(const bt_value *value, bt_buffer *out);

#endif
