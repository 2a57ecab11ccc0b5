/* Rules that fell silent. See silent.h. */
#include "server/query/silent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "dsl/plan/plan.h"
#include "server/base/time_text.h"
#include "server/query/trace_sample.h"
#include "server/rules/derived_rule.h"

static const int64_t STEP_NS = (int64_t)BT_SILENCE_STEP_S * 1000000000;
enum { CHUNK_STEPS = 24 /* that are searched at once */, MOST_LISTED = 100000, MOST_FOUND = 4000000 };

/* ---- what is ready ---- */

bt_status bt_silent_prepare(const bt_replay_request *asked, bt_silent *out, bt_error *error) {
  int64_t first = asked->range.start_ns / STEP_NS, end = asked->range.end_ns / STEP_NS;
  *out = (bt_silent){.first_s = first * BT_SILENCE_STEP_S, .end_ns = end * STEP_NS};
  if (end <= first) return bt_error_set(error, BT_INVALID, "the range has no whole quarter of an hour that is settled");
  out->step_count = (size_t)(end - first);
  out->rules = calloc(asked->rule_count + 1, sizeof *out->rules);
  bt_status status = out->rules ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < asked->rule_count && !status; i++) {
    bt_silent_rule *rule = &out->rules[out->rule_count++];
    uint32_t count = bt_exercising_count(asked->rules[i]->rule);
    rule->rule = asked->rules[i];
    rule->steps = calloc(out->step_count, sizeof *rule->steps);
    if (!rule->steps) status = bt_error_no_memory(error);
    if (!status && count) status = bt_derived_prefix(rule->rule, count, &rule->exercising, error);
  }
  return status;
}

void bt_silent_dispose(bt_silent *silent) {
  for (size_t i = 0; i < silent->rule_count; i++) {
    bt_rule_definition_unref(silent->rules[i].exercising);
    free(silent->rules[i].steps);
  }
  free(silent->rules);
  bt_seen_tally_dispose(&silent->tally);
  *silent = (bt_silent){0};
}

static int64_t start_of(const bt_silent *silent, size_t step) {
  return silent->first_s * 1000000000 + (int64_t)step * STEP_NS;
}

static bt_silence_step *step_at(const bt_silent *silent, size_t rule, int64_t time_ns, size_t from, size_t until) {
  int64_t step = time_ns / STEP_NS - silent->first_s / BT_SILENCE_STEP_S;
  bool is_in = step >= (int64_t)from && step < (int64_t)until;
  return is_in ? &silent->rules[rule].steps[step] : NULL;
}

static void add_account(bt_silent *out, const bt_source_account *account) {
  out->requests += account->requests;
  out->bytes_inspected += account->bytes_inspected;
  out->bytes_received += account->bytes_received;
}

/* ---- where everything is read ---- */

typedef struct counting {
  bt_silent *out;
  const size_t *places; /* of the replayed rules */
  size_t from, until;
} counting;

static bt_status count_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  const counting *c = context;
  bt_silence_step *step = step_at(c->out, c->places[verdict->rule], verdict->time_ns, c->from, c->until);
  (void)error;
  if (!step || verdict->verdict == BT_INCONCLUSIVE) return BT_OK;
  step->traces++;
  step->exercised += verdict->verdict == BT_VIOLATED;
  return BT_OK;
}

static bool is_unread(const bt_coverage *coverage, bt_time_range step) {
  for (size_t i = 0; i < coverage->windows_failed_count; i++)
    if (step.start_ns < coverage->windows_failed[i].range.end_ns &&
        step.end_ns > coverage->windows_failed[i].range.start_ns)
      return true;
  return false;
}

static void mark_known(const counting *c, size_t count, const bt_replay_result *result) {
  bool is_lost = result->outcome == BT_REPLAY_FAILED || result->outcome == BT_REPLAY_CANCELLED;
  for (size_t i = 0; i < count && !is_lost; i++)
    for (size_t s = c->from; s < c->until; s++)
      c->out->rules[c->places[i]].steps[s].is_known =
          !is_unread(&result->coverage, (bt_time_range){start_of(c->out, s), start_of(c->out, s + 1)});
}

