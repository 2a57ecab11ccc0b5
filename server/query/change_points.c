/* Change points of a rate. See change_points.h. Steps are joined to bins, changes are looked for between bins, and
 * their times among the steps. */
#include "server/query/change_points.h"

#include <math.h>

#include "dsl/base/time_sum.h"

enum { BINS = 48, TRIMMED_PART = 10, LEAST_TRIMMED = 2 };
static const double CHANCE = 0.01;
static const double DIFFER_TIMES = 1.5;
static const double TAIL = 0.025;         /* of each side of the interval */
static const double TRIMMED_MEAN = 0.623; /* of a squared normal number, without its largest tenth */

typedef struct rates { /* sums over the first bins, so a part is a difference of two */
  const bt_rate_step *steps;
  size_t count;
  size_t per_bin, bins;
  bool by_time;
  double violations[BINS + 1], weight[BINS + 1];
  double dispersion; /* how many times a binomial's variance it has; at least 1 */
} rates;

static double weight_of(const rates *r, const bt_rate_step *step) {
  return r->by_time ? (double)bt_time_subtract(step->end_ns, step->start_ns) : (double)step->exercised;
}

static size_t first_step_of(const rates *r, size_t bin) {
  size_t step = bin * r->per_bin;
  return step < r->count ? step : r->count;
}

static void add_bins(rates *r) {
  for (size_t bin = 0; bin < r->bins; bin++) {
    double violations = r->violations[bin], weight = r->weight[bin];
    for (size_t i = first_step_of(r, bin); i < first_step_of(r, bin + 1); i++) {
      violations += (double)r->steps[i].violations;
      weight += weight_of(r, &r->steps[i]);
    }
    r->violations[bin + 1] = violations;
    r->weight[bin + 1] = weight;
  }
}

/* ---- how unlikely ---- */

typedef struct part {
  double violations, weight;
} part;

static part part_of(const rates *r, size_t begin, size_t end) {
  return (part){r->violations[end] - r->violations[begin], r->weight[end] - r->weight[begin]};
}

/* Relative entropy of two coins. */
static double coin_distance(double a, double p) {
  double heads = a > 0 ? a * log(a / p) : 0, tails = a < 1 ? (1 - a) * log((1 - a) / (1 - p)) : 0;
  return heads + tails;
}

static double larger_of(double a, double b) {
  return a > b ? a : b;
}

/* Minus the logarithm of a bound of the chance that so many of all violations, or more, fall into the one part. A table
 * of four is drawn in four ways, and each way bounds it. */
static double surprise_of(const rates *r, part one, part other) {
  double violations = one.violations + other.violations, weight = one.weight + other.weight;
  if (violations <= 0 || one.weight <= 0 || other.weight <= 0) return 0;
  double in = one.weight / weight, rate = violations / weight;
  double most = violations * coin_distance(one.violations / violations, in);
  if (r->by_time || rate >= 1) return r->by_time ? most : 0;
  double fine = (weight - violations) * coin_distance((one.weight - one.violations) / (weight - violations), in);
  double here = one.weight * coin_distance(one.violations / one.weight, rate);
  double there = other.weight * coin_distance(other.violations / other.weight, rate);
  return larger_of(larger_of(most, fine), larger_of(here, there));
}

static double squared_step(const rates *r, size_t bin) {
  part a = part_of(r, bin, bin + 1), b = part_of(r, bin + 1, bin + 2);
  if (a.weight <= 0 || b.weight <= 0) return 0;
  double rate = (a.violations + b.violations) / (a.weight + b.weight);
  double variance = rate * (r->by_time ? 1 : 1 - rate) * (1 / a.weight + 1 / b.weight);
  double difference = a.violations / a.weight - b.violations / b.weight;
  return variance > 0 ? difference * difference / variance : 0;
}

static size_t trimmed_count(size_t count) {
  size_t tenth = count / TRIMMED_PART + (count % TRIMMED_PART > 0);
  return tenth > LEAST_TRIMMED ? tenth : LEAST_TRIMMED;
}

