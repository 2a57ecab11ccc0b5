/* Filters on one span. See filter.h. */
#include "dsl/plan/filter.h"

#include <assert.h>
#include <string.h>

#include "dsl/base/table.h"

enum {
  MAX_PAIRWISE = 256,      /* items of one join that are compared with each other */
  MAX_IMPLIES_STEPS = 4096 /* steps of one comparison */
};

static const bt_filter every_span = {.kind = BT_FILTER_ALL};
static const bt_filter no_span = {.kind = BT_FILTER_NONE};
static const bt_filter any_link = {
    .kind = BT_FILTER_TEST,
    .test = {.field = BT_FILTER_LINK, .op = BT_FILTER_NOT_EQUAL, .literal = {.type = BT_VALUE_STRING}}};

const bt_filter *bt_filter_all(void) {
  return &every_span;
}

const bt_filter *bt_filter_none(void) {
  return &no_span;
}

const bt_filter *bt_filter_any_link(void) {
  return &any_link;
}

const bt_filter *bt_filter_test_new(bt_filter_builder *builder, bt_filter_test test) {
  bt_filter *filter = bt_arena_alloc(builder->arena, sizeof *filter);
  if (!filter) {
    builder->failed = true;
    return &no_span;
  }
  *filter = (bt_filter){.kind = BT_FILTER_TEST, .test = test};
  return filter;
}

bool bt_filter_has_test(const bt_filter *filter, bool (*is_such)(const bt_filter_test *test, const void *context),
                        const void *context) {
  if (filter->kind == BT_FILTER_TEST) return is_such(&filter->test, context);
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (bt_filter_has_test(filter->items[i], is_such, context)) return true;
  return false;
}

bool bt_filter_is_of_event(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return test->field == BT_FILTER_EVENT_NAME || test->field == BT_FILTER_EVENT;
}

bool bt_filter_is_of_attribute(const bt_filter_test *test) {
  bool is_service = test->field == BT_FILTER_RESOURCE && bt_str_equal(test->key, BT_STR("service.name"));
  if (is_service && test->op != BT_FILTER_PRESENT && test->literal.type == BT_VALUE_STRING) return false;
  return test->field == BT_FILTER_SPAN || test->field == BT_FILTER_RESOURCE;
}

static bool has_key(const bt_filter_test *test, const void *nothing) {
  return bt_filter_is_of_event(test, nothing) || bt_filter_is_of_attribute(test);
}

bool bt_filter_has_no_key(const bt_filter *filter) {
  return !bt_filter_has_test(filter, has_key, NULL);
}

/* Doubles by their bits: 0.0 and -0.0 are written differently. */
static bool literals_equal(const bt_value *a, const bt_value *b) {
  if (a->type != b->type) return false;
  switch (a->type) {
  case BT_VALUE_STRING: return bt_str_equal(a->string, b->string);
  case BT_VALUE_BOOL: return a->boolean == b->boolean;
  case BT_VALUE_INT: return a->integer == b->integer;
  case BT_VALUE_DOUBLE: return bt_double_is_same(a->decimal, b->decimal);
  case BT_VALUE_DURATION: return a->duration_ns == b->duration_ns;
  case BT_VALUE_MISSING: return true;
  case BT_VALUE_TIME:
  case BT_VALUE_OTHER:
  case BT_VALUE_ARRAY: break;
  }
  return false;
}

static bool same_field(const bt_filter_test *a, const bt_filter_test *b) {
  return a->field == b->field && bt_str_equal(a->key, b->key);
}

static bool tests_equal(const bt_filter_test *a, const bt_filter_test *b) {
  return same_field(a, b) && a->op == b->op && a->or_unknown == b->or_unknown && a->is_opposite == b->is_opposite &&
         literals_equal(&a->literal, &b->literal);
}

bool bt_filter_asks_the_same(const bt_filter *a, const bt_filter *b) {
  if (a == b) return true;
  if (a->kind != b->kind || a->item_count != b->item_count) return false;
  if (a->kind == BT_FILTER_TEST) return tests_equal(&a->test, &b->test);
  for (uint32_t i = 0; i < a->item_count; i++)
    if (!bt_filter_asks_the_same(a->items[i], b->items[i])) return false;
  return true;
}

static uint64_t hash_literal(const bt_value *literal) {
  uint64_t bits = 0;
  switch (literal->type) {
  case BT_VALUE_STRING: return bt_hash_text(literal->string);
  case BT_VALUE_BOOL: return literal->boolean;
  case BT_VALUE_INT: return (uint64_t)literal->integer;
  case BT_VALUE_DOUBLE: memcpy(&bits, &literal->decimal, sizeof bits); return bits;
  case BT_VALUE_DURATION: return (uint64_t)literal->duration_ns;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: break;
  }
  return 0;
}

