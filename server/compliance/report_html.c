/* The page of a report. See report_html.h. Every text that may come from outside goes through bt_html_put_text. */
#include "server/compliance/report_html.h"

#include <string.h>

#include "server/compliance/report_html_parts.h"
#include "server/json/xml.h"

static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";

/* ---- what the report is about ---- */

static void put_coverage_facts(bt_buffer *out, const json_t *report) {
  const json_t *coverage = json_object_get(report, "coverage"), *cost = json_object_get(report, "cost");
  bt_html_begin_fact(out, "Settled up to");
  bt_html_put_time(out, json_object_get(coverage, "effective_end"));
  bt_html_end_fact(out);
  bt_html_begin_fact(out, "Earliest trace");
  bt_html_put_time(out, json_object_get(coverage, "data_from"));
  bt_html_end_fact(out);
  bt_html_begin_fact(out, "Read in full");
  bt_html_put(out, json_is_true(json_object_get(report, "complete")) ? "yes" : "<strong>no</strong>");
  bt_html_end_fact(out);
  bt_html_begin_fact(out, "Windows not read");
  bt_buffer_printf(out, "%zu", json_array_size(json_object_get(coverage, "windows_failed")));
  bt_html_end_fact(out);
  bt_html_begin_fact(out, "Queries");
  bt_buffer_printf(out, "%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " bytes inspected",
                   json_integer_value(json_object_get(cost, "queries")),
                   json_integer_value(json_object_get(cost, "bytes_inspected")));
  bt_html_end_fact(out);
}

/* Reports of before say no version. */
static void put_source_fact(bt_buffer *out, const json_t *report) {
  const json_t *source = json_object_get(json_object_get(report, "coverage"), "source");
  const char *version = bt_html_text_at(source, "version");
  bt_html_begin_fact(out, "Source");
  bt_html_put_text(out, bt_html_text_at(report, "source"));
  bt_html_put(out, version[0] ? " " : "");
  bt_html_put_text(out, version);
  if (json_is_false(json_object_get(source, "checked")))
    bt_html_put(out, ", <strong>not a version that was checked</strong>");
  bt_html_end_fact(out);
}

static void put_about(bt_buffer *out, const json_t *report) {
  const json_t *range = json_object_get(report, "range"), *program = json_object_get(report, "program");
  const json_t *previous = json_object_get(report, "previous");
  bt_html_put(out, "<table class=\"facts\"><tbody>\n");
  bt_html_begin_fact(out, "Range");
  bt_html_put_time(out, json_object_get(range, "start"));
  bt_html_put(out, " to ");
  bt_html_put_time(out, json_object_get(range, "end"));
  bt_html_end_fact(out);
  bt_html_begin_fact(out, "Evaluated");
  bt_html_put_time(out, json_object_get(report, "evaluated_at"));
  bt_html_end_fact(out);
  if (json_string_length(json_object_get(report, "tenant")))
    bt_html_put_fact(out, "Tenant", bt_html_text_at(report, "tenant"));
  put_source_fact(out, report);
  put_coverage_facts(out, report);
  bt_html_begin_fact(out, "Program");
  bt_html_put_text(out, bt_html_text_at(program, "name"));
  bt_html_put(out, " ");
  bt_html_put_text(out, bt_html_text_at(program, "version"));
  bt_html_end_fact(out);
  bt_html_put_code_fact(out, "Report", bt_html_text_at(report, "report_id"));
  if (json_is_string(json_object_get(previous, "head")))
    bt_html_put_code_fact(out, "Report before", bt_html_text_at(previous, "report_id"));
  else if (previous)
    bt_html_put_fact(out, "Report before", bt_html_text_at(previous, "reason"));
  bt_html_put(out, "</tbody></table>\n");
}

static void put_notes(bt_buffer *out, const json_t *notes) {
  size_t count = json_array_size(notes);
  if (!count) return;
  bt_html_put(out, "<div class=\"note\"><strong>Read this first</strong><ul>\n");
  for (size_t i = 0; i < count; i++) {
    const char *note = json_string_value(json_array_get(notes, i));
    bt_html_put(out, "<li>");
    bt_html_put_text(out, note ? note : "");
    bt_html_put(out, "</li>\n");
  }
  bt_html_put(out, "</ul></div>\n");
}

