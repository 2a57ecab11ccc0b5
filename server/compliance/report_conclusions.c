/* Checking what a report concludes from its own numbers. See report_reader.h. */
#include <inttypes.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"
#include "server/compliance/report_builder.h"
#include "server/compliance/report_members.h"
#include "server/compliance/report_reader.h"
#include "server/json/json_members.h"

static json_int_t count_at(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static bt_status refuse_conclusion(const char *what, const char *id, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the report contradicts itself: %s %.128s does not follow from its numbers",
                      what, id);
}

static bool is_status(const json_t *body, bt_finding finding) {
  return strcmp(bt_json_text_at(body, "status"), bt_finding_name(finding)) == 0;
}

static bool find_finding(const char *name, bt_finding *out) {
  for (int i = 0; i < BT_FINDING_COUNT; i++) {
    *out = (bt_finding)i;
    if (strcmp(bt_finding_name(*out), name) == 0) return true;
  }
  return false;
}

/* ---- versions ---- */

int bt_report_version(const json_t *document) {
  const json_t *entries = json_object_get(document, "entries");
  const json_t *version = json_object_get(json_object_get(json_array_get(entries, 0), "body"), "version");
  if (!version) return 1;
  json_int_t number = json_is_integer(version) ? json_integer_value(version) : 0;
  return number >= 2 && number <= BT_REPORT_VERSION ? (int)number : 0;
}

/* What a report says of itself, read once. */
typedef struct reading {
  const json_t *report; /* body of the first entry */
  int version;
  bool is_complete, is_static;
  bool is_sampled; /* spans say that traces were sampled, or it is declared */
  bt_time_range range;
  int64_t evaluated_at_ns, settle_ns; /* the latter: the service's */
} reading;

static bool read_time(const json_t *object, const char *name, int64_t *out) {
  return bt_time_parse(bt_str_from(bt_json_text_at(object, name)), 0, out);
}

static bool read_duration(const json_t *object, const char *name, int64_t *out) {
  const char *text = bt_json_text_at(object, name);
  return text[0] && bt_duration_parse(bt_str_from(text), out);
}

/* Up to where a settle leaves the range settled. */
static int64_t settled_end(const reading *r, int64_t settle_ns) {
  int64_t settled_ns = bt_time_subtract(r->evaluated_at_ns, settle_ns);
  return r->is_static || settled_ns > r->range.end_ns ? r->range.end_ns : settled_ns;
}

static bool is_settled_end(const reading *r, const json_t *body, int64_t settle_ns) {
  int64_t said_ns;
  return read_time(body, "settled_end", &said_ns) && said_ns == settled_end(r, settle_ns);
}

/* Reports of version 1 have one settled end for all of their rules, the earliest: where it is earlier than the
 * service's settings make it, some rule's setting had shortened what is known of all. */
static bt_status check_completeness(const reading *r, bt_error *error) {
  const json_t *coverage = json_object_get(r->report, "coverage");
  bool is_whole = !json_array_size(json_object_get(coverage, "windows_failed"));
  bool is_settled = settled_end(r, r->settle_ns) >= r->range.end_ns;
  if (!r->is_complete) return BT_OK;
  if (is_whole && (r->version == 1 || is_settled)) return BT_OK;
  return refuse_conclusion("its", "completeness", error);
}

/* Whether a time stamp was asked for is signed; what came of it stands beside the signature, and cannot be taken away
 * without a word. */
static bt_status check_time_stamp(const json_t *document, const reading *r, bt_error *error) {
  const json_t *asked = json_object_get(r->report, "time_stamp_asked"),
               *evidence = json_object_get(document, "evidence");
  const json_t *stamp = json_object_get(evidence, "time_stamp");
  bool is_there = asked && stamp;
  bool is_right = json_is_true(asked) ? json_is_object(stamp) : json_is_false(asked) && json_is_null(stamp);
  if (r->version < BT_REPORT_VERSION ? !asked && !stamp : is_there && is_right) return BT_OK;
  return bt_error_set(
      error, BT_INVALID,
      "the report contradicts itself: expected a time stamp, or why there is none, exactly where one was "
      "asked for (time_stamp_asked)");
}

