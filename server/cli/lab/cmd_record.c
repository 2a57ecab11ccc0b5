/* `betrace record`: a rule test from a real trace. It reads the test again and runs it before it prints anything: a
 * printed test passes with the recorded verdict. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/found_trace.h"
#include "server/cli/lab/trace_record.h"
#include "server/cli/printer.h"
#include "server/rulefile/rulefile.h"
#include "server/rulefile/yaml_text.h"
#include "server/rulefile/yaml_writer.h"

typedef struct record_run {
  bt_replay_options options;
  bool as_fixture, whole_file, keeps_all;
  const char *folder; /* of fixtures */
  const char *name;   /* of the test */
  const char **kept;
  size_t kept_count;
  uint64_t left_out;
  enum { SAYS_NO_GAPS, SAYS_INCOMPLETE, SAYS_UNKNOWN_LINKS, GAPS_END } gaps; /* what of the family is not known */
  bt_buffer test, file; /* the test alone, two blanks deep; a whole rule file with it */
  bt_buffer path;       /* of the fixture */
} record_run;

static const bt_rule_definition *const *rules_of(const record_run *run) {
  return (const bt_rule_definition *const *)run->options.rules.items;
}

/* ---- writing ---- */

static void write_expectation(const record_run *run, const bt_rule_verdict *verdicts, bt_buffer *out) {
  if (run->options.rules.count == 1) {
    bt_buffer_printf(out, "    expect: %s\n", bt_verdict_name(verdicts[0].verdict));
    return;
  }
  bt_buffer_append(out, BT_STR("    expect:\n"));
  for (size_t i = 0; i < run->options.rules.count; i++)
    bt_buffer_printf(out, "      %s: %s\n", run->options.rules.items[i]->fields.id,
                     bt_verdict_name(verdicts[i].verdict));
}

/* Takes the document. */
static bool write_json_file(const char *path, json_t *document) {
  bt_buffer text = {0};
  if (!document) return errno = ENOMEM, false;
  bt_shown_json(document, JSON_INDENT(1) | JSON_REAL_PRECISION(17), &text);
  FILE *file = text.failed ? NULL : fopen(path, "w");
  if (text.failed) errno = ENOMEM;
  bool is_written = file && fwrite(text.ptr, 1, text.len, file) == text.len;
  if (file && fclose(file) != 0) is_written = false;
  bt_buffer_dispose(&text);
  return is_written;
}

static bt_status write_fixture(record_run *run, const bt_family *family, bt_redaction *redaction, bt_error *error) {
  char id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&family->traces[0].trace->id, id);
  bt_buffer_printf(&run->path, "%s/%s.otlp.json", run->folder, id);
  if (run->path.failed) return bt_error_no_memory(error);
  if (mkdir(run->folder, 0777) != 0 && errno != EEXIST)
    return bt_error_set(error, BT_IO, "the folder %.300s cannot be made: %s", run->folder, strerror(errno));
  if (!write_json_file(run->path.ptr, bt_otlp_document_json(family, redaction)))
    return bt_error_set(error, BT_IO, "%.300s cannot be written: %s", run->path.ptr, strerror(errno));
  bt_buffer_append(&run->test, BT_STR("    trace_file: "));
  bt_yaml_quote(bt_buffer_str(&run->path), &run->test);
  bt_buffer_append_char(&run->test, '\n');
  if (family->trace_count > 1) bt_buffer_printf(&run->test, "    trace_id: \"%s\"\n", id);
  return BT_OK;
}

/* `others:` of a linked trace up to its spans; the blanks before these. */
static unsigned write_other(record_run *run, const bt_family_trace *linked, const char *name) {
  bool is_open = run->gaps >= SAYS_INCOMPLETE && (linked->is_incomplete || linked->trace->partial);
  bt_buffer_printf(&run->test, "      %s:\n", name);
  if (is_open) bt_buffer_append(&run->test, BT_STR("        complete: false\n"));
  if (run->gaps >= SAYS_UNKNOWN_LINKS) bt_buffer_append(&run->test, BT_STR("        links_known: false\n"));
  if (!is_open && run->gaps < SAYS_UNKNOWN_LINKS) return 6;
  bt_buffer_append(&run->test, BT_STR("        spans:\n"));
  return 8;
}

