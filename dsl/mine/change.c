/* Trials of all behaviours in all traces, and which shares changed. See change.h. */
#include "dsl/mine/change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/base/table.h"
#include "dsl/mine/onset.h"

enum { PERMUTATIONS = 399, WORD = 64 };

typedef struct trials { /* of one behaviour: bits of traces, in the order of their starts */
  const bt_behaviour *behaviour;
  uint64_t *all, *kept;
  double difference;
  bool is_grouped;
} trials;

typedef struct finder {
  const bt_mine_sample *sample;
  bt_changes *changes;
  const bt_mine_trace **traces;
  size_t count, words;
  uint64_t *baseline, *candidate, *confirming; /* which traces are of these */
  trials *trials;
  size_t trial_count;
  double threshold;
  double largest[PERMUTATIONS]; /* ascending */
  bt_arena arena;
} finder;

/* ---- trials ---- */

static void set_bit(uint64_t *bits, size_t at) {
  bits[at / WORD] |= UINT64_C(1) << (at % WORD);
}

static bool has_bit(const uint64_t *bits, size_t at) {
  return bits[at / WORD] >> (at % WORD) & 1;
}

static uint32_t count_bits(const finder *f, const uint64_t *bits, const uint64_t *of) {
  uint32_t count = 0;
  for (size_t w = 0; w < f->words; w++) count += (uint32_t)__builtin_popcountll(bits[w] & of[w]);
  return count;
}

static bt_share share_of(const finder *f, const trials *t, const uint64_t *group) {
  return (bt_share){count_bits(f, t->kept, group), count_bits(f, t->all, group)};
}

static int compare_times(const void *a, const void *b) {
  const bt_mine_trace *x = *(const bt_mine_trace *const *)a, *y = *(const bt_mine_trace *const *)b;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

static uint64_t *new_bits(finder *f) {
  return bt_arena_array(&f->arena, f->words + 1, sizeof(uint64_t));
}

static bool line_up(finder *f) {
  const bt_mine_group *groups = f->sample->groups;
  size_t all = groups[0].count + groups[1].count;
  f->words = (all + WORD - 1) / WORD;
  f->traces = bt_arena_array(&f->changes->catalog.arena, all + 1, sizeof(bt_mine_trace *));
  f->changes->traces = f->traces;
  f->baseline = new_bits(f);
  f->candidate = new_bits(f);
  f->confirming = new_bits(f);
  if (!f->traces || !f->baseline || !f->candidate || !f->confirming) return false;
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    f->changes->sizes[g] = (uint32_t)groups[g].count;
    for (size_t i = 0; i < groups[g].count; i++) f->traces[f->count++] = groups[g].traces[i];
  }
  f->changes->trace_count = all;
  if (all) qsort(f->traces, all, sizeof(bt_mine_trace *), compare_times);
  for (size_t i = 0; i < all; i++) {
    bool is_candidate = f->traces[i]->group == BT_MINE_CANDIDATE;
    set_bit(is_candidate ? f->candidate : f->baseline, i);
    if (!is_candidate && !f->traces[i]->is_learned) {
      set_bit(f->confirming, i);
      f->changes->confirming++;
    }
  }
  return true;
}

/* FALSE: no memory. */
static bool run_trials(finder *f) {
  const bt_catalog *catalog = &f->changes->catalog;
  f->trials = bt_arena_array(&f->arena, catalog->count + 1, sizeof *f->trials);
  if (!f->trials) return false;
  for (size_t b = 0; b < catalog->count; b++) {
    f->trials[b] = (trials){.behaviour = &catalog->items[b], .all = new_bits(f), .kept = new_bits(f)};
    if (!f->trials[b].all || !f->trials[b].kept) return false;
  }
  f->trial_count = catalog->count;
  bt_mine_view view;
  for (size_t i = 0; i < f->count; i++) {
    bt_mine_look(f->traces[i], &view);
    for (size_t b = 0; b < f->trial_count; b++) {
      bt_trial trial = bt_behaviour_try(f->trials[b].behaviour, &view);
      if (trial != BT_TRIAL_NONE) set_bit(f->trials[b].all, i);
      if (trial == BT_TRIAL_KEPT) set_bit(f->trials[b].kept, i);
    }
  }
  return true;
}

