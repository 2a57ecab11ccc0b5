/* Typed reading of a YAML tree: scalars after YAML 1.2's core schema, mappings by tables of their keys. For
 * server/rulefile alone. Thread: no state. Errors: BT_INVALID, with the file, line and column; or what a reader of a
 * key returned. */
#ifndef BT_SERVER_RULEFILE_YAML_READER_H
#define BT_SERVER_RULEFILE_YAML_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/value.h"
#include "server/rulefile/yaml_document.h"

typedef enum bt_yaml_type {
  BT_YAML_NULL,
  BT_YAML_BOOL,
  BT_YAML_INT,
  BT_YAML_FLOAT,
  BT_YAML_STRING,
  BT_YAML_TOO_LARGE
} bt_yaml_type;

/* What a scalar is. value (may be NULL) gets BOOL, INT, DOUBLE, STRING, or MISSING for null. TOO_LARGE: a number that
 * 64 bits do not hold. */
bt_yaml_type bt_yaml_scalar_type(const bt_yaml_node *node, bt_value *value);

typedef bt_status (*bt_yaml_read)(const bt_yaml_document *document, const bt_yaml_node *value, void *into,
                                  bt_error *error);
typedef struct bt_yaml_field {
  const char *key;
  bt_yaml_read read;
} bt_yaml_field;

/* Calls the reader of each key that is there. `fields` ends with an all-zero one. A key that is not in the table is an
 * error with the nearest one; a null value counts as a key that is not there. `what` names the mapping in messages: "a
 * rule". */
bt_status bt_yaml_read_map(const bt_yaml_document *document, const bt_yaml_node *map, const char *what,
                           const bt_yaml_field *fields, void *into, bt_error *error) BT_MUST_CHECK;

/* What to do about the result of reading a part: where all problems are wanted, a problem is taken down and BT_OK
 * given, so that the next part is read. Its message is empty then, so that it is taken down once. */
bt_status bt_yaml_go_on(const bt_yaml_document *document, bt_status status, bt_error *error);

/* Each says "expected …, got …" about `key` at the value's place. */
bt_status bt_yaml_get_string(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, bt_str *out,
                             bt_error *error) BT_MUST_CHECK;
bt_status bt_yaml_get_bool(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, bool *out,
                           bt_error *error) BT_MUST_CHECK;
bt_status bt_yaml_get_duration(const bt_yaml_document *document, const bt_yaml_node *node, const char *key,
                               int64_t *out_ns, bt_error *error) BT_MUST_CHECK;
bt_status bt_yaml_get_number(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, int64_t *out,
                             bt_error *error) BT_MUST_CHECK;
bt_status bt_yaml_expect_list(const bt_yaml_document *document, const bt_yaml_node *node, const char *key,
                              bt_error *error) BT_MUST_CHECK;
bt_status bt_yaml_expect_map(const bt_yaml_document *document, const bt_yaml_node *node, const char *key,
                             bt_error *error) BT_MUST_CHECK;

/* "the number 12", "a list", …: what stands there, for messages. */
enum { BT_YAML_SHOWN_BYTES = 128 };
const char *bt_yaml_show(const bt_yaml_node *node, char shown[BT_YAML_SHOWN_BYTES]);

#endif
