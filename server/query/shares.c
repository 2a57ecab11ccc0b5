/* Shares of sampled traces. See shares.h. */
#include "server/query/shares.h"

#include <math.h>

#include "server/base/binomial.h"

static const double TAIL = 0.025;

const char *bt_share_basis_name(bt_share_basis basis) {
  static const char *const names[] = {"not_declared", "of_all", "weighted", "of_kept"};
  return names[basis];
}

/* ---- several probabilities ---- */

typedef struct sums {
  double violated, exercised; /* that happened, by estimate */
} sums;

static double share_of(double violated, double exercised) {
  return exercised > 0 ? violated / exercised : 0;
}

/* The share of all, if in this stratum so many happened, and that part of them violated. */
static double share_if(const sums *all, const bt_share_stratum *s, double happened, double part) {
  double violated = all->violated - (double)s->violated / s->p,
         exercised = all->exercised - (double)s->exercised / s->p;
  return share_of(violated + happened * part, exercised + happened);
}

/* The farthest that this stratum alone may move the share: its number and its own share at the ends of their
 * intervals. */
static bt_interval reach_of(const sums *all, const bt_share_stratum *s) {
  bt_interval own = bt_wilson_interval(s->violated, s->exercised);
  double least = (double)bt_binomial_least(s->exercised, s->p, TAIL);
  double most = (double)bt_binomial_most(s->exercised, s->p, TAIL);
  return (bt_interval){fmin(share_if(all, s, least, own.low), share_if(all, s, most, own.low)),
                       fmax(share_if(all, s, least, own.high), share_if(all, s, most, own.high))};
}

static double square_of(double x) {
  return x * x;
}

bt_kept_share bt_kept_share_weighted(const bt_share_stratum *strata, size_t count) {
  bt_kept_share share = {BT_SHARE_WEIGHTED, 0, {0, 1}};
  sums all = {0, 0};
  double below = 0, above = 0;
  for (size_t i = 0; i < count; i++) {
    all.violated += (double)strata[i].violated / strata[i].p;
    all.exercised += (double)strata[i].exercised / strata[i].p;
  }
  if (all.exercised <= 0) return share;
  share.share = share_of(all.violated, all.exercised);
  for (size_t i = 0; i < count; i++) {
    bt_interval reach = reach_of(&all, &strata[i]);
    below += square_of(share.share - reach.low);
    above += square_of(reach.high - share.share);
  }
  share.interval.low = fmax(0, share.share - sqrt(below));
  share.interval.high = fmin(1, share.share + sqrt(above));
  return share;
}

bt_kept_share bt_kept_share_within(double least, double most, uint64_t violated, uint64_t exercised) {
  bt_interval kept = bt_wilson_interval(violated, exercised);
  bt_kept_share share = {BT_SHARE_OF_KEPT, share_of((double)violated, (double)exercised), {0, 1}};
  if (!exercised) return share;
  share.interval.low = kept.low * least / (kept.low * least + (1 - kept.low) * most);
  share.interval.high = kept.high * most / (kept.high * most + (1 - kept.high) * least);
  return share;
}

/* ---- of a rule ---- */

enum { STRATA_MAX = BT_KEPT_PROBABILITIES + 1 };

typedef struct strata {
  bt_share_stratum items[STRATA_MAX];
  size_t count;
} strata;

static void add_stratum(strata *to, double p) {
  for (size_t i = 0; i < to->count; i++)
    if (to->items[i].p == p) return;
  to->items[to->count++] = (bt_share_stratum){.p = p};
}

/* All that the range shows or the setting says: of each there may be traces of which none was kept. */
static strata strata_of(const bt_sampled_traces *range) {
  strata all = {.count = 0};
  for (size_t i = 0; i < range->kept.by_count; i++) add_stratum(&all, range->kept.by[i].probability);
  if (range->declared.least > 0) add_stratum(&all, range->declared.least);
  return all;
}

static uint64_t traces_with(const bt_kept_traces *kept, double p) {
  for (size_t i = 0; i < kept->by_count; i++)
    if (kept->by[i].probability == p) return kept->by[i].traces;
  return 0;
}

/* False: not each of the counted traces is of one of these. */
static bool fill_strata(strata *all, const bt_rule_result *counted) {
  uint64_t violated = 0, exercised = 0;
  for (size_t i = 0; i < all->count; i++) {
    bt_share_stratum *s = &all->items[i];
    s->violated = traces_with(&counted->violations_kept, s->p);
    s->exercised = traces_with(&counted->exercised_kept, s->p);
    violated += s->violated;
    exercised += s->exercised;
    if (s->violated > s->exercised) return false;
  }
  return violated == counted->violations_found && exercised == counted->traces_exercised;
}

static bt_kept_share share_as_seen(bt_share_basis basis, const bt_rule_result *counted) {
  uint64_t violated = counted->violations_found, exercised = counted->traces_exercised;
  return (bt_kept_share){basis, exercised ? (double)violated / (double)exercised : 0,
                         bt_wilson_interval(violated < exercised ? violated : exercised, exercised)};
}

bt_share_basis bt_share_basis_of(const bt_sampled_traces *range) {
  bt_kept_known known = bt_sampled_traces_known(range);
  if (known == BT_KEPT_NOT_SAID) return BT_SHARE_UNSAID;
  if (known == BT_KEPT_ALL) return BT_SHARE_OF_ALL;
  bool is_one = known == BT_KEPT_BY_CHANCE && !range->kept.between && strata_of(range).count == 1;
  return is_one ? BT_SHARE_OF_ALL : BT_SHARE_OF_KEPT;
}

bt_kept_share bt_kept_share_of(const bt_sampled_traces *range, const bt_rule_result *counted) {
  bt_share_basis basis = bt_share_basis_of(range);
  bool has_each = bt_sampled_traces_known(range) == BT_KEPT_BY_CHANCE && !range->kept.between;
  strata all = strata_of(range);
  if (basis == BT_SHARE_OF_KEPT && has_each && fill_strata(&all, counted))
    return bt_kept_share_weighted(all.items, all.count);
  return share_as_seen(basis, counted);
}

void bt_share_say(const bt_sampled_traces *range, bt_share_basis basis, bt_buffer *out) {
  if (!bt_sampled_traces_lack(range)) return;
  switch (basis) {
  case BT_SHARE_UNSAID: return;
  case BT_SHARE_OF_ALL:
    bt_buffer_append(out, BT_STR("this holds for all traces, since those of each side were kept with one probability"));
    return;
  case BT_SHARE_WEIGHTED:
    bt_buffer_append(out, BT_STR("this holds for all traces, since each counts for as many as it stands for"));
    return;
  case BT_SHARE_OF_KEPT:
    bt_buffer_append(out, BT_STR("this is about kept traces alone, and says nothing of the others"));
    return;
  }
}