/* From each bin to the next one. A few large differences are changes and not its way. */
static double dispersion_of(const rates *r) {
  double squares[BINS], sum = 0;
  size_t count = r->bins - 1, kept = count - trimmed_count(count);
  for (size_t i = 0; i < count; i++) {
    double square = squared_step(r, i);
    size_t at = i;
    for (; at && squares[at - 1] > square; at--) squares[at] = squares[at - 1];
    squares[at] = square;
  }
  for (size_t i = 0; i < kept; i++) sum += squares[i];
  return larger_of(1, sum / (double)kept / TRIMMED_MEAN);
}

/* ---- where ---- */

typedef struct bounds { /* of parts, both ends included: in bins, and from move_bounds on in steps */
  size_t items[BINS + 1], count;
} bounds;

static void insert_bound(bounds *b, size_t bound) {
  size_t at = b->count;
  for (; at && b->items[at - 1] > bound; at--) b->items[at] = b->items[at - 1];
  b->items[at] = bound;
  b->count++;
}

static void remove_bound(bounds *b, size_t at) {
  b->count--;
  for (; at < b->count; at++) b->items[at] = b->items[at + 1];
}

/* False: no part within differs from the rest of it by more than chance. */
static bool find_segment(const rates *r, size_t begin, size_t end, size_t *first, size_t *last) {
  size_t length = end - begin;
  part all = part_of(r, begin, end);
  double most = r->dispersion * log((double)(length * (length + 1)) / CHANCE);
  bool is_found = false;
  for (size_t i = begin; i < end; i++)
    for (size_t k = i + 1; k <= end && k - i < length; k++) {
      part one = part_of(r, i, k), rest = {all.violations - one.violations, all.weight - one.weight};
      double surprise = surprise_of(r, one, rest);
      if (surprise < most) continue;
      most = surprise;
      is_found = true;
      *first = i;
      *last = k;
    }
  return is_found;
}

static void split_parts(const rates *r, bounds *b) {
  for (size_t at = 0; at + 1 < b->count;) {
    size_t begin = b->items[at], end = b->items[at + 1], first = 0, last = 0;
    if (!find_segment(r, begin, end, &first, &last)) {
      at++;
      continue;
    }
    if (first > begin) insert_bound(b, first);
    if (last < end) insert_bound(b, last);
  }
}

/* ---- when ---- */

static part sum_steps(const rates *r, size_t begin, size_t end) {
  part sum = {0};
  for (size_t i = begin; i < end; i++) {
    sum.violations += (double)r->steps[i].violations;
    sum.weight += weight_of(r, &r->steps[i]);
  }
  return sum;
}

static double logarithm_of(const rates *r, const bt_rate_step *step, double rate) {
  double violations = (double)step->violations, weight = weight_of(r, step);
  double others = r->by_time ? -rate * weight : (weight - violations) * log(1 - rate);
  return violations * log(rate) + others;
}

/* Half a violation more, so that none is not never. */
static double smooth_rate(const rates *r, part of) {
  return (of.violations + 0.5) / (of.weight + (r->by_time ? 0 : 1));
}

typedef struct likely_times { /* of a change before step `begin + i` */
  size_t begin, end;
  double before, after, largest;
} likely_times;

/* Of the change before step `begin`, less that of one before the part's first step; goes on from the one before. */
static double likelihood_step(const rates *r, const likely_times *t, size_t step) {
  double gain = logarithm_of(r, &r->steps[step], t->before) - logarithm_of(r, &r->steps[step], t->after);
  return gain / r->dispersion;
}

static size_t find_likeliest(const rates *r, likely_times *t) {
  double sum = 0;
  size_t best = t->begin + 1;
  t->largest = -INFINITY;
  for (size_t step = t->begin; step + 1 < t->end; step++) {
    sum += likelihood_step(r, t, step);
    if (sum > t->largest) t->largest = sum, best = step + 1;
  }
  return best;
}

/* The first step before which the change lies with at least this part of all likelihood. */
static size_t find_quantile(const rates *r, const likely_times *t, double quantile) {
  double all = 0, until = 0, sum = 0;
  for (size_t step = t->begin; step + 1 < t->end; step++) all += exp((sum += likelihood_step(r, t, step)) - t->largest);
  sum = 0;
  for (size_t step = t->begin; step + 1 < t->end; step++) {
    until += exp((sum += likelihood_step(r, t, step)) - t->largest);
    if (until >= quantile * all) return step + 1;
  }
  return t->end - 1;
}

