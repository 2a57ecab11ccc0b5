/* Rules that have fallen silent over a range that ends now: counts of quarters of an hour, held against their own past
 * (dsl/mine/silence.h), and of those that have, what went and what came (vanished.h). What counts is whether there are
 * traces: a rule whose traces stopped with all others says nothing. Files are read once. Of a source that
 * searches nothing is read: searches list all traces, and those that may exercise a rule, which are as many or more. A
 * sample of whole traces says what went. Thread: the caller's; the source may use others. */
#ifndef BT_SERVER_QUERY_SILENT_H
#define BT_SERVER_QUERY_SILENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/mine/silence.h"
#include "server/query/vanished.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

enum { BT_SILENT_SAMPLE = 1000 /* traces of each time that are read to say what went */ };

typedef struct bt_silent_rule {
  const bt_rule_definition *rule; /* borrowed */
  bt_rule_definition *exercising; /* violated by what exercises it; NULL: every trace does, so it cannot fall silent */
  bt_silence_step *steps;
  bt_silence found;
  char why[160];    /* not "": nothing is known of it, and why */
  int64_t since_ns; /* of one that has fallen silent */
  bt_vanished went[BT_WENT_MOST];
  size_t went_count;
} bt_silent_rule;

typedef struct bt_silent { /* bt_silent_dispose */
  bt_silent_rule *rules;
  size_t rule_count, step_count, fallen, unknown;
  int64_t first_s, end_ns;    /* of the steps: what is settled */
  bt_seen_tally tally;        /* of the first that has fallen, and of all that did with it */
  bt_sampled_traces sampling; /* of traces that were read to be counted */
  uint64_t requests, bytes_inspected, bytes_received;
} bt_silent;

/* asked: rules, range, assumptions, tenant, priority and cancel. BT_INVALID: the range has no settled step.
 * BT_CANCELLED, BT_NO_MEMORY, or what the source says. Dispose in each case. */
bt_status bt_silent_find(bt_source *source, const bt_replay_request *asked, bt_silent *out,
                         bt_error *error) BT_MUST_CHECK;
void bt_silent_dispose(bt_silent *silent);

/* In parts, for who keeps the counts: makes all steps ready, counts [from, until) of them, and says what they mean.
 * Errors are those of bt_silent_find. */
bt_status bt_silent_prepare(const bt_replay_request *asked, bt_silent *out, bt_error *error) BT_MUST_CHECK;
bt_status bt_silent_count(bt_source *source, const bt_replay_request *asked, bt_silent *out, size_t from, size_t until,
                          bt_error *error) BT_MUST_CHECK;
bt_status bt_silent_judge(bt_source *source, const bt_replay_request *asked, bt_silent *out,
                          bt_error *error) BT_MUST_CHECK;

/* "silent since 2026-11-12T10:15:00Z: 0 of 812 traces exercised it, 96 were expected; …": a sentence without the id. */
void bt_silent_rule_write(const bt_silent_rule *rule, const bt_seen_tally *tally, bt_buffer *out);

#endif