static bt_status count_by_replay(bt_source *source, const bt_replay_request *asked, bt_silent *out, size_t from,
                                 size_t until, bt_error *error) {
  const bt_rule_definition **rules = calloc(out->rule_count + 1, sizeof *rules);
  size_t *places = calloc(out->rule_count + 1, sizeof *places), count = 0;
  bt_replay_result result = {0};
  counting c = {out, places, from, until};
  bt_replay_observer observer = {.context = &c, .verdict = count_verdict};
  bt_status status = rules && places ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < out->rule_count && !status; i++)
    if (out->rules[i].exercising) {
      places[count] = i;
      rules[count++] = out->rules[i].exercising;
    }
  bt_replay_request request = *asked;
  request.rules = rules;
  request.rule_count = count;
  request.range = (bt_time_range){start_of(out, from), start_of(out, until)};
  if (!status && count) status = bt_replay_run(source, &request, &observer, &result, error);
  if (!status && count) mark_known(&c, count, &result);
  out->sampling = result.coverage.sampling;
  if (!status && result.outcome == BT_REPLAY_CANCELLED) status = bt_error_set(error, BT_CANCELLED, "it was cancelled");
  out->requests += result.requests;
  out->bytes_inspected += result.bytes_inspected;
  out->bytes_received += result.bytes_received;
  bt_replay_result_dispose(&result);
  free(rules);
  free(places);
  return status;
}

/* ---- where searches tell ---- */

typedef struct searching {
  bt_source *source;
  const bt_replay_request *asked;
  bt_silent *out;
  bt_time_range range;
  const char *rule_id;
  bool has_failed, is_all; /* something was not answered in full · no search tells */
} searching;

static bt_status search_query(searching *s, bt_query query, bt_found_list *found, bt_error *error) {
  bt_source_account account = {0};
  bt_search_request request = {.query = query,
                               .range = s->range,
                               .max_found = MOST_FOUND,
                               .tenant = s->asked->tenant,
                               .cancel = s->asked->cancel,
                               .rule_id = s->rule_id,
                               .priority = s->asked->priority};
  bt_status status = bt_source_search(s->source, &request, found, &account, error);
  bt_found_list_sort(found);
  s->has_failed = s->has_failed || account.failed_count || (status && status != BT_CANCELLED);
  add_account(s->out, &account);
  bt_source_account_dispose(&account);
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : BT_OK;
}

static void keep_common(bt_found_list *into, const bt_found_list *from) {
  size_t kept = 0;
  for (size_t i = 0; i < into->count; i++)
    if (bt_found_list_get(from, &into->items[i].id)) into->items[kept++] = into->items[i];
  into->count = kept;
}

static bt_status add_found(bt_found_list *into, const bt_found_list *from, bt_error *error) {
  for (size_t i = 0; i < from->count; i++)
    if (!bt_found_list_add(into, &from->items[i])) return bt_error_no_memory(error);
  bt_found_list_sort(into);
  return BT_OK;
}

/* Every trace that is meant is found, and perhaps others. Of an AND one that no search limits is left out. */
static bt_status search_over(searching *s, const bt_over *over, bt_found_list *found, bt_error *error) {
  bt_status status = BT_OK;
  bool has_some = false;
  if (over->kind == BT_OVER_ALL) s->is_all = true;
  if (over->kind == BT_OVER_QUERY) return search_query(s, over->query.asked, found, error);
  for (uint32_t i = 0; i < over->item_count && !status; i++) {
    bt_found_list own = {0};
    if (over->items[i]->kind == BT_OVER_ALL && over->kind == BT_OVER_AND) continue;
    status = search_over(s, over->items[i], &own, error);
    if (!status && over->kind == BT_OVER_AND && has_some)
      keep_common(found, &own);
    else if (!status)
      status = add_found(found, &own, error);
    has_some = true;
    bt_found_list_dispose(&own);
  }
  return status;
}

/* What begins in the chunk; what only reaches into it is another one's. */
static void take_found(const searching *s, size_t rule, const bt_found_list *found, bool is_traffic, size_t from,
                       size_t until) {
  for (size_t i = 0; i < found->count; i++) {
    bt_silence_step *step = step_at(s->out, rule, found->items[i].start_ns, from, until);
    if (!step || found->items[i].in_doubt) continue;
    if (is_traffic)
      step->traces++;
    else
      step->exercised++;
  }
}

