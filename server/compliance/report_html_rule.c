/* One rule on the page: its text and how it changed, what the outcome rests on, samples and queries. See
 * report_html_parts.h. */
#include <string.h>

#include "server/compliance/report_html_parts.h"

static void put_samples(bt_buffer *out, const char *name, const json_t *samples) {
  size_t count = json_array_size(samples);
  if (!count) return;
  bt_html_begin_fact(out, name);
  for (size_t i = 0; i < count; i++) {
    bt_html_put(out, i ? "<br><code>" : "<code>");
    bt_html_put_text(out, bt_html_text_at(json_array_get(samples, i), "trace_id"));
    bt_html_put(out, "</code> at ");
    bt_html_put_time(out, json_object_get(json_array_get(samples, i), "time"));
  }
  bt_html_end_fact(out);
}

static void put_versions(bt_buffer *out, const json_t *versions) {
  bt_html_put(out,
              "<table><thead><tr><th "
              "class=\"n\">Version</th><th>At</th><th>By</th><th>Condition</th><th>State</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < json_array_size(versions); i++) {
    const json_t *version = json_array_get(versions, i);
    bool is_deleted = json_is_true(json_object_get(version, "deleted")),
         is_enabled = json_is_true(json_object_get(version, "enabled"));
    bt_html_put(out, "<tr>");
    bt_html_put_number(out, json_object_get(version, "version"), true);
    bt_html_put(out, "<td>");
    bt_html_put_time(out, json_object_get(version, "at"));
    bt_html_put(out, "</td><td>");
    bt_html_put_text(out, bt_html_text_at(version, "by"));
    bt_html_put(out, "</td><td><code>");
    bt_html_put_text(out, bt_html_text_at(version, "condition_hash"));
    bt_buffer_printf(out, "</code></td><td>%s%s</td></tr>\n",
                     is_deleted   ? "deleted"
                     : is_enabled ? "enabled"
                                  : "disabled",
                     json_is_true(json_object_get(version, "in_effect")) ? ", in effect in the range" : "");
  }
  bt_html_put(out, "</tbody></table>\n");
}

static void put_watch(bt_buffer *out, const json_t *watch) {
  bt_html_begin_fact(out, "Under watch");
  if (json_is_true(json_object_get(watch, "under_watch"))) {
    bt_html_put(out, "at least since ");
    bt_html_put_time(out, json_object_get(watch, "since"));
    bt_html_put(out, ", evaluated up to ");
    bt_html_put_time(out, json_object_get(watch, "until"));
    if (json_object_get(watch, "provisional_from")) {
      bt_html_put(out, ", provisional from ");
      bt_html_put_time(out, json_object_get(watch, "provisional_from"));
      bt_html_put(out, " on: spans that came late may be missing");
    }
  } else
    bt_html_put(out, json_is_true(json_object_get(watch, "running")) ? "no" : "no: watch is not running");
  bt_html_end_fact(out);
  bt_html_begin_fact(out, "Enabled since");
  bt_html_put_time(out, json_object_get(watch, "enabled_since"));
  bt_html_end_fact(out);
}

static void put_assumptions(bt_buffer *out, const json_t *a) {
  bt_html_begin_fact(out, "Assumptions");
  static const char *const names[] = {"settle", "margin", "lateness", "handover", "clock_skew"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    bt_buffer_printf(out, "%s%s ", i ? ", " : "", names[i]);
    bt_html_put_text(out, bt_html_text_at(a, names[i]));
  }
  if (json_is_true(json_object_get(a, "require_complete"))) bt_html_put(out, ", complete traces required");
  if (json_is_true(json_object_get(a, "links_sampled"))) bt_html_put(out, ", traces dropped one by one");
  if (json_object_get(a, "coarse_clocks")) bt_html_put(out, ", order of equal starts unknown");
  bt_html_end_fact(out);
}

static void put_share(bt_buffer *out, const json_t *share, const char *name) {
  json_int_t ppm = json_integer_value(json_object_get(share, name));
  bt_buffer_printf(out, "%" JSON_INTEGER_FORMAT ".%02" JSON_INTEGER_FORMAT " %%", ppm / 10000, ppm / 100 % 100);
}

/* Reports of before do not say it. */
static void put_rests_on(bt_buffer *out, const char *name, const json_t *body) {
  const json_t *share = json_object_get(body, "share");
  if (!json_is_object(share)) return;
  bt_html_begin_fact(out, name);
  put_share(out, share, "range_ppm");
  bt_html_put(out, " of the range, settled up to ");
  bt_html_put_time(out, json_object_get(body, "settled_end"));
  bt_html_put(out, "; ");
  put_share(out, share, "exercised_ppm");
  bt_buffer_printf(out, " of the traces that exercised it (%" JSON_INTEGER_FORMAT ")",
                   json_integer_value(json_object_get(json_object_get(body, "counts"), "exercised")));
  if (json_is_string(json_object_get(body, "known_from"))) {
    bt_html_put(out, ". All of the range is known from ");
    bt_html_put_time(out, json_object_get(body, "known_from"));
  }
  bt_html_end_fact(out);
}

