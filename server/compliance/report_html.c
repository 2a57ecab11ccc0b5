/* The page of a report. See report_html.h. Every text that may come from outside goes through put_text, which escapes
 * it and puts it into a <bdi>, so that letters that turn the direction of writing cannot make one line look like
 * another. */
#include "server/compliance/report_html.h"

#include <string.h>

#include "server/json/xml.h"

static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
static const char style[] =
    "</title>\n<style>\n"
    ":root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--back:#f6f8fa}\n"
    "*{box-sizing:border-box}\n"
    "body{font:14px/1.45 system-ui,-apple-system,\"Segoe UI\",\"DejaVu "
    "Sans\",sans-serif;color:var(--ink);background:#fff;"
    "max-width:60rem;margin:0 auto;padding:2rem 1.5rem;overflow-wrap:break-word}\n"
    "h1{font-size:1.7rem;margin:0 0 .2rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:2px solid var(--ink);"
    "padding-bottom:.2rem}h3{font-size:1rem;margin:1.6rem 0 .4rem}p{margin:.4rem 0}\n"
    ".lead{color:var(--soft);margin:0 0 1.2rem}\n"
    "table{border-collapse:collapse;width:100%;margin:.4rem 0 1rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line)}\n"
    "thead th{border-bottom:2px solid var(--line);color:var(--soft);font-weight:600;white-space:nowrap}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "table.counts{table-layout:fixed}table.counts th:nth-child(1){width:30%}table.counts "
    "th:nth-child(2){width:17%}table.counts th.n{font-size:85%}"
    "table.counts .n{padding-left:0;padding-right:.3rem}"
    "table.facts th{width:11rem;color:var(--soft);font-weight:600}\n"
    "code,pre{font:12px/1.45 ui-monospace,\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere}\n"
    "pre{white-space:pre-wrap;background:var(--back);border:1px solid "
    "var(--line);border-radius:4px;padding:.6rem;margin:.4rem 0}\n"
    ".s{display:inline-block;padding:.05rem .45rem;border-radius:3px;border:1px "
    "solid;font-weight:600;white-space:nowrap}\n"
    ".violated{color:#a40e26;background:#ffebe9}.pass{color:#116329;background:#dafbe1}\n"
    ".inconclusive,.incomplete,.no_data,.partly_exercised{color:#7d4e00;background:#fff8c5}\n"
    ".not_exercised,.not_evaluated,.no_rules{color:var(--soft);background:var(--back)}\n"
    "ul{margin:.4rem 0;padding-left:1.3rem}.note{border-left:4px solid #bf8700;background:#fff8c5;padding:.5rem "
    ".8rem;margin:.8rem 0}\n"
    ".small{color:var(--soft);font-size:12px}\n"
    "@page{size:A4;margin:16mm 14mm}\n"
    "@media print{body{max-width:none;padding:0;font-size:10pt}code,pre{font-size:8pt}h2,h3{break-after:avoid}"
    "tr,pre,.note,.s{break-inside:avoid}section.rule "
    "table{break-before:avoid}thead{display:table-header-group}section.rule{break-inside:auto}"
    "p.small{break-after:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n";

/* ---- parts ---- */

static void put(bt_buffer *out, const char *html) {
  bt_buffer_append(out, bt_str_from(html));
}

static void put_text(bt_buffer *out, const char *text) {
  put(out, "<bdi>");
  bt_xml_text(out, bt_str_from(text), false);
  put(out, "</bdi>");
}

static const json_t *at(const json_t *object, const char *name) {
  return json_object_get(object, name);
}

static const char *text_at(const json_t *object, const char *name) {
  const char *text = json_string_value(at(object, name));
  return text && text[0] ? text : "—";
}

/* RFC 3339 without what nobody reads on paper: "2026-03-09 12:00:00 UTC". */
static void put_time(bt_buffer *out, const json_t *time) {
  const char *text = json_string_value(time);
  if (!text || strlen(text) < 20) {
    put(out, "—");
    return;
  }
  bt_xml_text(out, (bt_str){text, 10}, false);
  put(out, " ");
  bt_xml_text(out, (bt_str){text + 11, 8}, false);
  put(out, " UTC");
}

