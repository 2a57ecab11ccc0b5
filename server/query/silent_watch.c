/* Rules that fall silent while the service runs. See silent_watch.h. */
#include "server/query/silent_watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/query/silent.h"
#include "server/work/crew.h"

static const int64_t STEP_NS = (int64_t)BT_SILENCE_STEP_S * 1000000000;
static const int64_t ROUND_NS = INT64_C(60) * 1000000000; /* looks whether another quarter of an hour is settled */

typedef struct kept_tenant {
  char *name;
  bt_silent counts;   /* of the last round; only the worker changes it, and behind the mutex */
  bt_rule_list rules; /* that they are of */
} kept_tenant;

struct bt_silent_watch {
  bt_silent_watch_options options;
  pthread_mutex_t mutex;
  bt_crew crew;
  bt_work_scope scope;
  int64_t due_ns;
  kept_tenant *tenants;
  size_t count, capacity;
};

/* ---- one tenant ---- */

static void leave_out(bt_rule_list *list, const bt_silent_watch_options *options, const char *tenant) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++) {
    const bt_rule_definition *rule = list->items[i];
    bool is_elsewhere =
        options->elsewhere && options->elsewhere(options->elsewhere_context, tenant, options->source, false, rule);
    if (rule->fields.enabled && !rule->fields.shadow && rule->rule && !is_elsewhere)
      list->items[kept++] = rule;
    else
      bt_rule_definition_unref(rule);
  }
  list->count = kept;
}

static const bt_silent_rule *find_kept(const bt_silent *counts, const bt_rule_definition *rule) {
  for (size_t i = 0; i < counts->rule_count; i++)
    if (strcmp(counts->rules[i].rule->fields.id, rule->fields.id) == 0 &&
        strcmp(counts->rules[i].rule->condition_hash, rule->condition_hash) == 0)
      return &counts->rules[i];
  return NULL;
}

/* Into `to` what `from` has of the same rules and steps. */
static void copy_counts(const bt_silent *from, bt_silent *to) {
  int64_t shift = (to->first_s - from->first_s) / BT_SILENCE_STEP_S;
  for (size_t r = 0; r < to->rule_count; r++) {
    const bt_silent_rule *kept = find_kept(from, to->rules[r].rule);
    if (!kept) continue;
    memcpy(to->rules[r].why, kept->why, sizeof kept->why);
    if (kept->found.state == BT_SILENCE_NO_PAST) to->rules[r].why[0] = '\0';
    for (size_t s = 0; s < to->step_count; s++) {
      int64_t step = (int64_t)s + shift;
      if (step >= 0 && step < (int64_t)from->step_count) to->rules[r].steps[s] = kept->steps[step];
    }
  }
}

/* Rules of which nothing is kept are counted apart, over all of the past. */
static bt_status count_new(bt_silent_watch *watch, const bt_replay_request *asked, const bt_silent *before,
                           bt_silent *now, size_t until, bt_error *error) {
  bt_silent own = {0};
  const bt_rule_definition **rules = calloc(asked->rule_count + 1, sizeof *rules);
  bt_replay_request request = *asked;
  if (!rules) return bt_error_no_memory(error);
  request.rules = rules;
  request.rule_count = 0;
  for (size_t i = 0; i < asked->rule_count; i++)
    if (!find_kept(before, asked->rules[i])) rules[request.rule_count++] = asked->rules[i];
  bt_status status = request.rule_count && until ? bt_silent_prepare(&request, &own, error) : BT_OK;
  if (!status && own.rule_count) status = bt_silent_count(watch->options.source, &request, &own, 0, until, error);
  if (!status && own.rule_count) copy_counts(&own, now);
  now->requests += own.requests;
  now->bytes_inspected += own.bytes_inspected;
  bt_silent_dispose(&own);
  free(rules);
  return status;
}

/* The first step that the last round did not count. */
static size_t first_missing(const bt_silent *before, const bt_silent *now) {
  int64_t step = (before->end_ns / 1000000000 - now->first_s) / BT_SILENCE_STEP_S;
  return step < 0 ? 0 : step > (int64_t)now->step_count ? now->step_count : (size_t)step;
}

static bt_status count_tenant(bt_silent_watch *watch, const bt_replay_request *asked, const bt_silent *before,
                              bt_silent *now, bt_error *error) {
  bt_status status = bt_silent_prepare(asked, now, error);
  size_t missing = status ? 0 : first_missing(before, now);
  if (!status) copy_counts(before, now);
  if (!status) status = count_new(watch, asked, before, now, missing, error);
  if (!status) status = bt_silent_count(watch->options.source, asked, now, missing, now->step_count, error);
  return status ? status : bt_silent_judge(watch->options.source, asked, now, error);
}

