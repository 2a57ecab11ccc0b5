/* Which behaviours are habits of a range. See habit.h. */
#include "dsl/mine/habit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/mine/columns.h"

enum { MOST_HABITS = 1024, ARENA_BYTES = 1 << 30 };
static const double CONFIDENCE = 0.95, NEARLY_EQUAL = 0.8, CONTAINED = 0.95;

typedef struct tally { /* of one behaviour, in the confirming half */
  const bt_behaviour *behaviour;
  bt_share learned, kept, without;
  double expected;       /* COUNT: traces that would keep it by chance */
  uint32_t more, less;   /* of pairs: it alone is kept · what it is compared with alone is */
  uint64_t calls, spans; /* COUNT, learned: calls · spans that make some */
  double probability;
} tally;

typedef struct judge {
  const bt_mine_sample *sample;
  bt_habits *habits;
  const bt_mine_trace **learned; /* partners of pairs */
  uint32_t learned_count, names;
  uint32_t *rooted, *roots; /* [a * names + root]: traces with both · of each root */
  bool *is_local;           /* of each name: enough traces of the same root lack it */
  uint32_t *services;       /* of each name: the number of the first name of its service */
  bool *has_service;        /* of the trace at hand */
  uint32_t root;            /* of the trace at hand; BT_NO_SPAN: of no name */
  tally *tallies;
  size_t count;
  bt_arena arena;
} judge;

static bool is_pair(const bt_behaviour *b) {
  return b->kind == BT_BEHAVE_ORDER || b->kind == BT_BEHAVE_SAME;
}

static bool is_of_presence(const bt_behaviour *b) {
  return b->kind <= BT_BEHAVE_ABSENCE;
}

/* What an attribute says, who calls whom and how soon have nothing to be compared with. */
static bool can_compare(const bt_behaviour *b) {
  return is_of_presence(b) || is_pair(b) || b->kind == BT_BEHAVE_COUNT || b->kind == BT_BEHAVE_STATUS ||
         b->kind == BT_BEHAVE_DURATION;
}

static bool is_above(const judge *j, uint32_t a, uint32_t b) {
  return a == b || j->habits->catalog.above[(size_t)a * j->names + b];
}

static bool has_name(const bt_mine_view *view, uint32_t name) {
  return view->first[name] != BT_NO_SPAN;
}

/* ---- what a trace is compared with ---- */

static uint32_t root_of(const bt_mine_trace *trace) {
  for (uint32_t s = 0; s < trace->span_count; s++)
    if (trace->spans[s].parent == BT_NO_SPAN) return trace->spans[s].name;
  return BT_NO_SPAN;
}

/* Without a: traces of a root that others with a have; and where these all have it, of the service. */
static bool is_alike(const judge *j, const bt_behaviour *b) {
  bool has_same_root = j->root != BT_NO_SPAN && j->rooted[(size_t)b->a * j->names + j->root];
  return has_same_root || (b->kind == BT_BEHAVE_CHILD && !j->is_local[b->a] && j->has_service[j->services[b->a]]);
}

static bool keeps_duration(const bt_behaviour *b, const bt_mine_view *view) {
  for (uint32_t s = view->first[b->a]; s != BT_NO_SPAN; s = view->next[s])
    if ((double)(view->trace->spans[s].end_ns - view->trace->spans[s].start_ns) >= b->bound) return false;
  return true;
}

/* A trace that does not exercise it, and could. */
static void count_without(const judge *j, tally *t, const bt_mine_view *view) {
  const bt_behaviour *b = t->behaviour;
  bool is_tested = b->test.kind != BT_TEST_NONE, has_a = has_name(view, b->a);
  if (is_tested ? !has_a : has_a || !is_of_presence(b) || !is_alike(j, b)) return;
  bool is_kept =
      b->kind == BT_BEHAVE_DURATION ? keeps_duration(b, view) : has_name(view, b->b) == (b->kind != BT_BEHAVE_ABSENCE);
  t->without.all++;
  t->without.kept += is_kept;
}

static bt_trial trial_if(bool is_kept) {
  return is_kept ? BT_TRIAL_KEPT : BT_TRIAL_BROKEN;
}

