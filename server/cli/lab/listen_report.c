/* Evaluating what came, and saying it. See listen_report.h. */
#include "server/cli/lab/listen_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsl/base/arena.h"
#include "server/cli/idle_print.h"
#include "server/cli/lab/listen_idle.h"
#include "server/cli/lab/trace_record.h"
#include "server/cli/printer.h"
#include "server/cli/trace_drawing.h"
#include "server/json/ci_note.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/json/sarif.h"
#include "server/json/xml.h"
#include "server/replay/trace_link.h"
#include "tempo/files/file_source.h"

static size_t rule_count(const bt_listen_report *report) {
  return report->options->shared.rules.count;
}

static const bt_rule_definition *rule_at(const bt_listen_report *report, size_t i) {
  return report->options->shared.rules.items[i];
}

/* ---- one trace ---- */

static bool is_wanted(const bt_listen_report *report, const bt_trace *trace) {
  for (size_t i = 0; i < report->options->service_count; i++)
    for (uint32_t k = 0; k < trace->span_count; k++)
      if (bt_str_equal(trace->spans[k].resource->service, bt_str_from(report->options->services[i]))) return true;
  return !report->options->service_count;
}

/* Which test sent it: an attribute of a resource, or of a span (as baggage becomes one). Empty: none says. */
static bt_str test_of(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_value *name = bt_attributes_find(&trace->spans[i].resource->attributes, BT_STR("test.name"));
    if (!name) name = bt_attributes_find(&trace->spans[i].attributes, BT_STR("test.name"));
    if (name && name->type == BT_VALUE_STRING) return name->string;
  }
  return BT_STR("");
}

static void count_test(bt_listen_report *report, bt_str test, uint64_t violated) {
  if (!test.len) return;
  json_t *name = bt_text_json(test);
  const char *key = name ? json_string_value(name) : "";
  json_int_t before = json_integer_value(json_object_get(report->tests, key));
  bt_json_set(report->tests, key, json_integer(before + (json_int_t)violated));
  json_decref(name);
}

/* new. With its link; NULL: no memory. */
static char *message_of(const bt_violation *violation) {
  bt_buffer text = {0};
  bt_buffer_append(&text, bt_str_from(violation->message));
  bt_trace_link_append("  ", violation, "", &text);
  char *message = text.failed ? NULL : strndup(text.ptr, text.len);
  bt_buffer_dispose(&text);
  return message;
}

/* Takes the violation's JSON. */
static bt_status note_violation(bt_listen_report *report, size_t rule, const bt_trace *trace,
                                const bt_violation *violation, bt_str test, bt_error *error) {
  json_t *one = bt_violation_json(rule_at(report, rule), violation);
  if (test.len) bt_json_set(one, "test", bt_text_json(test));
  char *message = message_of(violation);
  bt_listen_found *found = bt_grow_array(report->found, report->found_count, &report->found_capacity, sizeof *found);
  if (found) report->found = found;
  if (found && message) {
    found[report->found_count++] = (bt_listen_found){trace->id, bt_trace_start_ns(trace), rule, one, message};
    return BT_OK;
  }
  json_decref(one);
  free(message);
  return bt_error_no_memory(error);
}

/* Of the verdicts only those that say something is wrong, or not known. */
static void keep_telling_verdicts(bt_drawing *drawing) {
  size_t kept = 0;
  for (size_t i = 0; i < drawing->verdict_count; i++) {
    bt_verdict verdict = drawing->verdicts[i].verdict->verdict;
    if (verdict == BT_VIOLATED || verdict == BT_INCONCLUSIVE) drawing->verdicts[kept++] = drawing->verdicts[i];
  }
  drawing->verdict_count = kept;
  for (uint32_t i = 0; i < drawing->linked_count; i++) drawing->linked[i].verdict_count = kept;
}

static bool comes_before(int64_t a_ns, const bt_trace_id *a, int64_t b_ns, const bt_trace_id *b) {
  return a_ns != b_ns ? a_ns < b_ns : bt_trace_id_compare(a, b) < 0;
}