static void put_summary(bt_buffer *out, const json_t *controls) {
  const char *name;
  json_t *number;
  bt_html_put(out,
              "<h2>Controls by outcome</h2>\n<table><thead><tr><th>Outcome</th><th class=\"n\">Controls</th><th>It "
              "means</th></tr></thead><tbody>\n");
  static const char *const meanings[][2] = {
      {"violated", "At least one trace breaks a rule."},
      {"inconclusive", "Something was not read, judged or counted. It may hide a violation."},
      {"incomplete", "The range had not settled to its end. What comes to it may be a violation."},
      {"no_data", "The source has no trace in the range."},
      {"not_evaluated", "All its rules are disabled or on trial. Nothing is claimed."},
      {"not_exercised", "Nothing happened that its rules speak of. Nothing is claimed."},
      {"partly_exercised", "Some of its rules pass; others were not exercised."},
      {"pass", "Exercised, settled, read in full, and no trace breaks a rule."},
      {"no_rules", "No rule speaks of it. Nothing is claimed."}};
  for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
    json_object_foreach((json_t *)controls, name, number) {
      if (strcmp(name, meanings[i][0]) != 0) continue;
      bt_html_put(out, "<tr><td>");
      bt_html_put_status(out, name);
      bt_buffer_printf(out, "</td><td class=\"n\">%" JSON_INTEGER_FORMAT "</td><td>%s</td></tr>\n",
                       json_integer_value(number), meanings[i][1]);
    }
  bt_html_put(out, "</tbody></table>\n");
}

/* ---- controls ---- */

static bool is_exact(const json_t *counts, const char *kind) {
  return strcmp(bt_html_text_at(counts, kind), "exact") == 0;
}

static void put_counts(bt_buffer *out, const json_t *counts) {
  static const char *const names[] = {"evaluated", "exercised", "satisfied", "violated", "inconclusive"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    bool exact = i == 0 ? is_exact(counts, "evaluated_kind") : i > 2 || is_exact(counts, "exercised_kind");
    bt_html_put_number(out, json_object_get(counts, names[i]), exact);
  }
}

static void put_control_rule(bt_buffer *out, const json_t *rule) {
  bt_html_put(out, "<tr><td>");
  bt_html_put_text(out, bt_html_text_at(rule, "name"));
  if (strcmp(bt_html_text_at(rule, "name"), bt_html_text_at(rule, "rule_id")) != 0) {
    bt_html_put(out, "<br><code>");
    bt_html_put_text(out, bt_html_text_at(rule, "rule_id"));
    bt_html_put(out, "</code>");
  }
  if (!json_is_true(json_object_get(rule, "decides")))
    bt_html_put(out, "<br><span class=\"small\">shown only: disabled or on trial</span>");
  if (json_is_string(json_object_get(rule, "reason"))) {
    bt_html_put(out, "<br><span class=\"small\">");
    bt_html_put_text(out, bt_html_text_at(rule, "reason"));
    bt_html_put(out, "</span>");
  }
  bt_html_put(out, "</td><td>");
  bt_html_put_status(out, bt_html_text_at(rule, "status"));
  bt_html_put(out, "</td>");
  bool is_counted = strcmp(bt_html_text_at(rule, "status"), "not_evaluated") != 0;
  if (is_counted)
    put_counts(out, json_object_get(rule, "counts"));
  else
    bt_html_put(out, "<td class=\"n\" colspan=\"5\">not counted</td>");
  bt_html_put(out, "</tr>\n");
}

static void put_removed(bt_buffer *out, const json_t *removed) {
  for (size_t i = 0; i < json_array_size(removed); i++) {
    const json_t *rule = json_array_get(removed, i);
    bt_html_put(out, "<div class=\"note\">The rule <code>");
    bt_html_put_text(out, bt_html_text_at(rule, "rule_id"));
    bt_html_put(out, json_is_true(json_object_get(rule, "deleted")) ? "</code> was deleted at "
                                                                    : "</code> was taken from this control at ");
    bt_html_put_time(out, json_object_get(rule, "at"));
    if (json_is_string(json_object_get(rule, "by"))) {
      bt_html_put(out, " by ");
      bt_html_put_text(out, bt_html_text_at(rule, "by"));
    }
    bt_html_put(out, ". It is not evaluated here.</div>\n");
  }
}

