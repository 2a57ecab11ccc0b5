/* Where a rule's text is in a file. For who reads rules from a YAML tree. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_TEXT_PLACE_H
#define BT_SERVER_RULEFILE_TEXT_PLACE_H

#include "server/rulefile/rulefile.h"
#include "server/rulefile/yaml_document.h"

/* Sets dsl_line, dsl_column, dsl_offset and dsl_is_block. */
void bt_rulefile_locate_text(const bt_yaml_document *document, const bt_yaml_node *text, bt_rulefile_rule *rule);

#endif