/* Where the trace stands among those that are drawn; BT_LISTEN_DRAWN_MAX: behind them all. */
static size_t place_of_drawing(const bt_listen_report *report, const bt_trace *trace) {
  size_t place = report->drawn_count;
  int64_t start_ns = bt_trace_start_ns(trace);
  while (place > 0 &&
         comes_before(start_ns, &trace->id, report->drawn[place - 1].start_ns, &report->drawn[place - 1].id))
    place--;
  return place;
}

/* Kept as text, until it is known which come first. */
static bt_status draw_trace(bt_listen_report *report, const bt_trace *trace, bt_drawing *drawing, bt_str test,
                            bt_error *error) {
  size_t place = place_of_drawing(report, trace);
  bt_listen_drawn *drawn = report->drawn, made = {.id = trace->id, .start_ns = bt_trace_start_ns(trace)};
  if (report->options->shared.print_json || place == BT_LISTEN_DRAWN_MAX) return BT_OK;
  if (test.len) bt_shown_printf(&made.text, "test %.*s\n", BT_FMT(test));
  keep_telling_verdicts(drawing);
  bt_drawing_print(drawing, false, &made.text);
  bt_buffer_append_char(&made.text, '\n');
  if (report->drawn_count == BT_LISTEN_DRAWN_MAX) bt_buffer_dispose(&drawn[--report->drawn_count].text);
  memmove(&drawn[place + 1], &drawn[place], (report->drawn_count - place) * sizeof *drawn);
  drawn[place] = made;
  report->drawn_count++;
  return made.text.failed ? bt_error_no_memory(error) : BT_OK;
}

static bt_status keep_trace(bt_listen_report *report, const bt_trace *trace, bt_error *error) {
  bt_redaction everything = {.keeps_all = true};
  if (report->saved < 0) return BT_OK;
  json_t *document = bt_otlp_document_json(BT_ALONE(trace), &everything);
  bt_buffer line = {0};
  bt_line_store one = BT_LINE_STORE_EMPTY;
  if (!document) return bt_error_no_memory(error);
  bt_shown_json(document, JSON_COMPACT | JSON_REAL_PRECISION(17), &line);
  bt_status status = line.failed ? bt_error_no_memory(error) : BT_OK;
  if (!status) status = bt_line_store_add(&one, trace, bt_buffer_str(&line), error);
  if (!status) status = bt_line_store_move(&report->kept, &one, error);
  bt_line_store_dispose(&one);
  bt_buffer_dispose(&line);
  return status;
}

static bt_status save_line(void *context, bt_str line, bt_error *error) {
  const bt_listen_report *report = context;
  if (bt_cli_write_all(report->saved, line)) return BT_OK;
  return bt_error_set(error, BT_IO, "%.150s: %s", report->options->save, strerror(errno));
}

static bt_status take_judged(void *context, const bt_trace *trace, const bt_family *family,
                             const bt_rule_verdict *verdicts, bt_error *error) {
  bt_listen_report *report = context;
  bt_drawing drawing;
  uint64_t violated = 0;
  bt_str test = test_of(trace);
  bt_status status =
      bt_drawing_new(trace, family, (const bt_rule_definition *const *)report->options->shared.rules.items, verdicts,
                     rule_count(report), &drawing, error);
  for (size_t i = 0; !status && i < drawing.verdict_count; i++) {
    const bt_drawn_verdict *drawn = &drawing.verdicts[i];
    report->rules[i].counts[drawn->verdict->verdict]++;
    bt_data_notes_take(report->rules[i].notes, drawn->verdict);
    bt_listen_note_exercise(&report->rules[i], drawn->verdict);
    violated += drawn->violation != NULL;
    if (drawn->violation) status = note_violation(report, i, trace, drawn->violation, test, error);
  }
  count_test(report, test, violated);
  if (!status && violated) status = draw_trace(report, trace, &drawing, test, error);
  bt_drawing_dispose(&drawing);
  return status;
}

/* What links may decide waits until every trace was read. */
static bt_status judge_trace(bt_listen_report *report, const bt_trace *trace, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  for (size_t i = 0; i < rule_count(report); i++) bt_data_notes_look(report->rules[i].notes, trace);
  bt_status status = bt_judge_run(report->judge, trace, &verdicts, error);
  if (status || !bt_judge_awaits_links(report->judge, verdicts))
    return status ? status : take_judged(report, trace, NULL, verdicts, error);
  bt_given_trace *linked =
      bt_grow_array(report->linked, report->linked_count, &report->linked_capacity, sizeof *linked);
  if (!linked) return bt_error_no_memory(error);
  report->linked = linked;
  linked[report->linked_count++] = bt_given_trace_of(trace);
  return BT_OK;
}

