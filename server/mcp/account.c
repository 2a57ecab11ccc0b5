/* From a route's answer to what it means. See account.h. */
#include "server/json/json_values.h"
#include "server/mcp/account.h"

#include <string.h>

#include "dsl/base/text.h"
#include "dsl/mine/habit.h"

typedef struct account {
  json_t *answer, *coverage;
  const char *filter;   /* see bt_mcp_account */
  json_t *gaps;         /* not_looked_at */
  bool has_unknown;     /* one of them may hide a violation */
  bool has_empty;       /* there are no data for a part of the range */
  json_int_t evaluated; /* traces */
  json_int_t found;
} account;

static json_int_t number_of(json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static void add_gap(account *a, const char *what, const char *name, json_t *value) {
  bt_json_append(a->gaps, json_pack("{s:s,s:O}", "what", what, name, value));
}

static void add_list(account *a, const char *name, const char *what, bool *is_set) {
  json_t *list = json_object_get(a->coverage, name);
  if (!json_array_size(list)) return;
  add_gap(a, what, name, list);
  *is_set = true;
}

static void add_count(account *a, json_t *from, const char *name, const char *what) {
  if (number_of(from, name) <= 0) return;
  add_gap(a, what, name, json_object_get(from, name));
  a->has_unknown = true;
}

static void add_end(account *a) {
  json_t *asked = json_object_get(json_object_get(a->coverage, "asked"), "end");
  json_t *end = json_object_get(a->coverage, "effective_end");
  if (!json_is_string(asked) || !json_is_string(end) || json_equal(asked, end)) return;
  add_gap(a, "traces after this time were too young to be judged", "effective_end", end);
  a->has_unknown = true;
}

/* A live answer counts what the source shows now. */
static void add_provisional(account *a) {
  json_t *from = json_object_get(a->coverage, "provisional_from");
  if (!json_is_string(from)) return;
  add_gap(a, "spans that came late may be hidden from this time on: ask again later", "provisional_from", from);
  a->has_unknown = true;
}

/* What is gone shows in no count. */
static void add_losses(account *a) {
  static const struct {
    const char *name, *what;
  } losses[] = {{"kept_from", "the source may have deleted traces from before this time, by its retention"},
                {"redacted_at", "traces were redacted in the source, last at this time; which ones it does not say"}};
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
    json_t *time = json_object_get(a->coverage, losses[i].name);
    if (!json_is_string(time)) continue;
    add_gap(a, losses[i].what, losses[i].name, time);
    a->has_unknown = true;
  }
}

static void add_status(account *a) {
  json_t *status = json_object_get(a->answer, "status"), *reason = json_object_get(a->answer, "reason");
  if (json_is_string(status) && strcmp(json_string_value(status), "completed") != 0) {
    add_gap(a, "it did not come to its end", "status", status);
    a->has_unknown = true;
  }
  if (json_is_string(reason)) {
    add_gap(a, "why it is not whole", "reason", reason);
    a->has_unknown = true;
  }
  if (!json_is_true(json_object_get(a->coverage, "complete")) && !a->has_unknown) {
    bt_json_append(a->gaps, json_pack("{s:s}", "what", "the service calls its coverage incomplete"));
    a->has_unknown = true;
  }
}

/* Of those that were not kept nobody looked at any. */
static void add_sampling(account *a, json_t *from) {
  json_t *sampling = json_object_get(from, "sampling"), *text = json_object_get(sampling, "text");
  const char *known = json_string_value(json_object_get(sampling, "known"));
  if (!known || strcmp(known, "not_declared") == 0 || strcmp(known, "all") == 0) return;
  add_gap(a,
          from == a->coverage
              ? "traces that were not kept, because traces were sampled: `estimated`, where it is there, "
                "says what the others stand for"
              : "traces that were not kept, because traces were sampled",
          "sampling", text);
  a->has_unknown = true;
}

