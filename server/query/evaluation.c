/* Asking: looks, and the pages that they give. See evaluation.h and evaluation_pool.h. */
#include "server/query/evaluation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/sha256.h"
#include "server/query/evaluation_pool.h"

static const int64_t POLL_NS = INT64_C(2) * 1000000000;   /* who asked within this time still wants it */
static const int64_t GRACE_NS = INT64_C(30) * 1000000000; /* so long it goes on for a request that ran out of time */

/* ---- what identifies an evaluation ---- */

static int compare_rules(const void *a, const void *b) {
  const bt_rule_definition *x = *(const bt_rule_definition *const *)a, *y = *(const bt_rule_definition *const *)b;
  int order = strcmp(x->fields.id, y->fields.id);
  return order ? order : strcmp(x->condition_hash, y->condition_hash);
}

static bt_status hash_sorted(const bt_rule_definition *const *rules, size_t count, uint8_t *out, bt_error *error) {
  enum { FIELDS = 3 };
  bt_str *fields = bt_realloc_array(NULL, count ? count * FIELDS : 1, sizeof *fields);
  if (!fields) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) {
    fields[FIELDS * i] = bt_str_from(rules[i]->fields.id);
    fields[FIELDS * i + 1] = bt_str_from(rules[i]->condition_hash);
    fields[FIELDS * i + 2] = (bt_str){(const char *)&rules[i]->fields.margin_ns, sizeof rules[i]->fields.margin_ns};
  }
  bt_sha256 hash;
  bt_status status = bt_sha256_fields(fields, count * FIELDS, &hash, error);
  if (status == BT_OK) memcpy(out, hash.bytes, BT_RULES_HASH_BYTES);
  free(fields);
  return status;
}

bt_status bt_question_hash_rules(const bt_rule_definition *const *rules, size_t count, uint8_t out[BT_RULES_HASH_BYTES],
                                 bt_error *error) {
  const bt_rule_definition **sorted = bt_realloc_array(NULL, count ? count : 1, sizeof *sorted);
  if (!sorted) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) sorted[i] = rules[i];
  qsort(sorted, count, sizeof *sorted, compare_rules);
  bt_status status = hash_sorted(sorted, count, out, error);
  free(sorted);
  return status;
}

static bt_source *source_of(const bt_evaluations *evaluations, const bt_question *question) {
  return question->source ? question->source : evaluations->options.source;
}

static const char *tenant_of(const bt_question *question) {
  return question->tenant ? question->tenant : "";
}

static bool is_same(const bt_evaluation *evaluation, const bt_question *question) {
  const bt_cursor *a = &evaluation->key, *b = &question->cursor;
  return a->range.start_ns == b->range.start_ns && a->range.end_ns == b->range.end_ns && a->now_ns == b->now_ns &&
         a->newest_first == b->newest_first && memcmp(a->question, b->question, sizeof a->question) == 0 &&
         memcmp(a->rules, b->rules, sizeof a->rules) == 0 && strcmp(evaluation->tenant, tenant_of(question)) == 0;
}

/* Whether what comes after the cursor is still there. */
static bool has_rest(const bt_evaluation *evaluation, const bt_cursor *cursor) {
  const bt_listing *listing = &evaluation->listing;
  if (!listing->has_dropped) return true;
  return cursor->has_position && bt_position_compare(&listing->dropped, &cursor->after, listing->newest_first) <= 0;
}

static bt_evaluation *find_evaluation(bt_evaluations *evaluations, const bt_question *question) {
  for (size_t i = 0; i < evaluations->count; i++) {
    bt_evaluation *evaluation = evaluations->items[i];
    bool is_it = evaluation->source == source_of(evaluations, question) && is_same(evaluation, question);
    if (evaluation->retired || evaluation->failed || !is_it) continue;
    if (has_rest(evaluation, &question->cursor)) return evaluation;
    evaluation->retired = true;
  }
  return NULL;
}

/* ---- beginning one ---- */

static void set_times(const bt_assumptions *service, bt_evaluation *evaluation) {
  int64_t settle_ns = 0;
  for (size_t i = 0; i < evaluation->rule_count; i++) {
    bt_assumptions own = bt_assumptions_of(service, evaluation->rules[i]);
    if (own.margin_ns > evaluation->margin_ns) evaluation->margin_ns = own.margin_ns;
    if (own.settle_ns > settle_ns) settle_ns = own.settle_ns;
  }
  int64_t settled_ns = bt_time_subtract(evaluation->key.now_ns, settle_ns);
  bool has_tail = !bt_source_known(evaluation->source).is_static && settled_ns < evaluation->key.range.end_ns;
  evaluation->effective_end_ns = has_tail ? settled_ns : evaluation->key.range.end_ns;
  evaluation->coverage.assumptions = *service;
}