static bool is_above(const finder *f, uint32_t a, uint32_t b) {
  return a == b || f->changes->catalog.above[(size_t)a * f->sample->name_count + b];
}

/* Of two that say the same the one that speaks of nearer spans: of one service, and not of all that is around. */
static bool is_nearer(const finder *f, const bt_behaviour *a, const bt_behaviour *b) {
  const bt_behaviour *both[] = {a, b};
  int far[2];
  if (a->kind != b->kind) return a->kind < b->kind;
  for (int i = 0; i < 2; i++) {
    bt_str first = f->sample->names[both[i]->a].service, second = f->sample->names[both[i]->b].service;
    far[i] = 2 * !bt_str_equal(first, second) + is_above(f, both[i]->a, both[i]->b);
  }
  return far[0] < far[1];
}

/* Traces that are as the first one is that exercises it: the same bits whichever side of a behaviour is said. */
static void write_sides(const finder *f, const trials *t, uint64_t *out) {
  size_t w = 0;
  while (!t->all[w]) w++;
  bool is_kept = t->kept[w] & (t->all[w] & -t->all[w]);
  for (w = 0; w < f->words; w++) out[w] = t->all[w] & (is_kept ? t->kept[w] : ~t->kept[w]);
}

/* Those that say the same of every trace, or the opposite, or of which no trace says anything, are one or none. */
static bool drop_equal(finder *f) {
  bt_table table = {0};
  size_t kept = 0, bytes = f->words * sizeof(uint64_t);
  uint64_t *sides = new_bits(f), *others = new_bits(f);
  if (!sides || !others || !bt_table_reserve(&table, f->trial_count + 1)) return false;
  for (size_t b = 0; b < f->trial_count; b++) {
    trials *t = &f->trials[b];
    bool is_new = count_bits(f, t->all, f->candidate) && count_bits(f, t->all, f->confirming);
    if (!is_new) continue;
    write_sides(f, t, sides);
    uint64_t hash = bt_hash_pair(bt_hash_text((bt_str){(const char *)t->all, bytes}),
                                 bt_hash_text((bt_str){(const char *)sides, bytes}));
    bt_table_walk walk = bt_table_find(&table, hash);
    while (is_new && bt_table_next(&table, &walk)) {
      trials *other = &f->trials[walk.number];
      write_sides(f, other, others);
      is_new = memcmp(other->all, t->all, bytes) != 0 || memcmp(others, sides, bytes) != 0;
      if (!is_new && is_nearer(f, t->behaviour, other->behaviour)) *other = *t;
    }
    if (!is_new) continue;
    f->trials[kept] = *t;
    bt_table_add(&table, hash, kept++);
  }
  f->trial_count = kept;
  f->changes->looked_at = kept;
  bt_table_dispose(&table);
  return true;
}

/* ---- permutation ---- */

static int compare_doubles(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* Of the traces in either group, as many at random as the candidate has. */
static void draw_candidate(const finder *f, size_t *order, size_t count, uint64_t *state, uint64_t *drawn) {
  memset(drawn, 0, f->words * sizeof *drawn);
  for (size_t i = 0; i < f->changes->sizes[BT_MINE_CANDIDATE]; i++) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    size_t other = i + bt_mix_bits(*state) % (count - i), held = order[i];
    order[i] = order[other];
    order[other] = held;
    set_bit(drawn, order[i]);
  }
}

/* x log x for whole x: the likelihoods of all tables are sums of these. */
static double difference_of(const double *logs, bt_share a, bt_share b) {
  uint32_t kept = a.kept + b.kept, all = a.all + b.all;
  if (!a.all || !b.all) return 0;
  return 2 * (logs[a.kept] + logs[a.all - a.kept] - logs[a.all] + logs[b.kept] + logs[b.all - b.kept] - logs[b.all] -
              logs[kept] - logs[all - kept] + logs[all]);
}

static double largest_difference(const finder *f, const double *logs, const uint64_t *drawn, const bt_share *totals) {
  double largest = 0;
  for (size_t b = 0; b < f->trial_count; b++) {
    const trials *t = &f->trials[b];
    if (totals[b].kept == totals[b].all || !totals[b].kept) continue;
    bt_share second = share_of(f, t, drawn);
    bt_share first = {totals[b].kept - second.kept, totals[b].all - second.all};
    double difference = difference_of(logs, first, second);
    if (difference > largest) largest = difference;
  }
  return largest;
}