static void find_gaps(account *a) {
  add_list(a, "windows_failed", "the source did not answer for these times", &a->has_unknown);
  add_list(a, "windows_empty", "the source has no traces of these times, so nothing is known of them", &a->has_empty);
  add_end(a);
  add_provisional(a);
  add_losses(a);
  add_sampling(a, a->coverage);
  add_count(a, a->coverage, "unsettled", "traces that were not settled");
  add_count(a, a->answer, "inconclusive", "traces on which no verdict was possible");
  add_count(a, a->coverage, "long_traces_count", "traces too long to be read whole");
  add_count(a, a->coverage, "differing_traces_count", "traces that the source gave in two versions");
  add_count(a, a->coverage, "contradicted_count", "traces whose reads contradict what was seen of them before");
  add_count(a, a->coverage, "unended",
            "traces with a span that never ended; searches never show a trace whose spans all lack an end");
  add_count(a, a->coverage, "without_time",
            "traces whose spans have neither a start nor an end: nobody knows when they were, and they are judged in "
            "every range");
  add_status(a);
}

static json_int_t evaluated_of(json_t *answer) {
  json_t *evaluated = json_object_get(answer, "traces_evaluated");
  return json_is_integer(evaluated) ? json_integer_value(evaluated) : number_of(answer, "traces_read");
}

static json_int_t found_of(json_t *answer) {
  json_t *total = json_object_get(answer, "total_count"), *found = json_object_get(answer, "violations_found");
  size_t listed = json_array_size(json_object_get(answer, "violations"));
  json_int_t count = json_is_integer(total) ? json_integer_value(total) : json_integer_value(found);
  if (json_is_true(json_object_get(answer, "found"))) return 1;
  return count > 0 ? count : (json_int_t)listed;
}

static bool has_unexercised(const account *a) {
  return json_is_true(json_object_get(json_array_get(json_object_get(a->answer, "unexercised"), 0), "known"));
}

typedef struct exercise { /* of several rules */
  json_t *rules;
  const char *count, *kind; /* members of each */
} exercise;

/* Of one rule the answer says it by itself. */
static exercise exercise_of(const account *a) {
  json_t *exercised = json_object_get(a->answer, "exercised"), *rules = json_object_get(a->answer, "rules");
  if (exercised) return (exercise){exercised, "traces", "traces_kind"};
  return (exercise){json_array_size(rules) > 1 ? rules : NULL, "traces_exercised", "traces_exercised_kind"};
}

/* Of an answer about several rules: how many of them no trace exercised. */
static size_t count_idle(const account *a, size_t *rules) {
  exercise of = exercise_of(a);
  size_t index, idle = 0;
  json_t *rule;
  json_array_foreach(of.rules, index, rule) {
    const char *kind = json_string_value(json_object_get(rule, of.kind));
    idle += !number_of(rule, of.count) && kind && strcmp(kind, "exact") == 0;
  }
  *rules = json_array_size(of.rules);
  return idle;
}

static bool has_unknown_exercise(const account *a) {
  json_t *list = json_object_get(a->answer, "exercised"), *rule;
  size_t index;
  json_array_foreach(list, index, rule) {
    const char *kind = json_string_value(json_object_get(rule, "traces_kind"));
    if (!number_of(rule, "traces") && kind && strcmp(kind, "exact") != 0) return true;
  }
  return !list;
}

/* Of one rule the answer may say so without a count. */
static bool is_vacuous(const account *a) {
  json_t *exercised = json_object_get(a->answer, "traces_exercised");
  size_t rules = 0, idle = count_idle(a, &rules);
  if (rules) return idle == rules;
  return exercised ? json_is_integer(exercised) && json_integer_value(exercised) == 0 : has_unexercised(a);
}

