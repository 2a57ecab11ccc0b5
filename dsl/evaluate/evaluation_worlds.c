/* Traces in which records of one span do not agree. See evaluation_worlds.h. */
#include "dsl/evaluate/evaluation_worlds.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/record_differences.h"
#include "dsl/trace/trace_records.h"

enum { MOST_WORLDS = 64 };
static const size_t most_bytes = (size_t)1 << 30; /* of a world */

/* A span with several records: a digit of the number of a world. */
typedef struct varying {
  uint32_t trace, span;
  uint32_t record_count;
  const bt_span *records[BT_RECORDS_KEPT];
  const uint64_t *differences; /* bits of record_differences.h, for each record and each before it: differences_of */
  const bt_span *unsplit;      /* as bt_span has it */
  /* For the rules that were chosen: the records that differ in what these read, and the digit, which of them the world
   * has. In the family that was given it is 0, unless the records were split for these rules. */
  const bt_span **kept;
  uint32_t kept_count, digit;
} varying;

/* What a rule said in the worlds so far. */
typedef struct said {
  uint32_t verdicts;  /* a bit for each bt_verdict that was given */
  uint32_t exercised; /* likewise, for each bt_truth */
  bt_reason reason;   /* the first in order of those that were given */
  bool rests_on_no_link, lacks_links, hangs_on_ties;
  bool has_too_many; /* worlds to look at: it said nothing */
} said;

struct bt_worlds {
  const bt_family *given;
  const bt_program *programs;
  bt_arena parts;  /* what lasts as long as this */
  bt_arena choice; /* what lasts until the next choice of rules */
  varying *spans;
  size_t span_count;
  bool has_more; /* some span has more records than are here */
  bt_differing_keys keys;
  size_t first_rule, chosen_count; /* the rules that worlds are chosen for */
  uint64_t left;                   /* worlds that are still to come */
  /* The world: its traces, of which those that are not as they were given are built in the arena. */
  bt_family family;
  bt_family_trace *traces;
  bt_trace *built; /* one for each trace of the family */
  bt_arena arena;
  said *rules;
  size_t rule_count;
};

/* ---- spans with several records ---- */

static bool has_several_records(const bt_span *span) {
  return span->other || span->unsplit;
}

static size_t count_varying(const bt_family *family) {
  size_t count = 0;
  for (uint32_t t = 0; t < family->trace_count; t++) {
    const bt_trace *trace = family->traces[t].trace;
    for (uint32_t s = 0; trace->differing_copies && s < trace->span_count; s++)
      count += has_several_records(&trace->spans[s]);
  }
  return count;
}

/* i below k */
static uint64_t differences_of(const varying *v, uint32_t i, uint32_t k) {
  return v->differences[k * (k - 1) / 2 + i];
}

static bool compare_records(bt_worlds *worlds, varying *v) {
  uint64_t *differences = bt_arena_array(&worlds->parts, v->record_count * v->record_count / 2, sizeof *differences);
  v->differences = differences;
  if (!differences) return false;
  for (uint32_t k = 1; k < v->record_count; k++)
    for (uint32_t i = 0; i < k; i++) {
      bt_arena_reset(&worlds->arena);
      if (!bt_find_differences(v->records[i], v->records[k], &worlds->keys, &worlds->arena, differences++))
        return false;
    }
  return true;
}

static bool add_varying(bt_worlds *worlds, uint32_t trace, uint32_t span) {
  varying *v = &worlds->spans[worlds->span_count++];
  const bt_span *record = &worlds->given->traces[trace].trace->spans[span];
  *v = (varying){.trace = trace, .span = span, .unsplit = record->unsplit};
  for (; record && v->record_count < BT_RECORDS_KEPT; record = record->other) v->records[v->record_count++] = record;
  if (record) worlds->has_more = true;
  return compare_records(worlds, v);
}

static bool list_varying(bt_worlds *worlds) {
  for (uint32_t t = 0; t < worlds->given->trace_count; t++) {
    const bt_trace *trace = worlds->given->traces[t].trace;
    if (trace->has_more_copies) worlds->has_more = true;
    for (uint32_t s = 0; trace->differing_copies && s < trace->span_count; s++)
      if (has_several_records(&trace->spans[s]) && !add_varying(worlds, t, s)) return false;
  }
  return true;
}