static bt_status write_inline(record_run *run, const bt_family *family, bt_redaction *redaction, bt_error *error) {
  char name[BT_LINKED_NAME_BYTES];
  bool has_halves = false;
  if (family->trace_count > 1 + BT_TEST_MAX_OTHERS)
    return bt_error_set(error, BT_REFUSED,
                        "%" PRIu32
                        " traces are linked to this one, and `others:` of a test may have %d: record it with "
                        "--as fixture",
                        family->trace_count - 1, BT_TEST_MAX_OTHERS);
  for (uint32_t i = 0; i < family->trace_count; i++) {
    bt_trace_record_name(i, name);
    if (i == 1) bt_buffer_append(&run->test, BT_STR("    others:\n"));
    if (!i) bt_buffer_append(&run->test, BT_STR("    trace:\n"));
    unsigned indent = i ? write_other(run, &family->traces[i], name) : 4;
    bt_trace_record_yaml(family, i, redaction, indent, &has_halves, &run->test);
  }
  if (!has_halves) return BT_OK;
  return bt_error_set(error, BT_REFUSED,
                      "two spans of a trace have one id (client and server halves), which `trace:` of a test cannot "
                      "say: record it with --as fixture");
}

static bt_status write_test(record_run *run, const bt_family *family, bool is_incomplete,
                            const bt_rule_verdict *verdicts, bt_error *error) {
  char id[BT_TRACE_ID_HEX + 1], usual[64];
  bt_rule_keys read = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; i < run->options.rules.count && !status; i++)
    status = bt_rule_keys_add(&read, rules_of(run)[i]->rule, error);
  bt_redaction redaction = {
      .read = &read, .kept = run->kept, .kept_count = run->kept_count, .keeps_all = run->keeps_all};
  for (size_t i = 0; i < run->options.rules.count; i++)
    redaction.keeps_fractions |= rules_of(run)[i]->rule->coarse_clocks == BT_CLOCKS_UNKNOWN;
  bt_trace_id_format(&family->traces[0].trace->id, id);
  snprintf(usual, sizeof usual, "trace %s", id);
  bt_buffer_append(&run->test, BT_STR("  - name: "));
  bt_yaml_quote(bt_str_from(run->name ? run->name : usual), &run->test);
  bt_buffer_append_char(&run->test, '\n');
  if (!status)
    status =
        run->as_fixture ? write_fixture(run, family, &redaction, error) : write_inline(run, family, &redaction, error);
  if (is_incomplete) bt_buffer_append(&run->test, BT_STR("    complete: false\n"));
  if (run->gaps >= SAYS_UNKNOWN_LINKS) bt_buffer_append(&run->test, BT_STR("    links_known: false\n"));
  if (run->options.assumptions.clock_skew_ns)
    bt_buffer_printf(&run->test, "    clock_skew: %" PRId64 "ns\n", run->options.assumptions.clock_skew_ns);
  write_expectation(run, verdicts, &run->test);
  run->left_out = redaction.left_out;
  bt_rule_keys_dispose(&read);
  if (!status) status = bt_rulefile_write(rules_of(run), run->options.rules.count, &run->file, error);
  bt_buffer_append(&run->file, BT_STR("  tests:\n"));
  bt_buffer_append(&run->file, bt_buffer_str(&run->test));
  return !status && (run->test.failed || run->file.failed) ? bt_error_no_memory(error) : status;
}

/* ---- one trace ---- */