/* Reports of before say nothing of it. */
static bool is_sampled(const json_t *coverage) {
  const char *known = bt_json_text_at(json_object_get(coverage, "sampling"), "known");
  return known[0] && strcmp(known, bt_kept_known_name(BT_KEPT_NOT_SAID)) != 0 &&
         strcmp(known, bt_kept_known_name(BT_KEPT_ALL)) != 0;
}

static bt_status read_report(const json_t *document, reading *r, bt_error *error) {
  const json_t *entries = json_object_get(document, "entries");
  r->report = json_object_get(json_array_get(entries, 0), "body");
  r->version = bt_report_version(document);
  if (!r->version)
    return bt_error_set(
        error, BT_INVALID,
        "expected a report whose conclusions are of version 2 to %d, or of none, which is 1: a newer betrace "
        "made this one; check it with that",
        BT_REPORT_VERSION);
  const json_t *range = json_object_get(r->report, "range");
  r->is_complete = json_is_true(json_object_get(r->report, "complete"));
  r->is_sampled = is_sampled(json_object_get(r->report, "coverage"));
  r->is_static = strcmp(bt_json_text_at(r->report, "source"), "files") == 0;
  if (!read_time(range, "start", &r->range.start_ns) || !read_time(range, "end", &r->range.end_ns) ||
      r->range.start_ns >= r->range.end_ns || !read_time(r->report, "evaluated_at", &r->evaluated_at_ns) ||
      !read_duration(json_object_get(r->report, "assumptions"), "settle", &r->settle_ns))
    return refuse_conclusion("its", "range", error);
  if (r->version > 1 && !is_settled_end(r, r->report, r->settle_ns))
    return refuse_conclusion("its", "settled_end", error);
  const json_t *previous = json_object_get(r->report, "previous");
  bool is_named = r->version < BT_REPORT_VERSION ? !previous : bt_previous_report_is_right(previous);
  if (!is_named)
    return bt_error_set(
        error, BT_INVALID,
        "the report contradicts itself: expected that it names the report before (previous: report_id, head "
        "and known_by), or says why it cannot");
  bt_status status = check_time_stamp(document, r, error);
  return status ? status : check_completeness(r, error);
}

/* ---- numbers ---- */

typedef struct numbers {
  json_int_t evaluated, exercised, satisfied, violated, inconclusive, provisional, going_on;
  bool is_evaluated_exact, is_exercised_exact;
} numbers;

static bool read_number(const json_t *counts, const char *name, json_int_t *out) {
  const json_t *number = json_object_get(counts, name);
  *out = json_integer_value(number);
  return json_is_integer(number) && *out >= 0;
}

static bool read_kind(const json_t *counts, const char *name, bool *is_exact) {
  *is_exact = strcmp(bt_json_text_at(counts, name), "exact") == 0;
  return *is_exact || strcmp(bt_json_text_at(counts, name), "at_least") == 0;
}

static bool read_numbers(const json_t *counts, numbers *n) {
  return read_number(counts, "evaluated", &n->evaluated) && read_number(counts, "exercised", &n->exercised) &&
         read_number(counts, "satisfied", &n->satisfied) && read_number(counts, "violated", &n->violated) &&
         read_number(counts, "inconclusive", &n->inconclusive) && read_number(counts, "provisional", &n->provisional) &&
         read_number(counts, "going_on", &n->going_on) && read_kind(counts, "evaluated_kind", &n->is_evaluated_exact) &&
         read_kind(counts, "exercised_kind", &n->is_exercised_exact);
}

/* What holds of the numbers of every report since version 2. */
static bool are_possible(const numbers *n, const json_t *counts) {
  bool is_exact = n->is_evaluated_exact && n->is_exercised_exact;
  return n->exercised <= n->evaluated && n->inconclusive <= n->evaluated &&
         n->violated + n->satisfied <= n->exercised && n->satisfied + n->violated + n->inconclusive >= n->exercised &&
         json_is_true(json_object_get(counts, "exact")) == is_exact;
}

/* ---- rules ---- */

/* The settle that a rule is judged with: its own, or the service's, which may be longer than both say where the source
 * hides its newest time. */
