/* Names that a rule file, or the rule itself, gives: @alias(k, other), @name(word = "span(…)"). See checker.h and
 * own_names.h. */
#include "dsl/check/checker.h"
#include "dsl/rule/field.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/format.h"

bool bt_is_own_names(const bt_ast_annotation *annotation) {
  return bt_str_equal(annotation->name, BT_STR("alias")) || bt_str_equal(annotation->name, BT_STR("name"));
}

/* ---- what is said ---- */

static bt_checker_alias *find_alias(const bt_checker *checker, bt_str key) {
  for (bt_checker_alias *alias = checker->aliases; alias; alias = alias->next)
    if (bt_str_equal(alias->said.keys[0], key)) return alias;
  return NULL;
}

static void report_alias(bt_checker *checker, bt_range range, bt_str what) {
  bt_checker_report(checker, BT_E_ANNOTATION, range, "an alias, as in @alias(gen_ai.tool.name, tool.name): %.*s",
                    BT_FMT(what));
}

bool bt_checker_has_alias(const bt_checker *checker, bt_str key) {
  return find_alias(checker, key) != NULL;
}

static bool is_right(bt_checker *checker, const bt_alias *said, bt_range range) {
  bt_buffer fault = {0};
  bt_alias_fault(said, &fault);
  if (fault.len) report_alias(checker, range, bt_buffer_str(&fault));
  if (fault.failed) checker->no_memory = true;
  bool right = !fault.len && !fault.failed;
  bt_buffer_dispose(&fault);
  return right;
}

/* In the order of the keys, which is the order of the canonical text. */
static void insert_alias(bt_checker *checker, const bt_alias *said, bt_range range) {
  bt_checker_alias *added = bt_checker_alloc(checker, 1, sizeof *added), **at = &checker->aliases;
  if (!added) return;
  while (*at && bt_str_compare((*at)->said.keys[0], said->keys[0]) < 0) at = &(*at)->next;
  *added = (bt_checker_alias){.next = *at, .said = *said, .range = range};
  *at = added;
}

static void add_alias(bt_checker *checker, const bt_alias *said, bt_range range) {
  if (!is_right(checker, said, range)) return;
  bt_checker_alias *before = find_alias(checker, said->keys[0]);
  if (!before)
    insert_alias(checker, said, range);
  else if (before->range.end)
    bt_checker_report(checker, BT_E_ANNOTATION, range, "a second alias of `%.*s`: a rule has one",
                      BT_FMT(said->keys[0]));
  else if (!bt_alias_equal(&before->said, said))
    bt_checker_report(checker, BT_E_ANNOTATION, range,
                      "the rule file has another alias of `%.*s`, next to the rule's text: say it once",
                      BT_FMT(said->keys[0]));
  else
    before->range = range;
}

static void read_alias(bt_checker *checker, const bt_ast_annotation *annotation) {
  uint32_t count = annotation->argument_count;
  bt_str *keys = bt_checker_alloc(checker, count + 1, sizeof *keys);
  if (!keys) return;
  for (uint32_t i = 0; i < count; i++) {
    const bt_ast_argument *argument = &annotation->arguments[i];
    if (argument->name.len || argument->is_list || argument->item_count != 1) {
      report_alias(checker, annotation->range, BT_STR("expected keys with commas between them"));
      return;
    }
    keys[i] = argument->items[0].text;
  }
  const bt_alias said = {keys, count};
  add_alias(checker, &said, annotation->range);
}

bt_checker_own_name *bt_checker_find_own(const bt_checker *checker, bt_str word) {
  for (bt_checker_own_name *own = checker->own_names; own; own = own->next)
    if (bt_str_equal(own->said.word, word)) return own;
  return NULL;
}

static void insert_name(bt_checker *checker, const bt_own_name *said, bt_range range) {
  bt_checker_own_name *added = bt_checker_alloc(checker, 1, sizeof *added), **at = &checker->own_names;
  if (!added) return;
  while (*at && bt_str_compare((*at)->said.word, said->word) < 0) at = &(*at)->next;
  *added = (bt_checker_own_name){.next = *at, .said = *said, .range = range};
  if (!bt_arena_copy(checker->arena, said->word, &added->said.word)) checker->no_memory = true;
  *at = added;
}