static void put_by_service(bt_buffer *out, const json_t *by_service) {
  if (!json_is_object(by_service)) return;
  bt_html_begin_fact(out, "By the service's settings");
  bt_html_put_status(out, bt_html_text_at(by_service, "status"));
  bt_buffer_printf(out, " %" JSON_INTEGER_FORMAT " violated, of %" JSON_INTEGER_FORMAT " that exercised it",
                   json_integer_value(json_object_get(json_object_get(by_service, "counts"), "violated")),
                   json_integer_value(json_object_get(json_object_get(by_service, "counts"), "exercised")));
  bt_html_end_fact(out);
  put_rests_on(out, "which rests on", by_service);
}

static void put_withdrawn(bt_buffer *out, const json_t *withdrawn) {
  if (!json_is_object(withdrawn)) return;
  bool is_trial = strcmp(bt_html_text_at(withdrawn, "how"), "shadow") == 0;
  bt_html_begin_fact(out, is_trial ? "Put on trial" : "Disabled");
  bt_html_put_time(out, json_object_get(withdrawn, "at"));
  bt_html_put(out, " by ");
  bt_html_put_text(out, bt_html_text_at(withdrawn, "by"));
  bt_html_put(out, ", and decided before it");
  bt_html_end_fact(out);
}

static void put_queries(bt_buffer *out, const json_t *queries) {
  size_t count = json_array_size(queries);
  if (!count) return;
  bt_html_put(out, "<p class=\"small\">Queries to the source</p>\n<pre>");
  for (size_t i = 0; i < count; i++) {
    bt_html_put_text(out, bt_html_text_at(json_array_get(queries, i), "use"));
    bt_html_put(out, "  ");
    bt_html_put_text(out, bt_html_text_at(json_array_get(queries, i), "traceql"));
    bt_html_put(out, "\n");
  }
  bt_html_put(out, "</pre>\n");
}

void bt_report_html_rule(const json_t *rule, bt_buffer *out) {
  const json_t *samples = json_object_get(rule, "samples");
  size_t changes = json_array_size(json_object_get(rule, "condition_changes"));
  bt_html_put(out, "<section class=\"rule\">\n<h3>");
  bt_html_put_text(out, bt_html_text_at(rule, "name"));
  bt_html_put(out, " ");
  bt_html_put_status(out, bt_html_text_at(rule, "status"));
  bt_html_put(out, "</h3>\n<pre>");
  bt_html_put_text(out, bt_html_text_at(rule, "dsl"));
  bt_html_put(out, "</pre>\n");
  if (changes)
    bt_buffer_printf(out,
                     "<div class=\"note\">The condition was changed %zu time%s since the start of the range. What is "
                     "reported is the "
                     "condition above, over the whole range.</div>\n",
                     changes, changes == 1 ? "" : "s");
  if (json_is_object(json_object_get(rule, "condition_before"))) {
    bt_html_put(out, "<p>When the range began it was:</p>\n<pre>");
    bt_html_put_text(out, bt_html_text_at(json_object_get(rule, "condition_before"), "dsl"));
    bt_html_put(out, "</pre>\n");
  }
  bt_html_put(out, "<table class=\"facts\"><tbody>\n");
  bt_html_put_code_fact(out, "Rule", bt_html_text_at(rule, "rule_id"));
  if (json_string_length(json_object_get(rule, "description")))
    bt_html_put_fact(out, "Description", bt_html_text_at(rule, "description"));
  if (json_is_string(json_object_get(rule, "reason"))) bt_html_put_fact(out, "Reason", bt_html_text_at(rule, "reason"));
  put_rests_on(out, "Rests on", json_is_true(json_object_get(rule, "evaluated")) ? rule : NULL);
  put_by_service(out, json_object_get(rule, "by_service"));
  put_withdrawn(out, json_object_get(rule, "withdrawn"));
  bt_html_put_code_fact(out, "Condition", bt_html_text_at(rule, "condition_hash"));
  put_watch(out, json_object_get(rule, "watch"));
  put_assumptions(out, json_object_get(rule, "assumptions"));
  put_samples(out, "Violating traces", json_object_get(samples, "violated"));
  put_samples(out, "Satisfying traces", json_object_get(samples, "satisfied"));
  put_samples(out, "Undecided traces", json_object_get(samples, "inconclusive"));
  bt_html_put(out, "</tbody></table>\n");
  put_versions(out, json_object_get(rule, "versions"));
  put_queries(out, json_object_get(json_object_get(rule, "search"), "queries"));
  bt_html_put(out, "</section>\n");
}
