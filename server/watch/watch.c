/* Rounds, and the watchers of all tenants. See watch.h. */
#include "server/watch/watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/replay/violation.h"
#include "server/watch/watch_clock.h"
#include "server/watch/watch_sink.h"
#include "server/watch/watcher.h"
#include "server/work/crew.h"

enum { DEFAULT_QUEUE_MAX = 10000 };
static const int64_t SECOND_NS = INT64_C(1000000000);

struct bt_watch {
  bt_watch_options options;
  bt_emitter *emitter;
  bt_work_scope scope;
  _Atomic int64_t ahead_ns; /* of the steady clock: what watch goes by */
  pthread_mutex_t mutex;    /* guards: */
  bt_crew crew;             /* of one, who makes rounds */
  int64_t due_ns;           /* of the next round */
  bool has_told_union;      /* of whoever makes the round, as the next two */
  bt_watch_clock clock;
  int64_t behind_ns;     /* the wall clock where it was set back behind that; else 0 */
  bt_watcher **watchers; /* grows only; one for each tenant that ever had rules */
  size_t count, capacity;
};

static bt_status check_options(const bt_watch_options *options, bt_error *error) {
  if (!options->exporter)
    return bt_error_set(error, BT_INVALID,
                        "--watch sends what it finds, and how far it has come, by OTLP: set --otlp (or "
                        "OTEL_EXPORTER_OTLP_ENDPOINT) to the receiver of your store, as in http://127.0.0.1:4318");
  if (bt_source_known(options->source).is_static)
    return bt_error_set(error, BT_INVALID, "--watch needs a store: files (--traces) do not change");
  if (options->interval_ns <= 0 || options->lookback_ns <= 0 || options->sweep_ns < 0)
    return bt_error_set(error, BT_INVALID, "--interval and --lookback have to be longer than 0s");
  if (options->replica >= options->replicas)
    return bt_error_set(error, BT_INVALID, "--replica is a number from 0 to below --replicas (%u), got %u",
                        options->replicas, options->replica);
  return BT_OK;
}

/* Rules of another store are watched there. */
static bt_status list_rules(const bt_watch *watch, const char *tenant, bt_rule_list *rules, bt_error *error) {
  const bt_watch_options *options = &watch->options;
  bt_status status = bt_rule_store_snapshot(options->store, tenant, rules, error);
  size_t kept = 0;
  for (size_t i = 0; status == BT_OK && options->elsewhere && i < rules->count; i++) {
    const bt_rule_definition *rule = rules->items[i];
    if (options->elsewhere(options->elsewhere_context, tenant, options->source, false, rule))
      bt_rule_definition_unref(rule);
    else
      rules->items[kept++] = rule;
  }
  if (options->elsewhere) rules->count = kept;
  return status;
}

/* A store is asked nothing for a tenant that has no rule of it. */
static bool has_rules(const bt_watch *watch, const char *tenant) {
  bt_rule_list rules = {0};
  bt_error error = {0};
  if (!watch->options.elsewhere) return true;
  bool has_any = list_rules(watch, tenant, &rules, &error) == BT_OK && rules.count;
  bt_rule_list_dispose(&rules);
  return has_any;
}

/* A watcher for a tenant that has none yet, and rules. */
static bool add_watcher(bt_watch *watch, const char *tenant, bt_error *error) {
  for (size_t i = 0; i < watch->count; i++)
    if (strcmp(watch->watchers[i]->tenant, tenant) == 0) return true;
  if (!has_rules(watch, tenant)) return true;
  pthread_mutex_lock(&watch->mutex);
  bt_watcher *watcher = NULL;
  bt_watcher **watchers = bt_grow_array(watch->watchers, watch->count, &watch->capacity, sizeof(bt_watcher *));
  if (watchers) watch->watchers = watchers;
  bt_status status =
      watchers ? bt_watcher_new(tenant, &watch->options, watch->emitter, &watch->scope.cancel, &watcher, error)
               : bt_error_no_memory(error);
  if (status == BT_OK) watchers[watch->count++] = watcher;
  pthread_mutex_unlock(&watch->mutex);
  return status == BT_OK;
}

static bool round_of(bt_watch *watch, bt_watcher *watcher, int64_t now_ns) {
  bt_error error = {0};
  bt_rule_list rules = {0};
  bt_status status = list_rules(watch, watcher->tenant, &rules, &error);
  if (status == BT_OK) status = bt_watcher_round(watcher, &rules, now_ns, &error);
  bt_rule_list_dispose(&rules);
  if (status != BT_OK && status != BT_CANCELLED)
    bt_log(BT_LOG_ERROR, "watch: a round failed: %s; it is tried again", error.message);
  return status != BT_CANCELLED;
}

/* "a|b" is read as the union of two tenants, but nothing can be sent to both: no receiver takes it. */
static bool is_union(bt_watch *watch, const char *tenant) {
  if (!strchr(tenant, '|')) return false;
  if (!watch->has_told_union)
    bt_log(BT_LOG_WARNING,
           "watch: the rules of \"%s\" are not watched: violations can be sent to one tenant only; store "
           "them for each",
           tenant);
  watch->has_told_union = true;
  return true;
}