static bool find_threshold(finder *f) {
  size_t count = 0, all = f->count + 1;
  size_t *order = bt_arena_array(&f->arena, all, sizeof *order);
  double *logs = bt_arena_array(&f->arena, all, sizeof *logs);
  bt_share *totals = bt_arena_array(&f->arena, f->trial_count + 1, sizeof *totals);
  uint64_t *drawn = new_bits(f), state = f->sample->seed;
  if (!order || !logs || !totals || !drawn) return false;
  for (size_t i = 0; i < all; i++) logs[i] = i ? (double)i * log((double)i) : 0;
  for (size_t i = 0; i < f->count; i++)
    if (has_bit(f->candidate, i) || has_bit(f->confirming, i)) order[count++] = i;
  for (size_t b = 0; b < f->trial_count; b++) {
    bt_share one = share_of(f, &f->trials[b], f->candidate), other = share_of(f, &f->trials[b], f->confirming);
    totals[b] = (bt_share){one.kept + other.kept, one.all + other.all};
    f->trials[b].difference = difference_of(logs, other, one);
  }
  for (int p = 0; p < PERMUTATIONS; p++) {
    draw_candidate(f, order, count, &state, drawn);
    f->largest[p] = largest_difference(f, logs, drawn, totals);
  }
  qsort(f->largest, PERMUTATIONS, sizeof(double), compare_doubles);
  /* With the groups as they are there are PERMUTATIONS + 1, of which so many may be as large. */
  size_t many = (size_t)(BT_CHANGE_LEVEL * (PERMUTATIONS + 1) + 1e-9);
  f->threshold = f->largest[PERMUTATIONS - many];
  return true;
}

static double probability_of(const finder *f, double difference) {
  size_t as_large = 0;
  for (int p = 0; p < PERMUTATIONS; p++) as_large += f->largest[p] >= difference;
  return (double)(as_large + 1) / (PERMUTATIONS + 1);
}

static void find_least(finder *f) {
  bt_changes *c = f->changes;
  uint32_t most = c->sizes[BT_MINE_CANDIDATE];
  bt_share before = {c->confirming, c->confirming};
  for (uint32_t broken = 1; broken <= most && !c->least_seen; broken++)
    if (bt_share_difference(before, (bt_share){most - broken, most}) > f->threshold) c->least_seen = broken;
}

/* ---- groups ---- */

static bool is_of_time(const bt_behaviour *b) {
  return b->kind == BT_BEHAVE_DURATION || b->kind == BT_BEHAVE_DELAY;
}

static uint32_t subject_of(const bt_behaviour *b) {
  return b->kind == BT_BEHAVE_DELAY ? b->b : b->a;
}

/* Where the second is slower because the first is: what is below it or ran before it takes its time. */
static bool makes_slow(const finder *f, const bt_behaviour *cause, const bt_behaviour *other) {
  const bt_catalog *c = &f->changes->catalog;
  size_t names = f->sample->name_count;
  uint32_t a = subject_of(cause), b = subject_of(other);
  if (!is_of_time(cause) || !is_of_time(other)) return false;
  if (a == b) return true;
  if (other->kind == BT_BEHAVE_DURATION) return c->above[b * names + a];
  uint32_t both = c->together[a * names + b];
  return !c->above[a * names + b] && !c->above[b * names + a] && c->before[a * names + b] >= 0.95 * both;
}

/* Traces that are not as most were before. */
static void write_affected(const finder *f, const trials *t, bool falls, uint64_t *out) {
  for (size_t w = 0; w < f->words; w++) out[w] = t->all[w] & (falls ? ~t->kept[w] : t->kept[w]);
}

static bool falls_of(const finder *f, const trials *t) {
  return bt_share_value(share_of(f, t, f->candidate)) < bt_share_value(share_of(f, t, f->confirming));
}