/* Another span of the trace, at random, that neither waits for a's nor is waited for. */
static bt_trial try_other_span(const judge *j, const bt_behaviour *b, const bt_mine_trace *trace) {
  uint32_t count = 0, chosen = BT_NO_SPAN;
  uint64_t state = trace->order;
  for (uint32_t s = 0; s < trace->span_count; s++) {
    uint32_t name = trace->spans[s].name;
    if (name == BT_NO_SPAN || is_above(j, name, b->a) || is_above(j, b->a, name)) continue;
    state = bt_mix_bits(state + b->a + 1);
    if (state % ++count == 0) chosen = s;
  }
  if (chosen == BT_NO_SPAN) return BT_TRIAL_NONE;
  const bt_mine_span *span = &trace->spans[chosen];
  if (b->kind == BT_BEHAVE_STATUS) return trial_if(!span->is_error);
  return trial_if((double)(span->end_ns - span->start_ns) < b->bound);
}

static uint32_t find_span(const bt_mine_trace *trace, uint32_t name, uint32_t key) {
  for (uint32_t s = 0; s < trace->span_count; s++)
    if (trace->spans[s].name == name && (!key || bt_mine_find(&trace->spans[s], key))) return s;
  return BT_NO_SPAN;
}

/* The same with the a of another trace, from the learned half. */
static bt_trial try_other_trace(const judge *j, const bt_behaviour *b, const bt_mine_trace *trace) {
  enum { ATTEMPTS = 32 };
  uint64_t state = trace->order;
  uint32_t own = find_span(trace, b->b, b->key), other = BT_NO_SPAN;
  const bt_mine_trace *partner = NULL;
  for (int i = 0; i < ATTEMPTS && other == BT_NO_SPAN && j->learned_count && own != BT_NO_SPAN; i++) {
    state = bt_mix_bits(state + b->a * (uint64_t)BT_MINE_NAMES + b->b + 1);
    partner = j->learned[state % j->learned_count];
    if (find_span(partner, b->b, b->key) != BT_NO_SPAN) other = find_span(partner, b->a, b->key);
  }
  if (other == BT_NO_SPAN) return BT_TRIAL_NONE;
  const bt_mine_span *a = &partner->spans[other], *mine = &trace->spans[own];
  if (b->kind == BT_BEHAVE_SAME) return trial_if(bt_mine_find(a, b->key)->hash == bt_mine_find(mine, b->key)->hash);
  return trial_if(a->start_ns - partner->start_ns < mine->start_ns - trace->start_ns);
}

static void count_pair(tally *t, bool is_kept, bt_trial other) {
  if (other == BT_TRIAL_NONE) return;
  bool is_other_kept = other == BT_TRIAL_KEPT;
  t->without.all++;
  t->without.kept += is_other_kept;
  t->more += is_kept && !is_other_kept;
  t->less += !is_kept && is_other_kept;
}

/* ---- calls ---- */

/* Spans of a that call b; *calls: how often. */
static uint32_t count_callers(const bt_behaviour *b, const bt_mine_view *view, uint64_t *calls) {
  uint32_t callers = 0;
  for (uint32_t s = view->first[b->a]; s != BT_NO_SPAN; s = view->next[s]) {
    uint32_t own = 0;
    for (uint32_t c = view->child[s]; c != BT_NO_SPAN; c = view->sibling[c]) own += view->trace->spans[c].name == b->b;
    callers += own > 0;
    *calls += own;
  }
  return callers;
}

/* How often calls beyond the first stay within the bound where they come by chance, as often as they were learned to.
 */
static double chance_of_limit(const tally *t) {
  double rate = t->spans ? (double)t->calls / (double)t->spans - 1 : 0, term = exp(-rate), sum = 0;
  for (double k = 0; k < t->behaviour->bound; k++) {
    sum += term;
    term *= rate / (k + 1);
  }
  return sum < 1 ? sum : 1;
}

/* ---- counting ---- */

static void count_learned(tally *t, const bt_mine_view *view) {
  bt_trial trial = bt_behaviour_try(t->behaviour, view);
  t->learned.all += trial != BT_TRIAL_NONE;
  t->learned.kept += trial == BT_TRIAL_KEPT;
  if (t->behaviour->kind == BT_BEHAVE_COUNT && trial != BT_TRIAL_NONE)
    t->spans += count_callers(t->behaviour, view, &t->calls);
}

