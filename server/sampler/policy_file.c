/* Lists of policies in a file of the Collector. See policy.h. They are in any processor, in any depth. */
#include <string.h>

#include "server/rulefile/yaml_document.h"
#include "server/sampler/policy.h"

enum { ARENA_CAP_BYTES = 256 * 1024 * 1024 };

static const bt_yaml_node *value_of(const bt_yaml_node *map, const char *key) {
  if (map->kind != BT_YAML_MAP) return NULL;
  for (const bt_yaml_node *at = map->first; at && at->next; at = at->next->next)
    if (at->kind == BT_YAML_SCALAR && bt_str_equal(at->text, bt_str_from(key))) return at->next;
  return NULL;
}

static bt_str text_of(const bt_yaml_node *map, const char *key) {
  const bt_yaml_node *value = value_of(map, key);
  return value && value->kind == BT_YAML_SCALAR ? value->text : (bt_str){0};
}

/* ---- the lists ---- */

static void add_list(bt_policy_file *file, const bt_yaml_node *list) {
  bt_str dropper = {0};
  bool has_ours = false;
  for (const bt_yaml_node *item = list->first; item; item = item->next) {
    bt_policy policy = {text_of(item, "name"), item};
    if (file->items) file->items[file->count] = policy;
    file->count++;
    has_ours = has_ours || bt_str_starts_with(policy.name, BT_STR("betrace/"));
    if (bt_str_equal(text_of(item, "type"), BT_STR("drop"))) dropper = policy.name;
  }
  if (has_ours && dropper.ptr && !file->dropper.ptr) file->dropper = dropper;
}

/* Depth is capped by who made the tree. */
static void add_lists(bt_policy_file *file, const bt_yaml_node *node) {
  const bt_yaml_node *list = value_of(node, "policies");
  if (list && list->kind == BT_YAML_LIST) add_list(file, list);
  if (node->kind == BT_YAML_SCALAR) return;
  for (const bt_yaml_node *child = node->first; child; child = child->next)
    if (child != list) add_lists(file, child);
}

bt_status bt_policy_file_read(bt_policy_file *file, bt_str text, const char *name, bt_error *error) {
  bt_arena_init(&file->arena, ARENA_CAP_BYTES);
  bt_yaml_document document;
  bt_status status = bt_yaml_document_parse(&document, text, name, &file->arena, error);
  if (status) return status;
  if (!document.root) return BT_OK;
  add_lists(file, document.root);
  file->items = bt_arena_array(&file->arena, file->count, sizeof *file->items);
  if (!file->items) return bt_error_no_memory(error);
  file->count = 0;
  add_lists(file, document.root);
  return BT_OK;
}

void bt_policy_file_dispose(bt_policy_file *file) {
  bt_arena_dispose(&file->arena);
}

/* ---- whether two are one ---- */

static bool is_same(const bt_yaml_node *a, const bt_yaml_node *b);

static size_t count_pairs(const bt_yaml_node *map) {
  size_t count = 0;
  for (const bt_yaml_node *at = map->first; at && at->next; at = at->next->next)
    count += !bt_str_equal(at->text, BT_STR("name"));
  return count;
}

static bool has_pairs_of(const bt_yaml_node *map, const bt_yaml_node *other) {
  for (const bt_yaml_node *at = other->first; at && at->next; at = at->next->next) {
    if (bt_str_equal(at->text, BT_STR("name"))) continue;
    const bt_yaml_node *mine = at->text.ptr ? value_of(map, at->text.ptr) : NULL;
    if (!mine || !is_same(mine, at->next)) return false;
  }
  return true;
}

static bool is_same(const bt_yaml_node *a, const bt_yaml_node *b) {
  if (a->kind != b->kind) return false;
  if (a->kind == BT_YAML_SCALAR) return bt_str_equal(a->text, b->text);
  if (a->kind == BT_YAML_MAP) return count_pairs(a) == count_pairs(b) && has_pairs_of(a, b);
  const bt_yaml_node *first = a->first, *second = b->first;
  while (first && second && is_same(first, second)) {
    first = first->next;
    second = second->next;
  }
  return !first && !second;
}

bool bt_policy_same(const bt_policy *a, const bt_policy *b) {
  return is_same(a->node, b->node);
}

/* ---- what one keeps ---- */

typedef enum test_kind { TEST_ALL, TEST_SPANS, TEST_AND, TEST_NOT } test_kind;

struct bt_policy_test {
  test_kind kind;
  const bt_ottl **of_spans, **of_events; /* of SPANS */
  size_t span_count, event_count;
  const bt_policy_test **parts; /* of AND and NOT */
  size_t part_count;
};

static bt_status read_conditions(bt_ottl_set *set, const bt_yaml_node *list, const bt_ottl ***out, size_t *count,
                                 bt_error *error) {
  if (!list) return BT_OK;
  const bt_ottl **read = bt_arena_array(set->arena, list->count, sizeof *read);
  if (!read) return bt_error_no_memory(error);
  for (const bt_yaml_node *item = list->first; item; item = item->next) {
    bt_status status = bt_ottl_read(set, item->text, &read[(*count)++], error);
    if (status) return status;
  }
  *out = read;
  return BT_OK;
}