/* Whether it still differs, in the same direction, where what the leader says of a trace is held fixed. */
static bool differs_beside(const finder *f, const trials *t, const uint64_t *affected) {
  bt_share parts[2][2] = {0};
  const uint64_t *groups[2] = {f->confirming, f->candidate};
  for (int g = 0; g < 2; g++) {
    bt_share whole = share_of(f, t, groups[g]);
    for (size_t w = 0; w < f->words; w++) {
      uint64_t of = t->all[w] & groups[g][w] & affected[w];
      parts[g][1].all += (uint32_t)__builtin_popcountll(of);
      parts[g][1].kept += (uint32_t)__builtin_popcountll(of & t->kept[w]);
    }
    parts[g][0] = (bt_share){whole.kept - parts[g][1].kept, whole.all - parts[g][1].all};
  }
  double left = 0;
  bool falls = falls_of(f, t);
  for (int i = 0; i < 2; i++)
    if ((bt_share_value(parts[1][i]) < bt_share_value(parts[0][i])) == falls)
      left += bt_share_difference(parts[0][i], parts[1][i]);
  return left > f->threshold;
}

/* The name of whose spans it says whether they are there, and how. */
static uint32_t object_of(const bt_behaviour *b) {
  bool is_of_b = b->kind <= BT_BEHAVE_ABSENCE || (b->kind >= BT_BEHAVE_PARENT && b->kind <= BT_BEHAVE_SAME);
  return is_of_b ? b->b : b->a;
}

static bool is_of_number(const bt_behaviour *b) {
  return b->kind <= BT_BEHAVE_ROOT || b->kind == BT_BEHAVE_COUNT;
}

/* How much of the affected traces of the candidate are those of both: 0 to 1. */
static double overlap_of(const finder *f, const trials *t, const uint64_t *affected) {
  uint32_t both = 0, either = 0;
  uint64_t falls = falls_of(f, t) ? ~UINT64_C(0) : 0;
  for (size_t w = 0; w < f->words; w++) {
    uint64_t own = t->all[w] & (t->kept[w] ^ falls) & f->candidate[w], other = affected[w] & f->candidate[w];
    both += (uint32_t)__builtin_popcountll(own & other);
    either += (uint32_t)__builtin_popcountll(own | other);
  }
  return either ? (double)both / either : 0;
}

/* Where the same traces are also otherwise than before, that says more than that they are slow. */
static trials *same_without_time(const finder *f, trials *slow, uint64_t *affected) {
  static const double nearly_equal = 0.8;
  trials *best = slow;
  write_affected(f, slow, falls_of(f, slow), affected);
  for (size_t b = 0; b < f->trial_count; b++) {
    trials *t = &f->trials[b];
    bool is_strong = !t->is_grouped && t->difference > f->threshold && t->difference > slow->difference / 2;
    if (!is_strong || is_of_time(t->behaviour) || overlap_of(f, t, affected) < nearly_equal) continue;
    if (best == slow || t->difference > best->difference) best = t;
  }
  return best;
}

/* Whether the leader's change explains this one: it is about spans that the leader says are there or not, about how
 * long what waits for the leader takes, or about the same or spans around it, with nothing left beside the leader. Two
 * changes that merely came with one version are two. */
static bool is_explained(const finder *f, const trials *leader, const trials *t, const uint64_t *affected) {
  static const double nearly_equal = 0.8;
  uint32_t object = object_of(leader->behaviour), other = object_of(t->behaviour);
  if (t == leader || makes_slow(f, leader->behaviour, t->behaviour)) return true;
  bool is_below = is_above(f, object, t->behaviour->a) && is_above(f, object, other);
  if (is_of_number(leader->behaviour) && (is_below || (object == other && is_of_number(t->behaviour)))) return true;
  bool is_near = is_above(f, object, other) || is_above(f, other, object);
  bool is_of_both = leader->behaviour->kind == BT_BEHAVE_ORDER || leader->behaviour->test.kind != BT_TEST_NONE;
  is_near = is_near || (is_of_both && leader->behaviour->a == other);
  return (is_near || overlap_of(f, t, affected) >= nearly_equal) && !differs_beside(f, t, affected);
}