bt_worlds *bt_worlds_new(const bt_family *family, const bt_program *programs, size_t rule_count) {
  bt_worlds *worlds = calloc(1, sizeof *worlds);
  if (!worlds) return NULL;
  bt_arena_init(&worlds->parts, most_bytes);
  bt_arena_init(&worlds->choice, most_bytes);
  bt_arena_init(&worlds->arena, most_bytes);
  worlds->given = family;
  worlds->programs = programs;
  worlds->rule_count = rule_count;
  worlds->spans = calloc(count_varying(family) + 1, sizeof *worlds->spans);
  worlds->traces = calloc(family->trace_count, sizeof *worlds->traces);
  worlds->built = calloc(family->trace_count, sizeof *worlds->built);
  worlds->rules = calloc(rule_count + 1, sizeof *worlds->rules);
  bool has_room = worlds->spans && worlds->traces && worlds->built && worlds->rules;
  if (!has_room || !list_varying(worlds)) return bt_worlds_free(worlds), NULL;
  return worlds;
}

void bt_worlds_free(bt_worlds *worlds) {
  if (!worlds) return;
  bt_arena_dispose(&worlds->parts);
  bt_arena_dispose(&worlds->choice);
  bt_arena_dispose(&worlds->arena);
  free(worlds->spans);
  free(worlds->traces);
  free(worlds->built);
  free(worlds->rules);
  free(worlds);
}

/* ---- the worlds of some rules ---- */

/* Those that differ from each before them in some bit that is read. */
static bool keep_records(bt_worlds *worlds, varying *v, uint64_t read) {
  v->kept = bt_arena_array(&worlds->choice, v->record_count, sizeof(const bt_span *));
  for (uint32_t k = 0; v->kept && k < v->record_count; k++) {
    bool is_there = false;
    for (uint32_t i = 0; i < k; i++) is_there = is_there || !(differences_of(v, i, k) & read);
    if (!is_there) v->kept[v->kept_count++] = v->records[k];
  }
  return v->kept != NULL;
}

static bool is_split_for(const varying *v, const bt_read_keys *read) {
  for (const bt_span *record = v->unsplit; record; record = record->other)
    if (bt_record_doubles(record, read)) return true;
  return false;
}

/* One record for each value of the keys that are read; none where they are too many. */
static bool split_records(bt_worlds *worlds, varying *v, const bt_read_keys *read) {
  bt_records *records = bt_arena_alloc(&worlds->choice, sizeof *records);
  v->kept = bt_arena_array(&worlds->choice, BT_RECORDS_MAX, sizeof(const bt_span *));
  if (!records || !v->kept) return false;
  records->most = BT_RECORDS_MAX;
  for (const bt_span *record = v->unsplit; record && !records->are_more; record = record->other)
    if (!bt_records_add(records, record, read, &worlds->choice)) return false;
  for (uint32_t i = 0; i < records->count; i++) v->kept[i] = &records->items[i];
  v->kept_count = records->are_more ? 0 : records->count;
  return true;
}

/* *product: of how many worlds, 0: too many. *splits: some records were split for these rules. False: no room. */
static bool choose_records(bt_worlds *worlds, const bt_reading *reading, uint64_t *product, bool *splits) {
  uint64_t read = bt_reading_bits(reading, &worlds->keys);
  *product = worlds->has_more ? 0 : 1;
  *splits = false;
  for (size_t i = 0; i < worlds->span_count && *product; i++) {
    varying *v = &worlds->spans[i];
    v->kept_count = v->digit = 0;
    bool is_split = is_split_for(v, &reading->keys);
    if (!(is_split ? split_records(worlds, v, &reading->keys) : keep_records(worlds, v, read))) return false;
    *splits = *splits || is_split;
    *product *= v->kept_count;
    if (*product > MOST_WORLDS) *product = 0;
  }
  return true;
}

bool bt_worlds_choose(bt_worlds *worlds, size_t first, size_t count, bt_status *status) {
  uint64_t product;
  bool splits;
  bt_reading reading;
  bt_arena_reset(&worlds->choice);
  worlds->first_rule = first;
  worlds->chosen_count = count;
  worlds->left = 0;
  *status = BT_NO_MEMORY;
  if (!bt_find_reading(&worlds->programs[first], count, &worlds->choice, &reading)) return false;
  if (!choose_records(worlds, &reading, &product, &splits)) return false;
  *status = BT_OK;
  if (product) worlds->left = splits ? product : product - 1;
  for (size_t i = first; i < first + count; i++) worlds->rules[i].has_too_many = !product;
  return product != 0;
}

/* The next number. The family that was given is 0, or beside all of them: then 0 comes last. */
static void step_records(bt_worlds *worlds) {
  for (size_t i = 0; i < worlds->span_count; i++) {
    varying *v = &worlds->spans[i];
    if (++v->digit < v->kept_count) return;
    v->digit = 0;
  }
}

