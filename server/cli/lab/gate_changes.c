/* What changed next to the rules. See gate_changes.h. */
#include "server/cli/lab/gate_changes.h"

#include <stdlib.h>

#include "server/base/shown_text.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/query/changed_sides.h"
#include "server/query/changed_text.h"

/* The rates' replay has both versions of each rule, and behind them rules that only count. */
static bt_status take_violations(const bt_rates *rates, bt_gate_changes *out, bt_error *error) {
  for (size_t i = 0; i < rates->all.count; i++) {
    const bt_collected_violation *found = &rates->all.found[i];
    if (found->rule >= rates->count) continue;
    bt_seen_traces *of = &out->violated[found->rule / 2];
    bt_trace_id *items = bt_grow_array(of->items, of->count, &of->capacity, sizeof *items);
    if (!items) return bt_error_no_memory(error);
    of->items = items;
    items[of->count++] = found->violation->trace_id;
  }
  for (size_t r = 0; r < rates->count / 2; r++) bt_seen_traces_sort(&out->violated[r]);
  return BT_OK;
}

bt_status bt_gate_changes_find(bt_source *source, const bt_replay_options *options, const bt_gate_question *question,
                               const bt_rates *rates, bt_gate_changes *out, bt_error *error) {
  size_t count = options->rules.count;
  bt_time_range range = bt_replay_options_range(options, source, BT_DAY_NS);
  bt_replay_request replay = bt_replay_options_request(options, NULL, 0, (bt_time_range){0});
  *out = (bt_gate_changes){.violated = calloc(count + 1, sizeof *out->violated)};
  out->unknown = (bt_gate_unknown){
      .changed = {.seed = 1, .sample = BT_CHANGED_SAMPLE, .progress = bt_cli_show_fraction, .keeps_part = true},
      .violated = out->violated,
      .rule_count = count};
  if (!out->violated) return bt_error_no_memory(error);
  bt_gate_unknown_set_sides(&out->unknown, question, range);
  bt_changed_leave_unsettled(&out->unknown.changed, source, options->assumptions.settle_ns);
  bt_status status = take_violations(rates, out, error);
  if (!status) status = bt_changed_find(source, &replay, &out->unknown.changed, error);
  bt_replay_clear_progress();
  return status;
}

void bt_gate_changes_dispose(bt_gate_changes *changes) {
  for (size_t r = 0; changes->violated && r < changes->unknown.rule_count; r++)
    bt_seen_traces_dispose(&changes->violated[r]);
  free(changes->violated);
  bt_changed_dispose(&changes->unknown.changed);
}

static void write_rules(const bt_gate_unknown *unknown, const bt_change *change, const bt_cli_rules *rules,
                        bt_buffer *out) {
  bool has_any = false;
  for (size_t r = 0; r < unknown->rule_count; r++) {
    if (!bt_gate_unknown_speaks(unknown, change, r)) continue;
    bt_buffer_append(out, has_any ? BT_STR(", ") : BT_STR("  rules that speak of it: "));
    bt_shown_append(bt_str_from(rules->items[r]->fields.id), out);
    has_any = true;
  }
  bt_buffer_append(out, has_any ? BT_STR("\n") : BT_STR("  no rule speaks of it\n"));
}

void bt_gate_changes_print(const bt_gate_changes *changes, const bt_replay_options *options) {
  static const bt_style styles[] = {BT_STYLE_GREEN, BT_STYLE_RED, BT_STYLE_YELLOW, BT_STYLE_YELLOW};
  const bt_changed *changed = &changes->unknown.changed;
  bt_gate_word word = bt_gate_unknown_judge(&changes->unknown);
  bt_buffer text = {0};
  bt_print("%swhat no rule speaks of: %s%s\n", bt_style_on(styles[word]), bt_gate_word_name(word),
           bt_style_on(BT_STYLE_OFF));
  bt_changed_head_write(changed, &text);
  for (size_t i = 0; i < changed->changes.count; i++) {
    bt_change_write(changed, &changed->changes.items[i], &text);
    bt_buffer_append(&text, BT_STR("\n  "));
    bt_change_examples_write(&changed->changes.items[i], &text);
    bt_buffer_append_char(&text, '\n');
    write_rules(&changes->unknown, &changed->changes.items[i], &options->rules, &text);
  }
  bt_changed_end_write(changed, &text);
  if (bt_sampled_traces_lack(&changed->sampling))
    bt_buffer_append(&text, BT_STR("UNKNOWN: not all traces were kept, and of the others nothing is known\n"));
  bt_print_lines(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
}
