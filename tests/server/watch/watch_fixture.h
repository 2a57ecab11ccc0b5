/* A watcher over the scripted source, with a clock of its own: a test lets time pass in rounds, adds spans as they
 * would arrive, and looks at what was sent. Sending is scripted too; what is sent, and checkpoints, become traces of
 * the source, as in a Tempo that the spans go to. */
#ifndef BT_TESTS_WATCH_FIXTURE_H
#define BT_TESTS_WATCH_FIXTURE_H

#include "server/watch/watcher.h"
#include "tests/server/replay/replay_fixture.h"

enum { SENT_MAX = 4096 };

typedef struct sent_violation {
  bt_trace_id trace_id, id;
  char rule[32];
  bool is_retraction;
} sent_violation;

typedef struct watch_scene {
  fake_source fake;
  bt_watch_options options;
  bt_cancel cancel;
  bt_emitter *emitter;
  bt_watcher *watcher; /* the one that rounds are of; NULL: not started */
  bt_rule_list rules;
  int64_t now_ns;
  pthread_mutex_t mutex; /* guards: */
  sent_violation sent[SENT_MAX];
  size_t sent_count;
  uint64_t counted;         /* told through `emitted` */
  size_t refuse;            /* so many of the next attempts fail */
  bool is_stalled;          /* attempts fail until it is cleared */
  uint64_t refused;         /* the violation of this trace is never taken; 0: none */
  bt_checkpoint checkpoint; /* the newest */
  size_t checkpoint_count;  /* that were taken */
  size_t stored_count;      /* of these, those that the source has; of the test's thread */
  bool refuse_checkpoints;
  bool is_silent;         /* a call does not return until this is cleared */
  pthread_cond_t changed; /* with is_silent */
} watch_scene;

/* Noon; settle 2 min, interval 30 s, lookback 1 h, first sweep 15 min, catch-up 24 h. */
watch_scene *watch_scene_new(void);
void watch_scene_free(watch_scene *scene);
void watch_add_rule(watch_scene *scene, const char *id, const char *dsl);
/* A new watcher process: nothing in memory, the rules and the source as they are. */
void watch_start(watch_scene *scene);
void watch_kill(watch_scene *scene); /* kill -9: nothing is said or sent any more */
/* One round now, and waits until the emitter has done what it can. */
void watch_round(watch_scene *scene);
/* Rounds every interval for so long. */
void watch_pass(watch_scene *scene, int64_t duration_ns);

/* How often that trace was sent for a rule, or taken back. */
size_t watch_sent(watch_scene *scene, const char *rule, uint64_t number, bool is_retraction);
/* Everything that was sent, by anybody. */
size_t watch_sent_all(watch_scene *scene);

#endif