static bool read_settle(const reading *r, const json_t *body, int64_t *out) {
  return read_duration(json_object_get(body, "assumptions"), "settle", out) || r->version == 1;
}

/* Whether its verdicts are about all of the range. In version 1 the tail by the service's settings was no part of it.
 */
static bool is_whole_settled(const reading *r, const json_t *body, int64_t settle_ns) {
  int64_t settled_ns;
  if (r->version > 1) return settled_end(r, settle_ns) >= r->range.end_ns;
  (void)body;
  return !read_time(r->report, "settled_end", &settled_ns) || settled_ns >= settled_end(r, r->settle_ns);
}

static bool is_share_right(const reading *r, const json_t *body, const numbers *n, int64_t settle_ns) {
  const json_t *share = json_object_get(body, "share");
  json_int_t range, exercised, unsettled;
  if (r->version == 1) return true;
  if (!read_number(share, "range_ppm", &range) || !read_number(share, "exercised_ppm", &exercised) ||
      !read_number(share, "exercised_unsettled", &unsettled))
    return false;
  uint64_t all = (uint64_t)n->exercised + (uint64_t)unsettled;
  uint64_t expected = all ? bt_share_millionths((uint64_t)n->exercised, all) : 0;
  return is_settled_end(r, body, settle_ns) && (uint64_t)exercised == expected &&
         (uint64_t)range == bt_settled_share(&r->range, settled_end(r, settle_ns));
}

/* What a rule's numbers carry: of it, or of it as the service's settings judge it. `body` has counts, assumptions and
 * how far they go. */
typedef struct carried {
  numbers n;
  bool is_clean;   /* everything was read, counted, decided and settled, and nothing violates it */
  bool is_sampled; /* and what was not kept may violate it: no rate is said with which it passes, and no policy that
                      keeps it */
  bool is_idle;    /* so that it may be said that nothing exercised it; reports of version 1 said so of less */
} carried;

/* It is declared that tail samplers keep all that may violate rules, from the beginning of the range on. */
static bool is_kept_since(const reading *r, const json_t *assumptions) {
  bt_sampling_setting setting;
  const char *text = json_string_value(json_object_get(assumptions, "sampling"));
  return bt_sampling_setting_parse(text, &setting) && setting.declared.policy_since_ns &&
         setting.declared.policy_since_ns <= r->range.start_ns;
}

static bt_status check_numbers(const reading *r, const json_t *body, const char *id, carried *out, bt_error *error) {
  const json_t *counts = json_object_get(body, "counts");
  int64_t settle_ns = 0;
  numbers *n = &out->n;
  if (!read_numbers(counts, n) || (r->version > 1 && !are_possible(n, counts)))
    return bt_error_set(error, BT_INVALID,
                        "the report contradicts itself: the counts of rule %.128s cannot all be right", id);
  if (!read_settle(r, body, &settle_ns) || !is_share_right(r, body, n, settle_ns))
    return refuse_conclusion("the share of the range of rule", id, error);
  const json_t *assumptions = json_object_get(body, "assumptions");
  out->is_sampled = r->is_sampled && !json_object_get(assumptions, "max_rate") && !is_kept_since(r, assumptions);
  out->is_clean = r->is_complete && !n->violated && !n->inconclusive && !n->provisional &&
                  is_whole_settled(r, body, settle_ns) && (r->version == 1 || (!n->going_on && n->is_evaluated_exact));
  out->is_idle = !n->exercised && (r->version == 1 ? r->is_complete && !n->violated : out->is_clean);
  return BT_OK;
}

static bool may_pass(const carried *c) {
  return c->is_clean && !c->is_sampled && c->n.exercised > 0 && c->n.exercised <= c->n.evaluated;
}

/* Reports of before say nothing of it, which is false; a rule says it only where it has it. */
static bool is_sampled_as_said(const json_t *overrides, const json_t *own, const json_t *service) {
  const json_t *said = json_object_get(overrides, "links_sampled");
  bool follows = json_is_true(said ? said : json_object_get(service, "links_sampled"));
  return json_is_true(json_object_get(own, "links_sampled")) == follows;
}

