/* Deciding candidates from the spans that their rules speak of. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_PROJECT_H
#define BT_SERVER_REPLAY_PROJECT_H

#include "server/replay/run.h"

/* Why the rule cannot be decided so (server/report/plan_json.c shows what may be), for people; "": it can, given a source. */
const char *bt_project_why_not(const bt_run *run, const bt_run_rule *rule);
/* Whether the rule can be decided so at all. */
bool bt_project_can(const bt_run *run, const bt_run_rule *rule);
/* Takes out of `unread` what the spans show not to violate. rules: which rules, one for each of the request; they can be decided so. */
bt_status bt_project(bt_run *run, const bool *rules, bt_error *error) BT_MUST_CHECK;

#endif