/* Names of others are in the result alone. */
static void write_vacuous(const account *a, bt_buffer *means) {
  size_t rules = 0;
  count_idle(a, &rules);
  bt_buffer_printf(means,
                   "VACUOUS: none of the %lld evaluated traces is one that %s about, so %s "
                   "neither kept nor violated. %s",
                   (long long)a->evaluated, rules > 1 ? "any of the rules speaks" : "the rule speaks",
                   rules > 1 ? "they were" : "the rule was",
                   has_unexercised(a) ? "result.unexercised says why." : "Check that its names occur in the traces.");
}

/* Of several rules: those that "none" says nothing of. */
static void write_idle(const account *a, bt_buffer *means) {
  size_t rules = 0, idle = count_idle(a, &rules);
  if (idle)
    bt_buffer_printf(means, " That says nothing of %zu rule%s that no trace exercised (result.%s).", idle,
                     idle == 1 ? "" : "s", json_object_get(a->answer, "exercised") ? "exercised" : "unexercised");
}

static void write_violated(const account *a, bt_buffer *means) {
  json_t *problems = json_object_get(a->answer, "problems_total");
  long long count = (long long)json_integer_value(problems);
  bt_buffer_printf(means, "VIOLATED: at least %lld violation%s found.", (long long)a->found,
                   a->found == 1 ? " was" : "s were");
  if (problems)
    bt_buffer_printf(means, " That makes %lld problem%s (result.problems, the gravest rules first).", count,
                     count == 1 ? "" : "s");
  if (a->has_unknown || a->has_empty)
    bt_buffer_append(means, BT_STR(" There may be more: not_looked_at says where nothing is known."));
  write_idle(a, means);
}

/* {conclusion, sentence} */
static const char *write_conclusion(const account *a, bt_buffer *means) {
  long long evaluated = (long long)a->evaluated;
  if (a->found > 0) {
    write_violated(a, means);
    return "violated";
  }
  if (evaluated == 0) {
    bt_buffer_append(means, BT_STR("NOT KNOWN: no trace was evaluated, so this is no answer. Do not report that there "
                                   "are no violations; say that there were no data to look at."));
    return "not_known";
  }
  if (a->filter) {
    bt_buffer_printf(means,
                     "NOT KNOWN: no violation was found of the traces that %s chooses, but whether there is any such "
                     "trace is not part of this answer: a wrong name looks the same. Do not report that there are no "
                     "violations. Of one trace the tool trace_verdicts tells.",
                     a->filter);
    return "not_known";
  }
  if (a->has_unknown) {
    bt_buffer_printf(means,
                     "NOT KNOWN: no violation was seen in %lld evaluated traces, but not everything was looked at "
                     "(see not_looked_at). Do not report that there are no violations.",
                     evaluated);
    return "not_known";
  }
  if (is_vacuous(a)) {
    write_vacuous(a, means);
    return "not_exercised";
  }
  if (a->has_empty) {
    bt_buffer_printf(means,
                     "None was found in the %lld traces that there are; for the times in not_looked_at there are no "
                     "data, and nothing is known of them.",
                     evaluated);
    write_idle(a, means);
    return "none_where_there_are_data";
  }
  bt_buffer_printf(means, "No violation was found; all %lld traces of the range were evaluated.", evaluated);
  write_idle(a, means);
  if (json_object_get(a->answer, "traces_exercised") || !has_unknown_exercise(a)) return "none";
  bt_buffer_append(means, BT_STR(" Whether any of them is one that the rule speaks about is not part of this answer: "
                                 "the tool replay tells it."));
  return "none_perhaps_not_exercised";
}

/* Takes what it is given. */
static json_t *pack_account(const char *conclusion, bt_buffer *means, json_t *looked_at, json_t *gaps) {
  json_t *whole = means->failed ? NULL
                                : json_pack("{s:s,s:s#,s:o,s:o}", "conclusion", conclusion, "means", means->ptr,
                                            (int)means->len, "looked_at", looked_at, "not_looked_at", gaps);
  if (means->failed) json_decref(looked_at), json_decref(gaps);
  bt_buffer_dispose(means);
  return whole;
}