static void count_confirming(const judge *j, tally *t, const bt_mine_view *view) {
  const bt_behaviour *b = t->behaviour;
  bt_trial trial = bt_behaviour_try(b, view);
  bool is_kept = trial == BT_TRIAL_KEPT;
  uint64_t calls = 0;
  t->kept.all += trial != BT_TRIAL_NONE;
  t->kept.kept += is_kept;
  if (is_of_presence(b) || b->test.kind != BT_TEST_NONE) {
    if (trial == BT_TRIAL_NONE) count_without(j, t, view);
  } else if (trial == BT_TRIAL_NONE) {
    return;
  } else if (b->kind == BT_BEHAVE_COUNT) {
    t->without.all++;
    t->expected += pow(chance_of_limit(t), count_callers(b, view, &calls));
  } else {
    count_pair(t, is_kept, is_pair(b) ? try_other_trace(j, b, view->trace) : try_other_span(j, b, view->trace));
  }
}

static void look_at(judge *j, const bt_mine_trace *trace, bt_mine_view *view) {
  bt_mine_look(trace, view);
  j->root = root_of(trace);
  memset(j->has_service, 0, j->names * sizeof *j->has_service);
  for (uint32_t a = 0; a < j->names; a++)
    if (has_name(view, a)) j->has_service[j->services[a]] = true;
}

static void count_roots(judge *j) {
  const bt_mine_group *group = &j->sample->groups[BT_MINE_BASELINE];
  bt_mine_view view;
  for (size_t i = 0; i < group->count; i++) {
    look_at(j, group->traces[i], &view);
    if (group->traces[i]->is_learned) j->learned[j->learned_count++] = group->traces[i];
    if (j->root == BT_NO_SPAN) continue;
    j->roots[j->root]++;
    for (uint32_t a = 0; a < j->names; a++) j->rooted[(size_t)a * j->names + j->root] += has_name(&view, a);
  }
  for (uint32_t a = 0; a < j->names; a++) {
    uint32_t lacking = 0;
    for (uint32_t r = 0; r < j->names; r++) {
      uint32_t with = j->rooted[(size_t)a * j->names + r];
      if (with) lacking += j->roots[r] - with;
    }
    j->is_local[a] = lacking >= BT_MINE_LEAST;
  }
}

static bool make_room(judge *j) {
  const bt_mine_sample *sample = j->sample;
  size_t names = j->names + 1;
  j->learned = bt_arena_array(&j->arena, sample->groups[BT_MINE_BASELINE].count + 1, sizeof(bt_mine_trace *));
  j->rooted = bt_arena_array(&j->arena, names * names, sizeof *j->rooted);
  j->roots = bt_arena_array(&j->arena, names, sizeof *j->roots);
  j->is_local = bt_arena_array(&j->arena, names, sizeof *j->is_local);
  j->services = bt_arena_array(&j->arena, names, sizeof *j->services);
  j->has_service = bt_arena_array(&j->arena, names, sizeof *j->has_service);
  j->tallies = bt_arena_array(&j->arena, j->habits->catalog.count + 1, sizeof *j->tallies);
  if (!j->learned || !j->rooted || !j->roots || !j->is_local || !j->services || !j->has_service || !j->tallies)
    return false;
  for (uint32_t a = 0; a < j->names; a++)
    while (!bt_str_equal(sample->names[j->services[a]].service, sample->names[a].service)) j->services[a]++;
  return true;
}

/* Only those that the learned half speaks for are tested. */
static void count_all(judge *j, double least_share) {
  const bt_catalog *catalog = &j->habits->catalog;
  const bt_mine_group *group = &j->sample->groups[BT_MINE_BASELINE];
  bt_mine_view view;
  size_t left = 0;
  for (size_t i = 0; i < catalog->count; i++) j->tallies[j->count++].behaviour = &catalog->items[i];
  for (size_t i = 0; i < group->count; i++) {
    if (!group->traces[i]->is_learned) continue;
    bt_mine_look(group->traces[i], &view);
    for (size_t t = 0; t < j->count; t++) count_learned(&j->tallies[t], &view);
  }
  for (size_t t = 0; t < j->count; t++) {
    bool is_kept = bt_share_interval(j->tallies[t].learned, CONFIDENCE).high >= least_share;
    if (is_kept && j->tallies[t].learned.kept && !can_compare(j->tallies[t].behaviour)) j->habits->incomparable++;
    if (is_kept && can_compare(j->tallies[t].behaviour)) j->tallies[left++] = j->tallies[t];
  }
  j->count = left;
  for (size_t i = 0; i < group->count; i++) {
    if (group->traces[i]->is_learned) continue;
    j->habits->confirming++;
    look_at(j, group->traces[i], &view);
    for (size_t t = 0; t < j->count; t++) count_confirming(j, &j->tallies[t], &view);
  }
}

