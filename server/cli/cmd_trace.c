/* `betrace trace`: one trace drawn as a tree, with the verdicts of rules and their witnesses marked. */
#include <inttypes.h>
#include <stdlib.h>

#include "server/base/span_time.h"
#include "dsl/evaluate/data_notes.h"
#include "dsl/rule/rule_walk.h"
#include "server/cli/found_trace.h"
#include "server/cli/idle_print.h"
#include "server/cli/printer.h"
#include "server/cli/trace_drawing.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

typedef struct trace_run {
  bt_replay_options options;
  bool shows_all;
  int code;
} trace_run;

/* ---- JSON ---- */

static json_t *verdict_json(const bt_drawn_verdict *drawn, const bt_data_notes *notes) {
  const bt_rule_verdict *verdict = drawn->verdict;
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "rule_id", drawn->rule->fields.id, "severity",
                   bt_severity_name(drawn->rule->fields.severity), "verdict", bt_verdict_name(verdict->verdict),
                   "reason", verdict->reason ? json_string(bt_reason_name(verdict->reason)) : json_null(), "spent",
                   bt_spent_json(verdict, drawn->rule->rule->text), "violation",
                   drawn->violation ? bt_violation_json(drawn->rule, drawn->violation) : json_null(), "notes",
                   bt_data_notes_json(notes));
}

static json_t *witness_of_json(const bt_drawing *drawing, uint32_t span) {
  json_t *array = json_array();
  for (size_t i = 0; i < drawing->verdict_count; i++)
    if (bt_drawing_is_witness(drawing, i, span))
      bt_json_append(array, json_string(drawing->verdicts[i].rule->fields.id));
  return array;
}

/* In nanoseconds; null where there is none. */
static json_t *length_json(const bt_lasting *lasting) {
  return lasting->length == BT_LENGTH_KNOWN ? json_integer(lasting->length_ns) : json_null();
}

static json_t *span_json(const bt_drawing *drawing, const bt_tree_row *row) {
  char id[BT_SPAN_ID_HEX + 1], parent[BT_SPAN_ID_HEX + 1];
  const bt_span *span = &drawing->trace->spans[row->span];
  bt_lasting whole = bt_lasting_of_trace(drawing->trace), lasting = bt_lasting_of_span(span);
  bt_span_id_format(&span->id, id);
  bt_span_id_format(&span->parent_id, parent);
  return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:b, s:I, s:o}", "span_id", id, "parent_span_id",
                   bt_span_id_is_zero(&span->parent_id) ? json_null() : json_string(parent), "parent_is_missing",
                   row->misses_parent, "name", bt_text_json(span->name), "service",
                   bt_text_json(span->resource->service), "start_offset_ns",
                   lasting.start_ns ? json_integer(lasting.start_ns - whole.start_ns) : json_null(), "duration_ns",
                   length_json(&lasting), "is_error", span->status == BT_SPAN_STATUS_ERROR, "depth",
                   (json_int_t)row->depth, "witness_of", witness_of_json(drawing, row->span));
}

static json_t *spans_json(const bt_drawing *drawing) {
  json_t *spans = json_array();
  for (uint32_t i = 0; i < drawing->tree.count; i++) bt_json_append(spans, span_json(drawing, &drawing->tree.rows[i]));
  return spans;
}

static json_t *linked_json(const bt_drawing *drawing) {
  json_t *linked = json_array();
  for (uint32_t i = 0; i < drawing->linked_count; i++) {
    char id[BT_TRACE_ID_HEX + 1];
    const bt_drawing *other = &drawing->linked[i];
    json_t *start = bt_time_json(bt_lasting_of_trace(other->trace).start_ns);
    bt_trace_id_format(&other->trace->id, id);
    bt_json_append(linked, json_pack("{s:s, s:o, s:b, s:o}", "trace_id", id, "start", start, "partial",
                                     other->trace->partial, "spans", spans_json(other)));
  }
  return linked;
}

static void print_json(const bt_drawing *drawing, bt_data_notes *const *notes) {
  char id[BT_TRACE_ID_HEX + 1];
  bt_lasting lasting = bt_lasting_of_trace(drawing->trace);
  json_t *verdicts = json_array();
  bt_trace_id_format(&drawing->trace->id, id);
  for (size_t i = 0; i < drawing->verdict_count; i++)
    bt_json_append(verdicts, verdict_json(&drawing->verdicts[i], notes[i]));
  bt_cli_print_json(json_pack("{s:s, s:o, s:o, s:b, s:b, s:b, s:I, s:o, s:o, s:o}", "trace_id", id, "start",
                              bt_time_json(lasting.start_ns), "duration_ns", length_json(&lasting), "partial",
                              drawing->trace->partial, "pruned", drawing->trace->pruned, "unsettled",
                              drawing->is_unsettled, "missing_parents", (json_int_t)drawing->tree.missing_parents,
                              "verdicts", verdicts, "spans", spans_json(drawing), "linked", linked_json(drawing)));
}

/* ---- one trace ---- */

static int exit_status(const trace_run *run, const bt_drawing *drawing) {
  int code = BT_EXIT_FINE;
  bool is_idle = false;
  for (size_t i = 0; i < drawing->verdict_count; i++) {
    bt_verdict verdict = drawing->verdicts[i].verdict->verdict;
    if (verdict == BT_VIOLATED) return BT_EXIT_FOUND;
    if (verdict == BT_INCONCLUSIVE) code = BT_EXIT_UNKNOWN;
    is_idle = is_idle || (!bt_rule_is_exercised_by_all(drawing->verdicts[i].rule->rule) &&
                          drawing->verdicts[i].verdict->exercised != BT_TRUE);
  }
  return bt_idle_exit_status(&run->options, is_idle, code);
}