static void put_status(bt_buffer *out, const char *status) {
  put(out, "<span class=\"s ");
  bt_xml_text(out, bt_str_from(status), true);
  put(out, "\">");
  for (; *status; status++) bt_xml_text(out, (bt_str){*status == '_' ? " " : status, 1}, false);
  put(out, "</span>");
}

static void begin_fact(bt_buffer *out, const char *name) {
  bt_buffer_printf(out, "<tr><th scope=\"row\">%s</th><td>", name);
}

static void end_fact(bt_buffer *out) {
  put(out, "</td></tr>\n");
}

static void put_fact(bt_buffer *out, const char *name, const char *text) {
  begin_fact(out, name);
  put_text(out, text);
  end_fact(out);
}

static void put_code_fact(bt_buffer *out, const char *name, const char *text) {
  begin_fact(out, name);
  put(out, "<code>");
  put_text(out, text);
  put(out, "</code>");
  end_fact(out);
}

static void put_number(bt_buffer *out, const json_t *number, bool is_exact) {
  bt_buffer_printf(out, "<td class=\"n\">%s%" JSON_INTEGER_FORMAT "</td>", is_exact ? "" : "≥ ",
                   json_integer_value(number));
}

static bool is_exact(const json_t *counts, const char *kind) {
  return strcmp(text_at(counts, kind), "exact") == 0;
}

/* ---- what the report is about ---- */

static void put_range_fact(bt_buffer *out, const char *name, const json_t *start, const json_t *end) {
  begin_fact(out, name);
  put_time(out, start);
  put(out, " to ");
  put_time(out, end);
  end_fact(out);
}

static void put_coverage_facts(bt_buffer *out, const json_t *report) {
  const json_t *coverage = at(report, "coverage"), *cost = at(report, "cost");
  begin_fact(out, "Settled up to");
  put_time(out, at(coverage, "effective_end"));
  end_fact(out);
  begin_fact(out, "Earliest trace");
  put_time(out, at(coverage, "data_from"));
  end_fact(out);
  begin_fact(out, "Read in full");
  put(out, json_is_true(at(report, "complete")) ? "yes" : "<strong>no</strong>");
  end_fact(out);
  begin_fact(out, "Windows not read");
  bt_buffer_printf(out, "%zu", json_array_size(at(coverage, "windows_failed")));
  end_fact(out);
  begin_fact(out, "Queries");
  bt_buffer_printf(out, "%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " bytes inspected",
                   json_integer_value(at(cost, "queries")), json_integer_value(at(cost, "bytes_inspected")));
  end_fact(out);
}

/* Reports of before say no version. */
static void put_source_fact(bt_buffer *out, const json_t *report) {
  const json_t *source = at(at(report, "coverage"), "source");
  const char *version = text_at(source, "version");
  begin_fact(out, "Source");
  put_text(out, text_at(report, "source"));
  put(out, version[0] ? " " : "");
  put_text(out, version);
  if (json_is_false(at(source, "checked"))) put(out, ", <strong>not a version that was checked</strong>");
  end_fact(out);
}

static void put_previous(bt_buffer *out, const json_t *previous) {
  if (json_is_string(at(previous, "head")))
    put_code_fact(out, "Report before", text_at(previous, "report_id"));
  else if (previous)
    put_fact(out, "Report before", text_at(previous, "reason"));
}

static void put_about(bt_buffer *out, const json_t *report) {
  const json_t *range = at(report, "range"), *program = at(report, "program");
  put(out, "<table class=\"facts\"><tbody>\n");
  put_range_fact(out, "Range", at(range, "start"), at(range, "end"));
  begin_fact(out, "Evaluated");
  put_time(out, at(report, "evaluated_at"));
  end_fact(out);
  if (json_string_length(at(report, "tenant"))) put_fact(out, "Tenant", text_at(report, "tenant"));
  put_source_fact(out, report);
  put_coverage_facts(out, report);
  begin_fact(out, "Program");
  put_text(out, text_at(program, "name"));
  put(out, " ");
  put_text(out, text_at(program, "version"));
  end_fact(out);
  put_code_fact(out, "Report", text_at(report, "report_id"));
  put_previous(out, at(report, "previous"));
  put(out, "</tbody></table>\n");
}