/* The settle that is held has the time in it in which linked traces may come. False: something is no duration. */
static bool compare_settle(const json_t *overrides, const json_t *own, const json_t *service, bool *is_said,
                           bool *is_service) {
  const json_t *said = json_object_get(overrides, "settle");
  int64_t held_ns, service_ns, said_ns = 0, within_ns = 0;
  if (!said || !read_duration(own, "settle", &held_ns) || !read_duration(service, "settle", &service_ns)) return false;
  if (json_object_get(own, "links_within") && !read_duration(own, "links_within", &within_ns)) return false;
  if (!json_is_null(said) && !read_duration(overrides, "settle", &said_ns)) return false;
  held_ns = bt_time_subtract(held_ns, within_ns);
  *is_service = held_ns == service_ns;
  *is_said = *is_service || (!json_is_null(said) && held_ns == said_ns);
  return true;
}

/* Settings of its own that change how it is judged have the service's beside them, and what is said is the worse of
 * both. */
static bt_status check_settings(const reading *r, const json_t *rule, bool has_service, bt_error *error) {
  const json_t *own = json_object_get(rule, "assumptions"), *service = json_object_get(r->report, "assumptions");
  const json_t *overrides = json_object_get(rule, "overrides");
  static const char *const names[] = {"margin", "clock_skew", "require_complete"};
  bool are_said = false, are_service = false;
  if (!compare_settle(overrides, own, service, &are_said, &are_service) || !are_said)
    return refuse_conclusion("the assumptions of rule", bt_json_text_at(rule, "rule_id"), error);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const json_t *said = json_object_get(overrides, names[i]), *held = json_object_get(own, names[i]);
    bool is_service = json_equal(held, json_object_get(service, names[i]));
    bool follows = json_is_null(said) ? is_service : json_equal(said, held);
    if (!said || !held || !follows)
      return refuse_conclusion("the assumptions of rule", bt_json_text_at(rule, "rule_id"), error);
    are_service = are_service && is_service;
  }
  bool are_shared = json_equal(json_object_get(own, "lateness"), json_object_get(service, "lateness")) &&
                    json_equal(json_object_get(own, "handover"), json_object_get(service, "handover")) &&
                    !json_object_get(own, "coarse_clocks") == !json_object_get(service, "coarse_clocks");
  if (!are_shared || !is_sampled_as_said(overrides, own, service))
    return refuse_conclusion("the assumptions of rule", bt_json_text_at(rule, "rule_id"), error);
  are_service = are_service && json_is_true(json_object_get(own, "links_sampled")) ==
                                   json_is_true(json_object_get(service, "links_sampled"));
  if (json_is_true(json_object_get(rule, "evaluated")) && has_service == are_service)
    return refuse_conclusion("by_service of rule", bt_json_text_at(rule, "rule_id"), error);
  return BT_OK;
}

static bt_status check_unevaluated(const json_t *rule, bt_error *error) {
  bool is_off = !json_is_true(json_object_get(rule, "enabled"));
  if (is_status(rule, is_off ? BT_FINDING_NOT_EVALUATED : BT_FINDING_INCONCLUSIVE)) return BT_OK;
  return refuse_conclusion("the outcome of rule", bt_json_text_at(rule, "rule_id"), error);
}

/* by: as the service's settings judge it; NULL: these are its own. */
static bool status_follows(const json_t *body, const carried *own, const carried *by) {
  bool is_violated = own->n.violated || (by && by->n.violated);
  bool passes = may_pass(own) && (!by || may_pass(by));
  bool is_idle = by ? own->is_clean && by->is_clean && (own->is_idle || by->is_idle) : own->is_idle;
  if (is_status(body, BT_FINDING_VIOLATED) != is_violated) return false;
  if (is_status(body, BT_FINDING_PASS)) return passes;
  return !is_status(body, BT_FINDING_NOT_EXERCISED) || is_idle;
}