static bt_status judge_linked(bt_listen_report *report, bt_source *source, bt_error *error) {
  return bt_judge_families(report->judge, source, &report->options->shared, report->linked, report->linked_count,
                           take_judged, report, error);
}

static void note_keeping(bt_listen_report *report, const bt_trace *trace) {
  bt_sampling_setting setting;
  if (!bt_sampling_setting_parse(report->options->shared.assumptions.sampling, &setting)) return;
  bt_kept_trace kept = bt_kept_trace_of(trace, &setting);
  report->sampled.declared = setting.declared;
  bt_sampled_traces_add(&report->sampled, trace, &kept);
}

static bt_status take_trace(void *context, const bt_read_trace *read, bt_error *error) {
  bt_listen_report *report = context;
  if (!read->trace) return BT_OK;
  bt_status status = keep_trace(report, read->trace, error);
  if (status) return status;
  bool wanted = is_wanted(report, read->trace);
  report->traces += wanted;
  if (wanted) note_keeping(report, read->trace);
  report->left_out += !wanted;
  return wanted ? judge_trace(report, read->trace, error) : BT_OK;
}

/* ---- all of them ---- */

static int compare_found(const void *left, const void *right) {
  const bt_listen_found *a = left, *b = right;
  if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
  int order = bt_trace_id_compare(&a->trace_id, &b->trace_id);
  return order ? order : (a->rule > b->rule) - (a->rule < b->rule);
}

/* Everything that has an order, in that of the traces, whatever order they came in. */
static void list_violations(bt_listen_report *report) {
  if (report->found_count) qsort(report->found, report->found_count, sizeof *report->found, compare_found);
  for (size_t i = 0; i < report->found_count; i++) {
    bt_listen_found *found = &report->found[i];
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&found->trace_id, id);
    bt_buffer_printf(&report->rules[found->rule].messages, "%s  %s\n", id, found->message);
    bt_json_append(report->violations, found->violation);
    found->violation = NULL;
  }
}

