/* Random aliases and names. See own_keys.h. */
#include "tests/support/own_keys.h"

#include <string.h>

#include "dsl/compile.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

static bool stands_in(const bt_str *keys, uint32_t count, bt_str key) {
  for (uint32_t i = 0; i < count; i++)
    if (bt_str_equal(keys[i], key)) return true;
  return false;
}

static const bt_alias *find_alias(const own_keys *own, bt_str key) {
  for (size_t i = 0; i < own->names.alias_count; i++)
    if (bt_str_equal(own->aliases[i].keys[0], key)) return &own->aliases[i];
  return NULL;
}

/* Each word stands for tests that may say the words before it. */
static void make_words(test_random *random, own_keys *out) {
  static const char *const words[OWN_WORDS] = {"c", "b", "a"};
  static const char *const spans[] = {"\"a\"",
                                      "\"x y\"",
                                      "span(exists(k))",
                                      "span(k == 1 or m == \"x\")",
                                      "span(k > 0 and \"a\")",
                                      "span(event.k == 1 or event.name == \"x\")",
                                      "span(not (span.kind == server) and m != 2)",
                                      "trace.has(span.status != error).where(exists(m))",
                                      "span(c or k == 1)",
                                      "c.where(exists(m))",
                                      "span(not c and m == 1)",
                                      "b.where(k > 0)",
                                      "span(b or c)",
                                      "b"};
  static const unsigned counts[OWN_WORDS] = {8, 11, 14};
  for (unsigned i = 0; i < OWN_WORDS; i++) {
    const char *text = spans[test_random_below(random, counts[i])];
    if (test_random_below(random, 2))
      out->words[out->names.name_count++] = (bt_own_name){bt_str_from(words[i]), bt_str_from(text)};
  }
}

void own_keys_make(test_random *random, const char *const *keys, size_t count, own_keys *out) {
  *out = (own_keys){.names = {.aliases = out->aliases, .names = out->words}};
  make_words(random, out);
  unsigned wanted = 1 + test_random_below(random, OWN_KEYS_MAX);
  for (unsigned i = 0; i < wanted; i++) {
    bt_alias *alias = &out->aliases[out->names.alias_count];
    bt_str *own = out->keys[out->names.alias_count];
    unsigned key_count = 2 + test_random_below(random, OWN_KEYS_OTHERS - 1);
    own[0] = bt_str_from(keys[test_random_below(random, (unsigned)count)]);
    if (find_alias(out, own[0])) continue;
    *alias = (bt_alias){own, 1};
    for (unsigned k = 1; k < key_count; k++) {
      bt_str key = bt_str_from(keys[test_random_below(random, (unsigned)count)]);
      if (!stands_in(own, alias->key_count, key)) own[alias->key_count++] = key;
    }
    if (alias->key_count > 1) out->names.alias_count++;
  }
}

/* ---- a key of its own, for each alias and each owner ---- */

typedef struct owner {
  bt_field_kind kind, of_root; /* of_root: the same of trace.root */
  const char *suffix;
} owner;

static const owner owners[] = {
    {BT_FIELD_EITHER_ATTRIBUTE, BT_FIELD_EITHER_ATTRIBUTE, "#"},
    {BT_FIELD_SPAN_ATTRIBUTE, BT_FIELD_TRACE_ROOT_ATTRIBUTE, "#span"},
    {BT_FIELD_RESOURCE_ATTRIBUTE, BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE, "#resource"},
    {BT_FIELD_SCOPE_ATTRIBUTE, BT_FIELD_SCOPE_ATTRIBUTE, "#scope"},
};
enum { OWNERS = sizeof owners / sizeof *owners };

static bt_str own_key(bt_str key, const char *suffix, bt_arena *arena) {
  bt_buffer text = {0};
  bt_str out = {0};
  bt_buffer_printf(&text, "%.*s%s", BT_FMT(key), suffix);
  if (text.failed || !bt_arena_copy(arena, bt_buffer_str(&text), &out)) abort();
  bt_buffer_dispose(&text);
  return out;
}

typedef struct translation {
  const own_keys *own;
  bt_arena *arena;
  bool has_changed;
} translation;

static void translate_field(void *context, const bt_field *const_field) {
  translation *t = context;
  bt_field *field = (bt_field *)(uintptr_t)const_field;
  if (!bt_field_may_be_cut(field) || !find_alias(t->own, field->key)) return;
  t->has_changed = true;
  const char *suffix = "#part"; /* of an event or a link, which have attributes of their own */
  for (size_t i = 0; i < OWNERS; i++) {
    bool is_root = field->kind == owners[i].of_root && owners[i].of_root != owners[i].kind;
    if (field->kind != owners[i].kind && !is_root) continue;
    suffix = owners[i].suffix;
    field->kind = is_root ? BT_FIELD_TRACE_ROOT_ATTRIBUTE : BT_FIELD_SPAN_ATTRIBUTE;
    break;
  }
  field->key = own_key(field->key, suffix, t->arena);
}

/* ---- names ---- */

