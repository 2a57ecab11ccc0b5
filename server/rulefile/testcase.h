/* The `tests:` and `example_violation:` of a rule, from a YAML tree. For server/rulefile alone. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_TESTCASE_H
#define BT_SERVER_RULEFILE_TESTCASE_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/rulefile/rulefile.h"
#include "server/rulefile/yaml_document.h"

/* `tests` and `example` may be NULL. *out is in the document's arena and may be empty. BT_INVALID: something is wrong,
 * with its place. BT_NO_MEMORY. */
bt_status bt_testcases_read(const bt_yaml_document *document, const bt_yaml_node *tests, const bt_yaml_node *example,
                            const bt_rulefile_test **out, uint32_t *count, bt_error *error) BT_MUST_CHECK;

#endif