static void add_own_name(bt_checker *checker, const bt_own_name *said, bt_range range) {
  bt_checker_own_name *before = bt_checker_find_own(checker, said->word);
  if (!bt_path_is_valid(said->word) || bt_scope_is_taken(said->word))
    bt_checker_report(checker, BT_E_OWN_NAME, range,
                      "`%.*s` cannot stand for spans: expected a word without dots that is not reserved",
                      BT_FMT(said->word));
  else if (!before)
    insert_name(checker, said, range);
  else if (before->range.end)
    bt_checker_report(checker, BT_E_ANNOTATION, range, "a second @name of `%.*s`: a rule has one", BT_FMT(said->word));
  else if (!bt_str_equal(before->said.spans, said->spans))
    bt_checker_report(checker, BT_E_ANNOTATION, range,
                      "the rule file has another name `%.*s`, next to the rule's text: say it once",
                      BT_FMT(said->word));
  else
    before->range = range;
}

static void read_names(bt_checker *checker, const bt_ast_annotation *annotation) {
  bool right = annotation->argument_count > 0;
  for (uint32_t i = 0; i < annotation->argument_count; i++) {
    const bt_ast_argument *argument = &annotation->arguments[i];
    bool has_spans = argument->name.len && !argument->is_list && argument->item_count == 1;
    right = right && has_spans;
    if (!has_spans) continue;
    const bt_own_name said = {argument->name, argument->items[0].text};
    add_own_name(checker, &said, annotation->range);
  }
  if (!right)
    bt_checker_report(checker, BT_E_ANNOTATION, annotation->range,
                      "expected a word and the spans that it stands for, as in @name(tool_call = `span(k == 1)`)");
}

void bt_checker_own_names(bt_checker *checker, const bt_ast_rule *tree) {
  const bt_own_names *beside = checker->names.own_names;
  for (size_t i = 0; beside && i < beside->alias_count; i++) add_alias(checker, &beside->aliases[i], (bt_range){0, 0});
  for (size_t i = 0; beside && i < beside->name_count; i++) add_own_name(checker, &beside->names[i], (bt_range){0, 0});
  for (uint32_t i = 0; i < tree->annotation_count; i++) {
    const bt_ast_annotation *annotation = &tree->annotations[i];
    if (bt_str_equal(annotation->name, BT_STR("alias"))) read_alias(checker, annotation);
    if (bt_str_equal(annotation->name, BT_STR("name"))) read_names(checker, annotation);
  }
}

/* ---- what is used ---- */

const bt_alias *bt_checker_alias_of(bt_checker *checker, const bt_field *field) {
  bt_checker_alias *alias = bt_field_may_be_cut(field) ? find_alias(checker, field->key) : NULL;
  if (alias) alias->is_used = true;
  return alias ? &alias->said : NULL;
}

static void write_alias(const bt_alias *alias, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("@alias("));
  for (uint32_t i = 0; i < alias->key_count; i++) {
    if (i) bt_buffer_append(out, BT_STR(", "));
    if (bt_path_is_valid(alias->keys[i]))
      bt_buffer_append(out, alias->keys[i]);
    else
      bt_format_string(alias->keys[i], out);
  }
  bt_buffer_append(out, BT_STR(")\n"));
}

static void write_name(const bt_checker_own_name *own, bt_buffer *out) {
  bt_buffer_printf(out, "@name(%.*s = ", BT_FMT(own->said.word));
  bt_format_string(own->canonical, out);
  bt_buffer_append(out, BT_STR(")\n"));
}

