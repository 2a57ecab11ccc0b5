/* How the traces of an answer came to be kept, counted: by the thresholds that their spans say (keeping.h), or by what
 * is declared (sampling_setting.h). From it follows what may be said of those that were not kept, and what nobody may
 * say. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_KEPT_TRACES_H
#define BT_SERVER_REPLAY_KEPT_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/trace/keeping.h"
#include "server/replay/estimate.h"
#include "server/replay/sampling_setting.h"

enum { BT_KEPT_PROBABILITIES = 16 };

/* All-zero: none was looked at. */
typedef struct bt_kept_traces {
  struct {
    double probability;
    uint64_t traces;
  } by[BT_KEPT_PROBABILITIES]; /* from the smallest probability up */
  size_t by_count;
  uint64_t between;     /* of further probabilities; they lie from `least` to `most` */
  double least, most;   /* of all that have one; 0: none has */
  uint64_t unsaid;      /* whose spans do not say it, and nothing is declared */
  uint64_t apart;       /* whose services sampled for themselves */
  uint64_t unclear;     /* whose spans contradict each other */
  uint64_t by_policy;   /* of all: a policy of a tail sampler kept them */
  uint64_t by_setting;  /* of all: with a probability that is declared, and not said by spans */
  uint64_t contradicts; /* of all: spans say a probability below 1, and the setting that all are kept */
} bt_kept_traces;

enum { BT_ENTRY_SERVICES = 8, BT_ENTRY_SERVICE_BYTES = 64 };

/* What a range says of how its traces were kept. All-zero: none was looked at, and nothing is declared. */
typedef struct bt_sampled_traces {
  bt_declared_sampling declared;
  bt_kept_traces kept;
  /* The services of the root spans of traces that spans say were kept by chance, below 1: what follows for traces that
   * were not kept holds for those of these services. Cut; the first by name. */
  char entry_services[BT_ENTRY_SERVICES][BT_ENTRY_SERVICE_BYTES];
  size_t entry_count;
  bool has_more_entries;
  /* Likewise, of traces that were sure to be kept: of a service that has no others it is not known whether any of its
   * other traces is ever kept. */
  char sure_services[BT_ENTRY_SERVICES][BT_ENTRY_SERVICE_BYTES];
  size_t sure_count;
} bt_sampled_traces;

/* How one trace was kept. */
typedef struct bt_kept_trace {
  bt_keeping kind;
  double probability; /* of BT_KEEPING_ONE */
  bool by_policy, by_setting, contradicts;
  bool is_of_none; /* no policy says that it kept it, or only that of the rest (policy_seen.h) */
} bt_kept_trace;
bt_kept_trace bt_kept_trace_of(const bt_trace *trace, const bt_sampling_setting *setting);

void bt_kept_traces_add(bt_kept_traces *to, const bt_kept_trace *trace, uint64_t count);
void bt_kept_traces_join(bt_kept_traces *to, const bt_kept_traces *from);
uint64_t bt_kept_traces_count(const bt_kept_traces *kept);

void bt_sampled_traces_add(bt_sampled_traces *to, const bt_trace *trace, const bt_kept_trace *kept);
void bt_sampled_traces_join(bt_sampled_traces *to, const bt_sampled_traces *from);
/* The same of two that may have looked at the same traces: of each kind there are as many as the larger one has. */
void bt_sampled_traces_overlap(bt_sampled_traces *to, const bt_sampled_traces *from);

/* What is known of how all traces of the range were kept. */
typedef enum bt_kept_known {
  BT_KEPT_NOT_SAID,   /* no span says it, and nothing is declared */
  BT_KEPT_ALL,        /* declared: all are */
  BT_KEPT_BY_CHANCE,  /* each with a probability that is known */
  BT_KEPT_IN_PART,    /* of some it is known, and of others not: policies, services that sample for themselves */
  BT_KEPT_CONTRADICTS /* declared that all are, and spans say otherwise */
} bt_kept_known;
const char *bt_kept_known_name(bt_kept_known known); /* "not_declared", "all", "by_chance", "in_part", "contradicts" */
bt_kept_known bt_sampled_traces_known(const bt_sampled_traces *range);
/* The first service, by name, of which only traces were seen that were sure to be kept; NULL: none that is known of.
 * With a declared share for each service this is nothing to be known. */
const char *bt_sampled_traces_sure_alone(const bt_sampled_traces *range);
/* Whether each was kept with a known probability: from *least to *most. */
bool bt_sampled_traces_chance(const bt_sampled_traces *range, double *least, double *most);
/* Whether something says that there were traces that were not kept. */
bool bt_sampled_traces_lack(const bt_sampled_traces *range);

/* How many there were of which `seen` were found. `of`: those among the seen that were looked at, which may be fewer.
 * False: nothing may be said beyond what was seen. `high` is UINT64_MAX where traces that are never kept may be
 * missing.
 */
bool bt_sampled_traces_estimate(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen,
                                bt_estimate *out);

#endif