typedef struct naming {
  own_keys *own;
  bt_str text; /* of the rule */
  bool has_changed;
} naming;

/* A word without quotes is a name. What was looked at has no place any more: the tests of a name are of another text.
 */
static void name_predicate(void *context, const bt_predicate *const_predicate) {
  naming *n = context;
  bt_predicate *predicate = (bt_predicate *)(uintptr_t)const_predicate;
  if (predicate->kind != BT_PREDICATE_NAMED || !predicate->range.end) return;
  bool is_word = n->text.ptr[predicate->range.start] != '"';
  predicate->range = (bt_range){0, 0};
  for (size_t i = 0; is_word && i < n->own->names.name_count; i++)
    if (bt_str_equal(n->own->words[i].word, predicate->name)) {
      *predicate = *n->own->spans[i]->condition->selection->predicate;
      n->has_changed = true;
      return;
    }
}

static bool name_rule(own_keys *own, const bt_rule *rule) {
  naming n = {.own = own, .text = rule->text};
  bt_rule_walk(rule, &(bt_rule_visitor){.on_predicate = name_predicate, .context = &n});
  return n.has_changed;
}

static void read_spans(own_keys *own, size_t number) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(own->words[number].spans, &own->spans[number], &diagnostics, NULL)) abort();
  bt_diagnostics_dispose(&diagnostics);
  name_rule(own, own->spans[number]);
}

void own_keys_dispose(own_keys *own) {
  for (size_t i = 0; i < OWN_WORDS; i++) bt_rule_free(own->spans[i]);
}

bool own_keys_translate_rule(own_keys *own, bt_rule *rule, bt_arena *arena) {
  for (size_t i = 0; i < own->names.name_count; i++) read_spans(own, i);
  translation t = {.own = own, .arena = arena, .has_changed = name_rule(own, rule)};
  bt_rule_walk(rule, &(bt_rule_visitor){.on_field = translate_field, .context = &t});
  return t.has_changed;
}

/* ---- what they are worth ---- */

static bool is_there(const bt_value *value) {
  return value->type != BT_VALUE_MISSING && value->type != BT_VALUE_OTHER;
}

static bt_value find_value(const bt_attributes *attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, key)) return attributes->items[i].value;
  return (bt_value){.type = BT_VALUE_MISSING};
}

/* The first that is there: of all keys in the first attributes, and then in the next. */
static bt_value worth_of(const bt_alias *alias, const bt_attributes *const *of, uint32_t count) {
  for (uint32_t k = 0; k < count; k++)
    for (uint32_t i = 0; i < alias->key_count; i++) {
      bt_value value = find_value(of[k], alias->keys[i]);
      if (is_there(&value)) return value;
    }
  return (bt_value){.type = BT_VALUE_MISSING};
}

static void make_room(bt_attributes *attributes, size_t more, bt_arena *arena) {
  bt_attribute *grown = bt_arena_array(arena, attributes->count + more, sizeof *grown);
  if (!grown) abort();
  if (attributes->count) memcpy(grown, attributes->items, attributes->count * sizeof *grown);
  attributes->items = grown;
}

static void add_value(bt_attributes *attributes, bt_str key, bt_value value) {
  if (is_there(&value))
    ((bt_attribute *)(uintptr_t)attributes->items)[attributes->count++] = (bt_attribute){.key = key, .value = value};
}

static void translate_part(const own_keys *own, bt_attributes *attributes, bt_arena *arena) {
  const bt_attributes before = *attributes, *of = &before;
  make_room(attributes, own->names.alias_count, arena);
  for (size_t i = 0; i < own->names.alias_count; i++)
    add_value(attributes, own_key(own->aliases[i].keys[0], "#part", arena), worth_of(&own->aliases[i], &of, 1));
}

static void translate_span(const own_keys *own, bt_span *span, bt_arena *arena) {
  const bt_attributes before = span->attributes;
  const bt_attributes *of[] = {&before, &span->resource->attributes, &before, &span->resource->attributes,
                               &span->scope->attributes};
  make_room(&span->attributes, own->names.alias_count * OWNERS, arena);
  for (size_t i = 0; i < own->names.alias_count; i++)
    for (size_t k = 0; k < OWNERS; k++) {
      bt_value value = k ? worth_of(&own->aliases[i], &of[k + 1], 1) : worth_of(&own->aliases[i], of, 2);
      add_value(&span->attributes, own_key(own->aliases[i].keys[0], owners[k].suffix, arena), value);
    }
  for (uint32_t i = 0; i < span->event_count; i++)
    translate_part(own, &((bt_event *)(uintptr_t)&span->events[i])->attributes, arena);
  for (uint32_t i = 0; i < span->link_count; i++)
    translate_part(own, &((bt_link *)(uintptr_t)&span->links[i])->attributes, arena);
}

void own_keys_translate_trace(const own_keys *own, const bt_trace *trace, bt_arena *arena) {
  for (uint32_t i = 0; i < trace->span_count; i++) translate_span(own, (bt_span *)(uintptr_t)&trace->spans[i], arena);
}