/* ---- judging ---- */

static int compare_probabilities(const void *a, const void *b) {
  const tally *x = a, *y = b;
  if (x->probability != y->probability) return x->probability < y->probability ? -1 : 1;
  return (x->behaviour > y->behaviour) - (x->behaviour < y->behaviour);
}

static double probability_of(tally *t) {
  if (t->behaviour->kind == BT_BEHAVE_COUNT) t->without.kept = (uint32_t)llround(t->expected);
  bool is_paired = t->more + t->less || is_pair(t->behaviour);
  return is_paired ? bt_signs_exceed(t->more, t->less) : bt_share_exceeds(t->kept, t->without);
}

/* The first ones that may be told, the least probable first. */
static void find_told(judge *j) {
  double harmonic = 0;
  size_t told = 0, left = 0;
  for (size_t t = 0; t < j->count; t++) {
    if (j->tallies[t].kept.all && !j->tallies[t].without.all) j->habits->incomparable++;
    if (j->tallies[t].kept.all && j->tallies[t].without.all) j->tallies[left++] = j->tallies[t];
  }
  j->count = j->habits->looked_at = left;
  for (size_t t = 0; t < j->count; t++) {
    j->tallies[t].probability = probability_of(&j->tallies[t]);
    harmonic += 1.0 / (double)(t + 1);
  }
  if (j->count) qsort(j->tallies, j->count, sizeof *j->tallies, compare_probabilities);
  for (size_t t = 0; t < j->count; t++)
    if (j->tallies[t].probability <= BT_HABIT_RATE * (double)(t + 1) / ((double)j->count * harmonic)) told = t + 1;
  j->count = told;
}

static bt_habit habit_of(const tally *t) {
  const bt_behaviour *b = t->behaviour;
  /* Each bound misses with 2.5 %, so the lift with 5 %. */
  double low = bt_share_interval(t->kept, CONFIDENCE).low, high = bt_share_interval(t->without, CONFIDENCE).high;
  double without = bt_share_value(t->without);
  return (bt_habit){.behaviour = b,
                    .class = b->test.kind != BT_TEST_NONE                 ? BT_HABIT_TESTED
                             : b->kind <= BT_BEHAVE_ABSENCE || is_pair(b) ? BT_HABIT_PAIR
                                                                          : BT_HABIT_SINGLE,
                    .kept = t->kept,
                    .without = t->without,
                    .lift = without > 0 ? bt_share_value(t->kept) / without : INFINITY,
                    .lift_at_least = low / high,
                    .probability = t->probability,
                    .explained = low > high ? (low - high) * t->kept.all : 0};
}

static int compare_habits(const void *a, const void *b) {
  const bt_habit *x = a, *y = b;
  bool is_lack[] = {x->behaviour->kind == BT_BEHAVE_ABSENCE, y->behaviour->kind == BT_BEHAVE_ABSENCE};
  if (x->class != y->class) return x->class < y->class ? -1 : 1;
  if (is_lack[0] != is_lack[1]) return is_lack[0] ? 1 : -1;
  if (x->explained != y->explained) return x->explained > y->explained ? -1 : 1;
  return (x->behaviour > y->behaviour) - (x->behaviour < y->behaviour);
}

