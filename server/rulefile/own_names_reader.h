/* `aliases` and `names` of a rule file. For server/rulefile alone. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_OWN_NAMES_READER_H
#define BT_SERVER_RULEFILE_OWN_NAMES_READER_H

#include "dsl/base/error.h"
#include "server/rulefile/yaml_reader.h"
#include "server/rules/shared_names.h"

/* NULL for what a file does not say. */
typedef struct bt_own_names_nodes {
  const bt_yaml_node *aliases, *names;
} bt_own_names_nodes;

/* *out is new, or NULL where the file says none. BT_INVALID: its message has the place. BT_NO_MEMORY. */
bt_status bt_own_names_read(const bt_yaml_document *document, const bt_own_names_nodes *nodes, bt_shared_names **out,
                            bt_error *error) BT_MUST_CHECK;

#endif