/* What watch goes by. The wall clock of a test is not held against another one. */
static int64_t read_clock(bt_watch *watch) {
  if (watch->options.now) return watch->options.now();
  bool was_set;
  int64_t wall_ns = bt_clock_wall_ns(), steady_ns = bt_clock_steady_ns(),
          now_ns = bt_watch_clock_read(&watch->clock, wall_ns, steady_ns, &was_set);
  atomic_store(&watch->ahead_ns, now_ns - steady_ns);
  watch->behind_ns = watch->clock.offset_ns < 0 ? wall_ns : 0;
  if (was_set)
    bt_log(BT_LOG_WARNING, "watch: the clock was set %s by %" PRId64 " s; watch goes on by the time that has passed%s",
           watch->clock.offset_ns < 0 ? "back" : "forward",
           (watch->clock.offset_ns < 0 ? -watch->clock.offset_ns : watch->clock.offset_ns) / SECOND_NS,
           watch->clock.offset_ns < 0
               ? ", and searches again what it searched too early; restart the service when the clock is right"
               : ", and follows the clock if it stays so for an hour");
  return now_ns;
}

int64_t bt_watch_now_ns(const bt_watch *watch) {
  if (watch->options.now) return watch->options.now();
  int64_t ahead_ns = atomic_load(&watch->ahead_ns);
  return ahead_ns ? bt_clock_steady_ns() + ahead_ns : bt_clock_wall_ns(); /* no round has begun yet */
}

/* A tenant whose last rule went is watched on: what was sent for it may have to be taken back, and its watermark moves.
 */
static void round_of_all(bt_watch *watch) {
  bt_error error = {0};
  const char **tenants = NULL;
  size_t count = 0;
  int64_t now_ns = read_clock(watch);
  if (bt_rule_store_tenants(watch->options.store, &tenants, &count, &error) != BT_OK)
    bt_log(BT_LOG_ERROR, "watch: tenants are not known: %s; it is tried again", error.message);
  for (size_t i = 0; i < count; i++) {
    if (is_union(watch, tenants[i])) continue;
    if (!add_watcher(watch, tenants[i], &error))
      bt_log(BT_LOG_ERROR, "watch: tenant \"%s\" is not watched: %s; it is tried again", tenants[i], error.message);
  }
  free(tenants);
  for (size_t i = 0; i < watch->count; i++) bt_watcher_hear_wall(watch->watchers[i], watch->behind_ns);
  for (size_t i = 0; i < watch->count; i++)
    if (!round_of(watch, watch->watchers[i], now_ns)) break;
}

static bool do_piece(void *context, int64_t *again_ns) {
  bt_watch *watch = context;
  int64_t now_ns = bt_clock_monotonic_ns();
  if (now_ns < watch->due_ns) return *again_ns = watch->due_ns, false;
  watch->due_ns = now_ns + watch->options.interval_ns;
  pthread_mutex_unlock(&watch->mutex);
  round_of_all(watch);
  pthread_mutex_lock(&watch->mutex);
  return true;
}

static bt_status begin_rounds(bt_watch *watch, bt_error *error) {
  const bt_watch_sink sink = bt_watch_sink_of(&watch->options);
  size_t queue_max = watch->options.queue_max ? watch->options.queue_max : DEFAULT_QUEUE_MAX;
  bt_crew_options crew = {.work = watch->options.work,
                          .lane = BT_LANE_WATCH,
                          .size = 1,
                          .mutex = &watch->mutex,
                          .do_piece = do_piece,
                          .context = watch};
  bt_status status = bt_emitter_new(watch->options.work, &sink, queue_max, &watch->emitter, error);
  if (!status) status = bt_crew_init(&watch->crew, &crew, error);
  if (status) return status;
  pthread_mutex_lock(&watch->mutex);
  bt_crew_wake_all(&watch->crew);
  pthread_mutex_unlock(&watch->mutex);
  return BT_OK;
}

static void dispose_watch(bt_watch *watch) {
  bt_emitter_free(watch->emitter);
  for (size_t i = 0; i < watch->count; i++) bt_watcher_free(watch->watchers[i]);
  free(watch->watchers);
  bt_work_scope_end(&watch->scope);
  pthread_mutex_destroy(&watch->mutex);
  free(watch);
}

bt_status bt_watch_new(const bt_watch_options *options, bt_watch **out, bt_error *error) {
  *out = NULL;
  bt_watch *watch = calloc(1, sizeof *watch);
  if (!watch) return bt_error_no_memory(error);
  watch->options = *options;
  if (!watch->options.replicas) watch->options.replicas = 1;
  if (!watch->options.checkpoint_ns) watch->options.checkpoint_ns = 2 * options->interval_ns;
  if (watch->options.checkpoint_ns < SECOND_NS) watch->options.checkpoint_ns = SECOND_NS;
  bt_violation_ids_install();
  pthread_mutex_init(&watch->mutex, NULL);
  bt_work_scope_begin(&watch->scope, &options->work->root, BT_SCOPE_NO_DEADLINE);
  bt_status status = check_options(&watch->options, error);
  if (status == BT_OK) status = begin_rounds(watch, error);
  if (status)
    dispose_watch(watch);
  else
    *out = watch;
  return status;
}

void bt_watch_free(bt_watch *watch) {
  if (!watch) return;
  bt_work_scope_cancel(&watch->scope, BT_SCOPE_STOPPING);
  bt_crew_end(&watch->crew);
  dispose_watch(watch);
}

bt_status bt_watch_look(bt_watch *watch, bt_watch_status **out, size_t *count, bt_error *error) {
  pthread_mutex_lock(&watch->mutex);
  *count = watch->count;
  *out = calloc(watch->count + 1, sizeof **out);
  for (size_t i = 0; *out && i < watch->count; i++) (*out)[i] = bt_watcher_look(watch->watchers[i]);
  pthread_mutex_unlock(&watch->mutex);
  return *out ? BT_OK : bt_error_no_memory(error);
}

bt_watch_emission bt_watch_emission_look(bt_watch *watch) {
  return bt_emitter_look(watch->emitter);
}