static json_t *of_traces(const char *filter, json_t *answer) {
  bt_buffer means = {0};
  account a = {
      .answer = answer, .coverage = json_object_get(answer, "coverage"), .filter = filter, .gaps = json_array()};
  json_t *asked = json_object_get(a.coverage, "asked"), *kind = json_object_get(answer, "traces_evaluated_kind");
  json_t *source = json_object_get(a.coverage, "source"), *end = json_object_get(a.coverage, "effective_end");
  a.evaluated = evaluated_of(answer);
  a.found = found_of(answer);
  find_gaps(&a);
  if (filter)
    bt_json_append(
        a.gaps, json_pack("{s:s,s:s}", "what", "whether any trace is one that this filter chooses", "filter", filter));
  const char *conclusion = write_conclusion(&a, &means);
  if (json_array_size(json_object_get(answer, "notes")))
    bt_buffer_append(&means, BT_STR(" result.notes says what names and comparisons of the rule met in the traces."));
  json_t *looked_at = json_pack("{s:O?,s:O?,s:I,s:O?,s:O?}", "start", json_object_get(asked, "start"), "end", end,
                                "traces", a.evaluated, "traces_kind", kind, "source", source);
  return pack_account(conclusion, &means, looked_at, a.gaps);
}

/* Conclusions of a contrast are about marks: that nothing was found to compare is no "none". */
static json_t *of_marks(json_t *answer) {
  bt_buffer means = {0};
  account a = {.answer = answer, .coverage = json_object_get(answer, "coverage"), .gaps = json_array()};
  const char *conclusion = json_string_value(json_object_get(answer, "conclusion"));
  const char *explanation = json_string_value(json_object_get(answer, "explanation"));
  json_t *violating = json_object_get(answer, "violating"), *satisfying = json_object_get(answer, "satisfying");
  find_gaps(&a);
  bt_buffer_printf(&means,
                   "%s. A mark goes along with violating; that does not make it the cause. This answers what sets "
                   "violating traces apart, and not whether there are violations.",
                   explanation ? explanation : "Nothing was compared");
  if (a.has_unknown || a.has_empty) bt_buffer_append(&means, BT_STR(" Not everything was looked at."));
  json_t *looked_at =
      json_pack("{s:O?,s:O?,s:O?,s:O?}", "asked", json_object_get(a.coverage, "asked"), "violating", violating,
                "satisfying", satisfying, "compared_with", json_object_get(answer, "compared_with"));
  return pack_account(conclusion ? conclusion : "not_known", &means, looked_at, a.gaps);
}

/* What traces keep already. That nothing is suggested is no statement about the rules that there are. */
static json_t *of_habits(json_t *answer) {
  bt_buffer means = {0};
  account a = {.answer = answer, .coverage = json_object_get(answer, "coverage"), .gaps = json_array()};
  long long sampled = (long long)number_of(answer, "traces_sampled");
  size_t count = json_array_size(json_object_get(answer, "suggestions"));
  find_gaps(&a);
  add_count(&a, answer, "traces_not_sampled", "traces chosen for the sample that could not be read");
  add_count(&a, answer, "traces_left_out",
            "traces of the sample that lack spans, times or attributes, or are too large");
  add_count(&a, answer, "names_not_looked_at", "spans whose names were too many or too long to be looked at");
  if (!sampled)
    bt_buffer_append(&means, BT_STR("NOT KNOWN: no trace was looked at, so no rule can be suggested."));
  else
    bt_buffer_printf(
        &means,
        "%zu rule%s suggested, from a sample of %lld traces%s. Nearly all traces keep each, and more often "
        "than what does not meet its condition (lift_at_least). A habit is not yet a rule: ask the user "
        "which to keep. Nothing was stored. This says nothing of violations of the rules that there are.",
        count, count == 1 ? " is" : "s are", sampled,
        sampled < BT_HABIT_TRACES ? ", which are too few to tell a habit from chance" : "");
  if (sampled && (a.has_unknown || a.has_empty)) bt_buffer_append(&means, BT_STR(" Not everything was looked at."));
  json_t *looked_at = json_pack(
      "{s:O?,s:O?,s:O?,s:O?,s:O?}", "asked", json_object_get(a.coverage, "asked"), "source",
      json_object_get(a.coverage, "source"), "traces_sampled", json_object_get(answer, "traces_sampled"), "considered",
      json_object_get(answer, "considered"), "behaviours_tested", json_object_get(answer, "behaviours_tested"));
  return pack_account(!sampled ? "not_known" : count ? "suggested" : "none_suggested", &means, looked_at, a.gaps);
}

