/* Testing what was counted. See contrast_parts.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/query/contrast_parts.h"

typedef struct marks {
  bt_contrast_finding *items;
  size_t count, capacity;
  double least_of[2 * BT_SAMPLE_SIDE_MAX + 1]; /* by traces with the mark; −1: not asked yet */
  bt_two_samples samples;
} marks;

const char *bt_contrast_conclusion_name(bt_contrast_conclusion conclusion) {
  static const char *const names[] = {"separates", "nothing_separates", "too_few_traces"};
  return names[conclusion];
}

const char *bt_contrast_exclusion_name(bt_contrast_exclusion reason) {
  static const char *const names[] = {"compared", "ids", "long_values"};
  return names[reason];
}

const char *bt_contrast_others_name(bt_contrast_others others) {
  return others == BT_OTHERS_SATISFYING ? "satisfying" : "same_entry";
}

/* ---- which marks there are ---- */

static bt_status exclude_mark(bt_contrast_result *result, bt_mark_kind kind, bt_str name, bt_contrast_exclusion reason,
                              bt_error *error) {
  if (!result->excluded) result->excluded = calloc(BT_CONTRAST_EXCLUDED_NAMED, sizeof *result->excluded);
  if (!result->excluded) return bt_error_no_memory(error);
  if (result->excluded_count < BT_CONTRAST_EXCLUDED_NAMED)
    result->excluded[result->excluded_count++] = (bt_contrast_excluded){kind, name, reason};
  result->excluded_total++;
  return BT_OK;
}

