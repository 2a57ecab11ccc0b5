/* Replays over the scripted source: rules from texts, a request with small numbers, and what the observer saw. */
#ifndef BT_TESTS_REPLAY_FIXTURE_H
#define BT_TESTS_REPLAY_FIXTURE_H

#include "server/replay/replay.h"
#include "tests/server/replay/fake_source.h"

/* The window of most tests: noon to one o'clock of some day, asked two days later. */
#define NOON_NS  INT64_C(1767268800000000000)
#define LATER_NS (NOON_NS + 48 * HOUR_NS)

enum { SEEN_MAX = 4096, RULES_MAX = 8 };

typedef struct seen_violation {
  size_t rule;
  bt_trace_id trace_id, id;
  int64_t time_ns;
  bool confirmed_by_id, provisional;
} seen_violation;

typedef struct replay_run {
  bt_replay_request request;
  const bt_rule_definition *rules[RULES_MAX];
  bt_replay_result result;
  seen_violation seen[SEEN_MAX];
  size_t seen_count;
  size_t keep_max; /* the observer refuses more with BT_LIMIT; 0: none */
  double last_progress;
  bt_status status;
  bt_error error;
} replay_run;

/* A definition with that id and text. Fails the program when the text is wrong. */
bt_rule_definition *rule_of(const char *id, const char *dsl);

/* Noon to one, asked two days later, default assumptions, no rules. */
void replay_run_init(replay_run *run);
void replay_run_add(replay_run *run, const char *id, const char *dsl);
/* A rule with a settle and a margin of its own; −1: the service's. */
void replay_run_add_own(replay_run *run, const char *id, const char *dsl, int64_t settle_ns, int64_t margin_ns);
/* Runs it anew, with what was seen before forgotten. */
void replay_run_go(replay_run *run, fake_source *fake);
void replay_run_go_over(replay_run *run, bt_source *source); /* the same over any source */
void replay_run_dispose(replay_run *run);
/* Whether rule number `rule` was reported for that trace. */
bool replay_saw(const replay_run *run, size_t rule, uint64_t number);
const seen_violation *replay_seen(const replay_run *run, size_t rule, uint64_t number);

#endif