static int compare_names(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bt_status sort_tests(bt_listen_report *report, bt_error *error) {
  const char **names = bt_realloc_array(NULL, json_object_size(report->tests) + 1, sizeof *names), *name;
  json_t *sorted = json_object(), *violated;
  size_t count = 0;
  json_object_foreach(report->tests, name, violated) if (names) names[count++] = name;
  if (count) qsort(names, count, sizeof *names, compare_names);
  for (size_t i = 0; sorted && i < count; i++)
    bt_json_set(sorted, names[i], json_incref(json_object_get(report->tests, names[i])));
  free(names);
  if (!names || !sorted) return json_decref(sorted), bt_error_no_memory(error);
  json_decref(report->tests);
  report->tests = sorted;
  return BT_OK;
}

static void list_notes(bt_listen_report *report) {
  bt_buffer sentence = {0};
  bt_range place;
  for (size_t i = 0; i < rule_count(report); i++)
    for (size_t k = 0; bt_data_notes_say(report->rules[i].notes, k, &sentence, &place); k++) {
      json_t *note = bt_data_note_json(bt_buffer_str(&sentence), place);
      bt_json_set(note, "rule_id", json_string(rule_at(report, i)->fields.id));
      bt_json_append(report->notes, note);
      bt_buffer_printf(&report->rules[i].noted, "%.*s\n", BT_FMT(bt_buffer_str(&sentence)));
      bt_buffer_clear(&sentence);
    }
  bt_buffer_dispose(&sentence);
}

static bt_status put_in_order(bt_listen_report *report, bt_error *error) {
  list_violations(report);
  list_notes(report);
  for (size_t i = 0; i < report->drawn_count; i++) bt_cli_print_buffer(&report->drawn[i].text);
  bt_status status = sort_tests(report, error);
  return status ? status : bt_line_store_give(&report->kept, save_line, report, error);
}

static bt_status open_saved(bt_listen_report *report, bt_error *error) {
  report->saved = -1;
  if (!report->options->save) return BT_OK;
  report->saved = open(report->options->save, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (report->saved >= 0) return BT_OK;
  return bt_error_set(error, BT_IO, "%.150s: %s", report->options->save, strerror(errno));
}

bt_status bt_listen_report_make(bt_listen_report *report, const char *const *files, size_t file_count,
                                bt_error *error) {
  bt_source *source = NULL;
  const bt_replay_options *shared = &report->options->shared;
  report->rules = calloc(rule_count(report), sizeof *report->rules);
  report->kept = BT_LINE_STORE_EMPTY;
  report->violations = json_array();
  report->tests = json_object();
  report->notes = json_array();
  report->unexercised = json_array();
  bool has_memory = report->rules && report->violations && report->tests && report->notes && report->unexercised;
  bt_status status = has_memory ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < rule_count(report) && !status; i++)
    status = bt_data_notes_new(rule_at(report, i)->rule, &report->rules[i].notes, error);
  if (!status)
    status = bt_judge_new((const bt_rule_definition *const *)shared->rules.items, rule_count(report),
                          &shared->assumptions, true, &report->judge, error);
  if (!status) status = open_saved(report, error);
  if (status || !file_count) return status;
  status = bt_file_source_open(files, file_count, 0, &source, error);
  if (!status) status = bt_file_source_each(source, take_trace, report, error);
  if (!status) status = judge_linked(report, source, error);
  if (!status) status = bt_listen_idle_find(report, source, error);
  bt_source_free(source);
  return status ? status : put_in_order(report, error);
}

void bt_listen_report_dispose(bt_listen_report *report) {
  for (size_t i = 0; report->rules && i < rule_count(report); i++) {
    bt_buffer_dispose(&report->rules[i].messages);
    bt_buffer_dispose(&report->rules[i].noted);
    bt_buffer_dispose(&report->rules[i].idle);
    bt_data_notes_free(report->rules[i].notes);
  }
  free(report->rules);
  free(report->linked);
  for (size_t i = 0; i < report->found_count; i++) {
    json_decref(report->found[i].violation);
    free(report->found[i].message);
  }
  free(report->found);
  for (size_t i = 0; i < report->drawn_count; i++) bt_buffer_dispose(&report->drawn[i].text);
  if (report->rules) bt_line_store_dispose(&report->kept); /* it was begun */
  json_decref(report->violations);
  json_decref(report->tests);
  json_decref(report->notes);
  json_decref(report->unexercised);
  bt_judge_free(report->judge);
  if (report->saved > 0) (void)close(report->saved);
}

/* ---- what it comes to ---- */

static uint64_t count_verdicts(const bt_listen_report *report, bt_verdict verdict) {
  uint64_t count = 0;
  for (size_t i = 0; i < rule_count(report); i++) count += report->rules[i].counts[verdict];
  return count;
}

static uint64_t count_unexercised(const bt_listen_report *report) {
  uint64_t count = 0;
  for (size_t i = 0; i < rule_count(report); i++) count += !bt_listen_is_exercised(report, i);
  return count;
}

static uint64_t count_without_names(const bt_listen_report *report) {
  uint64_t count = 0;
  for (size_t i = 0; i < rule_count(report); i++) count += report->rules[i].lacks_names;
  return count;
}

/* Something that was sent is not known, or may still have been on its way. */
static bool lacks_spans(const bt_listen_report *report) {
  return !report->traces || report->received.refused || report->open_end;
}

int bt_listen_report_code(const bt_listen_report *report) {
  if (count_verdicts(report, BT_VIOLATED)) return BT_EXIT_FOUND;
  if (lacks_spans(report)) return BT_EXIT_UNKNOWN;
  if (report->options->is_strict && count_verdicts(report, BT_INCONCLUSIVE)) return BT_EXIT_UNKNOWN;
  bool is_idle = count_unexercised(report) > 0 || count_without_names(report) > 0;
  return bt_idle_exit_status(&report->options->shared, is_idle, BT_EXIT_FINE);
}

/* ---- text ---- */

static void print_rules(const bt_listen_report *report) {
  for (size_t i = 0; i < rule_count(report); i++) {
    const bt_listen_rule *rule = &report->rules[i];
    const char *id = rule_at(report, i)->fields.id;
    if (rule->counts[BT_VIOLATED])
      bt_print("violated      %s: %" PRIu64 " trace%s\n", id, rule->counts[BT_VIOLATED],
               bt_cli_plural(rule->counts[BT_VIOLATED]));
    else if (rule->counts[BT_INCONCLUSIVE])
      bt_print("inconclusive  %s: %" PRIu64 " trace%s\n", id, rule->counts[BT_INCONCLUSIVE],
               bt_cli_plural(rule->counts[BT_INCONCLUSIVE]));
    else if (rule->idle.len)
      bt_print("not exercised %s: %.*s\n", id, BT_FMT(bt_buffer_str(&rule->idle)));
    else if (!bt_listen_is_exercised(report, i) && report->options->shared.requires_exercised)
      bt_print("not exercised %s: no trace has what the rule is about\n", id);
    else if (rule->lacks_names)
      bt_print("names not seen %s: no trace has any name of this rule, so it says nothing of these traces\n", id);
  }
}

static void print_notes(const bt_listen_report *report) {
  size_t i;
  json_t *note;
  json_array_foreach(report->notes, i, note)
      bt_print("note: %s: %s\n", json_string_value(json_object_get(note, "rule_id")),
               json_string_value(json_object_get(note, "message")));
}

static void print_tests(const bt_listen_report *report) {
  const char *name;
  json_t *violated;
  json_object_foreach(report->tests, name, violated)
      bt_print("test %s: %lld violation%s\n", name, (long long)json_integer_value(violated),
               bt_cli_plural((uint64_t)json_integer_value(violated)));
}

/* OTEL_BSP_SCHEDULE_DELAY, which the command is given as less; not every SDK reads it. */
static const int64_t usual_delay_ns = INT64_C(5000000000);

/* Why something is not known, a sentence a line; nothing where all came. */
static void write_gaps(const bt_listen_report *report, bt_buffer *out) {
  const bt_received *received = &report->received;
  if (received->refused)
    bt_buffer_printf(out, "%" PRIu64 " request%s could not be taken, so it is not known what %s held:\n",
                     received->refused, bt_cli_plural(received->refused), received->refused == 1 ? "it" : "they");
  for (size_t i = 0; i < received->refusal_count; i++)
    bt_buffer_printf(out, "  %" PRIu64 "  %s\n", received->refusals[i].count, received->refusals[i].why);
  if (report->open_end) bt_buffer_printf(out, "%s\n", report->open_end);
  if (!received->spans)
    bt_buffer_append(out, BT_STR("no span came, so nothing is known. Does the program use an OpenTelemetry SDK with an "
                                 "OTLP exporter over HTTP, and does it end the SDK before it exits?\n"));
  else if (!report->traces)
    bt_buffer_append(out, BT_STR("no trace has a span of these services (--only), so nothing is known\n"));
  if (!received->spans && !received->refused && report->ran_ns && report->ran_ns < usual_delay_ns)
    bt_buffer_append(out, BT_STR("the command ended within 5s, which exporters wait by default before they send a "
                                 "batch: what they held then is lost unless the program ends the SDK (shutdown)\n"));
}

/* A line of what goes on with the one before it is indented. */
static void print_gaps(const bt_listen_report *report) {
  const bt_received *received = &report->received;
  bt_buffer gaps = {0};
  write_gaps(report, &gaps);
  for (bt_str rest = bt_buffer_str(&gaps); rest.len;) {
    const char *end = memchr(rest.ptr, '\n', rest.len);
    size_t length = end ? (size_t)(end - rest.ptr) : rest.len;
    bt_print_error("%s%.*s\n", rest.ptr[0] == ' ' ? "" : "betrace listen: ", (int)length, rest.ptr);
    rest = (bt_str){rest.ptr + length + (end != NULL), rest.len - length - (end != NULL)};
  }
  bt_buffer_dispose(&gaps);
  if (received->not_sent)
    bt_print_error("betrace listen: %" PRIu64 " request%s could not be sent on: %s\n", received->not_sent,
                   bt_cli_plural(received->not_sent), received->why_not_sent);
}

static void print_text(const bt_listen_report *report, int command_code) {
  uint64_t violations = count_verdicts(report, BT_VIOLATED), unexercised = count_unexercised(report);
  if (violations && report->drawn_count == BT_LISTEN_DRAWN_MAX)
    bt_print("the first %d traces are drawn; --json and --save have all\n", BT_LISTEN_DRAWN_MAX);
  print_rules(report);
  print_tests(report);
  print_notes(report);
  bt_print("%" PRIu64 " trace%s, %" PRIu64 " spans, %zu rule%s: %" PRIu64 " violated, %" PRIu64
           " inconclusive, %" PRIu64 " satisfied; %" PRIu64 " rule%s not exercised\n",
           report->traces, bt_cli_plural(report->traces), report->received.spans, rule_count(report),
           bt_cli_plural(rule_count(report)), violations, count_verdicts(report, BT_INCONCLUSIVE),
           count_verdicts(report, BT_SATISFIED), unexercised, bt_cli_plural(unexercised));
  if (bt_sampled_traces_lack(&report->sampled)) bt_replay_print_sampling(&report->sampled);
  if (command_code) bt_print("the command ended with %d\n", command_code);
}

static const bt_rule_place *place_of(const bt_listen_report *report, size_t i) {
  return &report->options->shared.rules.places[i];
}

static void print_note(const bt_ci_note *note) {
  bt_buffer line = {0};
  bt_ci_note_write(note, &line);
  bt_print_document(bt_buffer_str(&line));
  bt_buffer_dispose(&line);
}

static void print_gaps_for_github(const bt_listen_report *report) {
  bt_buffer gaps = {0};
  write_gaps(report, &gaps);
  if (gaps.len)
    print_note(&(bt_ci_note){.level = "error", .title = BT_STR("betrace listen"), .message = bt_buffer_str(&gaps)});
  bt_buffer_dispose(&gaps);
}

/* At the rule; nothing where the text is empty. */
static void annotate_rule(const bt_listen_report *report, size_t i, const char *level, const char *about, bt_str text) {
  const bt_rule_place *place = place_of(report, i);
  bt_buffer title = {0};
  bt_buffer_printf(&title, "betrace %s%s", rule_at(report, i)->fields.id, about);
  bt_ci_note note = {.level = level,
                     .file = place->file,
                     .line = place->line,
                     .column = 1,
                     .title = bt_buffer_str(&title),
                     .message = text};
  if (text.len) print_note(&note);
  bt_buffer_dispose(&title);
}

static void print_for_github(const bt_listen_report *report) {
  for (size_t i = 0; i < rule_count(report); i++) {
    const bt_listen_rule *rule = &report->rules[i];
    if (rule->counts[BT_VIOLATED]) annotate_rule(report, i, "error", "", bt_buffer_str(&rule->messages));
    annotate_rule(report, i, "notice", ": about the data", bt_buffer_str(&rule->noted));
  }
  print_gaps_for_github(report);
}

/* ---- documents ---- */

static json_t *rule_json(const bt_listen_report *report, size_t i) {
  const bt_listen_rule *rule = &report->rules[i];
  return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:b}", "rule_id", rule_at(report, i)->fields.id, "severity",
                   bt_severity_name(rule_at(report, i)->fields.severity), "violated",
                   (json_int_t)rule->counts[BT_VIOLATED], "inconclusive", (json_int_t)rule->counts[BT_INCONCLUSIVE],
                   "satisfied", (json_int_t)rule->counts[BT_SATISFIED], "exercised", bt_listen_is_exercised(report, i),
                   "names_seen", !rule->lacks_names);
}