/* All that is used goes into `all`, and what the text does not say into `beside`, too. The number of the latter. */
static uint32_t write_used(bt_checker *checker, bt_buffer *all, bt_buffer *beside) {
  uint32_t count = 0;
  for (const bt_checker_alias *alias = checker->aliases; alias; alias = alias->next) {
    if (!alias->is_used) continue;
    write_alias(&alias->said, all);
    if (!alias->range.end) write_alias(&alias->said, beside), count++;
  }
  for (const bt_checker_own_name *own = checker->own_names; own; own = own->next) {
    if (!own->is_used) continue;
    write_name(own, all);
    if (!own->range.end) write_name(own, beside), count++;
  }
  return count;
}

static void warn_of_unused(bt_checker *checker) {
  for (const bt_checker_alias *alias = checker->aliases; alias; alias = alias->next)
    if (!alias->is_used && alias->range.end)
      bt_checker_report(checker, BT_W_UNUSED_NAME, alias->range,
                        "the rule reads no attribute `%.*s`, so this alias says nothing", BT_FMT(alias->said.keys[0]));
  for (const bt_checker_own_name *own = checker->own_names; own; own = own->next)
    if (!own->is_used && own->range.end)
      bt_checker_report(checker, BT_W_UNUSED_NAME, own->range, "the rule says `%.*s` nowhere, so this says nothing",
                        BT_FMT(own->said.word));
}

static bt_str kept_copy(bt_checker *checker, bt_str text) {
  bt_str out = BT_STR("");
  if (!bt_arena_copy(checker->arena, text, &out)) checker->no_memory = true;
  return out;
}

static void keep_used_aliases(bt_checker *checker) {
  size_t count = 0;
  for (const bt_checker_alias *alias = checker->aliases; alias; alias = alias->next) count += alias->is_used;
  bt_alias *kept = bt_checker_alloc(checker, count, sizeof *kept);
  checker->rule->used.aliases = kept;
  for (const bt_checker_alias *alias = checker->aliases; kept && alias; alias = alias->next) {
    if (!alias->is_used) continue;
    bt_str *keys = bt_checker_alloc(checker, alias->said.key_count, sizeof *keys);
    if (!keys) return;
    for (uint32_t i = 0; i < alias->said.key_count; i++) keys[i] = kept_copy(checker, alias->said.keys[i]);
    kept[checker->rule->used.alias_count++] = (bt_alias){keys, alias->said.key_count};
  }
}

static void keep_used_names(bt_checker *checker) {
  size_t count = 0;
  for (const bt_checker_own_name *own = checker->own_names; own; own = own->next) count += own->is_used;
  bt_own_name *kept = bt_checker_alloc(checker, count, sizeof *kept);
  checker->rule->used.names = kept;
  for (const bt_checker_own_name *own = checker->own_names; kept && own; own = own->next)
    if (own->is_used)
      kept[checker->rule->used.name_count++] = (bt_own_name){kept_copy(checker, own->said.word), own->canonical};
}

static void keep_text(bt_checker *checker, bt_buffer *text, bt_str *out) {
  if (text->failed || !bt_arena_copy(checker->arena, bt_buffer_str(text), out)) checker->no_memory = true;
  bt_buffer_dispose(text);
}

void bt_checker_keep_own_names(bt_checker *checker) {
  bt_buffer all = {0}, beside = {0};
  bt_coarse_clocks clocks = checker->names.clocks_beside;
  if (clocks && !checker->names.are_clocks_annotated)
    bt_buffer_printf(&beside, "@coarse_clocks(%s)\n", bt_coarse_clocks_name(clocks));
  uint32_t count = checker->tree->annotation_count + write_used(checker, &all, &beside);
  warn_of_unused(checker);
  keep_used_aliases(checker);
  keep_used_names(checker);
  if (count > BT_MAX_ANNOTATIONS)
    bt_checker_report(checker, BT_E_LIMIT, ((bt_range){0, 0}),
                      "with what its file says for it the rule has more than %d annotations", BT_MAX_ANNOTATIONS);
  keep_text(checker, &all, &checker->rule->own_names);
  keep_text(checker, &beside, &checker->rule->beside);
}
