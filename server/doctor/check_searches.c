/* Compares what searches find with what is true. What BeTrace searches must contain every violating trace, what it
 * subtracts must contain none, and what it counts must be exact where the plan says so. Values and arrays are tested
 * apart, because Tempos treat arrays in ways of their own. */
#include "dsl/dialect.h"
#include "server/doctor/doctor_parts.h"

/* ---- formulas ---- */

typedef struct combined {
  uint64_t found;
  const char *problem; /* of a query that was not answered; NULL: all were */
  bool is_refused, was_widened;
} combined;

static bt_status combine_over(bt_doctor *doctor, const bt_over *over, bool surely, combined *out, bt_error *error);

static bt_status combine_items(bt_doctor *doctor, const bt_over *over, bool surely, combined *out, bt_error *error) {
  bool is_and = over->kind == BT_OVER_AND;
  out->found = is_and ? UINT64_MAX : 0;
  for (uint32_t i = 0; i < over->item_count; i++) {
    combined item = {0};
    bt_status status = combine_over(doctor, over->items[i], surely, &item, error);
    if (status != BT_OK) return status;
    out->found = is_and ? out->found & item.found : out->found | item.found;
    if (item.problem) out->problem = item.problem, out->is_refused = item.is_refused;
    out->was_widened = out->was_widened || item.was_widened;
  }
  return BT_OK;
}

static bt_status combine_query(bt_doctor *doctor, const bt_over *over, combined *out, bt_error *error) {
  const bt_doctor_answer *answer = NULL;
  bt_status status = bt_doctor_search(doctor, over->query.asked, true, &answer, error);
  if (status != BT_OK) return status;
  *out = (combined){.found = answer->found, .is_refused = answer->is_refused, .was_widened = answer->was_widened};
  if (!answer->is_answered) out->problem = bt_doctor_text(doctor, "%s", answer->reason);
  return answer->is_answered || out->problem ? BT_OK : bt_error_no_memory(error);
}

/* surely: without what only surplus queries find. */
static bt_status combine_over(bt_doctor *doctor, const bt_over *over, bool surely, combined *out, bt_error *error) {
  *out = (combined){0};
  switch (over->kind) {
  case BT_OVER_NONE: return BT_OK;
  case BT_OVER_ALL: out->found = UINT64_MAX; return BT_OK;
  case BT_OVER_QUERY: return surely && over->is_surplus ? BT_OK : combine_query(doctor, over, out, error);
  case BT_OVER_AND:
  case BT_OVER_OR: break;
  }
  return combine_items(doctor, over, surely, out, error);
}

static void write_queries(const bt_dialect *dialect, const bt_over *over, bt_buffer *out) {
  if (over->kind == BT_OVER_QUERY) {
    if (out->len) bt_buffer_append(out, BT_STR("\n"));
    dialect->show(over->query.asked, out);
  }
  for (uint32_t i = 0; i < over->item_count; i++) write_queries(dialect, over->items[i], out);
}

/* ---- one fact ---- */

typedef struct looking {
  bt_doctor *doctor;
  const bt_doctor_rules *topic;
  const char *detail;
  uint64_t mask; /* probes that are looked at */
  bt_fact *fact;
  size_t expected, wrong;
  size_t rules, empty, refused, unanswered, widened;
} looking;

static bt_status say_labels(looking *at, const bt_doctor_rule *rule, bt_str query, const char *what, uint64_t which,
                            bt_error *error) {
  bt_buffer labels = {0};
  bt_doctor_write_labels(&at->doctor->report->probes, which, &labels);
  bt_status status = labels.failed ? bt_error_no_memory(error)
                                   : bt_fact_add(at->doctor, at->fact, rule->text, query, error, "%s: %s", what,
                                                 labels.ptr ? labels.ptr : "");
  bt_buffer_dispose(&labels);
  at->wrong += bt_doctor_count(which);
  return status;
}

static bt_status say_problem(looking *at, const bt_doctor_rule *rule, bt_str query, const char *problem,
                             bool is_refused, bt_error *error) {
  at->refused += is_refused;
  at->unanswered += !is_refused;
  return bt_fact_add(at->doctor, at->fact, rule->text, query, error, "%s: %s", is_refused ? "refused" : "not answered",
                     problem);
}