static bt_status search_rule(searching *s, size_t index, const bt_found_list *all, size_t from, size_t until,
                             bt_error *error) {
  bt_silent_rule *rule = &s->out->rules[index];
  bt_plan *plan = NULL;
  bt_found_list found = {0};
  if (!rule->exercising || rule->why[0]) return BT_OK;
  s->rule_id = rule->rule->fields.id;
  s->is_all = s->has_failed = false;
  bt_status status = bt_plan_new(rule->exercising->rule, bt_source_dialect(s->source), &plan, error);
  if (!status) status = search_over(s, plan->violating, &found, error);
  if (s->is_all) snprintf(rule->why, sizeof rule->why, "no search finds what exercises it; files tell");
  if (!status && !s->is_all) {
    take_found(s, index, &found, false, from, until);
    take_found(s, index, all, true, from, until);
  }
  for (size_t i = from; i < until && !status; i++) rule->steps[i].is_known = !s->has_failed;
  bt_found_list_dispose(&found);
  bt_plan_free(plan);
  return status;
}

static bt_status search_chunk(bt_source *source, const bt_replay_request *asked, bt_silent *out, size_t from,
                              size_t until, bt_error *error) {
  searching s = {.source = source, .asked = asked, .out = out, .range = {start_of(out, from), start_of(out, until)}};
  bt_found_list all = {0};
  bt_status status = search_query(&s, bt_query_all(), &all, error);
  bool is_known = !s.has_failed;
  for (size_t i = 0; i < out->rule_count && !status && is_known; i++)
    status = search_rule(&s, i, &all, from, until, error);
  bt_found_list_dispose(&all);
  return status;
}

bt_status bt_silent_count(bt_source *source, const bt_replay_request *asked, bt_silent *out, size_t from, size_t until,
                          bt_error *error) {
  bt_status status = BT_OK;
  if (!bt_source_known(source).filters) return count_by_replay(source, asked, out, from, until, error);
  for (size_t at = from; at < until && !status; at += CHUNK_STEPS)
    status = search_chunk(source, asked, out, at, until - at < CHUNK_STEPS ? until : at + CHUNK_STEPS, error);
  return status;
}

/* ---- what went ---- */

typedef struct sampling {
  bt_seen_tally *tally;
  int time;
} sampling;

static bt_status take_trace(void *context, const bt_trace *trace, bt_error *error) {
  const sampling *s = context;
  return bt_seen_tally_add(s->tally, trace, s->time, error);
}

/* As long before as since, and at least an hour. What cannot be read says nothing, and the rule is silent all the same.
 */
static bt_status read_samples(bt_source *source, const bt_replay_request *asked, bt_silent *out, int64_t since_ns,
                              bt_error *error) {
  int64_t length_ns = out->end_ns - since_ns < 4 * STEP_NS ? 4 * STEP_NS : out->end_ns - since_ns;
  const bt_time_range ranges[BT_SEEN_TIMES] = {{bt_time_subtract(since_ns, length_ns), since_ns},
                                               {since_ns, out->end_ns}};
  bt_status status = BT_OK;
  for (int time = 0; time < BT_SEEN_TIMES && !status; time++) {
    sampling s = {&out->tally, time};
    bt_trace_sample_account account = {0};
    bt_replay_request request = *asked;
    request.range = ranges[time];
    status = bt_trace_sample_read(source, &request, (bt_trace_sample_size){MOST_LISTED, BT_SILENT_SAMPLE, false},
                                  take_trace, &s, &account, error);
    out->requests += account.requests;
    out->bytes_inspected += account.bytes_inspected;
    out->bytes_received += account.bytes_received;
  }
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : BT_OK;
}

static bt_status explain_fallen(bt_source *source, const bt_replay_request *asked, bt_silent *out, bt_error *error) {
  int64_t latest_ns = INT64_MIN;
  for (size_t i = 0; i < out->rule_count; i++)
    if (out->rules[i].found.state == BT_SILENCE_FALLEN && out->rules[i].since_ns > latest_ns)
      latest_ns = out->rules[i].since_ns;
  bt_status status = read_samples(source, asked, out, latest_ns, error);
  for (size_t i = 0; i < out->rule_count && !status; i++) {
    bt_silent_rule *rule = &out->rules[i];
    if (rule->found.state == BT_SILENCE_FALLEN)
      status = bt_vanished_find(&out->tally, rule->exercising->rule->condition, rule->went, &rule->went_count, error);
  }
  return status;
}