/* new in the arena: those that are no accidents, and that nearly all keep; in their order. */
static bt_habit *rank_habits(judge *j, double least_share, size_t *count) {
  bt_habit *habits = bt_arena_array(&j->arena, j->count + 1, sizeof *habits);
  *count = 0;
  for (size_t t = 0; habits && t < j->count; t++) {
    const tally *of = &j->tallies[t];
    bt_share whole = {of->kept.kept + of->learned.kept, of->kept.all + of->learned.all};
    bt_habit habit = habit_of(of);
    bool is_one = habit.lift_at_least >= BT_HABIT_LIFT && bt_share_interval(whole, CONFIDENCE).high >= least_share;
    if (is_one) habits[(*count)++] = habit;
  }
  if (habits && *count) qsort(habits, *count, sizeof *habits, compare_habits);
  if (*count > MOST_HABITS) *count = MOST_HABITS;
  return habits;
}

/* ---- groups ---- */

typedef struct grouping {
  const judge *judge;
  bt_habit *habits;
  bool *exercised; /* [habit * traces + trace] */
  bool *is_grouped;
  size_t count, traces;
} grouping;

static bool try_all(grouping *g) {
  const bt_mine_group *group = &g->judge->sample->groups[BT_MINE_BASELINE];
  bt_mine_view view;
  uint32_t *spans = calloc(g->count + 1, sizeof *spans);
  for (size_t i = 0; spans && i < g->traces; i++) {
    bt_mine_look(group->traces[i], &view);
    for (size_t h = 0; h < g->count; h++) {
      bt_trial trial = bt_behaviour_try(g->habits[h].behaviour, &view);
      g->exercised[h * g->traces + i] = trial != BT_TRIAL_NONE;
      if (trial != BT_TRIAL_KEPT || (spans[h] && spans[h] <= group->traces[i]->span_count)) continue;
      spans[h] = group->traces[i]->span_count;
      g->habits[h].example = group->traces[i]->id;
    }
  }
  free(spans);
  return spans;
}

typedef struct overlap {
  uint32_t both, first, second; /* traces that exercise both, each */
} overlap;

static overlap overlap_of(const grouping *g, size_t first, size_t second) {
  overlap o = {0};
  for (size_t i = 0; i < g->traces; i++) {
    bool one = g->exercised[first * g->traces + i], other = g->exercised[second * g->traces + i];
    o.first += one;
    o.second += other;
    o.both += one && other;
  }
  return o;
}

static bool are_alike(overlap o) {
  return o.both >= NEARLY_EQUAL * (o.first + o.second - o.both);
}

/* Whether both ask for a span under one condition, and who calls the leader's is told to call this one too. */
static bool is_called_by(const grouping *g, size_t leader, size_t h) {
  const bt_habit *l = &g->habits[leader], *habit = &g->habits[h];
  uint32_t upper = l->behaviour->b, lower = habit->behaviour->b;
  bool are_tested = l->class == BT_HABIT_TESTED && habit->class == BT_HABIT_TESTED;
  bool are_there = l->behaviour->kind == BT_BEHAVE_PRESENCE && habit->behaviour->kind == BT_BEHAVE_PRESENCE;
  if (!are_tested || !are_there || !is_above(g->judge, upper, lower) || is_above(g->judge, lower, upper)) return false;
  if (!are_alike(overlap_of(g, leader, h))) return false;
  for (size_t c = 0; c < g->count; c++) {
    const bt_behaviour *call = g->habits[c].behaviour;
    if (call->kind != BT_BEHAVE_CHILD || call->b != lower || !is_above(g->judge, upper, call->a)) continue;
    overlap o = overlap_of(g, c, h);
    if (o.both >= CONTAINED * o.second) return true;
  }
  return false;
}

/* Whether the leader says it too: the same consequence in nearly the same traces or in some of them, what its span
 * calls, a value that is handed on along the whole trace, or the other side: there is no b where the leader does not
 * ask for one. */
static bool is_said_by(const grouping *g, size_t leader, size_t h) {
  const bt_behaviour *l = g->habits[leader].behaviour, *b = g->habits[h].behaviour;
  bool is_same = is_of_presence(l) ? is_of_presence(b) : l->kind == b->kind && l->key == b->key;
  if (l->kind == BT_BEHAVE_SAME && is_same) return true;
  is_same = is_same && l->b == b->b && (is_of_presence(l) || l->kind == BT_BEHAVE_ORDER || l->a == b->a);
  overlap o = overlap_of(g, leader, h);
  bool is_lack = is_of_presence(l) && b->kind == BT_BEHAVE_ABSENCE && is_above(g->judge, l->b, b->b);
  if (!is_same && !is_lack) return is_called_by(g, leader, h);
  if ((l->kind == BT_BEHAVE_ABSENCE) != (b->kind == BT_BEHAVE_ABSENCE)) return o.both <= (1 - CONTAINED) * o.second;
  return is_same && (are_alike(o) || o.both >= CONTAINED * o.second);
}

