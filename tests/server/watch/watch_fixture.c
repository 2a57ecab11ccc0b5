/* See watch_fixture.h. */
#include "tests/server/watch/watch_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/time_text.h"
#include "server/replay/violation.h"
#include "tempo/wire/own_trace.h"

static bt_value text_of(const char *text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(strdup(text))};
}

static bt_value integer_of(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

static void attribute(fake_span *span, const char *key, bt_value value) {
  span->attributes[span->attribute_count++] = (bt_attribute){bt_str_from(key), value};
}

static fake_trace *find_id(watch_scene *scene, const bt_trace_id *id) {
  for (size_t i = 0; i < scene->fake.trace_count; i++)
    if (bt_trace_id_compare(&scene->fake.traces[i].id, id) == 0) return &scene->fake.traces[i];
  fake_trace *trace = fake_add(&scene->fake, 0);
  trace->id = *id;
  return trace;
}

static fake_span *own_span(watch_scene *scene, const bt_trace_id *id, const bt_span_id *span_id, const char *name) {
  fake_trace *trace = find_id(scene, id);
  fake_span *span = fake_span_add(trace, name, scene->now_ns);
  span->service = BT_OWN_SERVICE;
  memcpy(span->id, span_id->bytes, sizeof span->id);
  return span;
}

/* The source gets what was sent; a second time it changes nothing, as ids are derived. */
static void store_violation(watch_scene *scene, const bt_rule_definition *definition, const bt_violation *violation,
                            bool retract) {
  char hex[BT_TRACE_ID_HEX + 1], time[40];
  fake_trace *there = find_id(scene, &violation->id);
  if (there->span_count > (retract ? 1 : 0)) return;
  bt_trace_id_format(&violation->trace_id, hex);
  bt_time_format(violation->time_ns, time);
  fake_span *span = own_span(scene, &violation->id, retract ? &violation->retract_span_id : &violation->emit_span_id,
                             BT_OWN_VIOLATION);
  attribute(span, BT_OWN_RULE_ID, text_of(definition->fields.id));
  attribute(span, BT_OWN_CONDITION_HASH, text_of(definition->condition_hash));
  attribute(span, BT_OWN_TRACE_ID, text_of(hex));
  attribute(span, "betrace.violation.time", text_of(time));
}

static void record(watch_scene *scene, const bt_rule_definition *definition, const bt_violation *violation,
                   bool retract) {
  if (scene->sent_count == SENT_MAX) abort();
  sent_violation *sent = &scene->sent[scene->sent_count++];
  *sent = (sent_violation){violation->trace_id, violation->id, "", retract};
  snprintf(sent->rule, sizeof sent->rule, "%s", definition->fields.id);
}

static bool is_there(const watch_scene *scene, const bt_violation *violation, bool retract) {
  for (size_t i = 0; i < scene->sent_count; i++)
    if (bt_trace_id_compare(&scene->sent[i].id, &violation->id) == 0 && scene->sent[i].is_retraction == retract)
      return true;
  return false;
}

static void wait_for_answer(watch_scene *scene) {
  while (scene->is_silent) pthread_cond_wait(&scene->changed, &scene->mutex);
}

static bt_status emit(void *context, const char *tenant, const bt_rule_definition *definition,
                      const bt_violation *const *violations, size_t count, bool retract, const bt_cancel *cancel,
                      bt_emission_result *result, bt_error *error) {
  watch_scene *scene = context;
  (void)tenant;
  (void)cancel;
  (void)error;
  *result = (bt_emission_result){0};
  pthread_mutex_lock(&scene->mutex);
  wait_for_answer(scene);
  bool fails = scene->is_stalled || scene->refuse;
  if (scene->refuse) scene->refuse--;
  for (size_t i = 0; i < count; i++) {
    /* An attempt that fails has sent its first half: what is there already must not come twice. */
    bool gets_through = !fails || (i < count / 2 && !scene->is_stalled);
    const bt_trace_id refused = fake_id(scene->refused);
    if (scene->refused && bt_trace_id_compare(&violations[i]->trace_id, &refused) == 0) gets_through = false;
    if (!gets_through) {
      result->failed++;
    } else if (is_there(scene, violations[i], retract)) {
      result->already_there++;
    } else {
      record(scene, definition, violations[i], retract);
      result->emitted++;
    }
  }
  if (result->failed) snprintf(result->message, sizeof result->message, "the receiver says no");
  pthread_mutex_unlock(&scene->mutex);
  return BT_OK;
}

static bt_status take_checkpoint(void *context, const char *tenant, const bt_checkpoint *checkpoint,
                                 const bt_cancel *cancel, bt_error *error) {
  watch_scene *scene = context;
  (void)tenant;
  (void)cancel;
  pthread_mutex_lock(&scene->mutex);
  wait_for_answer(scene);
  bool is_taken = !scene->refuse_checkpoints;
  if (is_taken) {
    scene->checkpoint = *checkpoint;
    scene->checkpoint_count++;
  }
  pthread_mutex_unlock(&scene->mutex);
  return is_taken ? BT_OK : bt_error_set(error, BT_UNAVAILABLE, "the receiver says no");
}

/* The source gets it after the round, on the test's thread. */
static void store_checkpoint(watch_scene *scene) {
  const bt_checkpoint *checkpoint = &scene->checkpoint;
  bt_own_ids ids;
  char until[80];
  bt_time_format(checkpoint->until_ns, until);
  if (checkpoint->replicas > 1)
    snprintf(until + strlen(until), 40, " %u/%u", checkpoint->replica, checkpoint->replicas);
  if (!bt_own_record_ids(bt_str_from(""), BT_STR(BT_OWN_WATCH), bt_str_from(until), &ids)) abort();
  fake_span *span = own_span(scene, &ids.trace_id, &ids.span_id, BT_OWN_WATCH);
  attribute(span, BT_OWN_UNTIL, text_of(until));
  attribute(span, BT_WATCH_UNTIL_NS, integer_of(checkpoint->until_ns));
  attribute(span, BT_WATCH_REPLICA, integer_of(checkpoint->replica));
  attribute(span, BT_WATCH_REPLICAS, integer_of(checkpoint->replicas));
  attribute(span, BT_WATCH_SWEPT_FIRST, integer_of(checkpoint->swept_ns[0]));
  attribute(span, BT_WATCH_SWEPT_SECOND, integer_of(checkpoint->swept_ns[1]));
  if (checkpoint->swept_ns[2]) attribute(span, BT_WATCH_SWEPT_LATE, integer_of(checkpoint->swept_ns[2]));
  bt_buffer gaps = {0};
  for (size_t i = 0; i < checkpoint->gap_count; i++) {
    char start[40], end[40];
    bt_time_format(checkpoint->gaps[i].start_ns, start);
    bt_time_format(checkpoint->gaps[i].end_ns, end);
    bt_buffer_printf(&gaps, "%s%s/%s", i ? " " : "", start, end);
  }
  if (gaps.len) attribute(span, BT_WATCH_GAPS, text_of(gaps.ptr));
  bt_buffer_dispose(&gaps);
  if (checkpoint->lost.start_ns < checkpoint->lost.end_ns) {
    char start[40], end[40], lost[90];
    bt_time_format(checkpoint->lost.start_ns, start);
    bt_time_format(checkpoint->lost.end_ns, end);
    snprintf(lost, sizeof lost, "%s/%s", start, end);
    attribute(span, BT_WATCH_LOST, text_of(lost));
  }
}

static void tell(void *context, const char *tenant, const bt_rule_definition *definition, uint64_t count) {
  watch_scene *scene = context;
  (void)tenant;
  (void)definition;
  pthread_mutex_lock(&scene->mutex);
  scene->counted += count;
  pthread_mutex_unlock(&scene->mutex);
}

watch_scene *watch_scene_new(void) {
  watch_scene *scene = calloc(1, sizeof *scene);
  if (!scene) abort();
  bt_violation_ids_install();
  fake_source_init(&scene->fake);
  scene->fake.hide_own = true;
  pthread_mutex_init(&scene->mutex, NULL);
  pthread_cond_init(&scene->changed, NULL);
  scene->now_ns = NOON_NS;
  scene->options = (bt_watch_options){.source = &scene->fake.source,
                                      .assumptions = bt_assumptions_default(),
                                      .interval_ns = 30 * SECOND_NS,
                                      .lookback_ns = HOUR_NS,
                                      .sweep_ns = 15 * MINUTE_NS,
                                      .catchup_max_ns = 24 * HOUR_NS,
                                      .checkpoint_ns = MINUTE_NS,
                                      .replicas = 1};
  if (bt_workplace_new(NULL, &scene->options.work, &(bt_error){0})) abort();
  return scene;
}

void watch_kill(watch_scene *scene) {
  bt_emitter_free(scene->emitter);
  bt_watcher_free(scene->watcher);
  scene->emitter = NULL;
  scene->watcher = NULL;
}

static void free_texts(const fake_span *span) {
  bool is_own = span->service && strcmp(span->service, BT_OWN_SERVICE) == 0;
  for (uint32_t i = 0; is_own && i < span->attribute_count; i++)
    if (span->attributes[i].value.type == BT_VALUE_STRING)
      free((void *)(uintptr_t)span->attributes[i].value.string.ptr);
}

void watch_scene_free(watch_scene *scene) {
  watch_kill(scene);
  bt_workplace_free(scene->options.work);
  for (size_t i = 0; i < scene->fake.trace_count; i++)
    for (uint32_t k = 0; k < scene->fake.traces[i].span_count; k++) free_texts(&scene->fake.traces[i].spans[k]);
  fake_source_dispose(&scene->fake);
  bt_rule_list_dispose(&scene->rules);
  pthread_cond_destroy(&scene->changed);
  pthread_mutex_destroy(&scene->mutex);
  free(scene);
}

void watch_add_rule(watch_scene *scene, const char *id, const char *dsl) {
  scene->rules.items = realloc(scene->rules.items, (scene->rules.count + 1) * sizeof *scene->rules.items);
  if (!scene->rules.items) abort();
  scene->rules.items[scene->rules.count++] = rule_of(id, dsl);
}

void watch_start(watch_scene *scene) {
  bt_error error = {0};
  const bt_watch_sink sink = {
      .context = scene, .emit = emit, .checkpoint = take_checkpoint, .emitted = tell, .pause_ms = 1};
  size_t queue_max = scene->options.queue_max ? scene->options.queue_max : 1000;
  if (bt_emitter_new(scene->options.work, &sink, queue_max, &scene->emitter, &error) != BT_OK ||
      bt_watcher_new("", &scene->options, scene->emitter, &scene->cancel, &scene->watcher, &error) != BT_OK) {
    fprintf(stderr, "%s\n", error.message);
    abort();
  }
}

/* Until the checkpoint is gone and the queue is empty, or, while attempts fail, one more has failed; not at all for one
 * that does not answer. */
static void wait_for_emitter(watch_scene *scene, uint64_t failures) {
  for (;;) {
    bt_watch_emission status = bt_emitter_look(scene->emitter);
    bool is_done = !status.queued || (status.failures > failures && status.message[0]);
    if (scene->is_silent || (is_done && !status.checkpoints)) return;
    nanosleep(&(struct timespec){0, 200000}, NULL);
  }
}

/* What was sent since the last round is in the source from now on. */
static void store_sent(watch_scene *scene) {
  pthread_mutex_lock(&scene->mutex);
  size_t count = scene->sent_count;
  if (scene->stored_count < scene->checkpoint_count) store_checkpoint(scene);
  scene->stored_count = scene->checkpoint_count;
  pthread_mutex_unlock(&scene->mutex);
  for (size_t i = 0; i < count; i++) {
    bt_open *open = bt_open_set_find(&scene->watcher->outbox.open, &scene->sent[i].id);
    if (open) store_violation(scene, open->definition, open->violation, scene->sent[i].is_retraction);
  }
}

void watch_round(watch_scene *scene) {
  bt_error error = {0};
  uint64_t failures = bt_emitter_look(scene->emitter).failures;
  if (bt_watcher_round(scene->watcher, &scene->rules, scene->now_ns, &error) != BT_OK) {
    fprintf(stderr, "%s\n", error.message);
    abort();
  }
  wait_for_emitter(scene, failures);
  store_sent(scene);
}

void watch_pass(watch_scene *scene, int64_t duration_ns) {
  int64_t end_ns = scene->now_ns + duration_ns;
  while (scene->now_ns < end_ns) {
    scene->now_ns += scene->options.interval_ns;
    watch_round(scene);
  }
}

size_t watch_sent(watch_scene *scene, const char *rule, uint64_t number, bool is_retraction) {
  bt_trace_id id = fake_id(number);
  size_t count = 0;
  pthread_mutex_lock(&scene->mutex);
  for (size_t i = 0; i < scene->sent_count; i++)
    count += bt_trace_id_compare(&scene->sent[i].trace_id, &id) == 0 && strcmp(scene->sent[i].rule, rule) == 0 &&
             scene->sent[i].is_retraction == is_retraction;
  pthread_mutex_unlock(&scene->mutex);
  return count;
}

size_t watch_sent_all(watch_scene *scene) {
  pthread_mutex_lock(&scene->mutex);
  size_t count = scene->sent_count;
  pthread_mutex_unlock(&scene->mutex);
  return count;
}