static bt_status look_at_searched(looking *at, const bt_doctor_rule *rule, bt_error *error) {
  combined seen;
  bt_buffer queries = {0};
  uint64_t truth = rule->violated & at->mask;
  at->rules++;
  at->expected += bt_doctor_count(truth);
  bt_status status = combine_over(at->doctor, rule->plan->violating, false, &seen, error);
  write_queries(rule->plan->dialect, rule->plan->violating, &queries);
  at->widened += status == BT_OK && seen.was_widened;
  if (status == BT_OK && seen.problem)
    status = say_problem(at, rule, bt_buffer_str(&queries), seen.problem, seen.is_refused, error);
  else if (status == BT_OK && truth & ~seen.found) {
    bool is_empty = !(seen.found & bt_probes_all(&at->doctor->report->probes));
    at->empty += is_empty;
    status = say_labels(at, rule, bt_buffer_str(&queries), is_empty ? "finds nothing, lacks" : "does not find",
                        truth & ~seen.found, error);
  }
  bt_buffer_dispose(&queries);
  return status;
}

static bt_status look_at_subtracted(looking *at, const bt_doctor_rule *rule, bt_error *error) {
  bt_status status = BT_OK;
  at->expected += bt_doctor_count(rule->violated & at->mask);
  for (uint32_t i = 0; status == BT_OK && i < rule->plan->subtract_count; i++) {
    const bt_doctor_answer *answer = NULL;
    const bt_query asked = rule->plan->subtract[i].asked;
    at->rules++;
    status = bt_doctor_search(at->doctor, asked, false, &answer, error);
    if (status != BT_OK) return status;
    at->refused += !answer->is_answered;
    uint64_t wrong = answer->found & rule->violated & at->mask;
    if (wrong) status = say_labels(at, rule, bt_doctor_query_text(at->doctor, asked), "takes away", wrong, error);
  }
  return status;
}

static bt_status look_at_counted(looking *at, const bt_doctor_rule *rule, bt_error *error) {
  combined all, sure;
  bt_buffer queries = {0};
  if (!rule->plan->exercising_is_exact) return BT_OK;
  uint64_t truth = rule->exercised & at->mask;
  at->rules++;
  at->expected += bt_doctor_count(truth);
  bt_status status = combine_over(at->doctor, rule->plan->exercising, false, &all, error);
  if (status == BT_OK) status = combine_over(at->doctor, rule->plan->exercising, true, &sure, error);
  write_queries(rule->plan->dialect, rule->plan->exercising, &queries);
  bt_str query = bt_buffer_str(&queries);
  if (status == BT_OK && (all.problem || sure.problem)) {
    at->refused++; /* then nothing is counted by it */
  } else if (status == BT_OK && sure.was_widened) {
    at->widened++; /* nor by this (server/replay/candidates.c) */
  } else if (status == BT_OK) {
    uint64_t more = sure.found & at->mask & ~truth, fewer = truth & ~all.found;
    if (more) status = say_labels(at, rule, query, "counts too much", more, error);
    if (status == BT_OK && fewer) status = say_labels(at, rule, query, "does not count", fewer, error);
    if (more) bt_fact_now(at->doctor, at->fact)->is_final = true;
  }
  bt_buffer_dispose(&queries);
  return status;
}

/* ---- a topic ---- */

typedef bt_status (*look)(looking *at, const bt_doctor_rule *rule, bt_error *error);

static bt_status look_at_rules(looking *at, bt_doctor_aspect aspect, look look_at, bt_error *error) {
  bt_status status = bt_fact_open(at->doctor, at->topic, aspect, at->detail, &at->fact, error);
  for (size_t i = 0; status == BT_OK && at->fact && i < at->topic->count; i++)
    status = look_at(at, &at->topic->items[i], error);
  return status;
}