static trials *find_strongest(const finder *f, uint64_t *scratch) {
  trials *best = NULL;
  for (size_t b = 0; b < f->trial_count; b++) {
    trials *t = &f->trials[b];
    if (t->is_grouped || t->difference <= f->threshold) continue;
    if (!best || t->difference > best->difference * 1.0000001 ||
        (t->difference > best->difference * 0.9999999 && t->behaviour->kind < best->behaviour->kind))
      best = t;
  }
  if (best && is_of_time(best->behaviour)) best = same_without_time(f, best, scratch);
  for (bool again = best; again;) { /* from what is slow to what makes it slow */
    trials *cause = NULL;
    for (size_t b = 0; b < f->trial_count; b++) {
      trials *t = &f->trials[b];
      bool is_cause = t != best && !t->is_grouped && t->difference > f->threshold &&
                      t->difference > best->difference / 2 && makes_slow(f, t->behaviour, best->behaviour) &&
                      !makes_slow(f, best->behaviour, t->behaviour);
      if (is_cause && (!cause || t->difference > cause->difference)) cause = t;
    }
    again = cause;
    best = cause ? cause : best;
  }
  return best;
}

/* ---- a group ---- */

typedef struct onset_room { /* of the traces that exercise a behaviour */
  bool *hit;
  int64_t *starts;
  double *scores;
} onset_room;

static void find_onset(const finder *f, const trials *t, const uint64_t *affected, onset_room *room, bt_change *out) {
  size_t count = 0;
  for (size_t i = 0; i < f->count; i++) {
    if (!has_bit(t->all, i)) continue;
    room->hit[count] = has_bit(affected, i);
    room->starts[count++] = f->traces[i]->start_ns;
  }
  bt_onset onset = bt_onset_find(room->hit, count, room->scores);
  out->from_ns = onset.first ? room->starts[onset.first - 1] : f->traces[0]->start_ns;
  out->until_ns = room->starts[onset.last];
}

static void choose_examples(const finder *f, const trials *t, const uint64_t *affected, bt_change *out) {
  uint32_t spans[2] = {UINT32_MAX, UINT32_MAX};
  bool has_since = false;
  for (size_t i = 0; i < f->count; i++) {
    const bt_mine_trace *trace = f->traces[i];
    bool is_affected = has_bit(affected, i), is_new = has_bit(f->candidate, i);
    if (!has_bit(t->all, i) || is_affected != is_new) continue;
    if (is_new && !has_since) out->since_ns = trace->start_ns;
    has_since = has_since || is_new;
    if (trace->span_count >= spans[is_new]) continue;
    spans[is_new] = trace->span_count;
    *(is_new ? &out->example_after : &out->example_before) = trace->id;
  }
}

/* The affected ones of the candidate against all others that exercise it. */
static bool find_marks(finder *f, const trials *t, const uint64_t *affected, bt_change *out) {
  const bt_mine_trace **traces = bt_realloc_array(NULL, f->count + 1, sizeof *traces);
  size_t marked = 0, count;
  if (!traces) return false;
  for (size_t i = 0; i < f->count; i++)
    if (has_bit(affected, i) && has_bit(f->candidate, i)) traces[marked++] = f->traces[i];
  count = marked;
  for (size_t i = 0; i < f->count; i++)
    if (has_bit(t->all, i) && !has_bit(affected, i)) traces[count++] = f->traces[i];
  out->mark_count = bt_marks_find(traces, marked, count, out->marks);
  free(traces);
  return true;
}

/* Bits that live as long as the changes. NULL: no memory. */
static const uint64_t *keep_bits(finder *f, const uint64_t *bits) {
  uint64_t *kept = bt_arena_array(&f->changes->catalog.arena, f->words + 1, sizeof *kept);
  if (kept) memcpy(kept, bits, f->words * sizeof *kept);
  return kept;
}

static bool write_change(finder *f, trials *t, const uint64_t *affected, onset_room *room, bool is_timed,
                         bt_change *out) {
  bt_share after = share_of(f, t, f->candidate), before = share_of(f, t, f->baseline);
  *out = (bt_change){.behaviour = t->behaviour,
                     .before = before,
                     .after = after,
                     .probability = probability_of(f, t->difference),
                     .damage = fabs(bt_share_value(after) - bt_share_value(before)) * after.all,
                     .all = keep_bits(f, t->all),
                     .affected = keep_bits(f, affected),
                     .has_time = is_timed};
  if (!out->all || !out->affected) return false;
  choose_examples(f, t, affected, out);
  if (is_timed) find_onset(f, t, affected, room, out);
  return find_marks(f, t, affected, out);
}