static bool copy_question(bt_evaluation *evaluation, const bt_question *question) {
  evaluation->key = question->cursor;
  evaluation->key.has_position = false;
  evaluation->listing.newest_first = question->cursor.newest_first;
  evaluation->tenant = strdup(tenant_of(question));
  evaluation->rules = calloc(question->rule_count, sizeof *evaluation->rules);
  evaluation->exercised = calloc(question->rule_count, sizeof *evaluation->exercised);
  if (question->service) evaluation->service = strdup(question->service);
  if (question->problem) evaluation->problem = strdup(question->problem);
  evaluation->has_trace = question->trace_id != NULL;
  if (question->trace_id) evaluation->trace_id = *question->trace_id;
  if (!evaluation->tenant || !evaluation->rules || !evaluation->exercised ||
      (question->service && !evaluation->service) || (question->problem && !evaluation->problem))
    return false;
  for (size_t i = 0; i < question->rule_count; i++)
    evaluation->rules[evaluation->rule_count++] = bt_rule_definition_ref(question->rules[i]);
  return bt_problem_namer_init(&evaluation->namer, evaluation->rules, evaluation->rule_count, NULL) == BT_OK;
}

static bt_status begin_evaluation(bt_evaluations *evaluations, const bt_question *question,
                                  const bt_assumptions *service, bt_evaluation **out, bt_error *error) {
  enum { MOST = 1000 }; /* readers that keep evaluations from being forgotten */
  if (!question->rule_count)
    return bt_error_set(error, BT_NOT_FOUND, "the evaluation behind this cursor is not kept any more");
  if (evaluations->count >= MOST)
    return bt_error_set(error, BT_LIMIT, "%d questions are being answered already; try again later", MOST);
  bt_evaluation **items = bt_grow_array(evaluations->items, evaluations->count, &evaluations->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  evaluations->items = items;
  size_t bytes = bt_evaluation_first_bytes(question->rules, question->rule_count);
  if (!bt_memory_hold_grow(&evaluations->hold, bytes))
    return bt_error_set(error, BT_LIMIT,
                        "there is no room for the rules of this question (%zu bytes): what runs and what is kept fills "
                        "--memory-limit; try again later, or ask for fewer rules",
                        bytes);
  bt_evaluation *evaluation = calloc(1, sizeof *evaluation);
  bt_status status = evaluation && copy_question(evaluation, question) ? BT_OK : bt_error_no_memory(error);
  if (status == BT_OK) {
    evaluation->turn.tenant = bt_turns_key(evaluation->tenant, strlen(evaluation->tenant));
    bt_turn_enter(&evaluations->turns, &evaluation->turn);
    evaluation->source = source_of(evaluations, question);
    set_times(service, evaluation);
    status = bt_schedule_make(evaluation->key.range, evaluation->key.newest_first, evaluation->margin_ns,
                              &evaluation->schedule, error);
  }
  if (status == BT_OK)
    *out = items[evaluations->count++] = evaluation;
  else {
    bt_evaluation_free(evaluation);
    bt_evaluations_count(evaluations);
  }
  return status;
}

static void set_look(bt_look *look, bt_evaluations *evaluations, bt_evaluation *evaluation, const bt_cursor *cursor) {
  *look = (bt_look){.evaluations = evaluations,
                    .evaluation = evaluation,
                    .has_position = cursor->has_position,
                    .after = cursor->after};
  evaluation->looks++;
  evaluation->used_ns = bt_clock_monotonic_ns();
}

bt_status bt_look_open(bt_evaluations *evaluations, const bt_question *question, bt_look **out, bt_error *error) {
  *out = NULL;
  bt_look *look = calloc(1, sizeof *look);
  if (!look) return bt_error_no_memory(error);
  const bt_evaluations_options *options = &evaluations->options;
  bt_promises promises = bt_source_known(source_of(evaluations, question)); /* asks nobody: the evaluation does */
  const bt_assumptions service = bt_assumptions_over(&options->assumptions, &promises);
  pthread_mutex_lock(&evaluations->mutex);
  bt_evaluations_tidy(evaluations);
  bt_evaluation *evaluation = find_evaluation(evaluations, question);
  bt_status status = evaluation ? BT_OK : begin_evaluation(evaluations, question, &service, &evaluation, error);
  if (status == BT_OK) set_look(look, evaluations, evaluation, &question->cursor);
  pthread_mutex_unlock(&evaluations->mutex);
  if (status == BT_OK)
    *out = look;
  else
    free(look);
  return status;
}

/* ---- those that wait ---- */

/* What a reader asked for goes on for a moment. He may ask for the next page, and another may ask the same. */
static void want_for_a_moment(bt_evaluation *evaluation) {
  int64_t until_ns = bt_time_add(bt_clock_monotonic_ns(), POLL_NS);
  if (evaluation->wanted_until_ns < until_ns) evaluation->wanted_until_ns = until_ns;
}

static void stop_waiting(bt_look *look) {
  if (!look->wait) return;
  want_for_a_moment(look->evaluation);
  if (look->previous)
    look->previous->next = look->next;
  else
    look->evaluation->waiting = look->next;
  if (look->next) look->next->previous = look->previous;
  look->wait = NULL;
  look->previous = look->next = NULL;
}

static void begin_to_wait(bt_look *look, bt_wait *wait, size_t least) {
  look->wait = wait;
  look->least = least;
  look->next = look->evaluation->waiting;
  if (look->next) look->next->previous = look;
  look->evaluation->waiting = look;
  bt_wait_set(wait);
}

void bt_look_close(bt_look *look) {
  if (!look) return;
  pthread_mutex_lock(&look->evaluations->mutex);
  stop_waiting(look);
  look->evaluation->looks--;
  if (look->evaluation->reader == look) look->evaluation->reader = NULL;
  bt_evaluation_wake(look->evaluation);
  look->evaluation->used_ns = bt_clock_monotonic_ns();
  pthread_mutex_unlock(&look->evaluations->mutex);
  free(look);
}

/* ---- pages ---- */

static size_t first_of(const bt_look *look) {
  return bt_listing_after(&look->evaluation->listing, look->has_position ? &look->after : NULL);
}

static bool is_ready(const bt_look *look, size_t least) {
  const bt_evaluation *evaluation = look->evaluation;
  size_t first = first_of(look), certain = evaluation->listing.certain;
  if (evaluation->finished || evaluation->failed || (certain > first && certain - first >= least)) return true;
  return certain > first && bt_evaluation_is_full(look->evaluations, evaluation);
}

/* They stay in the list until they look again: until then somebody wants what comes next. */
void bt_evaluation_wake(bt_evaluation *evaluation) {
  for (bt_look *look = evaluation->waiting; look; look = look->next)
    if (is_ready(look, look->least)) bt_wait_wake(look->wait);
}

/* Asks for more where there is no page yet. */
static bool has_page(bt_look *look, const bt_page_wish *wish) {
  bt_evaluation *evaluation = look->evaluation;
  stop_waiting(look);
  evaluation->used_ns = bt_clock_monotonic_ns();
  evaluation->reader = look;
  bt_evaluation_wake(evaluation); /* whether it is full depends on its reader */
  if (is_ready(look, wish->least)) return true;
  want_for_a_moment(evaluation);
  if (wish->wait && !wish->at_once) begin_to_wait(look, wish->wait, wish->least);
  bt_crew_wake_all(&look->evaluations->crew);
  return wish->at_once;
}

static bt_status copy_coverage(const bt_look *look, bt_page *page, bt_error *error) {
  bt_evaluation *evaluation = look->evaluation;
  bool newest_first = evaluation->key.newest_first;
  bt_coverage *out = &page->coverage;
  bt_failed_window window = {.range = bt_schedule_rest(&evaluation->schedule, newest_first)};
  snprintf(window.reason, sizeof window.reason, "%s",
           evaluation->finished ? "not evaluated, because the evaluation ended before it"
                                : "not evaluated yet: the cursor goes on with it");
  bool is_left = window.range.start_ns < window.range.end_ns;
  bt_coverage rest = {.windows_failed = &window, .windows_failed_count = is_left};
  bt_status status = bt_coverage_join(out, newest_first ? &rest : &evaluation->coverage, error);
  if (status == BT_OK) status = bt_coverage_join(out, newest_first ? &evaluation->coverage : &rest, error);
  out->asked = evaluation->key.range;
  out->effective_end_ns = evaluation->effective_end_ns;
  out->assumptions = evaluation->coverage.assumptions;
  /* The earliest trace is known where every trace was looked at; the earliest candidate of a filter is another one. */
  bool has_filters = bt_source_known(evaluation->source).filters;
  out->has_data_from = out->has_data_from && !has_filters && evaluation->finished && !evaluation->is_missing;
  return status;
}

static void say_inconclusive(const bt_evaluation *evaluation, char *out, size_t size) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&evaluation->inconclusive_trace, trace_id);
  bool is_one = evaluation->inconclusive == 1;
  snprintf(out, size,
           "inconclusive: %" PRIu64 " verdict%s on settled traces could not be reached and may be %s; "
           "GET /v1/traces/%s/verdicts says why of one",
           evaluation->inconclusive, is_one ? "" : "s", is_one ? "a violation" : "violations", trace_id);
}