static json_t *refusals_json(const bt_received *received) {
  json_t *refusals = json_array();
  for (size_t i = 0; i < received->refusal_count; i++)
    bt_json_append(refusals, json_pack("{s:I, s:o}", "count", (json_int_t)received->refusals[i].count, "why",
                                       bt_text_json(bt_str_from(received->refusals[i].why))));
  return refusals;
}

/* new; NULL: no memory. */
static json_t *report_json(const bt_listen_report *report, int command_code) {
  json_t *rules = json_array();
  const bt_received *received = &report->received;
  for (size_t i = 0; i < rule_count(report); i++) bt_json_append(rules, rule_json(report, i));
  json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:O, s:O, s:O, s:O, s:i}", "traces",
                             (json_int_t)report->traces, "left_out", (json_int_t)report->left_out, "spans",
                             (json_int_t)received->spans, "requests", (json_int_t)received->requests, "refused",
                             (json_int_t)received->refused, "refusals", refusals_json(received), "not_sent_on",
                             (json_int_t)received->not_sent, "open_end",
                             report->open_end ? json_string(report->open_end) : json_null(), "rules", rules, "tests",
                             report->tests, "violations", report->violations, "notes", report->notes, "unexercised",
                             report->unexercised, "command_status", command_code);
  if (object && bt_sampled_traces_lack(&report->sampled))
    bt_json_set(object, "sampling", bt_sampling_json(&report->sampled));
  return object;
}