static bt_status make_test(bt_ottl_set *set, const bt_yaml_node *node, const bt_policy_test **out, bt_error *error);

static bt_status make_spans(bt_ottl_set *set, const bt_yaml_node *node, bt_policy_test *test, bt_error *error) {
  const bt_yaml_node *asked = value_of(node, "ottl_condition");
  if (!asked) return bt_error_set(error, BT_INVALID, "expected ottl_condition in a policy of that type");
  test->kind = TEST_SPANS;
  bt_status status = read_conditions(set, value_of(asked, "span"), &test->of_spans, &test->span_count, error);
  if (status) return status;
  return read_conditions(set, value_of(asked, "spanevent"), &test->of_events, &test->event_count, error);
}

static bt_status make_parts(bt_ottl_set *set, const bt_yaml_node *first, size_t count, bt_policy_test *test,
                            bt_error *error) {
  test->parts = bt_arena_array(set->arena, count, sizeof *test->parts);
  if (!test->parts) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (const bt_yaml_node *part = first; part && test->part_count < count && !status; part = part->next)
    status = make_test(set, part, &test->parts[test->part_count++], error);
  return status;
}

static const bt_yaml_node *inner_of(const bt_yaml_node *node, const char *outer, const char *inner) {
  const bt_yaml_node *of = value_of(node, outer);
  return of ? value_of(of, inner) : NULL;
}

static bt_status make_test(bt_ottl_set *set, const bt_yaml_node *node, const bt_policy_test **out, bt_error *error) {
  bt_policy_test *test = bt_arena_alloc(set->arena, sizeof *test);
  if (!test) return bt_error_no_memory(error);
  *out = test;
  bt_str type = text_of(node, "type");
  const bt_yaml_node *all = inner_of(node, "and", "and_sub_policy"),
                     *not_this = inner_of(node, "not", "not_sub_policy");
  if (bt_str_equal(type, BT_STR("always_sample"))) return test->kind = TEST_ALL, BT_OK;
  if (bt_str_equal(type, BT_STR("ottl_condition"))) return make_spans(set, node, test, error);
  if (bt_str_equal(type, BT_STR("and")) && all && all->kind == BT_YAML_LIST)
    return test->kind = TEST_AND, make_parts(set, all->first, all->count, test, error);
  if (bt_str_equal(type, BT_STR("not")) && not_this)
    return test->kind = TEST_NOT, make_parts(set, not_this, 1, test, error);
  return bt_error_set(error, BT_INVALID, "expected a policy that betrace writes, got the type \"%.40s\"",
                      type.ptr ? type.ptr : "");
}

bt_status bt_policy_test_make(bt_ottl_set *set, const bt_policy *policy, const bt_policy_test **out, bt_error *error) {
  return make_test(set, policy->node, out, error);
}

static bt_truth larger_truth(bt_truth a, bt_truth b) {
  return a > b ? a : b;
}

static bt_truth record_holds(const bt_policy_test *test, const bt_span *record) {
  bt_truth best = BT_FALSE;
  for (size_t i = 0; i < test->span_count && best != BT_TRUE; i++)
    best = larger_truth(best, bt_ottl_holds(test->of_spans[i], record, NULL));
  for (size_t i = 0; i < test->event_count; i++)
    for (uint32_t e = 0; e < record->event_count && best != BT_TRUE; e++)
      best = larger_truth(best, bt_ottl_holds(test->of_events[i], record, &record->events[e]));
  return best;
}

/* The Collector sees each record as a span of its own. Where keys stand twice in one, there are several here (trace.h),
 * and the Collector goes by one of them: what holds of some is then unknown. */
static bt_truth span_holds(const bt_policy_test *test, const bt_span *span) {
  bt_truth best = BT_FALSE, least = BT_TRUE;
  const bt_span *first = span->unsplit ? span->unsplit : span;
  for (const bt_span *record = first; record; record = record->other) {
    bt_truth holds = record_holds(test, record);
    best = larger_truth(best, holds);
    least = holds < least ? holds : least;
  }
  return span->unsplit || best == least ? best : BT_UNKNOWN;
}

static bt_truth some_holds(const bt_policy_test *test, const bt_trace *trace) {
  bt_truth best = BT_FALSE;
  for (uint32_t i = 0; i < trace->span_count && best != BT_TRUE; i++)
    best = larger_truth(best, span_holds(test, &trace->spans[i]));
  return best;
}

bt_truth bt_policy_keeps(const bt_policy_test *test, const bt_trace *trace) {
  bt_truth least = BT_TRUE;
  switch (test->kind) {
  case TEST_ALL: return BT_TRUE;
  case TEST_SPANS: return some_holds(test, trace);
  case TEST_NOT: return (bt_truth)(BT_TRUE - bt_policy_keeps(test->parts[0], trace));
  case TEST_AND:
    for (size_t i = 0; i < test->part_count && least != BT_FALSE; i++) {
      bt_truth part = bt_policy_keeps(test->parts[i], trace);
      least = part < least ? part : least;
    }
    return least;
  }
  return BT_UNKNOWN;
}
