/* Attributes that tell some traces from others. See marks.h. */
#include "dsl/mine/marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double NEARLY_ALL = 0.95, COMMON = 0.9, CHANCE = 1e-6;
enum { LOOKED_AT = 5, MOST = 512 };

typedef struct counted {
  bt_mark mark;
  double others; /* their share that has it */
} counted;

static bool has_value(const bt_mine_trace *trace, const bt_mine_attribute *value) {
  for (uint32_t s = 0; s < trace->span_count; s++) {
    const bt_mine_attribute *found = bt_mine_find(&trace->spans[s], value->key);
    if (found && found->hash == value->hash) return true;
  }
  return false;
}

static size_t gather_values(const bt_mine_trace *trace, counted *values, size_t count) {
  for (uint32_t s = 0; s < trace->span_count; s++) {
    for (uint32_t i = 0; i < trace->spans[s].attribute_count && count < MOST; i++) {
      const bt_mine_attribute *value = &trace->spans[s].attributes[i];
      size_t at = 0;
      while (at < count && (values[at].mark.value.key != value->key || values[at].mark.value.hash != value->hash)) at++;
      if (at == count && value->type == BT_MINE_TEXT && value->text) values[count++].mark.value = *value;
    }
  }
  return count;
}

static int compare_others(const void *a, const void *b) {
  const counted *x = a, *y = b;
  if (x->others != y->others) return x->others < y->others ? -1 : 1;
  return (x->mark.value.key > y->mark.value.key) - (x->mark.value.key < y->mark.value.key);
}

static bool says_more(const counted *value, const bt_mark *marks, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (marks[i].value.text == value->mark.value.text || marks[i].value.key == value->mark.value.key) return false;
  return true;
}

uint32_t bt_marks_find(const bt_mine_trace *const *traces, size_t marked, size_t count, bt_mark *out) {
  counted values[MOST] = {0};
  size_t value_count = 0, kept = 0;
  uint32_t marks = 0;
  if (!marked || marked == count) return 0;
  for (size_t i = 0; i < LOOKED_AT; i++)
    value_count = gather_values(traces[i * marked / LOOKED_AT], values, value_count);
  for (size_t v = 0; v < value_count; v++) {
    size_t with = 0, others = 0;
    for (size_t i = 0; i < count; i++) *(i < marked ? &with : &others) += has_value(traces[i], &values[v].mark.value);
    double share = (double)with / (double)marked, rest = (double)others / (double)(count - marked);
    bool is_telling = share >= NEARLY_ALL && rest <= COMMON && pow(rest, (double)with) < CHANCE;
    if (is_telling) values[kept++] = (counted){{values[v].mark.value, share}, rest};
  }
  if (kept) qsort(values, kept, sizeof values[0], compare_others);
  for (size_t v = 0; v < kept && marks < BT_CHANGE_MARKS; v++)
    if (says_more(&values[v], out, marks)) out[marks++] = values[v].mark;
  return marks;
}

static bool is_only_value(const bt_mine_trace *trace, const bt_mine_attribute *value) {
  bool is_there = false;
  for (uint32_t s = 0; s < trace->span_count; s++) {
    const bt_mine_attribute *found = bt_mine_find(&trace->spans[s], value->key);
    if (found && found->hash != value->hash) return false;
    is_there = is_there || found;
  }
  return is_there;
}

static size_t keep_matching(bt_mine_group *group, const bt_mine_attribute *value, bool drops) {
  size_t kept = 0;
  for (size_t i = 0; i < group->count; i++) {
    bool has = has_value(group->traces[i], value);
    if (drops && !has)
      free(group->traces[i]);
    else if (drops)
      group->traces[kept] = group->traces[i];
    kept += has;
  }
  if (drops) group->count = kept;
  return kept;
}

uint32_t bt_marks_match(bt_mine_sample *sample, bt_mark *out) {
  enum { LEAST = 40 };
  counted values[MOST] = {0};
  bt_mine_group *before = &sample->groups[BT_MINE_BASELINE], *after = &sample->groups[BT_MINE_CANDIDATE];
  size_t value_count = after->count ? gather_values(after->traces[0], values, 0) : 0;
  uint32_t marks = 0;
  for (size_t v = 0; v < value_count && marks < BT_CHANGE_MARKS; v++) {
    const bt_mine_attribute *value = &values[v].mark.value;
    bool is_everywhere = !bt_str_contains(bt_mine_text(sample, value->key), BT_STR("version"));
    for (size_t i = 0; i < after->count && is_everywhere; i++) is_everywhere = is_only_value(after->traces[i], value);
    if (!is_everywhere) continue;
    size_t with = keep_matching(before, value, false);
    if (with < LEAST || (double)with > NEARLY_ALL * (double)before->count) continue;
    out[marks++] = (bt_mark){*value, (double)with / (double)before->count};
    keep_matching(before, value, true);
  }
  return marks;
}
