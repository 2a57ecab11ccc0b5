/* Which attributes and events a filter asks about, and whether Tempo answers it rightly where attributes are arrays and
 * spans have several events. See traceql_rules.h. */
#include "tempo/api/traceql_rules.h"

enum { EVENTS = 2, SCOPES = 3 }; /* the span, the resource, the events */

/* The tests of one attribute that stand together in an OR; a test that does not is alone. */
typedef struct unit {
  const bt_filter *const *items; /* those of the OR, others too; NULL: no test */
  uint32_t item_count;
  const bt_filter_test *first; /* of its tests */
} unit;

typedef struct asked {
  unit units[SCOPES];
} asked;

/* -1: of no attribute. A service name that is text has a column of its own in every Tempo; whether it is there is asked
 * in every type, of what has none too. */
static int scope_of(const bt_filter_test *test) {
  if (bt_filter_is_of_event(test, NULL)) return EVENTS;
  if (!bt_filter_is_of_attribute(test)) return -1;
  return test->field == BT_FILTER_SPAN ? 0 : 1;
}

static bool is_test_of(const bt_filter *filter, int scope) {
  return filter->kind == BT_FILTER_TEST && scope_of(&filter->test) == scope;
}

/* The place of the next test of the scope at or after `at`; item_count: none. */
static uint32_t next_test(const unit *of, int scope, uint32_t at) {
  while (at < of->item_count && !is_test_of(of->items[at], scope)) at++;
  return at;
}

/* The same tests in the same order; false says nothing. */
static bool is_same_unit(const unit *a, const unit *b, int scope) {
  uint32_t i = next_test(a, scope, 0), j = next_test(b, scope, 0);
  while (i < a->item_count && j < b->item_count) {
    if (!bt_filter_equal(a->items[i], b->items[j])) return false;
    i = next_test(a, scope, i + 1);
    j = next_test(b, scope, j + 1);
  }
  return i == a->item_count && j == b->item_count;
}

/* False: a scope would have two units. */
static bool add_units(asked *to, const asked *others) {
  for (int scope = 0; scope < SCOPES; scope++) {
    unit *own = &to->units[scope];
    const unit *other = &others->units[scope];
    if (!other->items) continue;
    if (!own->items)
      *own = *other;
    else if (scope == EVENTS || !is_same_unit(own, other, scope)) /* one test of events, not the same twice either */
      return false;
  }
  return true;
}

/* Those of the items that are tests, as one unit of each scope. False: of several attributes of one scope. */
static bool add_tests(asked *to, const bt_filter *const *items, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    int scope = items[i]->kind == BT_FILTER_TEST ? scope_of(&items[i]->test) : -1;
    if (scope < 0) continue;
    unit *of = &to->units[scope];
    if (of->first && scope == EVENTS) return false; /* one test of events */
    if (!of->first) *of = (unit){items, count, &items[i]->test};
    if (!bt_str_equal(of->first->key, items[i]->test.key)) return false;
  }
  return true;
}

/* Adds what the filter asks. False: it asks a scope for more than one unit. */
static bool find_asked(const bt_filter *const *filter, asked *out) {
  const bt_filter *of = *filter;
  asked found = {0};
  if (of->kind == BT_FILTER_TEST) return add_tests(&found, filter, 1) && add_units(out, &found);
  bool is_or = of->kind == BT_FILTER_OR;
  if (is_or && !(add_tests(&found, of->items, of->item_count) && add_units(out, &found))) return false;
  for (uint32_t i = 0; i < of->item_count; i++) {
    bool is_seen = is_or && of->items[i]->kind == BT_FILTER_TEST;
    if (!is_seen && !find_asked(&of->items[i], out)) return false;
  }
  return true;
}

static bool is_of_event_attribute(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return test->field == BT_FILTER_EVENT;
}

bool bt_traceql_has_event_attribute(const bt_filter *filter) {
  return bt_filter_has_test(filter, is_of_event_attribute, NULL);
}

bool bt_traceql_suits(const bt_filter *filter) {
  asked found = {0};
  if (filter->kind != BT_FILTER_TEST && bt_traceql_has_event_attribute(filter)) return false;
  return find_asked(&filter, &found);
}

/* ---- names ---- */