static void put_notes(bt_buffer *out, const json_t *notes) {
  size_t count = json_array_size(notes);
  if (!count) return;
  put(out, "<div class=\"note\"><strong>Read this first</strong><ul>\n");
  for (size_t i = 0; i < count; i++) {
    const char *note = json_string_value(json_array_get(notes, i));
    put(out, "<li>");
    put_text(out, note ? note : "");
    put(out, "</li>\n");
  }
  put(out, "</ul></div>\n");
}

static void put_summary(bt_buffer *out, const json_t *controls) {
  const char *name;
  json_t *number;
  put(out, "<h2>Controls by outcome</h2>\n<table><thead><tr><th>Outcome</th><th class=\"n\">Controls</th><th>It "
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
      put(out, "<tr><td>");
      put_status(out, name);
      bt_buffer_printf(out, "</td><td class=\"n\">%" JSON_INTEGER_FORMAT "</td><td>%s</td></tr>\n",
                       json_integer_value(number), meanings[i][1]);
    }
  put(out, "</tbody></table>\n");
}

/* ---- controls ---- */

static void put_counts(bt_buffer *out, const json_t *counts) {
  static const char *const names[] = {"evaluated", "exercised", "satisfied", "violated", "inconclusive"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    bool exact = i == 0 ? is_exact(counts, "evaluated_kind") : i > 2 || is_exact(counts, "exercised_kind");
    put_number(out, at(counts, names[i]), exact);
  }
}

static void put_control_rule(bt_buffer *out, const json_t *rule) {
  put(out, "<tr><td>");
  put_text(out, text_at(rule, "name"));
  if (strcmp(text_at(rule, "name"), text_at(rule, "rule_id")) != 0) {
    put(out, "<br><code>");
    put_text(out, text_at(rule, "rule_id"));
    put(out, "</code>");
  }
  if (!json_is_true(at(rule, "decides"))) put(out, "<br><span class=\"small\">shown only: disabled or on trial</span>");
  if (json_is_string(at(rule, "reason"))) {
    put(out, "<br><span class=\"small\">");
    put_text(out, text_at(rule, "reason"));
    put(out, "</span>");
  }
  put(out, "</td><td>");
  put_status(out, text_at(rule, "status"));
  put(out, "</td>");
  bool is_counted = strcmp(text_at(rule, "status"), "not_evaluated") != 0;
  if (is_counted)
    put_counts(out, at(rule, "counts"));
  else
    put(out, "<td class=\"n\" colspan=\"5\">not counted</td>");
  put(out, "</tr>\n");
}

static void put_removed(bt_buffer *out, const json_t *removed) {
  for (size_t i = 0; i < json_array_size(removed); i++) {
    const json_t *rule = json_array_get(removed, i);
    put(out, "<div class=\"note\">The rule <code>");
    put_text(out, text_at(rule, "rule_id"));
    put(out, json_is_true(at(rule, "deleted")) ? "</code> was deleted at " : "</code> was taken from this control at ");
    put_time(out, at(rule, "at"));
    if (json_is_string(at(rule, "by"))) {
      put(out, " by ");
      put_text(out, text_at(rule, "by"));
    }
    put(out, ". It is not evaluated here.</div>\n");
  }
}

static void put_moment(bt_buffer *out, const char *name, const json_t *moment) {
  if (!json_is_object(moment)) return;
  bt_buffer_printf(out, "%s ", name);
  put_time(out, at(moment, "time"));
  put(out, ", trace <code>");
  put_text(out, text_at(moment, "trace_id"));
  put(out, "</code>");
}