static bt_status add_mark(marks *m, const bt_contrast_finding *mark, bt_error *error) {
  bt_contrast_finding *items = bt_grow_array(m->items, m->count, &m->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  m->items = items;
  items[m->count++] = *mark;
  return BT_OK;
}

static bt_status add_values(marks *m, bt_contrast_result *result, bt_contrast_rule *rule, const bt_tally_key *key,
                            bt_error *error) {
  bool is_name = key->kind == BT_MARK_SPAN_NAME || key->kind == BT_MARK_SERVICE;
  bt_status status = BT_OK;
  for (size_t i = 0; i < key->value_count && !status; i++) {
    const bt_tally_value *value = &key->values[i];
    if (is_name && bt_contrast_rule_compares(rule, key->kind, value->text)) {
      status = exclude_mark(result, key->kind, value->text, BT_EXCLUDED_COMPARED, error);
      continue;
    }
    bt_contrast_finding mark = {.kind = key->kind,
                                .key = key->key,
                                .has_value = true,
                                .value = value->text,
                                .type = value->type,
                                .counts = {value->counts[0], value->counts[1]}};
    memcpy(mark.examples, value->examples, sizeof mark.examples);
    status = add_mark(m, &mark, error);
  }
  return status;
}

/* Numbers that differ from trace to trace: how large they are. *is_used: they are compared so. */
static bt_status add_bounds(marks *m, bt_tally *tally, bt_tally_key *key, bool *is_used, bt_error *error) {
  double bounds[BT_TALLY_BOUNDS];
  size_t count = bt_tally_bounds(key, bounds);
  bt_status status = BT_OK;
  *is_used = count > 0;
  for (size_t i = 0; i < count && !status; i++) {
    bt_contrast_finding mark = {.kind = key->kind,
                                .key = key->key,
                                .has_value = true,
                                .is_above = true,
                                .value = bt_tally_number_text(tally, bounds[i]),
                                .type = BT_VALUE_DOUBLE};
    for (size_t n = 0; n < key->number_count; n++) {
      const bt_tally_number *one = &key->numbers[n];
      if (one->number <= bounds[i]) continue;
      if (one->side == BT_VIOLATING) bt_tally_note_example(tally, mark.examples, one->trace);
      mark.counts[one->side]++;
    }
    status = mark.value.len ? add_mark(m, &mark, error) : bt_error_no_memory(error);
  }
  return status;
}

/* That a key is there is a mark of its own, unless it has one value only. */
static bt_status add_key(marks *m, bt_contrast_result *result, bt_contrast_rule *rule, bt_tally_key *key,
                         bt_error *error) {
  bool is_name = key->kind == BT_MARK_SPAN_NAME || key->kind == BT_MARK_SERVICE, is_id = bt_tally_key_is_id(key);
  if (is_name && !key->has_many) return add_values(m, result, rule, key, error);
  if (!is_name && bt_contrast_rule_compares(rule, key->kind, key->key))
    return exclude_mark(result, key->kind, key->key, BT_EXCLUDED_COMPARED, error);
  bool has_bounds = false;
  bt_status status = add_bounds(m, &result->tally, key, &has_bounds, error);
  if (!status && is_id && !has_bounds) status = exclude_mark(result, key->kind, key->key, BT_EXCLUDED_IDS, error);
  if (!status && key->has_too_long && !is_id)
    status = exclude_mark(result, key->kind, key->key, BT_EXCLUDED_LONG, error);
  if (is_name || status) return status;
  bt_contrast_finding mark = {.kind = key->kind, .key = key->key, .counts = {key->counts[0], key->counts[1]}};
  memcpy(mark.examples, key->examples, sizeof mark.examples);
  if (key->value_count != 1 || key->has_too_long || is_id) status = add_mark(m, &mark, error);
  return status || is_id ? status : add_values(m, result, rule, key, error);
}

/* ---- tests ---- */

static double least_of(marks *m, const bt_contrast_finding *mark) {
  uint32_t total = mark->counts[0] + mark->counts[1];
  if (m->least_of[total] < 0) m->least_of[total] = bt_fisher_least(&m->samples, total);
  return m->least_of[total];
}

static int compare_numbers(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bt_status find_divisor(marks *m, bt_contrast_result *result, bt_error *error) {
  double *least = bt_realloc_array(NULL, m->count + 1, sizeof *least);
  if (!least) return bt_error_no_memory(error);
  for (size_t i = 0; i < m->count; i++) least[i] = least_of(m, &m->items[i]);
  qsort(least, m->count, sizeof *least, compare_numbers);
  result->looked_at = m->count;
  result->divisor = bt_tarone_divisor(least, m->count, BT_CONTRAST_LEVEL);
  double reachable = result->divisor ? BT_CONTRAST_LEVEL / (double)result->divisor : 0;
  while (result->able < m->count && least[result->able] <= reachable) result->able++;
  free(least);
  return BT_OK;
}

/* Marks that are equally sure differ by rounding only. */
static double rank_of(const bt_contrast_finding *finding) {
  return finding->probability > 0 ? round(log(finding->probability) * 1e8) : -INFINITY;
}

static int compare_findings(const void *a, const void *b) {
  const bt_contrast_finding *x = a, *y = b;
  double x_rank = rank_of(x), y_rank = rank_of(y);
  if (x_rank < y_rank || x_rank > y_rank) return x_rank < y_rank ? -1 : 1;
  bool x_is_more = x->odds.value > 1, y_is_more = y->odds.value > 1; /* more often among violating traces */
  if (x_is_more != y_is_more) return x_is_more ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  int order = bt_str_compare(x->key, y->key);
  if (order) return order;
  if (x->has_value != y->has_value) return x->has_value ? -1 : 1;
  if (x->is_above != y->is_above) return x->is_above ? 1 : -1;
  order = bt_str_compare(x->value, y->value);
  return order ? order : (x->type > y->type) - (x->type < y->type);
}

static uint32_t at_most(const bt_contrast_side *side, uint32_t count) {
  return side->sampled - count < side->lost ? side->sampled : count + side->lost;
}

/* What a trace lacks that lost attributes or spans is not known: the mark has to separate if all of these had it on the
 * side where it is rarer. */
static bool is_sure(const bt_contrast_result *result, const marks *m, const bt_contrast_finding *mark) {
  const bt_contrast_side *sides = result->sides;
  uint64_t shares[2] = {(uint64_t)mark->counts[0] * sides[1].sampled, (uint64_t)mark->counts[1] * sides[0].sampled};
  int rarer = shares[0] > shares[1];
  uint32_t counts[2] = {mark->counts[0], mark->counts[1]};
  if (!sides[rarer].lost) return true;
  counts[rarer] = at_most(&sides[rarer], counts[rarer]);
  uint64_t share = (uint64_t)counts[rarer] * sides[!rarer].sampled;
  return share < shares[!rarer] &&
         bt_fisher_probability(&m->samples, counts[0], counts[1]) * (double)result->divisor <= BT_CONTRAST_LEVEL;
}

/* Moves what is sure to the front, and counts it. */
static void test_all(marks *m, bt_contrast_result *result) {
  for (size_t i = 0; i < m->count && result->divisor; i++) {
    bt_contrast_finding mark = m->items[i];
    if (least_of(m, &mark) > BT_CONTRAST_LEVEL / (double)result->divisor) continue;
    mark.probability = bt_fisher_probability(&m->samples, mark.counts[0], mark.counts[1]);
    mark.corrected = mark.probability * (double)result->divisor;
    if (mark.corrected > BT_CONTRAST_LEVEL) continue;
    if (!is_sure(result, m, &mark)) {
      result->unsure++;
      continue;
    }
    mark.odds = bt_odds_ratio_of(&m->samples, mark.counts[0], mark.counts[1]);
    m->items[result->findings_total++] = mark;
  }
  if (result->findings_total) qsort(m->items, result->findings_total, sizeof *m->items, compare_findings);
}

/* ---- in words ---- */

static const char *others_in_words(const bt_contrast_result *result) {
  return result->compared_with == BT_OTHERS_SATISFYING ? "satisfying traces"
                                                       : "other traces that begin with the same span";
}

/* One side has no trace. "Nothing to compare" is said only where that is so of the whole range. */
static void explain_empty(const bt_contrast_result *result, char *text, size_t room) {
  const bt_contrast_side *v = &result->sides[BT_VIOLATING], *s = &result->sides[BT_SATISFYING];
  const char *missing = !v->sampled && !s->sampled                      ? "violating and no satisfying trace"
                        : !v->sampled                                   ? "violating trace"
                        : result->compared_with == BT_OTHERS_SATISFYING ? "satisfying trace"
                                                                        : "other trace that begins with the same "
                                                                          "span";
  if (result->too_many)
    snprintf(text, room,
             "no satisfying trace was found, and the range has more than %zu traces, too many to choose at random from "
             "them; ask for a shorter range",
             result->too_many);
  else if (v->sampled && result->begun_otherwise)
    snprintf(text, room,
             "none of the %" PRIu32 " other traces that were read begins with the same span as a violating one; "
             "ask for a shorter range, or for a larger sample",
             result->begun_otherwise);
  else if (result->outcome == BT_REPLAY_COMPLETED && s->total_is_exact && (v->sampled || v->total_is_exact))
    snprintf(text, room, "no %s was read, so there is nothing to compare", missing);
  else
    snprintf(text, room,
             "no %s was read, and not all traces of the range are known: there may be some to compare; ask for a "
             "shorter range",
             missing);
}

/* Which comparison it was, where it is not with what satisfies the rule; and what cannot be told. */
static void explain_others(const bt_contrast_result *result, bt_buffer *said) {
  if (result->findings_total && result->compared_with == BT_OTHERS_SAME_ENTRY)
    bt_buffer_append(said, BT_STR("; compared with other traces that begin with the same span and do not violate the "
                                  "rule, so what it asks for may be among these"));
  if (result->unsure)
    bt_buffer_printf(said, "; %zu more may, which is not known, because some traces lost attributes or spans",
                     result->unsure);
}

static void explain_conclusion(const marks *m, bt_contrast_result *result) {
  const bt_contrast_side *v = &result->sides[BT_VIOLATING], *s = &result->sides[BT_SATISFYING];
  double needed = BT_CONTRAST_LEVEL / (double)(result->divisor ? result->divisor : 1);
  char *text = result->explanation;
  size_t room = sizeof result->explanation;
  if (result->findings_total) {
    result->conclusion = BT_CONTRAST_SEPARATES;
    snprintf(text, room,
             "%zu attributes and names go along with violating the rule or with not violating it; this does not show "
             "that one of them is a cause",
             result->findings_total);
  } else if (!v->sampled || !s->sampled) {
    result->conclusion = BT_CONTRAST_TOO_FEW_TRACES;
    explain_empty(result, text, room);
  } else if (bt_fisher_perfect(&m->samples) > needed) {
    result->conclusion = BT_CONTRAST_TOO_FEW_TRACES;
    snprintf(text, room,
             "%" PRIu32 " violating and %" PRIu32 " %s are too few: with %zu attributes and names to "
             "look at, even one that separates them without exception "
             "could be chance",
             v->sampled, s->sampled, others_in_words(result), result->looked_at);
  } else {
    result->conclusion = BT_CONTRAST_NOTHING;
    snprintf(text, room,
             "no attribute or name separates %" PRIu32 " violating from %" PRIu32
             " %s beyond chance; that does not show that none does",
             v->sampled, s->sampled, others_in_words(result));
  }
  bt_buffer said = {0};
  size_t length = strlen(text);
  explain_others(result, &said);
  if (said.len) snprintf(text + length, room - length, "%.*s", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

bt_status bt_contrast_conclude(bt_contrast_result *result, bt_contrast_rule *rule, size_t most_findings,
                               bt_error *error) {
  marks *m = calloc(1, sizeof *m);
  if (!m) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  bt_two_samples_init(&m->samples, result->sides[BT_VIOLATING].sampled, result->sides[BT_SATISFYING].sampled);
  for (size_t i = 0; i < sizeof m->least_of / sizeof *m->least_of; i++) m->least_of[i] = -1;
  for (size_t i = 0; i < result->tally.key_count && !status; i++)
    status = add_key(m, result, rule, &result->tally.keys[i], error);
  if (!status && rule->status) status = bt_error_no_memory(error);
  if (!status) status = find_divisor(m, result, error);
  if (!status) {
    test_all(m, result);
    explain_conclusion(m, result);
    result->left_out_keys = result->tally.left_out_keys;
    result->finding_count = result->findings_total < most_findings ? result->findings_total : most_findings;
    result->findings = m->items;
    m->items = NULL;
  }
  free(m->items);
  free(m);
  return status;
}
