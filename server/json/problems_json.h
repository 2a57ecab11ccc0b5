/* Problems, as `betrace replay --group --json` and GET /v1/problems show them. Thread: no state. */
#ifndef BT_SERVER_JSON_PROBLEMS_JSON_H
#define BT_SERVER_JSON_PROBLEMS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/query/problems.h"
#include "server/rules/rule_definition.h"

typedef struct bt_problems_wish {
  const char *id; /* only that one; or NULL */
  size_t most;    /* 0: all */
  bool has_links; /* of a service: each says how to ask for it again */
} bt_problems_wish;

/* new: how the replay ended (bt_replay_result_json), its coverage, the steps and the problems. NULL: no memory. */
json_t *bt_problems_json(const bt_problems *problems, const bt_rule_definition *const *rules,
                         const bt_problems_wish *wish);
/* Appends `no retry in this trace`, or that it is not known what failed. */
void bt_problem_say(const bt_found_problem *problem, const bt_rule_definition *rule, bt_buffer *out);

#endif