static void tell_changes(const bt_silent *before, const bt_silent *now, const char *tenant) {
  for (size_t i = 0; i < now->rule_count; i++) {
    const bt_silent_rule *rule = &now->rules[i], *last = find_kept(before, rule->rule);
    bool is_silent = !rule->why[0] && rule->found.state == BT_SILENCE_FALLEN;
    bool was_silent = last && !last->why[0] && last->found.state == BT_SILENCE_FALLEN;
    bt_buffer text = {0};
    if (is_silent == was_silent) continue;
    bt_silent_rule_write(rule, &now->tally, &text);
    bt_log(is_silent ? BT_LOG_WARNING : BT_LOG_INFO, "rule %s of tenant \"%s\": %.*s", rule->rule->fields.id, tenant,
           BT_FMT(bt_buffer_str(&text)));
    bt_buffer_dispose(&text);
  }
}

static bt_status look_at_tenant(bt_silent_watch *watch, size_t index, int64_t end_ns, bt_error *error) {
  kept_tenant *tenant = &watch->tenants[index];
  bt_rule_list rules = {0};
  bt_silent now = {0};
  bt_status status = bt_rule_store_snapshot(watch->options.store, tenant->name, &rules, error);
  if (!status) leave_out(&rules, &watch->options, tenant->name);
  bt_replay_request asked = {.rules = rules.items,
                             .rule_count = rules.count,
                             .range = {bt_time_subtract(end_ns, watch->options.past_ns), end_ns},
                             .assumptions = watch->options.assumptions,
                             .tenant = tenant->name[0] ? tenant->name : NULL,
                             .priority = BT_PRIORITY_REPLAY,
                             .is_live = true,
                             .cancel = &watch->scope.cancel};
  int64_t steps_before = tenant->counts.end_ns / STEP_NS;
  if (!status) status = count_tenant(watch, &asked, &tenant->counts, &now, error);
  if (status) {
    bt_silent_dispose(&now);
    bt_rule_list_dispose(&rules);
    return status;
  }
  if (!steps_before)
    bt_log(BT_LOG_INFO,
           "silence: counted %zu quarters of an hour of %zu rules: %" PRIu64 " requests, %" PRIu64 " bytes inspected",
           now.step_count, now.rule_count, now.requests, now.bytes_inspected);
  tell_changes(&tenant->counts, &now, tenant->name);
  pthread_mutex_lock(&watch->mutex);
  bt_silent_dispose(&tenant->counts);
  bt_rule_list_dispose(&tenant->rules);
  tenant->counts = now;
  tenant->rules = rules;
  pthread_mutex_unlock(&watch->mutex);
  return BT_OK;
}

/* ---- all ---- */

static bt_status add_tenant(bt_silent_watch *watch, const char *name, bt_error *error) {
  for (size_t i = 0; i < watch->count; i++)
    if (strcmp(watch->tenants[i].name, name) == 0) return BT_OK;
  pthread_mutex_lock(&watch->mutex);
  kept_tenant *tenants = bt_grow_array(watch->tenants, watch->count, &watch->capacity, sizeof *tenants);
  char *copy = strdup(name);
  if (tenants) watch->tenants = tenants;
  if (tenants && copy) tenants[watch->count++] = (kept_tenant){.name = copy};
  pthread_mutex_unlock(&watch->mutex);
  if (tenants && copy) return BT_OK;
  free(copy);
  return bt_error_no_memory(error);
}

/* What is younger than settle may still come; files have all of it. */
static int64_t settled_end(const bt_silent_watch *watch) {
  const bt_replay_request asked = {.assumptions = watch->options.assumptions, .cancel = &watch->scope.cancel};
  int64_t decided_ns = bt_decided_until_ns(watch->options.source, &asked), now_ns = bt_clock_wall_ns();
  return (decided_ns < now_ns ? decided_ns : now_ns) / STEP_NS * STEP_NS;
}

static void look_at_all(bt_silent_watch *watch) {
  const char **names = NULL;
  size_t count = 0;
  bt_error error = {0};
  int64_t end_ns = settled_end(watch);
  bt_status status = bt_rule_store_tenants(watch->options.store, &names, &count, &error);
  for (size_t i = 0; i < count && !status; i++) status = add_tenant(watch, names[i], &error);
  for (size_t i = 0; i < watch->count && !status; i++) {
    kept_tenant *tenant = &watch->tenants[i];
    if (tenant->counts.end_ns >= end_ns) continue;
    status = look_at_tenant(watch, i, end_ns, &error);
  }
  if (status && status != BT_CANCELLED)
    bt_log(BT_LOG_WARNING, "silence: a round failed: %s; it is tried again", error.message);
  free(names);
}