static void put_moment(bt_buffer *out, const char *name, const json_t *moment) {
  if (!json_is_object(moment)) return;
  bt_buffer_printf(out, "%s ", name);
  bt_html_put_time(out, json_object_get(moment, "time"));
  bt_html_put(out, ", trace <code>");
  bt_html_put_text(out, bt_html_text_at(moment, "trace_id"));
  bt_html_put(out, "</code>");
}

static void put_control(bt_buffer *out, const json_t *control) {
  const json_t *rules = json_object_get(control, "rules");
  bt_html_put(out, "<h3>");
  bt_html_put_text(out, bt_html_text_at(control, "control"));
  if (json_string_length(json_object_get(control, "title"))) {
    bt_html_put(out, " · ");
    bt_html_put_text(out, bt_html_text_at(control, "title"));
  } else if (json_is_string(json_object_get(control, "part_of"))) {
    bt_html_put(out, " · part of ");
    bt_html_put_text(out, bt_html_text_at(control, "part_of"));
  }
  bt_html_put(out, " ");
  bt_html_put_status(out, bt_html_text_at(control, "status"));
  bt_html_put(out, "</h3>\n");
  if (json_is_string(json_object_get(control, "reason"))) {
    bt_html_put(out, "<p>");
    bt_html_put_text(out, bt_html_text_at(control, "reason"));
    bt_html_put(out, "</p>\n");
  }
  put_removed(out, json_object_get(control, "removed"));
  if (json_array_size(rules)) {
    bt_html_put(out,
                "<table class=\"counts\"><thead><tr><th>Rule</th><th>Outcome</th><th class=\"n\">Evaluated</th><th "
                "class=\"n\">Exercised</th><th class=\"n\">Satisfied</th>"
                "<th class=\"n\">Violated</th><th class=\"n\">Undecided</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(rules); i++) put_control_rule(out, json_array_get(rules, i));
    bt_html_put(out, "</tbody></table>\n");
  }
  if (!json_is_object(json_object_get(control, "first_violation"))) return;
  bt_html_put(out, "<p>");
  put_moment(out, "First violation", json_object_get(control, "first_violation"));
  bt_html_put(out, "<br>");
  put_moment(out, "Last violation", json_object_get(control, "last_violation"));
  bt_html_put(out, "</p>\n");
}

/* ---- the page ---- */

static bool is_type(const json_t *entry, const char *type) {
  return strcmp(bt_html_text_at(entry, "type"), type) == 0;
}

/* Those with rules one by one; of the others only the names. */
static void put_controls(bt_buffer *out, const json_t *entries) {
  bool has_bare = false;
  bt_html_put(out, "<h2>Controls</h2>\n");
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = json_object_get(entry, "body");
    if (!is_type(entry, "control")) continue;
    bool is_bare = is_type(body, "") || (!json_array_size(json_object_get(body, "rules")) &&
                                         !json_array_size(json_object_get(body, "removed")));
    has_bare = has_bare || is_bare;
    if (!is_bare) put_control(out, body);
  }
  if (!has_bare) return;
  bt_html_put(out, "<h3>Without a rule</h3>\n<p class=\"small\">");
  bool is_first = true;
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = json_object_get(entry, "body");
    bool is_bare =
        !json_array_size(json_object_get(body, "rules")) && !json_array_size(json_object_get(body, "removed"));
    if (!is_type(entry, "control") || !is_bare) continue;
    if (!is_first) bt_html_put(out, " · ");
    is_first = false;
    bt_html_put_text(out, bt_html_text_at(body, "control"));
  }
  bt_html_put(out, "</p>\n");
}

