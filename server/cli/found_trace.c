/* Finding one trace. See found_trace.h. */
#include "server/cli/found_trace.h"

#include "server/cli/answer.h"

typedef struct finder {
  const bt_replay_options *options;
  bt_found_sink sink;
  bt_found_judged judged; /* instead */
  void *context;
  bool is_static, is_found;
  bt_judge *judge; /* with `judged` */
  bool awaits_links;
  bt_given_trace own; /* where it awaits links */
} finder;

int bt_trace_operand(const bt_command *command, bt_replay_options *options, const bt_operands *operands,
                     bt_trace_id *out) {
  bool has_id = operands->before_dashes && bt_trace_id_parse(bt_str_from(operands->items[0]), out);
  bt_operands files = {operands->items + 1, operands->count - 1, operands->before_dashes - 1};
  if (has_id) return bt_replay_options_operands(options, command, &files, true);
  return bt_cli_usage_error(command->name, "say first which trace: its id of 1 to 32 hex digits");
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  finder *f = context;
  const bt_cli_rules *rules = &f->options->rules;
  bt_judge *judge = NULL;
  bt_status status = BT_OK;
  if (!read->trace) return BT_OK;
  f->is_found = true;
  if (rules->count)
    status = bt_judge_new((const bt_rule_definition *const *)rules->items, rules->count, &f->options->assumptions,
                          f->is_static, &judge, error);
  if (!status) status = f->sink(f->context, read, judge, error);
  bt_judge_free(judge);
  return status;
}

/* ---- with what is linked to it ---- */

static bt_status judge_read(void *context, const bt_read_trace *read, bt_error *error) {
  finder *f = context;
  const bt_rule_verdict *verdicts = NULL;
  if (!read->trace) return BT_OK;
  f->is_found = true;
  bt_status status = f->judge ? bt_judge_run(f->judge, read->trace, &verdicts, error) : BT_OK;
  if (status) return status;
  f->awaits_links = f->judge && bt_judge_awaits_links(f->judge, verdicts);
  f->own = bt_given_trace_of(read->trace);
  return f->awaits_links ? BT_OK : f->judged(f->context, read->trace, NULL, f->judge, verdicts, error);
}

static bt_status take_family(void *context, const bt_trace *trace, const bt_family *family,
                             const bt_rule_verdict *verdicts, bt_error *error) {
  const finder *f = context;
  return f->judged(f->context, trace, family, f->judge, verdicts, error);
}

static bt_status find_and_judge(finder *f, bt_source *source, const bt_trace_id *id, bt_error *error) {
  const bt_cli_rules *rules = &f->options->rules;
  bt_status status = BT_OK;
  if (rules->count)
    status = bt_judge_new((const bt_rule_definition *const *)rules->items, rules->count, &f->options->assumptions,
                          f->is_static, &f->judge, error);
  if (!status) status = bt_read_by_id(source, f->options, id, 1, judge_read, f, error);
  if (!status && f->awaits_links)
    status = bt_judge_families(f->judge, source, f->options, &f->own, 1, take_family, f, error);
  bt_judge_free(f->judge);
  return status;
}

/* ---- both ---- */

static bt_status find_trace(finder f, const bt_trace_id *id, bt_error *error) {
  const bt_replay_options *options = f.options;
  bt_replay_place place;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  bt_status status = bt_replay_place_open(options, &place, error);
  if (!status) {
    f.is_static = bt_source_known(place.source).is_static;
    status = f.judged ? find_and_judge(&f, place.source, id, error)
                      : bt_read_by_id(place.source, options, id, 1, take_read, &f, error);
  }
  if (!status && !f.is_found) status = bt_error_set(error, BT_NOT_FOUND, "the source has no trace %s (any more)", hex);
  if (status && options->source.address) bt_failure_name_place(options->source.address, BT_NO_STORE_ADVICE, error);
  bt_replay_place_close(&place);
  return status;
}

bt_status bt_trace_find(const bt_replay_options *options, const bt_trace_id *id, bt_found_sink sink, void *context,
                        bt_error *error) {
  return find_trace((finder){.options = options, .sink = sink, .context = context}, id, error);
}

bt_status bt_trace_find_judged(const bt_replay_options *options, const bt_trace_id *id, bt_found_judged judged,
                               void *context, bt_error *error) {
  return find_trace((finder){.options = options, .judged = judged, .context = context}, id, error);
}
