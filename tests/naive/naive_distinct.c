/* count_distinct of the naive evaluator: every value against every one before it. See naive_world.h. It keeps copies of
 * texts, because ids are written to room that is used again. */
#include <stdlib.h>
#include <string.h>

#include "tests/naive/naive_world.h"

typedef struct distinct_values {
  naive_value *values;
  bool *certain;
  size_t count;
} distinct_values;

static bt_value copied(const bt_value *value) {
  bt_value copy = *value;
  if (value->type != BT_VALUE_STRING) return copy;
  char *text = malloc(value->string.len + 1);
  if (!text) abort();
  if (value->string.len) memcpy(text, value->string.ptr, value->string.len);
  copy.string.ptr = text;
  return copy;
}

/* One scalar, as a value that can be compared; missing and NaN equal nothing, and a text that may be read is the number
 * that it reads as. */
static void keep(distinct_values *d, const bt_value *value, bool may_be_read, bool is_certain) {
  naive_value known = naive_known(value);
  known.may_be_read = may_be_read;
  known = naive_read(known);
  if (known.kind == NAIVE_EXACT) known.exact = copied(&known.exact);
  if (known.kind == NAIVE_MISSING || known.kind == NAIVE_NAN) return;
  d->values = realloc(d->values, (d->count + 1) * sizeof *d->values);
  d->certain = realloc(d->certain, (d->count + 1) * sizeof *d->certain);
  if (!d->values || !d->certain) abort();
  d->values[d->count] = known;
  d->certain[d->count++] = is_certain;
}

static void keep_exact(distinct_values *d, const naive_value *known, bool is_certain) {
  const bt_value *value = &known->exact;
  if (value->type != BT_VALUE_ARRAY) {
    keep(d, value, known->may_be_read, is_certain);
    return;
  }
  for (uint32_t i = 0; i < value->array.count; i++) keep(d, &value->array.items[i], true, is_certain);
}

/* Those that equal none before them; of certain members only, or of all. */
static int64_t count_different(const distinct_values *d, bool certain_only) {
  int64_t count = 0;
  for (size_t i = 0; i < d->count; i++) {
    bool is_new = d->certain[i] || !certain_only;
    for (size_t j = 0; j < i && is_new; j++)
      if ((d->certain[j] || !certain_only) &&
          naive_compare(BT_EQUAL, &d->values[i], &d->values[j], NULL, false) == BT_TRUE)
        is_new = false;
    if (is_new) count++;
  }
  return count;
}

static void dispose(distinct_values *d) {
  for (size_t i = 0; i < d->count; i++)
    if (d->values[i].kind == NAIVE_EXACT && d->values[i].exact.type == BT_VALUE_STRING)
      free((char *)(uintptr_t)d->values[i].exact.string.ptr);
  free(d->values);
  free(d->certain);
}

static bool is_one_number(const naive_value *value) {
  return value->kind == NAIVE_RANGE && !value->may_be_missing && !value->low.is_open && !value->high.is_open &&
         naive_compare_numbers(&value->low.number, &value->high.number) == 0;
}

naive_value naive_distinct(const naive_world *world, const bt_expression *aggregate) {
  const bt_selection *selection = aggregate->selection;
  distinct_values d = {0};
  bool is_bounded = !naive_is_open(world, selection);
  for (uint32_t i = 0; i < naive_candidate_count(world, selection); i++) {
    uint32_t span = naive_candidate(world, selection, i);
    bt_truth member = naive_is_member(world, selection, span);
    if (member == BT_FALSE) continue;
    naive_value value = naive_expression(world, aggregate->left, (naive_subject){.span = span});
    if (value.may_be_cut && !world->takes_dropped) value = naive_any();
    if (value.kind == NAIVE_EXACT)
      keep_exact(&d, &value, member == BT_TRUE);
    else if (is_one_number(&value))
      keep(&d, &value.low.number, false, member == BT_TRUE);
    else if (value.kind == NAIVE_ANY || value.kind == NAIVE_RANGE)
      is_bounded = false;
  }
  naive_value low = naive_integer(count_different(&d, true)), high = naive_integer(count_different(&d, false));
  dispose(&d);
  return naive_range(low.low, is_bounded ? high.high : naive_bound_none());
}