static bt_status check_rule(const reading *r, const json_t *rule, bt_error *error) {
  const json_t *by_service = json_object_get(rule, "by_service");
  const char *id = bt_json_text_at(rule, "rule_id");
  bool has_service = json_is_object(by_service);
  carried own = {0}, service = {0};
  bt_finding finding;
  if (!find_finding(bt_json_text_at(rule, "status"), &finding))
    return refuse_conclusion("the outcome of rule", id, error);
  bt_status status = r->version > 1 ? check_settings(r, rule, has_service, error) : BT_OK;
  if (status) return status;
  if (!json_is_true(json_object_get(rule, "evaluated"))) return check_unevaluated(rule, error);
  status = check_numbers(r, rule, id, &own, error);
  if (!status && has_service) status = check_numbers(r, by_service, id, &service, error);
  if (status) return status;
  if (has_service &&
      (!status_follows(by_service, &service, NULL) || !find_finding(bt_json_text_at(by_service, "status"), &finding)))
    return refuse_conclusion("the outcome by the service's settings of rule", id, error);
  if (!status_follows(rule, &own, has_service ? &service : NULL))
    return refuse_conclusion(is_status(rule, BT_FINDING_PASS) ? "the pass of rule" : "the outcome of rule", id, error);
  return BT_OK;
}

static const json_t *find_rule(const json_t *entries, const char *id) {
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = json_object_get(entry, "body");
    if (strcmp(bt_json_text_at(entry, "type"), "rule") == 0 && strcmp(bt_json_text_at(body, "rule_id"), id) == 0)
      return body;
  }
  return NULL;
}

/* ---- controls ---- */

/* A control repeats what its rules say. */
static bool repeats_rule(const json_t *shown, const json_t *rule) {
  bool decides = json_is_true(json_object_get(rule, "enabled")) && !json_is_true(json_object_get(rule, "shadow"));
  return rule && strcmp(bt_json_text_at(shown, "status"), bt_json_text_at(rule, "status")) == 0 &&
         json_equal(json_object_get(shown, "counts"), json_object_get(rule, "counts")) &&
         json_is_true(json_object_get(shown, "decides")) == decides;
}

static bool version_decides(const json_t *version) {
  return json_is_true(json_object_get(version, "enabled")) && !json_is_true(json_object_get(version, "shadow")) &&
         !json_is_true(json_object_get(version, "deleted"));
}

/* What the listed versions say: it does not decide now, and one that did was followed by another inside the range or
 * since. */
static bool was_withdrawn(const reading *r, const json_t *rule) {
  const json_t *versions = json_object_get(rule, "versions");
  size_t count = json_array_size(versions);
  int64_t at_ns;
  if (!count || version_decides(json_array_get(versions, count - 1))) return false;
  if (json_is_true(json_object_get(json_array_get(versions, count - 1), "deleted"))) return false;
  for (size_t i = count - 1; i > 0; i--) {
    if (!read_time(json_array_get(versions, i), "at", &at_ns) || at_ns < r->range.start_ns) break;
    if (version_decides(json_array_get(versions, i - 1))) return true;
  }
  return false;
}

/* The history that stands beside it has to say so, and where it does it may not be left out. */
static bt_status check_withdrawn(const reading *r, const json_t *rule, bt_error *error) {
  bool is_said = json_is_object(json_object_get(rule, "withdrawn"));
  bool is_cut = json_integer_value(json_object_get(rule, "versions_total")) >
                (json_int_t)json_array_size(json_object_get(rule, "versions"));
  if (is_said == was_withdrawn(r, rule) || (is_said && is_cut)) return BT_OK;
  return refuse_conclusion("withdrawn of rule", bt_json_text_at(rule, "rule_id"), error);
}

static bool is_changed(const json_t *rule) {
  return json_array_size(json_object_get(rule, "condition_changes")) > 0;
}

/* A rule whose condition was changed says so beside its outcome, and so does each control that it decides over. */
static bt_status check_changed(const json_t *entries, const json_t *body, bool is_rule, bt_error *error) {
  const json_t *rules = json_object_get(body, "rules");
  bool has_changed = is_rule && is_changed(body);
  for (size_t i = 0; i < json_array_size(rules) && !is_rule; i++) {
    const json_t *shown = json_array_get(rules, i);
    bool decides = json_is_true(json_object_get(shown, "decides"));
    has_changed = has_changed || (decides && is_changed(find_rule(entries, bt_json_text_at(shown, "rule_id"))));
  }
  if (!has_changed || json_string_length(json_object_get(body, "reason"))) return BT_OK;
  return bt_error_set(
      error, BT_INVALID,
      "the report contradicts itself: %s %.128s does not say that a condition was changed since the range "
      "began",
      is_rule ? "rule" : "control", bt_json_text_at(body, is_rule ? "rule_id" : "control"));
}