static void close_searched(looking *at) {
  bt_doctor *doctor = at->doctor;
  const char *seen = bt_doctor_text(doctor, "all %zu", at->expected), *means = NULL;
  if (at->widened) seen = bt_doctor_text(doctor, "all, %zu in a wider form", at->widened);
  bt_fact_outcome outcome = BT_FACT_HOLDS;
  if (at->unanswered) {
    outcome = BT_FACT_UNKNOWN;
    seen = bt_doctor_text(doctor, "%zu of %zu not answered", at->unanswered, at->rules);
    means = bt_doctor_means_unknown;
  }
  if (at->refused) {
    outcome = BT_FACT_FAILS;
    seen = bt_doctor_text(doctor, "%zu of %zu refused", at->refused, at->rules);
    means = bt_doctor_means_refused;
  }
  if (at->wrong) {
    outcome = BT_FACT_FAILS;
    seen = bt_doctor_text(doctor,
                          at->empty     ? "%zu missing, %zu empty"
                          : at->refused ? "%zu missing, %zu refused"
                                        : "%zu missing",
                          at->wrong, at->empty ? at->empty : at->refused);
    means = at->empty ? bt_doctor_means_empty : bt_doctor_aspects[BT_ASPECT_SEARCHED].means;
  }
  at->fact->expected = bt_doctor_text(doctor, "%zu in %zu rules", at->expected, at->rules);
  bt_fact_close(doctor, at->fact, outcome, seen, means);
}

static bt_status check_searched(looking at, bt_error *error) {
  bt_status status = look_at_rules(&at, BT_ASPECT_SEARCHED, look_at_searched, error);
  if (status == BT_OK && at.fact) close_searched(&at);
  return status;
}

/* What is refused here takes nothing away: it costs reads, or a number. */
static void close_exact(looking *at, bt_doctor_aspect aspect, const char *fine, const char *wrong) {
  bt_doctor *doctor = at->doctor;
  const char *seen = at->wrong ? bt_doctor_text(doctor, "%zu %s", at->wrong, wrong) : fine;
  if (!at->wrong && at->widened) seen = bt_doctor_text(doctor, "%s; %zu left to reads", fine, at->widened);
  if (!at->wrong && at->refused) seen = bt_doctor_text(doctor, "%s; %zu queries refused", fine, at->refused);
  bt_fact_close(doctor, at->fact, at->wrong ? BT_FACT_FAILS : BT_FACT_HOLDS, seen, bt_doctor_aspects[aspect].means);
}

static bt_status check_subtracted(looking at, bt_error *error) {
  bt_status status = look_at_rules(&at, BT_ASPECT_SUBTRACTED, look_at_subtracted, error);
  if (status != BT_OK || !at.fact) return status;
  at.fact->expected = bt_doctor_text(at.doctor, "none of %zu violating", at.expected);
  if (at.wrong) bt_fact_now(at.doctor, at.fact)->is_final = true;
  close_exact(&at, BT_ASPECT_SUBTRACTED, "none", "that violate");
  return BT_OK;
}

static bool counts_some(const bt_doctor_rules *topic) {
  for (size_t i = 0; i < topic->count; i++)
    if (topic->items[i].plan->exercising_is_exact) return true;
  return false;
}

static bt_status check_counted(looking at, bt_error *error) {
  if (!counts_some(at.topic)) return BT_OK;
  bt_status status = look_at_rules(&at, BT_ASPECT_COUNTED, look_at_counted, error);
  if (status != BT_OK || !at.fact) return status;
  at.fact->expected = bt_doctor_text(at.doctor, "%zu in %zu rules", at.expected, at.rules);
  close_exact(&at, BT_ASPECT_COUNTED, "the same", "too many or too few");
  return BT_OK;
}

bt_status bt_doctor_check_searches(bt_doctor *doctor, const bt_doctor_rules *topic, bt_error *error) {
  const bt_probes *probes = &doctor->report->probes;
  uint64_t arrays = bt_probes_with(probes, BT_PROBE_ARRAY), plain = bt_probes_with(probes, BT_PROBE_VALUE);
  looking values = {.doctor = doctor, .topic = topic, .mask = topic->is_of_key ? plain : bt_probes_all(probes)};
  looking of_arrays = {.doctor = doctor, .topic = topic, .mask = arrays, .detail = "arrays"};
  bt_status status = check_searched(values, error);
  if (status == BT_OK) status = check_subtracted(values, error);
  if (status == BT_OK) status = check_counted(values, error);
  if (!topic->is_of_key) return status;
  if (status == BT_OK) status = check_searched(of_arrays, error);
  if (status == BT_OK) status = check_subtracted(of_arrays, error);
  return status == BT_OK ? check_counted(of_arrays, error) : status;
}