static uint64_t hash_test(const bt_filter_test *test) {
  uint64_t what = (uint64_t)test->field << 24 | (uint64_t)test->op << 16 | (uint64_t)test->literal.type << 8 |
                  (uint64_t)test->is_opposite << 1 | (uint64_t)test->or_unknown;
  return bt_hash_pair(bt_hash_pair(what, bt_hash_text(test->key)), hash_literal(&test->literal));
}

uint64_t bt_filter_hash(const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) return hash_test(&filter->test);
  uint64_t hash = bt_hash_pair((uint64_t)filter->kind, filter->item_count);
  for (uint32_t i = 0; i < filter->item_count; i++) hash = bt_hash_pair(hash, bt_filter_hash(filter->items[i]));
  return hash;
}

static bool has_same_readings(const bt_filter *a, const bt_filter *b) {
  if (a->kind == BT_FILTER_TEST) return a->test.is_reading == b->test.is_reading;
  for (uint32_t i = 0; i < a->item_count; i++)
    if (!has_same_readings(a->items[i], b->items[i])) return false;
  return true;
}

bool bt_filter_equal(const bt_filter *a, const bt_filter *b) {
  return bt_filter_asks_the_same(a, b) && has_same_readings(a, b);
}

/* Whether the test is met by every string. */
static bool takes_any_string(const bt_filter_test *test) {
  return test->op == BT_FILTER_REGEX && bt_str_equal(test->literal.string, BT_STR(BT_FILTER_ANY_STRING));
}

/* What is asked for its own sake implies no reading: else it could be dropped beside one, and would no longer count as
 * surely meant. */
static bool test_implies(const bt_filter_test *a, const bt_filter_test *b) {
  if (!same_field(a, b) || (b->is_reading && !a->is_reading)) return false;
  if (a->is_opposite || b->is_opposite) return tests_equal(a, b);
  if (b->op == BT_FILTER_PRESENT) return true;
  bool is_same = a->op == b->op && a->or_unknown == b->or_unknown && literals_equal(&a->literal, &b->literal);
  return is_same || (takes_any_string(b) && a->literal.type == BT_VALUE_STRING);
}

static bool implies_filter(const bt_filter *a, const bt_filter *b, unsigned *steps);

static bool all_imply(const bt_filter *a, const bt_filter *b, unsigned *steps) {
  for (uint32_t i = 0; i < a->item_count; i++)
    if (!implies_filter(a->items[i], b, steps)) return false;
  return true;
}

static bool any_implies(const bt_filter *a, const bt_filter *b, unsigned *steps) {
  for (uint32_t i = 0; i < a->item_count; i++)
    if (implies_filter(a->items[i], b, steps)) return true;
  return false;
}

static bool implies_all(const bt_filter *a, const bt_filter *b, unsigned *steps) {
  for (uint32_t i = 0; i < b->item_count; i++)
    if (!implies_filter(a, b->items[i], steps)) return false;
  return true;
}

static bool implies_any(const bt_filter *a, const bt_filter *b, unsigned *steps) {
  for (uint32_t i = 0; i < b->item_count; i++)
    if (implies_filter(a, b->items[i], steps)) return true;
  return false;
}

static bool implies_filter(const bt_filter *a, const bt_filter *b, unsigned *steps) {
  if (++*steps > MAX_IMPLIES_STEPS) return false;
  if (a->kind == BT_FILTER_NONE || b->kind == BT_FILTER_ALL) return true;
  if (a->kind == BT_FILTER_ALL || b->kind == BT_FILTER_NONE) return false;
  if (b->kind == BT_FILTER_AND) return implies_all(a, b, steps);
  if (a->kind == BT_FILTER_OR) return all_imply(a, b, steps);
  if (b->kind == BT_FILTER_OR && implies_any(a, b, steps)) return true;
  if (a->kind == BT_FILTER_AND) return any_implies(a, b, steps);
  return b->kind == BT_FILTER_TEST && test_implies(&a->test, &b->test);
}

bool bt_filter_implies(const bt_filter *a, const bt_filter *b) {
  unsigned steps = 0;
  return implies_filter(a, b, &steps);
}

/* A test for one kind that all of it may imply: of alternatives the first has to. NULL: there is none. */
static const bt_filter *wanted_kind(const bt_filter *filter) {
  const bt_filter *found = NULL;
  if (filter->kind == BT_FILTER_TEST)
    return filter->test.field == BT_FILTER_KIND && filter->test.op == BT_FILTER_EQUAL ? filter : NULL;
  uint32_t looked_at = filter->kind == BT_FILTER_OR ? 1 : filter->item_count;
  for (uint32_t i = 0; !found && i < looked_at; i++) found = wanted_kind(filter->items[i]);
  return found;
}