/* It passed, and would have whatever the program does. */
static bool is_missed(const bt_listen_report *report, size_t i) {
  return !bt_listen_is_exercised(report, i) || report->rules[i].lacks_names;
}

static bt_str missed_text(const bt_listen_report *report, size_t i) {
  const bt_listen_rule *rule = &report->rules[i];
  if (rule->idle.len) return bt_buffer_str(&rule->idle);
  return rule->lacks_names ? BT_STR("no trace has any name of this rule") : BT_STR("no trace exercised this rule");
}

static void write_case(const bt_listen_report *report, size_t i, bt_buffer *out) {
  const bt_listen_rule *rule = &report->rules[i];
  const char *kind = rule->counts[BT_VIOLATED] ? "failure" : rule->counts[BT_INCONCLUSIVE] ? "error" : NULL;
  bt_buffer_append(out, BT_STR("    <testcase"));
  bt_xml_attribute(out, "classname", bt_str_from(bt_severity_name(rule_at(report, i)->fields.severity)));
  bt_xml_attribute(out, "name", bt_str_from(rule_at(report, i)->fields.id));
  bt_buffer_append_char(out, '>');
  if (kind) {
    uint64_t count = rule->counts[rule->counts[BT_VIOLATED] ? BT_VIOLATED : BT_INCONCLUSIVE];
    bt_buffer_printf(out, "<%s message=\"%" PRIu64 " trace%s\">", kind, count, bt_cli_plural(count));
    bt_xml_text(out, bt_buffer_str(&rule->messages), false);
    bt_buffer_printf(out, "</%s>", kind);
  } else if (is_missed(report, i)) {
    bt_buffer_append(out, report->options->shared.requires_exercised ? BT_STR("<error") : BT_STR("<skipped"));
    bt_xml_attribute(out, "message", missed_text(report, i));
    bt_buffer_append(out, BT_STR("/>"));
  }
  if (rule->noted.len) {
    bt_buffer_append(out, BT_STR("<system-out>"));
    bt_xml_text(out, bt_buffer_str(&rule->noted), false);
    bt_buffer_append(out, BT_STR("</system-out>"));
  }
  bt_buffer_append(out, BT_STR("</testcase>\n"));
}

