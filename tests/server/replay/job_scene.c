/* See job_scene.h. */
#include "tests/server/replay/job_scene.h"

void sleep_briefly(void) {
  struct timespec pause = {0, 1000000};
  nanosleep(&pause, NULL);
}

static bt_status gated_search(bt_source *source, const bt_search_request *request, bt_found_list *found,
                              bt_source_account *account, bt_error *error) {
  gated_source *gate = (gated_source *)source;
  pthread_mutex_lock(&gate->mutex);
  gate->entered++;
  while (!gate->open && !(request->cancel && atomic_load(&request->cancel->requested))) {
    pthread_mutex_unlock(&gate->mutex);
    sleep_briefly();
    pthread_mutex_lock(&gate->mutex);
  }
  bt_status status = bt_source_search(&gate->fake.source, request, found, account, error);
  pthread_mutex_unlock(&gate->mutex);
  return status;
}

static bt_status gated_read(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                            bt_source_account *account, bt_error *error) {
  gated_source *gate = (gated_source *)source;
  pthread_mutex_lock(&gate->mutex);
  bt_status status = bt_source_read(&gate->fake.source, request, sink, context, account, error);
  pthread_mutex_unlock(&gate->mutex);
  return status;
}

void start(scene *s) {
  bt_error error = {0};
  s->options.source = &s->gate.source;
  s->options.assumptions = bt_assumptions_default();
  if (!s->options.work && bt_workplace_new(NULL, &s->options.work, &error) != BT_OK) fail_msg("%s", error.message);
  if (bt_job_queue_new(&s->options, &s->queue, &error) != BT_OK) fail_msg("%s", error.message);
}

int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->gate.fake);
  s->gate.operations = (bt_source_operations){
      .search = gated_search, .read = gated_read, .dialect = fake_dialect, .promise = fake_promise_plainly};
  s->gate.source = (bt_source){&s->gate.operations, "gate", NULL, false};
  pthread_mutex_init(&s->gate.mutex, NULL);
  s->slow = rule_of("slow", "trace.has(span.name == \"slow\")");
  s->other = rule_of("other", "trace.has(span.name == \"other\")");
  for (uint64_t i = 0; i < 20; i++)
    fake_span_add(fake_add(&s->gate.fake, 1 + i), "slow", NOON_NS + (int64_t)((i * 7) % 20) * SECOND_NS);
  *state = s;
  return 0;
}

int drop_scene(void **state) {
  scene *s = *state;
  bt_job_queue_free(s->queue);
  bt_workplace_free(s->options.work);
  bt_memory_account_free(s->account);
  bt_rule_definition_unref(s->slow);
  bt_rule_definition_unref(s->other);
  fake_source_dispose(&s->gate.fake);
  pthread_mutex_destroy(&s->gate.mutex);
  free(s);
  return 0;
}

bt_status try_submit(scene *s, const bt_rule_definition *rule, const char *tenant, job_id *id, bt_error *error) {
  bt_job_request request = {.rules = &rule, .rule_count = 1, .range = {NOON_NS, NOON_NS + MINUTE_NS}, .tenant = tenant};
  return bt_job_submit(s->queue, &request, id->text, error);
}

job_id submit(scene *s, const bt_rule_definition *rule, const char *tenant) {
  job_id id;
  bt_error error = {0};
  if (try_submit(s, rule, tenant, &id, &error) != BT_OK) fail_msg("%s", error.message);
  return id;
}

bt_job_state state_of(scene *s, const char *tenant, const job_id *id) {
  bt_job_view view;
  bt_error error = {0};
  if (bt_job_get(s->queue, tenant, id->text, &view, &error) != BT_OK) fail_msg("%s", error.message);
  bt_job_state state = view.state;
  bt_job_view_dispose(&view);
  return state;
}

void wait_of(scene *s, const char *tenant, const job_id *id, bt_job_state wanted) {
  for (int i = 0; i < 20000; i++) {
    if (state_of(s, tenant, id) == wanted) return;
    sleep_briefly();
  }
  fail_msg("%s never became %s", id->text, bt_job_state_name(wanted));
}

void wait_for(scene *s, const job_id *id, bt_job_state wanted) {
  wait_of(s, NULL, id, wanted);
}

void set_gate(scene *s, bool open) {
  pthread_mutex_lock(&s->gate.mutex);
  s->gate.open = open;
  pthread_mutex_unlock(&s->gate.mutex);
}

size_t entered(scene *s) {
  pthread_mutex_lock(&s->gate.mutex);
  size_t count = s->gate.entered;
  pthread_mutex_unlock(&s->gate.mutex);
  return count;
}

bool is_known(scene *s, const char *tenant, const job_id *id) {
  bt_job_view view;
  bt_error error = {0};
  bt_status status = bt_job_get(s->queue, tenant, id->text, &view, &error);
  bt_job_view_dispose(&view);
  if (status != BT_OK) assert_int_equal(status, BT_NOT_FOUND);
  return status == BT_OK;
}