static void judge_rule(bt_silent *out, bt_silent_rule *rule) {
  if (!rule->exercising) snprintf(rule->why, sizeof rule->why, "every trace exercises it");
  if (!rule->exercising || rule->why[0]) return;
  rule->found = bt_silence_look(rule->steps, out->step_count, out->first_s);
  rule->since_ns = start_of(out, rule->found.since);
  out->fallen += rule->found.state == BT_SILENCE_FALLEN;
  if (rule->found.state != BT_SILENCE_NO_PAST) return;
  snprintf(rule->why, sizeof rule->why,
           "the last day has no hour that a past day of its kind (weekdays, weekends) has counts of");
}

bt_status bt_silent_judge(bt_source *source, const bt_replay_request *asked, bt_silent *out, bt_error *error) {
  out->fallen = out->unknown = 0;
  bt_seen_tally_dispose(&out->tally);
  for (size_t i = 0; i < out->rule_count; i++) {
    out->rules[i].went_count = 0;
    judge_rule(out, &out->rules[i]);
    out->unknown += out->rules[i].exercising && out->rules[i].why[0];
  }
  return out->fallen ? explain_fallen(source, asked, out, error) : BT_OK;
}

bt_status bt_silent_find(bt_source *source, const bt_replay_request *asked, bt_silent *out, bt_error *error) {
  bt_status status = bt_silent_prepare(asked, out, error);
  if (!status) status = bt_silent_count(source, asked, out, 0, out->step_count, error);
  return status ? status : bt_silent_judge(source, asked, out, error);
}

/* ---- words ---- */

static void write_came(const bt_vanished *went, const bt_seen_tally *tally, bt_buffer *out) {
  if (!went->came_count) bt_buffer_append(out, BT_STR("; nothing of its kind came in its place"));
  for (size_t i = 0; i < went->came_count; i++) {
    const bt_seen_mark *came = went->came[i];
    bt_buffer_append(out, i ? BT_STR(", or ") : BT_STR("; since then there is "));
    bt_seen_write(came->kind, came->service, came->key, came->text, out);
    bt_buffer_printf(out, ", %" PRIu32 " of %" PRIu32, came->traces[BT_SEEN_SINCE], tally->traces[BT_SEEN_SINCE]);
  }
}

static void write_went(const bt_silent_rule *rule, const bt_seen_tally *tally, bt_buffer *out) {
  if (!rule->went_count) bt_buffer_append(out, BT_STR("; what of it went a sample does not show"));
  for (size_t i = 0; i < rule->went_count; i++) {
    const bt_vanished *went = &rule->went[i];
    bt_buffer_append(out, BT_STR("; no trace since has "));
    bt_seen_write(went->kind, went->service, went->key, went->text, out);
    bt_buffer_printf(out, ", %" PRIu32 " of %" PRIu32 " before", went->before, tally->traces[BT_SEEN_BEFORE]);
    write_came(went, tally, out);
  }
}

void bt_silent_rule_write(const bt_silent_rule *rule, const bt_seen_tally *tally, bt_buffer *out) {
  const bt_silence *found = &rule->found;
  char since[40];
  if (rule->why[0]) {
    bt_buffer_printf(out, "not known: %s", rule->why);
    return;
  }
  if (found->state == BT_SILENCE_NONE) {
    bt_buffer_printf(out,
                     "as before: %" PRIu64 " of %" PRIu64 " traces of the last day exercised it, %.0f were expected",
                     found->seen, found->traces, found->expected);
    return;
  }
  bt_time_format(rule->since_ns, since);
  bt_buffer_printf(
      out, "silent since %.19sZ: %" PRIu64 " of %" PRIu64 " traces exercised it, %.0f were expected (chance %.1g)",
      since, found->seen, found->traces, found->expected, found->chance);
  write_went(rule, tally, out);
}
