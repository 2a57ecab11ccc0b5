/* Rule files of the original project, and texts of its rules: no crash, no hang; what comes out is a rule file without
 * errors, and a rule that is not in it has a reason. */
#include <stdint.h>
#include <stdlib.h>

#include "server/import/import.h"
#include "server/rulefile/checked_file.h"
#include "server/rulefile/yaml_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void check_rule(const bt_import_rule *rule) {
  require((rule->dsl.ptr != NULL) == (rule->result != BT_IMPORT_NOT_CONVERTED));
  require((rule->item.ptr != NULL) == (rule->dsl.ptr != NULL));
  require(rule->dsl.ptr || (rule->findings && rule->leftover.ptr));
  for (const bt_import_finding *finding = rule->findings; finding; finding = finding->next)
    require(finding->line > 0 && finding->column > 0 && bt_utf8_valid(finding->message));
}

static void check(bt_str text) {
  bt_import import;
  bt_buffer file = {0};
  bt_checked_file checked;
  bt_error error = {0};
  bt_import_init(&import);
  bt_status status = bt_import_add(&import, text, "fuzz.yaml", &error);
  require(status == BT_OK || (status == BT_INVALID && error.message[0]));
  for (const bt_import_rule *rule = import.first; rule; rule = rule->next) check_rule(rule);
  require(bt_import_write(&import, &file, &error) == BT_OK);
  require(bt_checked_file_read(bt_buffer_str(&file), "new.yaml", NULL, false, &checked, &error) == BT_OK);
  require(checked.error_count == 0);
  require(checked.rule_count == import.counts[BT_IMPORT_CONVERTED] + import.counts[BT_IMPORT_LOOK]);
  bt_checked_file_dispose(&checked);
  bt_buffer_dispose(&file);
  bt_import_dispose(&import);
}

/* The input as a file, and as the text of a rule that has an example. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str text = {(const char *)data, size};
  bt_buffer wrapped = {0};
  check(text);
  if (!bt_utf8_valid(text)) return 0;
  bt_buffer_append(&wrapped, BT_STR("rules:\n- id: r\n  condition: "));
  bt_yaml_quote(text, &wrapped);
  bt_buffer_append(&wrapped,
                   BT_STR("\n  example_violation: {trace: [{span: a, attributes: {k: 1, s: \"5\", t: true}}]}\n"));
  check(bt_buffer_str(&wrapped));
  bt_buffer_dispose(&wrapped);
  return 0;
}
