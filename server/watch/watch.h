/* Continuous evaluation (api.md, Watch): every enabled rule of every tenant, round after round. Each round searches
 * only the new slice of time, by the filters of the rules, or where these are many by one search for every trace. A
 * trace that it finds waits until it is quiet; then watch reads it whole, judges it, and sends its violations. Later
 * rounds look at slices again for late spans. Checkpoints in the store say how far everything is done, so that a
 * restart skips nothing. Thread: any; rounds run on a thread of their own, sending on another. */
#ifndef BT_SERVER_WATCH_H
#define BT_SERVER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/memory/account.h"
#include "server/metrics/metrics.h"
#include "server/replay/kept_traces.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "server/store/rule_store.h"
#include "server/work/workplace.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

typedef struct bt_watch bt_watch;

typedef struct bt_watch_options {
  bt_workplace *work;             /* borrowed */
  bt_source *source;              /* borrowed, as all below */
  bt_source *own;                 /* where what is sent is found again; NULL: the same */
  const char *source_name;        /* NULL: it is the service's own */
  bt_rule_elsewhere_of elsewhere; /* rules of other stores are not watched here; NULL: there are none */
  const void *elsewhere_context;
  bt_rule_store *store;
  bt_http_client *client;
  const bt_exporter_options *exporter;
  bt_assumptions assumptions; /* of the service; rules may override theirs */
  int64_t interval_ns;        /* between rounds */
  int64_t lookback_ns;        /* how far the slices may fall behind before it is a gap; the delay of the second sweep */
  int64_t sweep_ns;           /* the delay of the first sweep */
  int64_t catchup_max_ns;     /* gaps that are older are not caught up but lost, and said */
  int64_t checkpoint_ns;      /* between checkpoints; 0: two intervals, but not less than a second */
  uint32_t replica, replicas; /* this watcher's number, from 0, of how many; replicas 0: 1 */
  bt_memory_account *memory;  /* where what is kept asks for room; NULL: there is no limit */
  size_t traces_max;   /* in memory at once, for each tenant; 0: 500,000 (about 90 MB), as far as there is room */
  int64_t most_cpu_ns; /* of all rules on one trace: then what is not known is inconclusive; 0: 10 s */
  size_t queue_max;    /* violations that wait to be sent; 0: 10,000 */
  bool emit_at_original_time;
  int64_t (*now)(void); /* NULL: the wall clock */
  bt_metrics *metrics;  /* what was sent, and how far each rule is watched; may be NULL */
} bt_watch_options;

/* Never NULL. */
static inline bt_source *bt_watch_own(const bt_watch_options *options) {
  return options->own ? options->own : options->source;
}

typedef struct bt_watch_status {
  char tenant[256];
  bool is_started; /* the watermark was found, or that there is none */
  int64_t done_ns; /* everything before it is searched, judged and sent, but for gaps; 0: nothing yet */
  /* What was counted from here on is what the store showed. Spans that came late may be missing, and watch looks again
   * when they are certainly shown. Gaps aside, as above. 0: none comes so late. */
  int64_t provisional_from_ns;
  int64_t last_round_ns; /* when a round ended last without a failure; 0: none did */
  /* The end of a trace that the store had lately, whether a rule is about it or not: the newest one is younger by some
   * minutes at most. 0: there was none since the start. */
  int64_t last_trace_ns;
  int64_t gap_start_ns, gap_end_ns;   /* hull of the gaps that are still to be caught up; equal: none */
  int64_t lost_start_ns, lost_end_ns; /* hull of what will not be caught up; equal: nothing */
  uint64_t rounds, failed_rounds, traces_judged, traces_unread, violations_found, retractions, inconclusive;
  uint64_t forgotten; /* violations that were sent, and forgotten early for want of room: spans that come late cannot
                         take them back */
  bt_sampled_traces sampling; /* as the violating traces say that were read whole */
  uint64_t requests, bytes_inspected;
  size_t waiting, open;
  size_t rules, refused; /* under watch; enabled but refused, because no search finds what they would have to look at */
  char refused_rule[132]; /* the first of these */
  char message[240];      /* of the last failure; "" once a round passed */
} bt_watch_status;

/* new. Starts watching at once. BT_INVALID: an option is wrong, and which. */
bt_status bt_watch_new(const bt_watch_options *options, bt_watch **out, bt_error *error) BT_MUST_CHECK;
/* Ends the round under way (within about a second) and frees. NULL is fine. */
void bt_watch_free(bt_watch *watch);
/* The time that watch goes by: how far behind something is, is counted from it, also while the wall clock is wrong. */
int64_t bt_watch_now_ns(const bt_watch *watch);
/* A copy of the status of each tenant with rules; free() it. */
bt_status bt_watch_look(bt_watch *watch, bt_watch_status **out, size_t *count, bt_error *error) BT_MUST_CHECK;

typedef struct bt_watch_emission {
  size_t queued;
  size_t checkpoints;                                   /* that are under way */
  uint64_t emitted, already_there, retracted, failures; /* failures: attempts that left something unsent */
  char message[200];                                    /* of the last failure; "" once it passed */
} bt_watch_emission;
bt_watch_emission bt_watch_emission_look(bt_watch *watch);

#endif