/* The trace with the records that are chosen. False: no room. */
static bool build_trace(bt_worlds *worlds, uint32_t number, size_t *at) {
  const bt_trace *given = worlds->given->traces[number].trace;
  bt_trace_builder *builder = bt_trace_builder_new_for(&worlds->arena, &given->id, given->span_count);
  if (!builder) return false;
  for (uint32_t s = 0; s < given->span_count; s++) {
    bt_span span = given->spans[s];
    if (has_several_records(&span)) {
      const varying *v = &worlds->spans[(*at)++];
      span = *v->kept[v->digit];
    }
    span.other = span.unsplit = NULL;
    if (!bt_trace_builder_add_apart(builder, &span)) return false;
  }
  worlds->built[number] = *bt_trace_builder_finish(builder);
  worlds->built[number].partial = given->partial;
  return true;
}

static bool build_world(bt_worlds *worlds) {
  size_t at = 0;
  bt_arena_reset(&worlds->arena);
  for (uint32_t t = 0; t < worlds->given->trace_count; t++) {
    worlds->traces[t] = worlds->given->traces[t];
    if (!worlds->given->traces[t].trace->differing_copies) continue;
    if (!build_trace(worlds, t, &at)) return false;
    worlds->traces[t].trace = &worlds->built[t];
  }
  worlds->family = (bt_family){.traces = worlds->traces, .trace_count = worlds->given->trace_count};
  return true;
}

bool bt_worlds_next(bt_worlds *worlds, const bt_family **out, bt_status *status) {
  *status = BT_OK;
  *out = &worlds->family;
  if (!worlds->left) return false;
  worlds->left--;
  step_records(worlds);
  if (build_world(worlds)) return true;
  *status = BT_NO_MEMORY;
  return false;
}

/* ---- what rules say in them ---- */

static void take_verdict(said *rule, const bt_rule_verdict *verdict) {
  bool is_first = verdict->reason && (!rule->reason || verdict->reason < rule->reason);
  rule->verdicts |= 1u << verdict->verdict;
  rule->exercised |= 1u << verdict->exercised;
  if (is_first) rule->reason = verdict->reason;
  rule->rests_on_no_link = rule->rests_on_no_link || verdict->rests_on_no_link;
  rule->lacks_links = rule->lacks_links || verdict->lacks_links;
  rule->hangs_on_ties = rule->hangs_on_ties || verdict->hangs_on_ties;
}

void bt_worlds_take(bt_worlds *worlds, const bt_rule_verdict *verdicts) {
  for (size_t i = worlds->first_rule; i < worlds->first_rule + worlds->chosen_count; i++)
    take_verdict(&worlds->rules[i], &verdicts[i]);
}

/* What is so in all worlds. */
static bt_truth exercised_in_all(uint32_t exercised) {
  if (exercised == 1u << BT_TRUE) return BT_TRUE;
  return exercised == 1u << BT_FALSE ? BT_FALSE : BT_UNKNOWN;
}

/* In one world it is so, and in another it is not. */
static void leave_open(const said *rule, bt_rule_verdict *verdict) {
  bool differ = rule->verdicts != 1u << BT_INCONCLUSIVE;
  bt_reason reason = rule->reason;
  if (differ && (!reason || reason > BT_REASON_COPIES)) reason = BT_REASON_COPIES;
  *verdict = (bt_rule_verdict){.verdict = BT_INCONCLUSIVE,
                               .reason = reason,
                               .exercised = exercised_in_all(rule->exercised),
                               .spent = reason == BT_REASON_BUDGET ? verdict->spent : BT_SPENT_NOTHING,
                               .spent_in = reason == BT_REASON_BUDGET ? verdict->spent_in : (bt_range){0, 0},
                               .lacks_links = rule->lacks_links,
                               .family = verdict->family};
}

/* Nothing was looked at. */
static void leave_unseen(bool is_exercised_by_all, bt_rule_verdict *verdict) {
  *verdict = (bt_rule_verdict){.verdict = BT_INCONCLUSIVE,
                               .reason = BT_REASON_COPIES,
                               .exercised = is_exercised_by_all ? BT_TRUE : BT_UNKNOWN,
                               .family = verdict->family};
}

void bt_worlds_conclude(bt_worlds *worlds, bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < worlds->rule_count; i++) {
    said *rule = &worlds->rules[i];
    take_verdict(rule, &verdicts[i]);
    bool is_one = (rule->verdicts & (rule->verdicts - 1)) == 0 && !(rule->verdicts & 1u << BT_INCONCLUSIVE);
    verdicts[i].exercised = exercised_in_all(rule->exercised);
    verdicts[i].rests_on_no_link = rule->rests_on_no_link;
    verdicts[i].lacks_links = rule->lacks_links;
    verdicts[i].hangs_on_ties = rule->hangs_on_ties;
    if (rule->has_too_many)
      leave_unseen(worlds->programs[i].is_exercised_by_all, &verdicts[i]);
    else if (!is_one)
      leave_open(rule, &verdicts[i]);
  }
}