bool bt_filter_has_one_kind(const bt_filter *filter) {
  const bt_filter *kind = wanted_kind(filter);
  return kind && bt_filter_implies(filter, kind);
}

/* Appends the item, or what it is made of when it is of the join's own kind. */
static uint32_t add_flat(const bt_filter **flat, uint32_t count, bt_filter_kind kind, const bt_filter *item) {
  if (item->kind != kind) {
    flat[count++] = item;
    return count;
  }
  for (uint32_t i = 0; i < item->item_count; i++) flat[count++] = item->items[i];
  return count;
}

/* Drops what the others make superfluous: in AND what they imply, in OR what implies one of them. */
static uint32_t drop_superfluous(bt_filter_kind kind, const bt_filter **items, uint32_t count) {
  if (count > MAX_PAIRWISE) return count;
  for (uint32_t i = count; i-- > 0 && count > 1;) {
    const bt_filter *item = items[i];
    for (uint32_t j = i + 1; j < count; j++) items[j - 1] = items[j];
    bt_filter others = {.kind = kind, .items = items, .item_count = count - 1};
    bool drop = kind == BT_FILTER_AND ? bt_filter_implies(&others, item) : bt_filter_implies(item, &others);
    if (drop) {
      count--;
    } else {
      for (uint32_t j = count - 1; j > i; j--) items[j] = items[j - 1];
      items[i] = item;
    }
  }
  return count;
}

#ifndef NDEBUG
/* What is joined asks the same as its parts: an AND implies each of them, and each of them implies an OR. Else a search
 * would miss what a dropped part finds, or take away what it does not. True where it would take too long to tell. */
static bool asks_as_parts(bt_filter_kind kind, const bt_filter *joined, const bt_filter *const *items, uint32_t count) {
  for (uint32_t i = 0; i < count && count <= MAX_PAIRWISE; i++) {
    unsigned steps = 0;
    bool is_and = kind == BT_FILTER_AND;
    bool is_implied = implies_filter(is_and ? joined : items[i], is_and ? items[i] : joined, &steps);
    if (!is_implied && steps <= MAX_IMPLIES_STEPS) return false;
  }
  return true;
}
#endif

static const bt_filter *join_flat(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter *const *items,
                                  uint32_t count, size_t flat_count) {
  const bt_filter **flat = bt_arena_array(builder->arena, flat_count, sizeof *flat);
  bt_filter *joined = bt_arena_alloc(builder->arena, sizeof *joined);
  if (!flat || !joined) {
    builder->failed = true;
    return &no_span;
  }
  bt_filter_kind neutral = kind == BT_FILTER_AND ? BT_FILTER_ALL : BT_FILTER_NONE;
  uint32_t used = 0;
  for (uint32_t i = 0; i < count; i++)
    if (items[i]->kind != neutral) used = add_flat(flat, used, kind, items[i]);
  used = drop_superfluous(kind, flat, used);
  if (used == 0) return kind == BT_FILTER_AND ? &every_span : &no_span;
  *joined = (bt_filter){.kind = kind, .items = flat, .item_count = used};
  assert(asks_as_parts(kind, joined, items, count));
  return used == 1 ? flat[0] : joined;
}

const bt_filter *bt_filter_join(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter *const *items,
                                uint32_t count) {
  bt_filter_kind absorbing = kind == BT_FILTER_AND ? BT_FILTER_NONE : BT_FILTER_ALL;
  size_t flat_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind == absorbing) return items[i];
    flat_count += items[i]->kind == kind ? items[i]->item_count : 1;
  }
  return join_flat(builder, kind, items, count, flat_count);
}

const bt_filter *bt_filter_join2(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter *a,
                                 const bt_filter *b) {
  return bt_filter_join(builder, kind, (const bt_filter *const[]){a, b}, 2);
}

/* ---- pairs and operators ---- */

bt_filter_pair bt_filter_pair_unknown(void) {
  return bt_filter_pair_of(bt_filter_all(), bt_filter_none());
}

bt_filter_pair bt_filter_pair_constant(bool holds) {
  const bt_filter *filter = holds ? bt_filter_all() : bt_filter_none();
  return bt_filter_pair_of(filter, filter);
}

bool bt_filter_asks_from(bt_filter_operator op) {
  return op == BT_FILTER_EQUAL || op == BT_FILTER_GREATER || op == BT_FILTER_GREATER_EQUAL;
}

bool bt_filter_asks_up_to(bt_filter_operator op) {
  return op == BT_FILTER_EQUAL || op == BT_FILTER_LESS || op == BT_FILTER_LESS_EQUAL;
}