static likely_times times_of(const rates *r, const bounds *b, size_t at) {
  size_t begin = b->items[at - 1], middle = b->items[at], end = b->items[at + 1];
  return (likely_times){.begin = begin,
                        .end = end,
                        .before = smooth_rate(r, sum_steps(r, begin, middle)),
                        .after = smooth_rate(r, sum_steps(r, middle, end))};
}

/* ---- which of them are sure ---- */

static void move_bounds(const rates *r, bounds *b) {
  for (size_t at = 1; at + 1 < b->count; at++) {
    likely_times times = times_of(r, b, at);
    b->items[at] = find_likeliest(r, &times);
  }
}

/* How sure it is that the parts on its two sides differ; 0: they do not. */
static double strength_of(const rates *r, const bounds *b, size_t at) {
  part before = sum_steps(r, b->items[at - 1], b->items[at]), after = sum_steps(r, b->items[at], b->items[at + 1]);
  double surprise = surprise_of(r, before, after);
  if (surprise < r->dispersion * log(2 * (double)r->bins / CHANCE)) return 0;
  double first = before.violations * after.weight, second = after.violations * before.weight;
  return larger_of(first, second) >= DIFFER_TIMES * (first < second ? first : second) ? surprise : 0;
}

static bool drop_weakest(const rates *r, bounds *b) {
  size_t weakest = 0;
  double least = INFINITY;
  for (size_t at = 1; at + 1 < b->count; at++) {
    double strength = strength_of(r, b, at);
    if (strength < least) least = strength, weakest = at;
  }
  bool is_weak = weakest && (least <= 0 || b->count - 2 > BT_CHANGES_MAX);
  if (is_weak) remove_bound(b, weakest);
  return is_weak;
}

/* A bin in which the rate changes seems a part of its own, until its bounds are where the steps say. */
static void settle_bounds(const rates *r, bounds *b) {
  for (size_t at = 0; at < b->count; at++) b->items[at] = first_step_of(r, b->items[at]);
  do move_bounds(r, b);
  while (drop_weakest(r, b));
}

static bt_rate_part count_part(const rates *r, size_t begin, size_t end) {
  bt_rate_part out = {0};
  for (size_t i = begin; i < end; i++) {
    out.violations += r->steps[i].violations;
    out.exercised += r->steps[i].exercised;
    out.length_ns += bt_time_subtract(r->steps[i].end_ns, r->steps[i].start_ns);
  }
  return out;
}

/* It lies within one of the two steps beside the bound that was found, or in the gap between them. */
static bt_rate_change locate_change(const rates *r, const bounds *b, size_t at) {
  likely_times times = times_of(r, b, at);
  size_t best = find_likeliest(r, &times);
  size_t low = find_quantile(r, &times, TAIL), high = find_quantile(r, &times, 1 - TAIL);
  return (bt_rate_change){.from_ns = r->steps[(low < best ? low : best) - 1].start_ns,
                          .to_ns = r->steps[high > best ? high : best].end_ns,
                          .at_ns = r->steps[best].start_ns,
                          .before = count_part(r, times.begin, b->items[at]),
                          .after = count_part(r, b->items[at], times.end)};
}

size_t bt_rate_changes_find(const bt_rate_step *steps, size_t count, bool by_time, bt_rate_change out[BT_CHANGES_MAX]) {
  rates r = {.steps = steps, .count = count, .per_bin = count / BINS + (count % BINS > 0), .by_time = by_time};
  if (count < BT_RATE_STEPS_LEAST) return 0;
  r.bins = count / r.per_bin + (count % r.per_bin > 0);
  add_bins(&r);
  r.dispersion = dispersion_of(&r);
  bounds b = {.items = {0, r.bins}, .count = 2};
  split_parts(&r, &b);
  settle_bounds(&r, &b);
  for (size_t at = 1; at + 1 < b.count; at++) out[at - 1] = locate_change(&r, &b, at);
  return b.count - 2;
}

bool bt_rate_change_is_rise(const bt_rate_change *change, bool by_time) {
  const bt_rate_part *before = &change->before, *after = &change->after;
  double weight_before = by_time ? (double)before->length_ns : (double)before->exercised;
  double weight_after = by_time ? (double)after->length_ns : (double)after->exercised;
  return (double)after->violations * weight_before > (double)before->violations * weight_after;
}