/* What each rule met in the trace, and in those that links tie to it. In any case *out is to be freed. */
static bt_status take_notes(const bt_cli_rules *rules, const bt_trace *trace, const bt_family *family,
                            const bt_rule_verdict *verdicts, bt_data_notes ***out, bt_error *error) {
  bt_status status = BT_OK;
  bt_data_notes **notes = *out = calloc(rules->count + 1, sizeof(bt_data_notes *));
  if (!notes) return bt_error_no_memory(error);
  for (size_t i = 0; i < rules->count && !status; i++) {
    status = bt_data_notes_new(rules->items[i]->rule, &notes[i], error);
    if (status) return status;
    bt_data_notes_are_of_some(notes[i]);
    bt_data_notes_look(notes[i], trace);
    bt_data_notes_take(notes[i], &verdicts[i]);
    for (uint32_t k = 1; family && k < family->trace_count; k++) bt_data_notes_look(notes[i], family->traces[k].trace);
  }
  return status;
}

static void free_notes(bt_data_notes **notes, size_t count) {
  for (size_t i = 0; notes && i < count; i++) bt_data_notes_free(notes[i]);
  free(notes);
}

static void write_notes(const bt_cli_rules *rules, bt_data_notes *const *notes, bt_buffer *out) {
  bt_buffer text = {0};
  bt_range place;
  for (size_t i = 0; i < rules->count; i++)
    for (size_t k = 0; bt_data_notes_say(notes[i], k, &text, &place); k++) {
      bt_shown_printf(out, "note: %s: %.*s\n", rules->items[i]->fields.id, BT_FMT(bt_buffer_str(&text)));
      bt_buffer_clear(&text);
    }
  bt_buffer_dispose(&text);
}

static bt_status show_judged(void *context, const bt_trace *trace, const bt_family *family, bt_judge *judge,
                             const bt_rule_verdict *verdicts, bt_error *error) {
  trace_run *run = context;
  bt_drawing drawing;
  const bt_cli_rules *rules = &run->options.rules;
  bt_data_notes **notes = NULL;
  bt_status status = bt_drawing_new(trace, family, (const bt_rule_definition *const *)rules->items, verdicts,
                                    rules->count, &drawing, error);
  if (!status) status = take_notes(rules, trace, family, verdicts, &notes, error);
  if (!status) {
    bt_buffer text = {0};
    drawing.is_unsettled = judge && bt_judge_is_unsettled(judge, trace);
    run->code = exit_status(run, &drawing);
    if (run->options.print_json)
      print_json(&drawing, notes);
    else
      bt_drawing_print(&drawing, run->shows_all, &text);
    if (!run->options.print_json) write_notes(rules, notes, &text);
    if (text.failed) status = bt_error_no_memory(error);
    bt_cli_print_buffer(&text);
  }
  free_notes(notes, rules->count);
  bt_drawing_dispose(&drawing);
  return status;
}

static int run_trace(trace_run *run, const bt_trace_id *id) {
  bt_error error = {0};
  bt_status status = bt_trace_find_judged(&run->options, id, show_judged, run, &error);
  return status ? bt_cli_fail("trace", status, &error) : run->code;
}

/* ---- the row ---- */

enum { OPT_ALL = BT_FLAG_OWN };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  trace_run *run = context;
  if (flag->id == OPT_ALL) return run->shows_all = true;
  return bt_replay_options_take(&run->options, flag, value);
}

static int trace_command(const bt_command *self, int argc, char **argv) {
  trace_run run = {0};
  bt_operands operands;
  bt_trace_id id;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_trace_operand(self, &run.options, &operands, &id);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_SHOWS_LINKS);
    if (!code) code = run_trace(&run, &id);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"all", OPT_ALL, NULL, NULL, "draw every span; else runs of like spans are folded", NULL},
    BT_FLAG_ROW_EXERCISED,
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {"Links:", bt_flags_links, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"Why does this trace break a rule?",
     "betrace trace 47a78e50ad27afba05c2b21fcd5ec87b --rules rules.yaml --tempo http://127.0.0.1:3200"},
    {"From a file, without rules: the tree alone",
     "betrace trace 47a78e50ad27afba05c2b21fcd5ec87b --traces traces.jsonl"},
    {0}};
const bt_command bt_command_trace = {
    .name = "trace",
    .summary = "verdicts on one trace, drawn as a tree with the witnesses marked",
    .usage = "ID [RULES… | --rules FILE | --dsl TEXT] (TRACES… | --traces FILE | --store URL) [flags]",
    .about = "Draws one trace: its spans with services and durations, and parents that are missing. For each rule it "
             "says the verdict, what was missing, and which spans show it, with the rule's number in front of them.\n\n"
             "It is drawn in as many columns as the terminal has, and in ASCII where the locale is not UTF-8.",
    .examples = examples,
    .groups = groups,
    .fine = "no rule is violated",
    .found = "some rule is violated",
    .unknown = "none is violated, but a verdict is inconclusive; or there is no such trace; with "
               "--require-exercised also: it does not exercise a rule",
    .run = trace_command};