/* A sheet that lies alone says what it is of. Only ids of our own making stand in a style sheet. */
static void put_foot(bt_buffer *out, const char *report_id) {
  bool is_ours = report_id[strspn(report_id, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
  bt_html_put(out, "@page{@bottom-left{content:\"Report ");
  if (is_ours) bt_html_put(out, report_id);
  bt_html_put(
      out,
      "\";font:8pt sans-serif;color:#57606a}"
      "@bottom-right{content:\"page \" counter(page) \" of \" counter(pages);font:8pt sans-serif;color:#57606a}}\n");
}

static bool is_signed(const json_t *evidence) {
  return json_is_string(json_object_get(evidence, "signature"));
}

/* What the token says is read by verify-report alone, which checks it too. */
static void put_time_stamp(bt_buffer *out, const json_t *stamp) {
  const char *reason = json_string_value(json_object_get(stamp, "reason"));
  bt_html_begin_fact(out, "Time stamp");
  if (json_is_string(json_object_get(stamp, "token")))
    bt_html_put(out, "one of RFC 3161 stands in the JSON form: <code>betrace verify-report</code> reads and checks it");
  else
    bt_html_put(out, "none: the times in this report are the service's own clock's");
  if (reason) {
    bt_html_put(out, " (");
    bt_html_put_text(out, reason);
    bt_html_put(out, ")");
  }
  bt_html_end_fact(out);
}

static void put_evidence(bt_buffer *out, const json_t *evidence, size_t entries) {
  bt_html_put(
      out, "<h2>Evidence</h2>\n<p>This page shows a report and is no proof itself. The proof is the JSON form of the "
           "same report: "
           "its entries are a SHA-256 chain, and ");
  bt_html_put(out, is_signed(evidence)
                       ? "its head is signed. <code>betrace verify-report FILE --key PUB</code> checks it.</p>\n"
                       : "<strong>it is not signed</strong>: nothing shows who made it.</p>\n");
  bt_html_put(out, "<table class=\"facts\"><tbody>\n");
  bt_html_begin_fact(out, "Entries");
  bt_buffer_printf(out, "%zu", entries);
  bt_html_end_fact(out);
  bt_html_put_code_fact(out, "Head", bt_html_text_at(evidence, "head"));
  bt_html_put_code_fact(out, "Key (SHA-256)", bt_html_text_at(evidence, "key_id"));
  bt_html_put_code_fact(out, "Signature", bt_html_text_at(evidence, "signature"));
  put_time_stamp(out, json_object_get(evidence, "time_stamp"));
  bt_html_put(out, "</tbody></table>\n</body>\n</html>\n");
}

void bt_report_html(const json_t *document, bt_buffer *out) {
  const json_t *entries = json_object_get(document, "entries");
  size_t count = json_array_size(entries);
  const json_t *report = json_object_get(json_array_get(entries, 0), "body"),
               *framework = json_object_get(report, "framework");
  const json_t *end = json_object_get(json_array_get(entries, count ? count - 1 : 0), "body");
  bt_html_put(out, head);
  bt_xml_text(out, bt_str_from(bt_html_text_at(framework, "title")), false);
  bt_html_put(out, "</title>\n<style>\n");
  bt_html_put(out, bt_report_html_style);
  put_foot(out, bt_html_text_at(report, "report_id"));
  bt_html_put(out, "</style>\n</head>\n<body>\n<h1>");
  bt_html_put_text(out, bt_html_text_at(framework, "title"));
  bt_html_put(out, "</h1>\n<p class=\"lead\">Behaviour of the system against its rules, from its traces</p>\n");
  if (!is_signed(json_object_get(document, "evidence")))
    bt_html_put(out, "<p class=\"note\"><strong>This report is not signed</strong>: nothing shows who made it.</p>\n");
  put_about(out, report);
  put_notes(out, json_object_get(report, "notes"));
  put_summary(out, json_object_get(end, "controls"));
  put_controls(out, entries);
  bt_html_put(out, "<h2>Rules</h2>\n");
  for (size_t i = 0; i < count; i++)
    if (is_type(json_array_get(entries, i), "rule"))
      bt_report_html_rule(json_object_get(json_array_get(entries, i), "body"), out);
  put_evidence(out, json_object_get(document, "evidence"), count);
}