static int compare_changes(const void *a, const void *b) {
  const bt_change *x = a, *y = b;
  if (x->damage != y->damage) return x->damage > y->damage ? -1 : 1;
  return (x->behaviour > y->behaviour) - (x->behaviour < y->behaviour);
}

/* The same without its condition, where that says nothing: what is affected is the same. */
static trials *without_test(const finder *f, trials *leader, const uint64_t *affected) {
  static const double same = 0.95;
  const bt_behaviour *b = leader->behaviour;
  for (size_t i = 0; i < f->trial_count && b->test.kind != BT_TEST_NONE; i++) {
    trials *t = &f->trials[i];
    bool is_plain = t->behaviour->kind == b->kind && t->behaviour->a == b->a && t->behaviour->b == b->b &&
                    t->behaviour->test.kind == BT_TEST_NONE;
    if (is_plain && t->difference > f->threshold && !t->is_grouped && overlap_of(f, t, affected) >= same) return t;
  }
  return leader;
}

static bool form_groups(finder *f, bool is_timed) {
  bt_changes *c = f->changes;
  size_t capacity = 0;
  uint64_t *affected = new_bits(f);
  onset_room room = {.hit = bt_arena_array(&f->arena, f->count + 1, sizeof(bool)),
                     .starts = bt_arena_array(&f->arena, f->count + 1, sizeof(int64_t)),
                     .scores = bt_arena_array(&f->arena, f->count + 1, sizeof(double))};
  if (!affected || !room.hit || !room.starts || !room.scores) return false;
  for (trials *leader; (leader = find_strongest(f, affected));) {
    bt_change *items = bt_grow_array(c->items, c->count, &capacity, sizeof *items);
    if (!items) return false;
    c->items = items;
    write_affected(f, leader, falls_of(f, leader), affected);
    leader = without_test(f, leader, affected);
    write_affected(f, leader, falls_of(f, leader), affected);
    if (!write_change(f, leader, affected, &room, is_timed, &items[c->count])) return false;
    bt_change *change = &items[c->count++];
    for (size_t b = 0; b < f->trial_count; b++) {
      trials *t = &f->trials[b];
      if (t->is_grouped || t->difference <= f->threshold) continue;
      bool joins = is_explained(f, leader, t, affected);
      t->is_grouped = joins;
      change->members += joins;
    }
  }
  c->unchanged = f->trial_count;
  for (size_t b = 0; b < f->trial_count; b++) c->unchanged -= f->trials[b].is_grouped;
  if (c->count) qsort(c->items, c->count, sizeof *c->items, compare_changes);
  return true;
}

bt_status bt_changes_find(const bt_mine_sample *sample, bool is_timed, bt_changes *changes, bt_error *error) {
  enum { ARENA_BYTES = 1 << 30 };
  *changes = (bt_changes){0};
  finder f = {.sample = sample, .changes = changes};
  bt_arena_init(&f.arena, ARENA_BYTES);
  bt_status status = bt_catalog_fill(sample, &changes->catalog, error);
  if (status) return status;
  bool is_done = line_up(&f) && run_trials(&f) && drop_equal(&f);
  bool can_tell = is_done && changes->confirming && changes->sizes[BT_MINE_CANDIDATE] && f.trial_count;
  if (can_tell) {
    is_done = find_threshold(&f);
    if (is_done) find_least(&f);
    is_done = is_done && form_groups(&f, is_timed);
  }
  bt_arena_dispose(&f.arena);
  return is_done ? BT_OK : bt_error_no_memory(error);
}

bt_change_part bt_change_part_of(const bt_change *change, size_t trace) {
  if (!has_bit(change->all, trace)) return BT_CHANGE_NO_PART;
  return has_bit(change->affected, trace) ? BT_CHANGE_AFFECTED : BT_CHANGE_AS_BEFORE;
}

void bt_changes_dispose(bt_changes *changes) {
  free(changes->items);
  bt_catalog_dispose(&changes->catalog);
}