bt_str bt_traceql_field_name(bt_filter_field field) {
  switch (field) {
  case BT_FILTER_NAME: return BT_STR("name");
  case BT_FILTER_KIND: return BT_STR("kind");
  case BT_FILTER_STATUS: return BT_STR("status");
  case BT_FILTER_STATUS_MESSAGE: return BT_STR("statusMessage");
  case BT_FILTER_DURATION: return BT_STR("duration");
  case BT_FILTER_EVENT_NAME: return BT_STR("event:name");
  case BT_FILTER_LINK: return BT_STR("link:traceID");
  case BT_FILTER_SPAN:
  case BT_FILTER_RESOURCE:
  case BT_FILTER_EVENT:
  case BT_FILTER_SERVICE: /* a sampler's, as those that follow */
  case BT_FILTER_SCOPE_NAME:
  case BT_FILTER_SCOPE_VERSION:
  case BT_FILTER_SCOPE: break;
  }
  return (bt_str){0};
}

static bool is_of_attribute(const bt_filter_test *test, const void *key) {
  return bt_str_equal(test->key, *(const bt_str *)key);
}

static bool is_of_field(const bt_filter_test *test, const void *field) {
  return test->field == *(const bt_filter_field *)field;
}

bool bt_traceql_confuses_names(const bt_filter *filter) {
  for (bt_filter_field field = BT_FILTER_NAME; field <= BT_FILTER_DURATION; field++) {
    bt_str name = bt_traceql_field_name(field);
    if (bt_filter_has_test(filter, is_of_field, &field) && bt_filter_has_test(filter, is_of_attribute, &name))
      return true;
  }
  return false;
}

/* ---- groups ---- */

/* Of a group that is being made: units of what stands in ANDs, and a test of each scope of what stands in the OR
 * itself. The two do not mix. */
typedef struct group_asked {
  asked units;
  const bt_filter_test *plain[SCOPES];
} group_asked;

static bool add_plain(group_asked *to, const bt_filter_test *test) {
  int scope = scope_of(test);
  if (scope < 0) return true;
  if (to->units.units[scope].items) return false;
  if (to->plain[scope]) return scope != EVENTS && bt_str_equal(to->plain[scope]->key, test->key);
  to->plain[scope] = test;
  return true;
}

static bool add_item(group_asked *to, bt_filter_kind kind, const bt_filter *const *item) {
  if (kind == BT_FILTER_OR && (*item)->kind == BT_FILTER_TEST) return add_plain(to, &(*item)->test);
  if (!find_asked(item, &to->units)) return false;
  for (int scope = 0; scope < SCOPES; scope++)
    if (to->plain[scope] && to->units.units[scope].items) return false;
  return true;
}

/* The items from `first` on that fit together with it, as one filter; they become NULL. One that does not suit Tempo
 * itself, or asks for an attribute of events, is alone. */
static const bt_filter *take_group(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter **items,
                                   uint32_t count, uint32_t first) {
  const bt_filter **group = bt_arena_array(builder->arena, count, sizeof *group);
  group_asked so_far = {0};
  uint32_t used = 0;
  if (!group) {
    builder->failed = true;
    return bt_filter_none();
  }
  for (uint32_t i = first; i < count; i++) {
    group_asked with = so_far;
    if (!items[i]) continue;
    group[used] = items[i];
    bool fits = !bt_traceql_has_event_attribute(items[i]) && add_item(&with, kind, &group[used]);
    if (i != first && !fits) continue;
    used++;
    items[i] = NULL;
    if (!fits) break;
    so_far = with;
  }
  return bt_filter_join(builder, kind, group, used);
}

uint32_t bt_traceql_group_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter **groups) {
  const bt_filter **left = bt_arena_array(builder->arena, filter->item_count, sizeof *left);
  uint32_t count = 0;
  if (!left) builder->failed = true;
  for (uint32_t i = 0; left && i < filter->item_count; i++) {
    bool stands_apart = filter->kind == BT_FILTER_AND && bt_filter_has_no_key(filter->items[i]);
    left[i] = stands_apart ? NULL : filter->items[i];
  }
  for (uint32_t i = 0; left && i < filter->item_count; i++)
    if (left[i]) groups[count++] = take_group(builder, filter->kind, left, filter->item_count, i);
  return count;
}