static void conclude_page(const bt_evaluation *evaluation, bt_page *page) {
  const char *why = "";
  char undecided[sizeof page->reason];
  if (!evaluation->finished)
    why = "not_evaluated: a part of the range is not evaluated yet; the cursor goes on with it";
  else if (evaluation->is_missing)
    why = evaluation->reason;
  else if (evaluation->effective_end_ns <= evaluation->key.range.start_ns)
    why = "unsettled: nothing in the range is final yet: it is younger than settle, or its first trace goes on";
  else if (!evaluation->has_data)
    why = "no_data: the source has no trace in this range; a wrong tenant, an outage and a passed retention look the "
          "same";
  else if (evaluation->inconclusive) {
    say_inconclusive(evaluation, undecided, sizeof undecided);
    why = undecided;
  } else if (evaluation->problem && !evaluation->listing.total)
    why = "problem_not_found: no violation of this range is of this problem; whether its id is one of a problem at all "
          "is not known";
  snprintf(page->reason, sizeof page->reason, "%s", why);
  page->coverage.complete = !page->reason[0];
  page->has_total = page->coverage.complete;
  page->total = evaluation->listing.total;
  page->inconclusive = evaluation->inconclusive;
  page->traces_evaluated = evaluation->traces_evaluated;
  page->evaluated_is_exact = !evaluation->evaluated_at_least;
}