/* A rule that decided over it inside the range and does so no more. */
static bool is_silenced(const json_t *entries, const json_t *control) {
  const json_t *rules = json_object_get(control, "rules"), *removed = json_object_get(control, "removed");
  for (size_t i = 0; i < json_array_size(rules); i++) {
    const json_t *rule = find_rule(entries, bt_json_text_at(json_array_get(rules, i), "rule_id"));
    if (json_is_object(json_object_get(rule, "withdrawn"))) return true;
  }
  for (size_t i = 0; i < json_array_size(removed); i++)
    if (json_is_true(json_object_get(json_array_get(removed, i), "decided"))) return true;
  return false;
}

static bt_status check_control(const json_t *entries, const json_t *control, bool has_unknown, bt_error *error) {
  const json_t *rules = json_object_get(control, "rules");
  const char *id = bt_json_text_at(control, "control");
  bt_finding so_far = BT_FINDING_NO_RULES, said, both[2];
  for (size_t i = 0; i < json_array_size(rules); i++) {
    const json_t *shown = json_array_get(rules, i);
    if (!repeats_rule(shown, find_rule(entries, bt_json_text_at(shown, "rule_id"))) ||
        !find_finding(bt_json_text_at(shown, "status"), &said))
      return refuse_conclusion("a rule of control", id, error);
    if (!json_is_true(json_object_get(shown, "decides"))) continue;
    both[0] = so_far;
    both[1] = said;
    so_far = bt_finding_of_control(both, 2);
  }
  if (so_far == BT_FINDING_NO_RULES && json_array_size(rules)) so_far = BT_FINDING_NOT_EVALUATED;
  so_far = bt_finding_beside_unknown(so_far, has_unknown || is_silenced(entries, control));
  return is_status(control, so_far) ? BT_OK : refuse_conclusion("the outcome of control", id, error);
}

/* ---- all of it ---- */

static bt_status check_totals(const json_t *end, const json_int_t *totals, bt_error *error) {
  for (int i = 0; i < BT_FINDING_COUNT; i++)
    if (count_at(json_object_get(end, "controls"), bt_finding_name((bt_finding)i)) != totals[i])
      return refuse_conclusion("the number of controls", bt_finding_name((bt_finding)i), error);
  return BT_OK;
}

static bt_status check_entry(const reading *r, const json_t *entries, const json_t *entry, json_int_t *totals,
                             bt_error *error) {
  const json_t *body = json_object_get(entry, "body");
  bool is_rule = strcmp(bt_json_text_at(entry, "type"), "rule") == 0,
       is_control = strcmp(bt_json_text_at(entry, "type"), "control") == 0;
  bt_finding finding;
  bt_status status = is_rule ? check_rule(r, body, error) : BT_OK;
  if (!status && is_rule && r->version > 1) status = check_withdrawn(r, body, error);
  if (!status && is_control) status = check_control(entries, body, count_at(r->report, "unknown_rules") > 0, error);
  if (!status && (is_rule || is_control) && r->version > 2) status = check_changed(entries, body, is_rule, error);
  if (!status && is_control && find_finding(bt_json_text_at(body, "status"), &finding)) totals[finding]++;
  return status;
}

bt_status bt_report_check_conclusions(const json_t *document, bt_error *error) {
  const json_t *entries = json_object_get(document, "entries");
  size_t count = json_array_size(entries);
  const json_t *end = json_object_get(json_array_get(entries, count ? count - 1 : 0), "body");
  json_int_t totals[BT_FINDING_COUNT] = {0};
  reading r = {0};
  bt_status status = read_report(document, &r, error);
  if (!status) status = bt_report_check_members(document, r.version, error);
  for (size_t i = 0; i < count && !status; i++)
    status = check_entry(&r, entries, json_array_get(entries, i), totals, error);
  return status ? status : check_totals(end, totals, error);
}