/* Of two that say nearly the same: what is there rather than what is not, who calls it, of one service, of what is not
 * around it. */
static bool speaks_better(const grouping *g, const bt_habit *x, const bt_habit *y) {
  const bt_habit *both[] = {x, y};
  int far[2];
  for (int i = 0; i < 2; i++) {
    const bt_behaviour *of = both[i]->behaviour;
    const bt_mine_name *names = g->judge->sample->names;
    far[i] = of->kind == BT_BEHAVE_CHILD
                 ? 0
                 : 1 + 4 * (of->kind == BT_BEHAVE_ABSENCE) +
                       2 * !bt_str_equal(names[of->a].service, names[of->b].service) + is_above(g->judge, of->a, of->b);
  }
  if (far[0] != far[1]) return far[0] < far[1];
  double one = bt_share_value(x->kept), other = bt_share_value(y->kept);
  return one != other ? one > other : x->behaviour->kind < y->behaviour->kind;
}

static bt_habit lead_group(grouping *g, size_t leader) {
  size_t members = 0, best = leader;
  for (size_t h = 0; h < g->count; h++) {
    if (g->is_grouped[h] || (h != leader && !is_said_by(g, leader, h))) continue;
    g->is_grouped[h] = true;
    members++;
    const bt_habit *habit = &g->habits[h], *first = &g->habits[leader];
    bool is_like = habit->class == first->class && habit->behaviour->b == first->behaviour->b &&
                   are_alike(overlap_of(g, leader, h));
    if (h != leader && is_like && speaks_better(g, habit, &g->habits[best])) best = h;
  }
  bt_habit habit = g->habits[best];
  habit.members = members;
  return habit;
}

/* The next one in order, or who calls its span. */
static size_t choose_leader(const grouping *g, size_t next) {
  for (size_t h = 0; h < g->count; h++)
    if (!g->is_grouped[h] && is_called_by(g, h, next)) return choose_leader(g, h);
  return next;
}

static bool form_groups(judge *j, bt_habit *habits, size_t count) {
  size_t traces = j->sample->groups[BT_MINE_BASELINE].count;
  grouping g = {.judge = j, .habits = habits, .count = count, .traces = traces};
  g.exercised = bt_arena_array(&j->arena, count * traces + 1, sizeof *g.exercised);
  g.is_grouped = bt_arena_array(&j->arena, count + 1, sizeof *g.is_grouped);
  j->habits->items = calloc(count + 1, sizeof *j->habits->items);
  if (!g.exercised || !g.is_grouped || !j->habits->items || !try_all(&g)) return false;
  for (size_t h = 0; h < count; h++)
    while (!g.is_grouped[h]) j->habits->items[j->habits->count++] = lead_group(&g, choose_leader(&g, h));
  if (j->habits->count) qsort(j->habits->items, j->habits->count, sizeof *j->habits->items, compare_habits);
  return true;
}

bt_status bt_habits_find(const bt_mine_sample *sample, double least_share, bt_habits *habits, bt_error *error) {
  *habits = (bt_habits){0};
  judge j = {.sample = sample, .habits = habits, .names = sample->name_count};
  bt_status status = bt_catalog_fill(sample, &habits->catalog, error);
  if (status) return status;
  bt_arena_init(&j.arena, ARENA_BYTES);
  size_t count = 0;
  bt_habit *ranked = NULL;
  if (make_room(&j)) {
    count_roots(&j);
    count_all(&j, least_share);
    find_told(&j);
    ranked = rank_habits(&j, least_share, &count);
  }
  bool is_done = ranked && form_groups(&j, ranked, count);
  bt_arena_dispose(&j.arena);
  return is_done ? BT_OK : bt_error_no_memory(error);
}

void bt_habits_dispose(bt_habits *habits) {
  free(habits->items);
  bt_catalog_dispose(&habits->catalog);
}
