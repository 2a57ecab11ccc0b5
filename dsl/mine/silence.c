/* Rules that fell silent. See silence.h. */
#include "dsl/mine/silence.h"

#include <math.h>

#include "dsl/mine/share.h"

enum {
  STEPS_AN_HOUR = 3600 / BT_SILENCE_STEP_S,
  STEPS_A_DAY = 24 * STEPS_AN_HOUR,
  MOST_STEPS = 28 * STEPS_A_DAY,
  DAY_AND_SLACK = 26 * STEPS_AN_HOUR, /* what comes once a day has come in it, be it two hours late */
  PAST_PART = 3,                      /* so many windows are in all steps, so that most of them are past */
  KINDS = 2                           /* weekdays · weekends, by UTC */
};
static const double LEAST_SPREAD = 0.03; /* the square of the part by which shares vary from day to day */
static const double QUIET_NEIGHBOUR = 0.5;

typedef struct hour_sum {
  double traces, exercised;
} hour_sum;

typedef struct past {
  const bt_silence_step *steps;
  size_t count;
  int64_t first;             /* the number of the first step since the epoch */
  hour_sum hours[KINDS][24]; /* of the steps before the window */
} past;

/* 1970-01-01 was a Thursday. */
static int kind_of(int64_t step) {
  int64_t day = (step / STEPS_A_DAY + 4) % 7;
  return day == 0 || day == 6;
}

static int hour_of(int64_t step) {
  return (int)(step % STEPS_A_DAY / STEPS_AN_HOUR);
}

/* sign: 1 adds the steps to the past, -1 takes them out of it. */
static void count_steps(past *p, size_t from, size_t until, double sign) {
  for (size_t i = from; i < until; i++) {
    hour_sum *sum = &p->hours[kind_of(p->first + (int64_t)i)][hour_of(p->first + (int64_t)i)];
    if (!p->steps[i].is_known) continue;
    sum->traces += sign * p->steps[i].traces;
    sum->exercised += sign * p->steps[i].exercised;
  }
}

static double share_of(const hour_sum *sum) {
  return sum->traces > 0 ? sum->exercised / sum->traces : 0;
}

/* How far the hours of the past were from what the other days' same hours say, beyond chance: the square of that part,
 * over all of them. An hour that no other day has says nothing. */
static double find_spread(const past *p, size_t until) {
  double beyond = 0, squares = 0;
  for (size_t at = 0; at < until;) {
    int64_t step = p->first + (int64_t)at;
    hour_sum own = {0}, others = p->hours[kind_of(step)][hour_of(step)];
    int64_t hour = step / STEPS_AN_HOUR;
    for (; at < until && (p->first + (int64_t)at) / STEPS_AN_HOUR == hour; at++) {
      if (!p->steps[at].is_known) continue;
      own.traces += p->steps[at].traces;
      own.exercised += p->steps[at].exercised;
    }
    others.traces -= own.traces;
    others.exercised -= own.exercised;
    if (others.traces <= 0 || own.traces <= 0) continue;
    double mean = own.traces * share_of(&others), part = own.traces / others.traces;
    double chance = mean * (1 + part); /* of the hour itself, and of what the others say of it */
    beyond += (own.exercised - mean) * (own.exercised - mean) - chance;
    squares += mean * mean;
  }
  double spread = squares > 0 ? beyond / squares : 0;
  return spread > LEAST_SPREAD ? spread : LEAST_SPREAD;
}

/* A job that comes at its hour may come an hour earlier or later; a day has it in any case. */
static double expected_share(const past *p, int64_t step, bool is_of_days) {
  const hour_sum *own = &p->hours[kind_of(step)][hour_of(step)];
  double share = share_of(own), least = share;
  for (int shift = -1; shift <= 1 && !is_of_days; shift += 2) {
    int64_t near = step + shift * STEPS_AN_HOUR;
    const hour_sum *other = &p->hours[kind_of(near)][hour_of(near)];
    if (other->traces > 0 && share_of(other) < least) least = share_of(other);
  }
  return least < QUIET_NEIGHBOUR * share ? least : share;
}