static void find_gaps_of_changes(account *a) {
  static const struct {
    const char *name, *what;
  } counts[] = {{"traces_incomplete", "traces that lack spans, times or attributes"},
                {"traces_too_large", "traces of too many spans"},
                {"traces_not_read", "traces chosen for a sample that could not be read"},
                {"spans_not_named", "spans whose names were too many or too long to be looked at"},
                {"attributes_drifting", "attributes whose numbers drift within the baseline"},
                {"behaviours_beyond", "behaviours beyond the most that are compared"}};
  json_t *not_read = json_object_get(a->answer, "not_read");
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) add_count(a, a->answer, counts[i].name, counts[i].what);
  if (json_is_string(not_read)) {
    add_gap(a, "a part of the range", "not_read", not_read);
    a->has_unknown = true;
  }
  add_sampling(a, a->answer);
}

/* {conclusion, sentence}. Names of others are in the result alone. */
static const char *write_changes(const account *a, bt_buffer *means) {
  const char *status = json_string_value(json_object_get(a->answer, "status"));
  size_t count = json_array_size(json_object_get(a->answer, "changes"));
  long long before = (long long)number_of(a->answer, "baseline_traces");
  long long after = (long long)number_of(a->answer, "candidate_traces");
  bool is_changed = status && strcmp(status, "changed") == 0, is_known = status && strcmp(status, "as_before") == 0;
  if (is_changed)
    bt_buffer_printf(means,
                     "CHANGED: %zu line%s in result.changes, from %lld traces before and %lld after. The chance that "
                     "any of them is chance is at most %.3g %%. %lld behaviours are as before. A change is neither a "
                     "cause nor a violation: ask the user whether it was meant.",
                     count, count == 1 ? "" : "s", before, after,
                     100 * json_number_value(json_object_get(a->answer, "chance_of_any")),
                     (long long)number_of(a->answer, "unchanged"));
  else if (is_known)
    bt_buffer_printf(means,
                     "Nothing changed in %lld behaviours that %lld traces before and %lld after show. %lld traces "
                     "after that break one which all keep would have been told; fewer may have.",
                     (long long)number_of(a->answer, "behaviours"), before, after,
                     (long long)number_of(a->answer, "least_seen"));
  else
    bt_buffer_append(means, BT_STR("NOT KNOWN: too little was read to say what changed, and result.reason says why. "
                                   "Do not report that nothing changed."));
  if ((is_changed || is_known) && a->has_unknown) bt_buffer_append(means, BT_STR(" Not everything was looked at."));
  return is_changed ? "changed" : is_known ? "nothing_changed" : "not_known";
}

static json_t *of_changes(json_t *answer) {
  bt_buffer means = {0};
  account a = {.answer = answer, .gaps = json_array()};
  find_gaps_of_changes(&a);
  const char *conclusion = write_changes(&a, &means);
  json_t *looked_at = json_pack("{s:O?,s:O?,s:O?}", "sides", json_object_get(answer, "sides"), "baseline_traces",
                                json_object_get(answer, "baseline_traces"), "candidate_traces",
                                json_object_get(answer, "candidate_traces"));
  return pack_account(conclusion, &means, looked_at, a.gaps);
}

