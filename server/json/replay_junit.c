/* A replay as JUnit XML. See replay_junit.h. */
#include "server/json/replay_junit.h"

#include <inttypes.h>

#include "server/json/xml.h"
#include "server/replay/sampled_text.h"

typedef enum case_kind { CASE_PASSED, CASE_SKIPPED, CASE_FAILED, CASE_ERROR } case_kind;

typedef struct junit_case {
  const bt_replay_result *result;
  const bt_rule_definition *definition;
  size_t rule;
  bt_str idle, messages;
  case_kind kind;
} junit_case;

static case_kind kind_of(const junit_case *c, bt_severity least, bool requires_exercised) {
  const bt_rule_result *counters = &c->result->rules[c->rule];
  bool matters = c->definition->fields.severity >= least;
  if (counters->violations_found && matters) return CASE_FAILED;
  if (!bt_replay_has_whole(c->result, c->rule) || (counters->inconclusive && matters)) return CASE_ERROR;
  if (!c->idle.len) return counters->traces_exercised || !counters->exercised_is_exact ? CASE_PASSED : CASE_SKIPPED;
  return requires_exercised && matters ? CASE_ERROR : CASE_SKIPPED;
}

static void write_error(const junit_case *c, bt_buffer *out) {
  bt_buffer message = {0};
  if (!bt_replay_has_whole(c->result, c->rule))
    bt_buffer_printf(&message, "%s: %s", bt_replay_outcome_name(c->result->outcome), c->result->reason);
  else if (c->result->rules[c->rule].inconclusive)
    bt_buffer_printf(&message, "%" PRIu64 " verdicts are inconclusive", c->result->rules[c->rule].inconclusive);
  else
    bt_buffer_append(&message, c->idle);
  bt_xml_outcome(out, "error", bt_buffer_str(&message), BT_STR(""));
  bt_buffer_dispose(&message);
}

static void write_text(bt_str text, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("      <system-out>"));
  bt_xml_text(out, text, false);
  bt_buffer_append(out, BT_STR("</system-out>\n"));
}

/* What else there is to say of the rule: violations that do not fail, and notes about the data. */
static void write_output(const junit_case *c, bt_buffer *out) {
  bt_buffer text = {0};
  if (c->kind != CASE_FAILED) bt_buffer_append(&text, c->messages);
  for (size_t i = 0; i < c->result->note_count; i++)
    if (c->result->notes[i].rule == c->rule) bt_buffer_printf(&text, "note: %s\n", c->result->notes[i].text);
  bt_buffer said = {0};
  bt_sampled_say_rule(&c->result->coverage.sampling, &c->result->rules[c->rule], &said);
  if (said.len) bt_buffer_printf(&text, "sampling: %.*s\n", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
  if (text.len) write_text(bt_buffer_str(&text), out);
  out->failed = out->failed || text.failed;
  bt_buffer_dispose(&text);
}

static void write_case(const junit_case *c, bt_buffer *out) {
  const bt_rule_result *counters = &c->result->rules[c->rule];
  bt_buffer message = {0};
  bt_buffer_append(out, BT_STR("    <testcase"));
  bt_xml_attribute(out, "classname", bt_str_from(bt_severity_name(c->definition->fields.severity)));
  bt_xml_attribute(out, "name", bt_str_from(c->definition->fields.id));
  bt_buffer_append(out, BT_STR(">\n"));
  switch (c->kind) {
  case CASE_PASSED: break;
  case CASE_SKIPPED: /* what nothing exercised is no pass */
    bt_buffer_append(out, BT_STR("      <skipped"));
    bt_xml_attribute(out, "message", c->idle.len ? c->idle : BT_STR("no trace exercised this rule"));
    bt_buffer_append(out, BT_STR("/>\n"));
    break;
  case CASE_FAILED:
    bt_buffer_printf(&message, "%" PRIu64 " violation%s", counters->violations_found,
                     counters->violations_found == 1 ? "" : "s");
    bt_xml_outcome(out, "failure", bt_buffer_str(&message), c->messages);
    bt_buffer_dispose(&message);
    break;
  case CASE_ERROR: write_error(c, out); break;
  }
  write_output(c, out);
  bt_buffer_append(out, BT_STR("    </testcase>\n"));
}

static void write_property(const char *name, bt_str value, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("<property"));
  bt_xml_attribute(out, "name", bt_str_from(name));
  bt_xml_attribute(out, "value", value);
  bt_buffer_append(out, BT_STR("/>"));
}

static void write_properties(const bt_coverage *coverage, bt_buffer *out) {
  char text[BT_SOURCE_TEXT_BYTES];
  bt_buffer said = {0};
  if (bt_sampled_traces_lack(&coverage->sampling)) bt_sampled_say_range(&coverage->sampling, &said);
  if (!coverage->source.kind && !said.len) return;
  bt_buffer_append(out, BT_STR("    <properties>"));
  if (coverage->source.kind) {
    bt_source_about_text(&coverage->source, text);
    write_property("source", bt_str_from(text), out);
  }
  if (said.len) write_property("sampling", bt_buffer_str(&said), out);
  bt_buffer_append(out, BT_STR("</properties>\n"));
  bt_buffer_dispose(&said);
}

bt_status bt_replay_junit_write(const bt_replay_result *result, const bt_rule_definition *const *rules,
                                bt_severity least, bool requires_exercised, const bt_buffer *idle,
                                const bt_buffer *messages, bt_buffer *out, bt_error *error) {
  size_t counts[CASE_ERROR + 1] = {0};
  bt_buffer cases = {0};
  for (size_t i = 0; i < result->rule_count; i++) {
    junit_case c = {result, rules[i], i, bt_buffer_str(&idle[i]), bt_buffer_str(&messages[i]), CASE_PASSED};
    c.kind = kind_of(&c, least, requires_exercised);
    counts[c.kind]++;
    write_case(&c, &cases);
  }
  double seconds = (double)result->duration_ns / 1e9;
  bt_buffer_append(out, BT_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
  for (int level = 0; level < 2; level++)
    bt_buffer_printf(
        out,
        "%s name=\"betrace replay\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.6f\">\n",
        level ? "  <testsuite" : "<testsuites", result->rule_count, counts[CASE_FAILED], counts[CASE_ERROR],
        counts[CASE_SKIPPED], seconds);
  write_properties(&result->coverage, out);
  bt_buffer_append(out, bt_buffer_str(&cases));
  bt_buffer_append(out, BT_STR("  </testsuite>\n</testsuites>\n"));
  bool failed = cases.failed || out->failed;
  bt_buffer_dispose(&cases);
  return failed ? bt_error_no_memory(error) : BT_OK;
}