static void put_control(bt_buffer *out, const json_t *control) {
  const json_t *rules = at(control, "rules");
  put(out, "<h3>");
  put_text(out, text_at(control, "control"));
  if (json_string_length(at(control, "title"))) {
    put(out, " · ");
    put_text(out, text_at(control, "title"));
  } else if (json_is_string(at(control, "part_of"))) {
    put(out, " · part of ");
    put_text(out, text_at(control, "part_of"));
  }
  put(out, " ");
  put_status(out, text_at(control, "status"));
  put(out, "</h3>\n");
  if (json_is_string(at(control, "reason"))) {
    put(out, "<p>");
    put_text(out, text_at(control, "reason"));
    put(out, "</p>\n");
  }
  put_removed(out, at(control, "removed"));
  if (json_array_size(rules)) {
    put(out, "<table class=\"counts\"><thead><tr><th>Rule</th><th>Outcome</th><th class=\"n\">Evaluated</th><th "
             "class=\"n\">Exercised</th><th class=\"n\">Satisfied</th>"
             "<th class=\"n\">Violated</th><th class=\"n\">Undecided</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(rules); i++) put_control_rule(out, json_array_get(rules, i));
    put(out, "</tbody></table>\n");
  }
  if (!json_is_object(at(control, "first_violation"))) return;
  put(out, "<p>");
  put_moment(out, "First violation", at(control, "first_violation"));
  put(out, "<br>");
  put_moment(out, "Last violation", at(control, "last_violation"));
  put(out, "</p>\n");
}

/* ---- rules ---- */

static void put_samples(bt_buffer *out, const char *name, const json_t *samples) {
  size_t count = json_array_size(samples);
  if (!count) return;
  begin_fact(out, name);
  for (size_t i = 0; i < count; i++) {
    put(out, i ? "<br><code>" : "<code>");
    put_text(out, text_at(json_array_get(samples, i), "trace_id"));
    put(out, "</code> at ");
    put_time(out, at(json_array_get(samples, i), "time"));
  }
  end_fact(out);
}

static void put_versions(bt_buffer *out, const json_t *versions) {
  put(out, "<table><thead><tr><th "
           "class=\"n\">Version</th><th>At</th><th>By</th><th>Condition</th><th>State</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < json_array_size(versions); i++) {
    const json_t *version = json_array_get(versions, i);
    bool is_deleted = json_is_true(at(version, "deleted")), is_enabled = json_is_true(at(version, "enabled"));
    put(out, "<tr>");
    put_number(out, at(version, "version"), true);
    put(out, "<td>");
    put_time(out, at(version, "at"));
    put(out, "</td><td>");
    put_text(out, text_at(version, "by"));
    put(out, "</td><td><code>");
    put_text(out, text_at(version, "condition_hash"));
    bt_buffer_printf(out, "</code></td><td>%s%s</td></tr>\n",
                     is_deleted   ? "deleted"
                     : is_enabled ? "enabled"
                                  : "disabled",
                     json_is_true(at(version, "in_effect")) ? ", in effect in the range" : "");
  }
  put(out, "</tbody></table>\n");
}

static void put_watch(bt_buffer *out, const json_t *watch) {
  begin_fact(out, "Under watch");
  if (json_is_true(at(watch, "under_watch"))) {
    put(out, "at least since ");
    put_time(out, at(watch, "since"));
    put(out, ", evaluated up to ");
    put_time(out, at(watch, "until"));
  } else
    put(out, json_is_true(at(watch, "running")) ? "no" : "no: watch is not running");
  end_fact(out);
  begin_fact(out, "Enabled since");
  put_time(out, at(watch, "enabled_since"));
  end_fact(out);
}

static void put_assumptions(bt_buffer *out, const json_t *a) {
  begin_fact(out, "Assumptions");
  static const char *const names[] = {"settle", "margin", "lateness", "handover", "clock_skew"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    bt_buffer_printf(out, "%s%s ", i ? ", " : "", names[i]);
    put_text(out, text_at(a, names[i]));
  }
  if (json_is_true(at(a, "require_complete"))) put(out, ", complete traces required");
  end_fact(out);
}

static void put_share(bt_buffer *out, const json_t *share, const char *name) {
  json_int_t ppm = json_integer_value(at(share, name));
  bt_buffer_printf(out, "%" JSON_INTEGER_FORMAT ".%02" JSON_INTEGER_FORMAT " %%", ppm / 10000, ppm / 100 % 100);
}

/* Reports of before do not say it. */
static void put_rests_on(bt_buffer *out, const char *name, const json_t *body) {
  const json_t *share = at(body, "share");
  if (!json_is_object(share)) return;
  begin_fact(out, name);
  put_share(out, share, "range_ppm");
  put(out, " of the range, settled up to ");
  put_time(out, at(body, "settled_end"));
  put(out, "; ");
  put_share(out, share, "exercised_ppm");
  bt_buffer_printf(out, " of the traces that exercised it (%" JSON_INTEGER_FORMAT ")",
                   json_integer_value(at(at(body, "counts"), "exercised")));
  if (json_is_string(at(body, "known_from"))) {
    put(out, ". All of the range is known from ");
    put_time(out, at(body, "known_from"));
  }
  end_fact(out);
}

static void put_by_service(bt_buffer *out, const json_t *by_service) {
  if (!json_is_object(by_service)) return;
  begin_fact(out, "By the service's settings");
  put_status(out, text_at(by_service, "status"));
  bt_buffer_printf(out, " %" JSON_INTEGER_FORMAT " violated, of %" JSON_INTEGER_FORMAT " that exercised it",
                   json_integer_value(at(at(by_service, "counts"), "violated")),
                   json_integer_value(at(at(by_service, "counts"), "exercised")));
  end_fact(out);
  put_rests_on(out, "which rests on", by_service);
}

static void put_withdrawn(bt_buffer *out, const json_t *withdrawn) {
  if (!json_is_object(withdrawn)) return;
  bool is_trial = strcmp(text_at(withdrawn, "how"), "shadow") == 0;
  begin_fact(out, is_trial ? "Put on trial" : "Disabled");
  put_time(out, at(withdrawn, "at"));
  put(out, " by ");
  put_text(out, text_at(withdrawn, "by"));
  put(out, ", and decided before it");
  end_fact(out);
}

static void put_queries(bt_buffer *out, const json_t *queries) {
  size_t count = json_array_size(queries);
  if (!count) return;
  put(out, "<p class=\"small\">Queries to the source</p>\n<pre>");
  for (size_t i = 0; i < count; i++) {
    put_text(out, text_at(json_array_get(queries, i), "use"));
    put(out, "  ");
    put_text(out, text_at(json_array_get(queries, i), "traceql"));
    put(out, "\n");
  }
  put(out, "</pre>\n");
}

static void put_rule(bt_buffer *out, const json_t *rule) {
  const json_t *samples = at(rule, "samples");
  size_t changes = json_array_size(at(rule, "condition_changes"));
  put(out, "<section class=\"rule\">\n<h3>");
  put_text(out, text_at(rule, "name"));
  put(out, " ");
  put_status(out, text_at(rule, "status"));
  put(out, "</h3>\n<pre>");
  put_text(out, text_at(rule, "dsl"));
  put(out, "</pre>\n");
  if (changes)
    bt_buffer_printf(out,
                     "<div class=\"note\">The condition was changed %zu time%s since the start of the range. What is "
                     "reported is the "
                     "condition above, over the whole range.</div>\n",
                     changes, changes == 1 ? "" : "s");
  if (json_is_object(at(rule, "condition_before"))) {
    put(out, "<p>When the range began it was:</p>\n<pre>");
    put_text(out, text_at(at(rule, "condition_before"), "dsl"));
    put(out, "</pre>\n");
  }
  put(out, "<table class=\"facts\"><tbody>\n");
  put_code_fact(out, "Rule", text_at(rule, "rule_id"));
  if (json_string_length(at(rule, "description"))) put_fact(out, "Description", text_at(rule, "description"));
  if (json_is_string(at(rule, "reason"))) put_fact(out, "Reason", text_at(rule, "reason"));
  put_rests_on(out, "Rests on", json_is_true(at(rule, "evaluated")) ? rule : NULL);
  put_by_service(out, at(rule, "by_service"));
  put_withdrawn(out, at(rule, "withdrawn"));
  put_code_fact(out, "Condition", text_at(rule, "condition_hash"));
  put_watch(out, at(rule, "watch"));
  put_assumptions(out, at(rule, "assumptions"));
  put_samples(out, "Violating traces", at(samples, "violated"));
  put_samples(out, "Satisfying traces", at(samples, "satisfied"));
  put_samples(out, "Undecided traces", at(samples, "inconclusive"));
  put(out, "</tbody></table>\n");
  put_versions(out, at(rule, "versions"));
  put_queries(out, at(at(rule, "search"), "queries"));
  put(out, "</section>\n");
}

/* ---- the page ---- */

static bool is_type(const json_t *entry, const char *type) {
  return strcmp(text_at(entry, "type"), type) == 0;
}

/* Those with rules one by one; of the others only the names. */
static void put_controls(bt_buffer *out, const json_t *entries) {
  bool has_bare = false;
  put(out, "<h2>Controls</h2>\n");
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = at(entry, "body");
    if (!is_type(entry, "control")) continue;
    bool is_bare = is_type(body, "") || (!json_array_size(at(body, "rules")) && !json_array_size(at(body, "removed")));
    has_bare = has_bare || is_bare;
    if (!is_bare) put_control(out, body);
  }
  if (!has_bare) return;
  put(out, "<h3>Without a rule</h3>\n<p class=\"small\">");
  bool is_first = true;
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = at(entry, "body");
    bool is_bare = !json_array_size(at(body, "rules")) && !json_array_size(at(body, "removed"));
    if (!is_type(entry, "control") || !is_bare) continue;
    if (!is_first) put(out, " · ");
    is_first = false;
    put_text(out, text_at(body, "control"));
  }
  put(out, "</p>\n");
}