static int compare_traces(const void *a, const void *b) {
  const bt_trace *one = ((const bt_family_trace *)a)->trace, *other = ((const bt_family_trace *)b)->trace;
  int64_t start_ns = bt_trace_start_ns(one), other_ns = bt_trace_start_ns(other);
  return start_ns != other_ns ? (start_ns > other_ns) - (start_ns < other_ns)
                              : bt_trace_id_compare(&one->id, &other->id);
}

/* Some verdict waits for linked traces. */
static bool is_open(const record_run *run, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < run->options.rules.count; i++)
    if (verdicts[i].verdict == BT_INCONCLUSIVE && verdicts[i].lacks_links) return true;
  return false;
}

/* Some verdict is what it is because of --coarse-clocks alone. */
static bool hangs_on_flag(const record_run *run, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < run->options.rules.count; i++)
    if (verdicts[i].verdict == BT_INCONCLUSIVE && verdicts[i].reason == BT_REASON_TIME &&
        rules_of(run)[i]->rule->coarse_clocks == BT_CLOCKS_UNSAID)
      return run->options.assumptions.coarse_clocks_unknown;
  return false;
}

/* With as little said of what is not known as gives the verdicts. */
static bt_status record_family(record_run *run, const bt_family *family, bool is_incomplete,
                               const bt_rule_verdict *verdicts, bt_error *error) {
  bt_status status = BT_REFUSED;
  for (run->gaps = SAYS_NO_GAPS; status == BT_REFUSED && run->gaps < GAPS_END; run->gaps++) {
    bool is_first = run->gaps == SAYS_NO_GAPS;
    if (!is_first && !is_open(run, verdicts)) break;
    bt_buffer_clear(&run->test);
    bt_buffer_clear(&run->file);
    bt_buffer_clear(&run->path);
    status = write_test(run, family, is_incomplete, verdicts, error);
    if (status) return status;
    status = bt_recorded_verify(bt_buffer_str(&run->file), run->options.rules.count, error);
  }
  if (status == BT_REFUSED && hangs_on_flag(run, verdicts))
    return bt_error_set(error, BT_REFUSED,
                        "a verdict is inconclusive (time) by --coarse-clocks, which tests do not know: write "
                        "coarse_clocks: unknown into the rule");
  if (status != BT_REFUSED || !is_open(run, verdicts)) return status;
  return bt_error_set(
      error, BT_REFUSED,
      "a verdict is inconclusive (linked), because traces that are linked to this one are not all there "
      "or not settled, and this form of a test cannot say that. Record it %s",
      run->as_fixture ? "inline" : "once they are, or without these rules");
}

