/* The share of traces that violate a rule, where a sample of them was kept (kept_traces.h). Of one probability the
 * share of the kept ones is that of all. Of several, each trace counts for as many as it stands for, and the interval
 * is joined over them (the method of variance estimates recovery). Where nobody knows what was not kept, it is a share
 * of the kept ones alone, and nothing may be concluded of it. Thread: no state. */
#ifndef BT_SERVER_QUERY_SHARES_H
#define BT_SERVER_QUERY_SHARES_H

#include <stdint.h>

#include "dsl/base/text.h"
#include "server/query/statistics.h"
#include "server/replay/replay.h"

typedef enum bt_share_basis {
  BT_SHARE_UNSAID,   /* nothing says how traces were sampled */
  BT_SHARE_OF_ALL,   /* all were kept, or each with one probability */
  BT_SHARE_WEIGHTED, /* with several that are known of each trace */
  BT_SHARE_OF_KEPT,  /* of those that were not kept nothing is known */
} bt_share_basis;
const char *bt_share_basis_name(bt_share_basis basis); /* "not_declared", "of_all", "weighted", "of_kept" */

/* Without weights: as what samples of the kept traces tell. */
bt_share_basis bt_share_basis_of(const bt_sampled_traces *range);

typedef struct bt_kept_share {
  bt_share_basis basis;
  double share; /* 0 to 1; 0 where nothing was exercised */
  bt_interval interval;
} bt_kept_share;

/* violations_found of traces_exercised, and how these were kept. */
bt_kept_share bt_kept_share_of(const bt_sampled_traces *range, const bt_rule_result *counted);
/* What a comparison of two shares is about, in words; nothing where traces were not sampled, or nobody says it. */
void bt_share_say(const bt_sampled_traces *range, bt_share_basis basis, bt_buffer *out);

/* Of traces that were each kept with the probability p. */
typedef struct bt_share_stratum {
  double p;
  uint64_t violated, exercised;
} bt_share_stratum;
bt_kept_share bt_kept_share_weighted(const bt_share_stratum *strata, size_t count);
/* Of traces that were each kept with some probability from `least` to `most`: those that violate with the one, at
 * worst, and the others with the other. `share` is that of the kept ones. */
bt_kept_share bt_kept_share_within(double least, double most, uint64_t violated, uint64_t exercised);

#endif
