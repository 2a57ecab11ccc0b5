/* A job queue over a source with a gate: searches wait until the test opens it, so that jobs stay running for as long
 * as a test needs. A test owns its scene from make_scene to drop_scene, which the SCENE of a table calls. */
#ifndef BT_TESTS_SERVER_REPLAY_JOB_SCENE_H
#define BT_TESTS_SERVER_REPLAY_JOB_SCENE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/replay/job.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"

typedef struct gated_source {
  bt_source source; /* first */
  bt_source_operations operations;
  fake_source fake;
  pthread_mutex_t mutex; /* holds everything below, and the fake source */
  size_t entered;        /* searches that came to the gate */
  bool open;
} gated_source;

typedef struct scene {
  gated_source gate;
  bt_job_queue *queue;
  bt_job_queue_options options;
  bt_rule_definition *slow, *other;
  bt_memory_account *account; /* or NULL */
} scene;

void sleep_briefly(void);
void start(scene *s);
int make_scene(void **state);
int drop_scene(void **state);

typedef struct job_id {
  char text[BT_REPLAY_ID_BYTES];
} job_id;

bt_status try_submit(scene *s, const bt_rule_definition *rule, const char *tenant, job_id *id, bt_error *error);
job_id submit(scene *s, const bt_rule_definition *rule, const char *tenant);
bt_job_state state_of(scene *s, const char *tenant, const job_id *id);
void wait_of(scene *s, const char *tenant, const job_id *id, bt_job_state wanted);
void wait_for(scene *s, const job_id *id, bt_job_state wanted);
void set_gate(scene *s, bool open);
size_t entered(scene *s);
bool is_known(scene *s, const char *tenant, const job_id *id);
#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

#endif