static bt_status copy_items(bt_look *look, size_t limit, bt_page *page, bt_error *error) {
  const bt_listing *listing = &look->evaluation->listing;
  size_t first = first_of(look);
  size_t count = listing->certain > first ? listing->certain - first : 0;
  if (count > limit) count = limit;
  bt_listed *items = bt_realloc_array(NULL, count ? count : 1, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  if (count) memcpy(items, &listing->items[first], count * sizeof *items);
  page->items = items;
  page->count = count;
  page->goes_on = !look->evaluation->finished || first + count < listing->count;
  return BT_OK;
}

static bt_status copy_exercised(const bt_evaluation *evaluation, bt_page *page, bt_error *error) {
  page->exercised = bt_realloc_array(NULL, evaluation->rule_count, sizeof *page->exercised);
  if (!page->exercised) return bt_error_no_memory(error);
  memcpy(page->exercised, evaluation->exercised, evaluation->rule_count * sizeof *page->exercised);
  return BT_OK;
}

static void go_on_after(bt_look *look, bt_page *page) {
  if (page->count) {
    look->has_position = true;
    look->after = page->items[page->count - 1].position;
  }
  page->cursor = look->evaluation->key;
  page->cursor.has_position = look->has_position;
  page->cursor.after = look->after;
}

static bt_status make_page(bt_look *look, size_t limit, bt_page *page, bt_error *error) {
  bt_evaluation *evaluation = look->evaluation;
  if (evaluation->failed) {
    if (error) *error = evaluation->why;
    return evaluation->failed;
  }
  page->look = look;
  page->rules = evaluation->rules;
  page->rule_count = evaluation->rule_count;
  page->is_of_part = evaluation->has_trace || evaluation->problem;
  page->kept = evaluation->kept;
  evaluation->pins++;
  bt_status status = copy_items(look, limit, page, error);
  if (status == BT_OK) status = copy_exercised(evaluation, page, error);
  if (status == BT_OK) status = copy_coverage(look, page, error);
  conclude_page(evaluation, page);
  if (status == BT_OK) go_on_after(look, page);
  return status;
}

static void unpin_page(bt_page *page) {
  if (page->look) page->look->evaluation->pins--;
  free((void *)page->items);
  free(page->exercised);
  bt_coverage_dispose(&page->coverage);
  *page = (bt_page){0};
}

bt_status bt_look_page(bt_look *look, const bt_page_wish *wish, bool *ready, bt_page *out, bt_error *error) {
  bt_evaluation *evaluation = look->evaluation;
  bt_status status = BT_OK;
  *out = (bt_page){0};
  pthread_mutex_lock(&look->evaluations->mutex);
  *ready = has_page(look, wish);
  if (*ready && !evaluation->finished && !is_ready(look, wish->limit))
    evaluation->wanted_until_ns = bt_time_add(bt_clock_monotonic_ns(), GRACE_NS);
  if (*ready) status = make_page(look, wish->limit, out, error);
  if (status != BT_OK) unpin_page(out);
  pthread_mutex_unlock(&look->evaluations->mutex);
  return status;
}

void bt_page_dispose(bt_page *page) {
  if (!page->look) return;
  bt_evaluations *evaluations = page->look->evaluations;
  pthread_mutex_lock(&evaluations->mutex);
  unpin_page(page);
  bt_crew_wake_all(&evaluations->crew);
  pthread_mutex_unlock(&evaluations->mutex);
}