/* What is not known of the run as a whole is a case of its own: no rule can be said to have passed. */
static void write_run_case(const bt_listen_report *report, bt_buffer *out) {
  if (!lacks_spans(report)) return;
  bt_buffer gaps = {0};
  write_gaps(report, &gaps);
  bt_buffer_append(out, BT_STR("    <testcase classname=\"betrace\" name=\"spans\"><error"));
  bt_xml_attribute(out, "message", bt_buffer_str(&gaps));
  bt_buffer_append(out, BT_STR("/></testcase>\n"));
  bt_buffer_dispose(&gaps);
}

/* Disposes the text. */
static bt_status write_document(const char *path, bt_buffer *text, bt_error *error) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool is_written = file >= 0 && !text->failed && bt_cli_write_all(file, bt_buffer_str(text));
  int why = text->failed ? ENOMEM : errno;
  if (file >= 0) is_written = close(file) == 0 && is_written;
  bt_buffer_dispose(text);
  return is_written ? BT_OK : bt_error_set(error, BT_IO, "%.150s: %s", path, strerror(why));
}

static bt_status write_junit(const bt_listen_report *report, bt_error *error) {
  bt_buffer out = {0};
  if (!report->options->junit) return BT_OK;
  bt_buffer_append(&out, BT_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"));
  bt_buffer_append(&out, BT_STR("  <testsuite name=\"betrace listen\">\n"));
  write_run_case(report, &out);
  for (size_t i = 0; i < rule_count(report); i++) write_case(report, i, &out);
  bt_buffer_append(&out, BT_STR("  </testsuite>\n</testsuites>\n"));
  return write_document(report->options->junit, &out, error);
}

/* What SARIF is told of a rule; NULL: nothing is wrong with it. */
static json_t *finding_json(const bt_listen_report *report, size_t i) {
  const bt_listen_rule *rule = &report->rules[i];
  const bt_rule_fields *fields = &rule_at(report, i)->fields;
  const bt_rule_place *place = place_of(report, i);
  bool is_wrong = report->options->shared.requires_exercised && is_missed(report, i);
  uint64_t violated = rule->counts[BT_VIOLATED], unknown = rule->counts[BT_INCONCLUSIVE];
  bt_buffer message = {0};
  if (!violated && !unknown && !is_wrong) return NULL;
  if (violated)
    bt_buffer_printf(&message, "%" PRIu64 " trace%s violated it\n%.*s", violated, bt_cli_plural(violated),
                     BT_FMT(bt_buffer_str(&rule->messages)));
  else if (unknown)
    bt_buffer_printf(&message, "of %" PRIu64 " trace%s it is not known", unknown, bt_cli_plural(unknown));
  else
    bt_buffer_append(&message, missed_text(report, i));
  json_t *finding =
      json_pack("{s:s, s:s, s:s, s:o, s:s*, s:i, s:i}", "code", fields->id, "meaning", fields->name, "severity",
                violated || is_wrong ? "error" : "warning", "message", bt_text_json(bt_buffer_str(&message)), "file",
                place->file, "line", (int)place->line, "column", 1);
  bt_buffer_dispose(&message);
  return finding;
}

/* What the rule met in the data: wrong is nothing with it. */
static json_t *note_finding_json(const bt_listen_report *report, size_t i) {
  const bt_rule_place *place = place_of(report, i);
  const bt_rule_fields *fields = &rule_at(report, i)->fields;
  bt_str noted = bt_buffer_str(&report->rules[i].noted);
  if (!noted.len) return NULL;
  return json_pack("{s:s, s:s, s:s, s:o, s:s*, s:i, s:i}", "code", fields->id, "meaning", fields->name, "severity",
                   "note", "message", bt_text_json(noted), "file", place->file, "line", (int)place->line, "column", 1);
}

static bt_status write_sarif(const bt_listen_report *report, bt_error *error) {
  bt_buffer out = {0};
  if (!report->options->sarif) return BT_OK;
  json_t *findings = json_array();
  for (size_t i = 0; i < rule_count(report); i++) {
    json_t *finding = finding_json(report, i), *note = note_finding_json(report, i);
    if (finding) bt_json_append(findings, finding);
    if (note) bt_json_append(findings, note);
  }
  json_t *log = bt_sarif_json(findings, !lacks_spans(report), BETRACE_VERSION);
  json_decref(findings);
  if (!log) return bt_error_no_memory(error);
  bt_shown_json(log, JSON_INDENT(2), &out);
  return write_document(report->options->sarif, &out, error);
}

/* What --json prints, beside what the command itself prints. */
static bt_status write_json(const bt_listen_report *report, int command_code, bt_error *error) {
  bt_buffer out = {0};
  if (!report->options->json) return BT_OK;
  json_t *object = report_json(report, command_code);
  if (!object) return bt_error_no_memory(error);
  bt_shown_json(object, JSON_INDENT(2), &out);
  return write_document(report->options->json, &out, error);
}

bt_status bt_listen_report_print(bt_listen_report *report, int command_code, bt_error *error) {
  bt_status status = write_junit(report, error);
  if (!status) status = write_sarif(report, error);
  if (!status) status = write_json(report, command_code, error);
  print_gaps(report);
  if (report->options->for_github) print_for_github(report);
  if (report->options->shared.print_json)
    bt_cli_print_json(report_json(report, command_code));
  else
    print_text(report, command_code);
  return status;
}