typedef struct window {
  double expected, unsure; /* how many exercise it, by the past · the variance of that, since the past is chance, too */
  uint64_t seen, traces;
  size_t known; /* steps that have a past */
} window;

static window look_back(const past *p, size_t from) {
  window w = {0};
  double of_hours[KINDS][24] = {{0}};
  bool is_of_days = p->count - from >= DAY_AND_SLACK;
  for (size_t i = from; i < p->count; i++) {
    int64_t step = p->first + (int64_t)i;
    if (!p->steps[i].is_known || p->hours[kind_of(step)][hour_of(step)].traces <= 0) continue;
    of_hours[kind_of(step)][hour_of(step)] += p->steps[i].traces * expected_share(p, step, is_of_days);
    w.seen += p->steps[i].exercised;
    w.traces += p->steps[i].traces;
    w.known++;
  }
  for (int kind = 0; kind < KINDS; kind++)
    for (int hour = 0; hour < 24; hour++) {
      double expected = of_hours[kind][hour];
      w.expected += expected;
      if (expected > 0) w.unsure += expected * expected / p->hours[kind][hour].exercised;
    }
  return w;
}

/* P(X ≤ seen) of the negative binomial distribution with this mean, whose rate varies by `spread`. */
static double chance_of(const window *w, double spread) {
  double shape = 1 / (spread + w->unsure / (w->expected * w->expected));
  return bt_incomplete_beta(shape, (double)w->seen + 1, shape / (shape + w->expected));
}

/* The spread is looked for only where the least one would do: it costs a look at all of the past. */
static bool has_fallen(const past *p, size_t from, const window *w, double *chance) {
  *chance = 1;
  if (w->expected <= 0 || (double)w->seen > BT_SILENCE_PART * w->expected) return false;
  if (chance_of(w, LEAST_SPREAD) >= BT_SILENCE_CHANCE) return false;
  *chance = chance_of(w, find_spread(p, from));
  return *chance < BT_SILENCE_CHANCE;
}

/* From the window that shows it back to the last step in which nearly as many came as were expected. */
static size_t find_beginning(const past *p, size_t from) {
  while (from > 0) {
    window longer = look_back(p, from - 1), now = look_back(p, from);
    double expected = longer.expected - now.expected;
    if ((double)(longer.seen - now.seen) > BT_SILENCE_PART * expected) break;
    if (longer.known == now.known) break;
    from--;
  }
  while (from + 1 < p->count && p->steps[from].exercised) from++;
  return from;
}

static size_t next_length(size_t length) {
  return length * 2 > STEPS_A_DAY && length < DAY_AND_SLACK ? DAY_AND_SLACK : length * 2;
}

bt_silence bt_silence_look(const bt_silence_step *steps, size_t count, int64_t first_s) {
  size_t dropped = count > MOST_STEPS ? count - MOST_STEPS : 0;
  past p = {.steps = steps + dropped, .count = count - dropped};
  p.first = first_s / BT_SILENCE_STEP_S + (int64_t)dropped;
  window day = {0};
  size_t past_end = p.count;
  count_steps(&p, 0, p.count, 1);
  for (size_t length = 1; length * PAST_PART <= p.count; length = next_length(length)) {
    size_t from = p.count - length;
    double chance = 1;
    count_steps(&p, from, past_end, -1);
    past_end = from;
    window w = look_back(&p, from);
    if (length <= DAY_AND_SLACK) day = w;
    if (!has_fallen(&p, from, &w, &chance)) continue;
    return (bt_silence){BT_SILENCE_FALLEN, dropped + find_beginning(&p, from), w.expected, chance, w.seen, w.traces};
  }
  bt_silence_state state = day.known ? BT_SILENCE_NONE : BT_SILENCE_NO_PAST;
  return (bt_silence){.state = state, .expected = day.expected, .chance = 1, .seen = day.seen, .traces = day.traces};
}
