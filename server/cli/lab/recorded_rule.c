/* Rules with tests from real traces. See recorded_rule.h. */
#include "server/cli/lab/recorded_rule.h"

#include <string.h>

#include "server/cli/judge.h"
#include "server/cli/lab/trace_record.h"
#include "server/rulefile/yaml_writer.h"

typedef struct recording {
  const bt_replay_options *options;
  const bt_rule_definition *rule;
  bt_buffer tests;
  size_t count;
} recording;

static bt_status record_read(void *context, const bt_read_trace *read, bt_error *error) {
  recording *r = context;
  bt_judge *judge = NULL;
  const bt_rule_verdict *verdict = NULL;
  bool has_halves = false;
  char id[BT_TRACE_ID_HEX + 1];
  bt_rule_keys keys = {0};
  if (!read->trace || read->trace->partial) return BT_OK;
  bt_status status = bt_judge_new(&r->rule, 1, &r->options->assumptions, true, &judge, error);
  if (!status) status = bt_rule_keys_add(&keys, r->rule->rule, error);
  if (!status) status = bt_judge_run(judge, read->trace, &verdict, error);
  if (!status) {
    bt_redaction redaction = {.read = &keys};
    bt_buffer spans = {0};
    bt_trace_id_format(&read->trace->id, id);
    bt_trace_record_yaml(BT_ALONE(read->trace), 0, &redaction, 4, &has_halves, &spans);
    if (spans.failed) status = bt_error_no_memory(error);
    if (!status && !has_halves && spans.ptr) {
      bt_buffer_printf(&r->tests, "  - name: \"trace %s\"\n    trace:\n%s    expect: %s\n", id, spans.ptr,
                       bt_verdict_name(verdict->verdict));
      r->count++;
    }
    bt_buffer_dispose(&spans);
  }
  bt_rule_keys_dispose(&keys);
  bt_judge_free(judge);
  return status;
}

bt_status bt_recorded_rule_append(bt_source *source, const bt_replay_options *options, const bt_rule_definition *rule,
                                  const bt_trace_id *ids, size_t count, bt_buffer *out, bt_error *error) {
  recording r = {.options = options, .rule = rule};
  bt_buffer whole = {0};
  bt_error why = {0};
  bt_status status = bt_rulefile_write(&r.rule, 1, &whole, error);
  size_t head = whole.ptr ? strcspn(whole.ptr, "\n") + 1 : 0, without = whole.len;
  if (!status) status = bt_read_by_id(source, options, ids, count, record_read, &r, error);
  if (!status && r.count) {
    bt_buffer_printf(&whole, "  tests:\n%s", r.tests.ptr);
    bool passes = !whole.failed && bt_recorded_verify(bt_buffer_str(&whole), r.count, &why) == BT_OK;
    bt_buffer_append(out, (bt_str){whole.ptr + head, (passes ? whole.len : without) - head});
  } else if (!status) {
    bt_buffer_append(out, (bt_str){whole.ptr + head, without - head});
  }
  bt_buffer_dispose(&r.tests);
  bt_buffer_dispose(&whole);
  return status;
}