static json_t *of_a_trace(json_t *answer) {
  size_t index, violated = 0, kept = 0, other = 0, unknown = 0;
  json_t *verdict, *gaps = json_array(), *incomplete = json_object_get(answer, "incomplete");
  json_t *left = json_object_get(answer, "not_evaluated");
  bt_buffer means = {0};
  json_array_foreach(json_object_get(answer, "verdicts"), index, verdict) {
    const char *name = json_string_value(json_object_get(verdict, "verdict"));
    if (name && strcmp(name, "violated") == 0)
      violated++;
    else if (name && strcmp(name, "satisfied") == 0)
      kept++;
    else if (name && strcmp(name, "not_applicable") == 0)
      other++;
    else
      unknown++;
  }
  if (json_array_size(incomplete))
    bt_json_append(gaps, json_pack("{s:s,s:O}", "what", "the trace is not whole", "incomplete", incomplete));
  if (json_array_size(left))
    bt_json_append(gaps, json_pack("{s:s,s:O}", "what", "rules not evaluated", "not_evaluated", left));
  bool is_whole = !json_array_size(gaps) && !unknown;
  bt_buffer_printf(&means,
                   "%s: of the rules, %zu are violated by this trace, %zu are kept, %zu do not speak about it, "
                   "and on %zu no verdict was possible.",
                   violated           ? "VIOLATED"
                   : is_whole && kept ? "Not violated"
                                      : "NOT KNOWN",
                   violated, kept, other, unknown);
  json_t *looked_at = json_pack("{s:O?,s:O?,s:i}", "trace_id", json_object_get(answer, "trace_id"), "spans",
                                json_object_get(answer, "span_count"), "rules", (int)(violated + kept + other));
  const char *conclusion = violated            ? "violated"
                           : is_whole && kept  ? "none"
                           : is_whole && other ? "not_exercised"
                                               : "not_known";
  return pack_account(conclusion, &means, looked_at, gaps);
}

static json_t *of_rules(json_t *answer) {
  bt_buffer means = {0};
  json_t *valid = json_object_get(answer, "valid"), *cursor = json_object_get(answer, "cursor");
  json_t *gaps = json_pack("[{s:s}]", "what", "traces: this answer is about rules, and says nothing of violations");
  if (json_is_boolean(valid))
    bt_buffer_append(&means, json_is_true(valid) ? BT_STR("The rule's text is valid. No trace was looked at.")
                                                 : BT_STR("The rule's text is NOT valid: see the diagnostics."));
  else
    bt_buffer_append(&means, BT_STR("This is about rules. No trace was evaluated."));
  if (json_is_string(cursor)) {
    bt_json_append(gaps, json_pack("{s:s}", "what", "further rules: ask again with this cursor"));
    bt_buffer_append(&means, BT_STR(" There are more rules than these."));
  }
  return pack_account("about_rules", &means, json_pack("{s:s}", "what", "rules"), gaps);
}

json_t *bt_mcp_account(bt_mcp_about about, const char *filter, json_t *answer) {
  switch (about) {
  case BT_MCP_ABOUT_TRACES: return of_traces(filter, answer);
  case BT_MCP_ABOUT_A_TRACE: return of_a_trace(answer);
  case BT_MCP_ABOUT_MARKS: return of_marks(answer);
  case BT_MCP_ABOUT_HABITS: return of_habits(answer);
  case BT_MCP_ABOUT_CHANGES: return of_changes(answer);
  case BT_MCP_ABOUT_RULES: break;
  }
  return of_rules(answer);
}

json_t *bt_mcp_account_of_failure(const char *why) {
  return json_pack("{s:s,s:s,s:n,s:[{s:s,s:s}]}", "conclusion", "not_known", "means",
                   "NOT KNOWN: the call failed, so nothing was looked at. Do not report that there are no violations.",
                   "looked_at", "not_looked_at", "what", "everything that was asked", "why", why);
}