/* A sheet that lies alone says what it is of. Only ids of our own making stand in a style sheet. */
static void put_foot(bt_buffer *out, const char *report_id) {
  bool is_ours = report_id[strspn(report_id, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
  put(out, "@page{@bottom-left{content:\"Report ");
  if (is_ours) put(out, report_id);
  put(out,
      "\";font:8pt sans-serif;color:#57606a}"
      "@bottom-right{content:\"page \" counter(page) \" of \" counter(pages);font:8pt sans-serif;color:#57606a}}\n");
}

static bool is_signed(const json_t *evidence) {
  return json_is_string(at(evidence, "signature"));
}

/* What the token says is read by verify-report alone, which checks it too. */
static void put_time_stamp(bt_buffer *out, const json_t *stamp) {
  const char *reason = json_string_value(at(stamp, "reason"));
  begin_fact(out, "Time stamp");
  if (json_is_string(at(stamp, "token")))
    put(out, "one of RFC 3161 stands in the JSON form: <code>betrace verify-report</code> reads and checks it");
  else
    put(out, "none: the times in this report are the service's own clock's");
  if (reason) {
    put(out, " (");
    put_text(out, reason);
    put(out, ")");
  }
  end_fact(out);
}

static void put_evidence(bt_buffer *out, const json_t *evidence, size_t entries) {
  put(out, "<h2>Evidence</h2>\n<p>This page shows a report and is no proof itself. The proof is the JSON form of the "
           "same report: "
           "its entries are a SHA-256 chain, and ");
  put(out, is_signed(evidence)
               ? "its head is signed. <code>betrace verify-report FILE --key PUB</code> checks it.</p>\n"
               : "<strong>it is not signed</strong>: nothing shows who made it.</p>\n");
  put(out, "<table class=\"facts\"><tbody>\n");
  begin_fact(out, "Entries");
  bt_buffer_printf(out, "%zu", entries);
  end_fact(out);
  put_code_fact(out, "Head", text_at(evidence, "head"));
  put_code_fact(out, "Key (SHA-256)", text_at(evidence, "key_id"));
  put_code_fact(out, "Signature", text_at(evidence, "signature"));
  put_time_stamp(out, at(evidence, "time_stamp"));
  put(out, "</tbody></table>\n</body>\n</html>\n");
}

void bt_report_html(const json_t *document, bt_buffer *out) {
  const json_t *entries = at(document, "entries");
  size_t count = json_array_size(entries);
  const json_t *report = at(json_array_get(entries, 0), "body"), *framework = at(report, "framework");
  const json_t *end = at(json_array_get(entries, count ? count - 1 : 0), "body");
  put(out, head);
  bt_xml_text(out, bt_str_from(text_at(framework, "title")), false);
  put(out, style);
  put_foot(out, text_at(report, "report_id"));
  put(out, "</style>\n</head>\n<body>\n<h1>");
  put_text(out, text_at(framework, "title"));
  put(out, "</h1>\n<p class=\"lead\">Behaviour of the system against its rules, from its traces</p>\n");
  if (!is_signed(at(document, "evidence")))
    put(out, "<p class=\"note\"><strong>This report is not signed</strong>: nothing shows who made it.</p>\n");
  put_about(out, report);
  put_notes(out, at(report, "notes"));
  put_summary(out, at(end, "controls"));
  put_controls(out, entries);
  put(out, "<h2>Rules</h2>\n");
  for (size_t i = 0; i < count; i++)
    if (is_type(json_array_get(entries, i), "rule")) put_rule(out, at(json_array_get(entries, i), "body"));
  put_evidence(out, at(document, "evidence"), count);
}