static bool do_piece(void *context, int64_t *again_ns) {
  bt_silent_watch *watch = context;
  int64_t now_ns = bt_clock_monotonic_ns();
  if (now_ns < watch->due_ns) return *again_ns = watch->due_ns, false;
  watch->due_ns = now_ns + ROUND_NS;
  pthread_mutex_unlock(&watch->mutex);
  look_at_all(watch);
  pthread_mutex_lock(&watch->mutex);
  return true;
}

bt_status bt_silent_watch_new(const bt_silent_watch_options *options, bt_silent_watch **out, bt_error *error) {
  bt_silent_watch *watch = calloc(1, sizeof *watch);
  *out = watch;
  if (!watch) return bt_error_no_memory(error);
  watch->options = *options;
  pthread_mutex_init(&watch->mutex, NULL);
  bt_work_scope_begin(&watch->scope, &options->work->root, BT_SCOPE_NO_DEADLINE);
  bt_crew_options crew = {.work = options->work,
                          .lane = BT_LANE_REPLAY,
                          .size = 1,
                          .mutex = &watch->mutex,
                          .do_piece = do_piece,
                          .context = watch};
  bt_status status = bt_crew_init(&watch->crew, &crew, error);
  if (status) return status;
  pthread_mutex_lock(&watch->mutex);
  bt_crew_wake_all(&watch->crew);
  pthread_mutex_unlock(&watch->mutex);
  return BT_OK;
}

void bt_silent_watch_free(bt_silent_watch *watch) {
  if (!watch) return;
  bt_work_scope_cancel(&watch->scope, BT_SCOPE_STOPPING);
  bt_crew_end(&watch->crew);
  for (size_t i = 0; i < watch->count; i++) {
    bt_silent_dispose(&watch->tenants[i].counts);
    bt_rule_list_dispose(&watch->tenants[i].rules);
    free(watch->tenants[i].name);
  }
  free(watch->tenants);
  bt_work_scope_end(&watch->scope);
  pthread_mutex_destroy(&watch->mutex);
  free(watch);
}

/* ---- what others ask ---- */

static void write_words(bt_seen_kind kind, bt_str service, bt_str key, bt_str text, char out[BT_SILENT_WORDS]) {
  bt_buffer words = {0};
  bt_seen_write(kind, service, key, text, &words);
  bt_str cut = bt_text_cut(bt_buffer_str(&words), BT_SILENT_WORDS - 1);
  if (cut.len) memcpy(out, cut.ptr, cut.len);
  out[cut.len] = '\0';
  bt_buffer_dispose(&words);
}

static void describe_rule(const bt_silent_rule *rule, bt_silent_rule_state *out) {
  out->is_known = !rule->why[0];
  out->is_silent = out->is_known && rule->found.state == BT_SILENCE_FALLEN;
  if (!out->is_silent) return;
  out->since_ns = rule->since_ns;
  if (!rule->went_count) return;
  const bt_vanished *went = &rule->went[0];
  write_words(went->kind, went->service, went->key, went->text, out->went);
  if (!went->came_count) return;
  const bt_seen_mark *came = went->came[0];
  write_words(came->kind, came->service, came->key, came->text, out->came);
}

bool bt_silent_watch_get(bt_silent_watch *watch, const char *tenant, const bt_rule_definition *rule,
                         bt_silent_rule_state *out) {
  bool is_there = false;
  *out = (bt_silent_rule_state){0};
  pthread_mutex_lock(&watch->mutex);
  for (size_t i = 0; i < watch->count; i++) {
    const bt_silent_rule *kept =
        strcmp(watch->tenants[i].name, tenant) == 0 ? find_kept(&watch->tenants[i].counts, rule) : NULL;
    if (!kept) continue;
    is_there = true;
    describe_rule(kept, out);
  }
  pthread_mutex_unlock(&watch->mutex);
  return is_there;
}

size_t bt_silent_watch_count(bt_silent_watch *watch, int64_t *since_ns) {
  size_t count = 0;
  *since_ns = INT64_MAX;
  pthread_mutex_lock(&watch->mutex);
  for (size_t i = 0; i < watch->count; i++) {
    const bt_silent *counts = &watch->tenants[i].counts;
    count += counts->fallen;
    for (size_t r = 0; r < counts->rule_count; r++)
      if (!counts->rules[r].why[0] && counts->rules[r].found.state == BT_SILENCE_FALLEN &&
          counts->rules[r].since_ns < *since_ns)
        *since_ns = counts->rules[r].since_ns;
  }
  pthread_mutex_unlock(&watch->mutex);
  return count;
}