static bt_status record_judged(void *context, const bt_trace *trace, const bt_family *family, bt_judge *judge,
                               const bt_rule_verdict *verdicts, bt_error *error) {
  record_run *run = context;
  bool is_incomplete = trace->partial || bt_judge_is_unsettled(judge, trace) ||
                       (run->options.assumptions.require_complete && trace->missing_parents);
  if (!family) return record_family(run, BT_ALONE(trace), is_incomplete, verdicts, error);
  bt_family_trace *traces = bt_realloc_array(NULL, family->trace_count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  qsort(traces + 1, family->trace_count - 1, sizeof *traces, compare_traces);
  bt_status status = record_family(run, &(bt_family){.traces = traces, .trace_count = family->trace_count},
                                   is_incomplete, verdicts, error);
  free(traces);
  return status;
}

static void print_result(const record_run *run) {
  if (run->options.print_json)
    bt_cli_print_json(json_pack("{s:s, s:s, s:o, s:I}", "test", run->test.ptr, "rule_file", run->file.ptr, "fixture",
                                run->as_fixture ? json_string(run->path.ptr) : json_null(), "attributes_left_out",
                                (json_int_t)run->left_out));
  else
    bt_print_document(bt_buffer_str(run->whole_file ? &run->file : &run->test));
  bt_print_error("%" PRIu64 " attribute%s left out%s%s\n", run->left_out, run->left_out == 1 ? " was" : "s were",
                 run->as_fixture ? "; the trace is in " : "", run->as_fixture ? run->path.ptr : "");
}

static int run_record(record_run *run, const bt_trace_id *id) {
  bt_error error = {0};
  bt_status status = bt_trace_find_judged(&run->options, id, record_judged, run, &error);
  if (status && run->path.ptr) unlink(run->path.ptr);
  if (!status) print_result(run);
  return status ? bt_cli_fail("record", status, &error) : BT_EXIT_FINE;
}

/* ---- the row ---- */

enum { OPT_AS = BT_FLAG_OWN, OPT_OUT, OPT_NAME, OPT_KEEP, OPT_KEEP_ALL, OPT_WHOLE_FILE };

static bool keep_key(record_run *run, const char *key) {
  const char **kept = bt_realloc_array(run->kept, run->kept_count + 1, sizeof *kept);
  if (!kept) return false;
  run->kept = kept;
  kept[run->kept_count++] = key;
  return true;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  record_run *run = context;
  switch (flag->id) {
  case OPT_AS: return run->as_fixture = strcmp(value, "fixture") == 0, true;
  case OPT_OUT: return run->folder = value, value[0] != '\0';
  case OPT_NAME: return run->name = value, true;
  case OPT_KEEP: return keep_key(run, value);
  case OPT_KEEP_ALL: return run->keeps_all = true;
  case OPT_WHOLE_FILE: return run->whole_file = true;
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int record_command(const bt_command *self, int argc, char **argv) {
  record_run run = {.folder = "fixtures"};
  bt_operands operands;
  bt_trace_id id;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_trace_operand(self, &run.options, &operands, &id);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES);
    if (!code) code = run_record(&run, &id);
  }
  bt_buffer_dispose(&run.test);
  bt_buffer_dispose(&run.file);
  bt_buffer_dispose(&run.path);
  free(run.kept);
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"as", OPT_AS, "inline|fixture", "inline", "write the spans into the test, or into a file of OTLP JSON next to it",
     NULL},
    {"keep", OPT_KEEP, "KEY", NULL, "keep attributes with this key, too; may be given several times", NULL},
    {"keep-all", OPT_KEEP_ALL, NULL, NULL, "keep every attribute", NULL},
    {"name", OPT_NAME, "TEXT", "trace and its id", "name of the test", NULL},
    {"out", OPT_OUT, "DIR", "fixtures", "folder of fixtures", NULL},
    {"whole-file", OPT_WHOLE_FILE, NULL, NULL, "print a rule file with the rules and the test", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"A test for a rule, to be pasted below its `tests:`",
     "betrace record 47a78e50ad27afba05c2b21fcd5ec87b --rules rules.yaml --rule fraud-check \\\n"
     "  --tempo http://127.0.0.1:3200"},
    {"The trace as a file, with one attribute more than the rule reads",
     "betrace record 47a78e50ad27afba05c2b21fcd5ec87b --rules rules.yaml --rule fraud-check \\\n"
     "  --tempo http://127.0.0.1:3200 --as fixture --keep http.route"},
    {0}};
const bt_command bt_command_record = {
    .name = "record",
    .summary = "a rule test from a real trace, with attributes redacted",
    .usage = "ID (RULES… | --rules FILE | --dsl TEXT) [--rule ID] (TRACES… | --traces FILE | --store URL) [flags]",
    .about = "Writes a real trace down as a test of rules, with the verdicts that they give now. Names, services, "
             "times, kinds, statuses and "
             "ids are kept. It keeps only attributes that the rules read and those that --keep names: real traces hold "
             "what should not be in a repository. Where links decide, the linked traces are written down, too.\n\n"
             "The test is run before it is printed: it passes.",
    .examples = examples,
    .groups = groups,
    .fine = "recorded",
    .unknown = "there is no such trace, or what is kept does not give its verdict",
    .run = record_command};
