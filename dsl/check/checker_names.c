/* Names that attributes go by: @semconv, and the other names of an attribute. See checker.h and conventions.h. */
#include "dsl/check/checker.h"
#include "dsl/rule/conventions.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/lexer.h"

/* ---- what the rule says ---- */

bool bt_is_semconv(const bt_ast_annotation *annotation) {
  return bt_str_equal(annotation->name, BT_STR("semconv"));
}

static const bt_ast_item *only_item(const bt_ast_annotation *annotation) {
  bool one =
      annotation->argument_count == 1 && annotation->arguments[0].item_count == 1 && !annotation->arguments[0].name.len;
  return one ? &annotation->arguments[0].items[0] : NULL;
}

/* "stable", or a release that the table knows. 0: neither. */
static uint32_t read_release(const bt_conventions *conventions, bt_str said) {
  uint32_t release = 0;
  if (bt_str_equal(said, BT_STR("stable"))) return conventions->newest;
  return bt_release_parse(said, &release) && release <= conventions->newest ? release : 0;
}

static void report_release(bt_checker *checker, bt_range range) {
  char newest[BT_RELEASE_TEXT];
  bt_release_format(checker->names.conventions->newest, newest);
  bt_checker_report(checker, BT_E_ANNOTATION, range,
                    "expected one release of the conventions, as in @semconv(stable) or @semconv(\"1.26.0\"); the "
                    "newest that is known is %s",
                    newest);
}

static void read_annotation(bt_checker *checker, const bt_ast_annotation *annotation) {
  const bt_ast_item *item = only_item(annotation);
  bt_str beside = checker->names.beside, *said = &checker->rule->conventions;
  uint32_t release = item ? read_release(checker->names.conventions, item->text) : 0;
  if (!release) {
    report_release(checker, annotation->range);
  } else if (said->len) {
    bool is_beside = !checker->names.is_annotated && !bt_str_equal(beside, item->text);
    if (checker->names.is_annotated || is_beside)
      bt_checker_report(checker, BT_E_ANNOTATION, annotation->range,
                        is_beside ? "the rule says semconv: %.*s next to its text; say it once"
                                  : "a second @semconv, after %.*s: a rule has one",
                        BT_FMT(*said));
  } else if (!bt_arena_copy(checker->arena, item->text, said)) {
    checker->no_memory = true;
  }
  checker->names.is_annotated = true;
  checker->names.until = release;
}

void bt_checker_conventions(bt_checker *checker, const bt_ast_rule *tree) {
  bt_str beside = checker->names.beside;
  if (beside.len) {
    checker->names.until = read_release(checker->names.conventions, beside);
    if (!checker->names.until) report_release(checker, (bt_range){0, 0});
    if (!bt_arena_copy(checker->arena, beside, &checker->rule->conventions)) checker->no_memory = true;
  }
  for (uint32_t i = 0; i < tree->annotation_count; i++)
    if (bt_is_semconv(&tree->annotations[i])) read_annotation(checker, &tree->annotations[i]);
}

/* ---- what it does not bridge, and what it could ---- */

static bool is_in_key(char c) {
  return bt_is_identifier_part(c) || c == '.';
}

/* The rule says this name somewhere, not as a part of another one. */
static bool is_in_text(const bt_checker *checker, bt_str name) {
  bt_str text = checker->text;
  for (size_t i = 0; i + name.len <= text.len; i++) {
    bool ends = i + name.len == text.len || !is_in_key(text.ptr[i + name.len]);
    bool begins = i == 0 || !bt_is_identifier_part(text.ptr[i - 1]);
    if (begins && ends && bt_str_equal((bt_str){text.ptr + i, name.len}, name)) return true;
  }
  return false;
}

/* Who tests both names knows. */
static bool knows_rename(const bt_checker *checker, const bt_rename *rename) {
  return is_in_text(checker, rename->from) && is_in_text(checker, rename->to);
}

static void warn_of_unbridged(bt_checker *checker, const bt_field *field, const bt_convention_names *found,
                              bt_range range) {
  char release[BT_RELEASE_TEXT];
  const bt_rename *rename = found->unbridged;
  if (found->is_ambiguous || found->is_too_many)
    bt_checker_report(checker, BT_W_UNBRIDGED, range,
                      found->is_ambiguous
                          ? "`%.*s` was renamed twice, to names that are not one attribute: write the one that is meant"
                          : "`%.*s` has more names than can be read together: write those that are meant, joined by or",
                      BT_FMT(field->key));
  if (!rename || found->is_ambiguous || found->is_too_many || knows_rename(checker, rename)) return;
  bt_release_format(rename->release, release);
  if (rename->note == BT_RENAME_OTHER_VALUES)
    bt_checker_report(
        checker, BT_W_UNBRIDGED, range,
        "`%.*s` became `%.*s` in %s, and its values changed with it, so that no rule can read one for the "
        "other: test both names, each against its own values%s%.*s%s",
        BT_FMT(rename->from), BT_FMT(rename->to), release, rename->page.len ? " (" : "", BT_FMT(rename->page),
        rename->page.len ? ")" : "");
  else if (rename->note == BT_RENAME_RESTRICTED)
    bt_checker_report(
        checker, BT_W_UNBRIDGED, range,
        "`%.*s` became `%.*s` in %s for some spans or events only: where these are meant, test both names, "
        "joined by or",
        BT_FMT(rename->from), BT_FMT(rename->to), release);
}

static bool says_another(const bt_checker *checker, const bt_field *field, const bt_convention_names *found) {
  for (uint32_t i = 0; i < found->count; i++)
    if (!bt_str_equal(found->items[i], field->key) && is_in_text(checker, found->items[i])) return true;
  return false;
}

/* Where the annotations of the rule begin, or would. */
static uint32_t start_of_rule(const bt_ast_rule *tree) {
  if (tree->annotation_count) return tree->annotations[0].range.start;
  return tree->condition ? tree->condition->outer.start : tree->clauses[0].keyword.start;
}

/* Who writes the newest name is not told of the older ones. */
static void propose_names(bt_checker *checker, const bt_field *field, const bt_convention_names *found,
                          bt_range range) {
  bt_str newest = found->items[0];
  if (checker->names.is_proposed || bt_str_equal(newest, field->key) || says_another(checker, field, found)) return;
  uint32_t start = start_of_rule(checker->tree);
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_RENAMED, range,
      "newer spans say `%.*s` for `%.*s`, and then this is missing: @semconv(stable) in front of the rule reads all "
      "names that OpenTelemetry gave it",
      BT_FMT(newest), BT_FMT(field->key));
  bt_checker_fix(checker, added, ((bt_range){start, start}), "@semconv(stable) ");
  checker->names.is_proposed = true;
}

/* ---- fields ---- */

typedef struct field_scope {
  bt_names_of of;
  bt_field_kind kind;
} field_scope;

/* Whose attributes a field reads, in the order in which they count; 0: it is no attribute with such names. */
static uint32_t scopes_of(bt_field_kind kind, field_scope out[2]) {
  bool is_of_resource = kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
  bool is_of_span = kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE;
  if (kind == BT_FIELD_EITHER_ATTRIBUTE) {
    out[0] = (field_scope){BT_NAMES_OF_SPANS, BT_FIELD_SPAN_ATTRIBUTE};
    out[1] = (field_scope){BT_NAMES_OF_RESOURCES, BT_FIELD_RESOURCE_ATTRIBUTE};
    return 2;
  }
  if (is_of_span) out[0] = (field_scope){BT_NAMES_OF_SPANS, kind};
  if (is_of_resource) out[0] = (field_scope){BT_NAMES_OF_RESOURCES, kind};
  if (kind == BT_FIELD_EVENT_ATTRIBUTE) out[0] = (field_scope){BT_NAMES_OF_EVENTS, kind};
  return is_of_span || is_of_resource || kind == BT_FIELD_EVENT_ATTRIBUTE ? 1 : 0;
}

static bool add_name(bt_checker *checker, bt_field *field, bt_field_kind kind, bt_str key, bt_range range) {
  bt_field *names = (bt_field *)(uintptr_t)field->names;
  for (uint32_t i = 0; i < field->name_count; i++)
    if (names[i].kind == kind && bt_str_equal(names[i].key, key)) return true;
  if (field->name_count == BT_FIELD_NAMES_MAX) {
    bt_checker_report(checker, BT_E_LIMIT, range, "`%.*s` goes by more than %d names: give it fewer",
                      BT_FMT(field->key), BT_FIELD_NAMES_MAX);
    return false;
  }
  bt_field *name = &names[field->name_count++];
  *name = (bt_field){.kind = kind, .binding = field->binding};
  if (!bt_arena_copy(checker->arena, key, &name->key)) checker->no_memory = true;
  return !checker->no_memory;
}

/* What else a key is called, in each of its scopes. `telling`: the first that has other names; NULL: none has. */
typedef struct key_names {
  field_scope scopes[2];
  bt_convention_names found[2];
  uint32_t count;
  const bt_convention_names *telling;
} key_names;

static void find_names(const bt_checker *checker, bt_field_kind kind, bt_str key, key_names *out) {
  const bt_checker_names *names = &checker->names;
  bool is_wanted = names->until || names->proposes;
  uint32_t until = names->until ? names->until : names->conventions->newest;
  out->count = is_wanted ? scopes_of(kind, out->scopes) : 0;
  out->telling = NULL;
  for (uint32_t i = 0; i < out->count; i++) {
    bt_convention_find(names->conventions, out->scopes[i].of, key, until, &out->found[i]);
    if (out->found[i].count > 1 && !out->telling) out->telling = &out->found[i];
  }
}

/* One key of one owner: by the conventions where the rule wants them, else by itself. */
static bool add_key(bt_checker *checker, bt_field *field, const field_scope *scope, bt_str key, bt_range range) {
  bt_convention_names found = {.items = {key}, .count = 1};
  bool ok = true;
  if (checker->names.until && scope->of)
    bt_convention_find(checker->names.conventions, scope->of, key, checker->names.until, &found);
  for (uint32_t i = 0; ok && i < found.count; i++) ok = add_name(checker, field, scope->kind, found.items[i], range);
  return ok;
}

/* All names of the span, and then those of its resource. */
static bool add_keys(bt_checker *checker, bt_field *field, const bt_alias *alias, bt_range range) {
  field_scope scopes[2] = {{.kind = field->kind}}; /* of links and scopes, which no convention renames */
  uint32_t count = scopes_of(field->kind, scopes);
  bool ok = true;
  field->names = bt_checker_alloc(checker, BT_FIELD_NAMES_MAX, sizeof *field->names);
  for (uint32_t i = 0; field->names && i < (count ? count : 1); i++) {
    ok = ok && add_key(checker, field, &scopes[i], field->key, range);
    for (uint32_t k = 1; alias && ok && k < alias->key_count; k++)
      ok = add_key(checker, field, &scopes[i], alias->keys[k], range);
  }
  return ok && field->names;
}

/* Copies the key, and finds what else it is called where the rule, or who asks for proposals, wants that. */
bool bt_checker_keep_field(bt_checker *checker, bt_field *field, bt_range range) {
  key_names names;
  const bt_alias *alias = bt_checker_alias_of(checker, field);
  if (field->key.len && !bt_arena_copy(checker->arena, field->key, &field->key)) {
    checker->no_memory = true;
    return false;
  }
  find_names(checker, field->kind, field->key, &names);
  const bt_rename *unbridged = names.count ? names.found[0].unbridged : NULL;
  bool is_told = checker->names.until || (unbridged && bt_str_equal(unbridged->from, field->key));
  if (names.count && is_told) warn_of_unbridged(checker, field, &names.found[0], range);
  bool is_bridged = checker->names.until && names.telling;
  if (alias || is_bridged) return add_keys(checker, field, alias, range);
  if (names.telling) propose_names(checker, field, names.telling, range);
  return true;
}

/* ---- names of events ---- */

static uint32_t literal_count(const bt_comparison *comparison) {
  return comparison->right ? 1 : comparison->list_count;
}

static const bt_expression *literal_at(const bt_comparison *comparison, uint32_t i) {
  return comparison->right ? comparison->right : comparison->list[i];
}

/* It asks whether an event's name is one of some texts. */
static bool asks_for_events(const bt_comparison *comparison) {
  bool is_said = comparison->op == BT_EQUAL || comparison->op == BT_NOT_EQUAL || comparison->op == BT_IN ||
                 comparison->op == BT_NOT_IN;
  bool is_name =
      comparison->left->kind == BT_EXPRESSION_FIELD && comparison->left->field.kind == BT_FIELD_EVENT_NAME && is_said;
  for (uint32_t i = 0; is_name && i < literal_count(comparison); i++) {
    const bt_expression *literal = literal_at(comparison, i);
    is_name = literal->kind == BT_EXPRESSION_LITERAL && literal->literal.type == BT_VALUE_STRING;
  }
  return is_name;
}

static const bt_expression *copy_name(bt_checker *checker, const bt_expression *written, bt_str name) {
  bt_expression *copy = bt_checker_alloc(checker, 1, sizeof *copy);
  if (!copy) return NULL;
  *copy = *written;
  if (!bt_arena_copy(checker->arena, name, &copy->literal.string)) checker->no_memory = true;
  return copy;
}

bool bt_checker_keep_event_names(bt_checker *checker, bt_comparison *comparison) {
  if (!checker->names.until || !asks_for_events(comparison)) return true;
  uint32_t count = literal_count(comparison), total = 0;
  const bt_expression **list = bt_checker_alloc(checker, (size_t)count * BT_CONVENTION_NAMES + 1, sizeof *list);
  if (!list) return false;
  for (uint32_t i = 0; i < count; i++) {
    bt_convention_names found;
    const bt_expression *written = literal_at(comparison, i);
    bt_convention_find(checker->names.conventions, BT_NAMES_OF_EVENT_NAMES, written->literal.string,
                       checker->names.until, &found);
    for (uint32_t k = 0; k < found.count; k++) list[total++] = copy_name(checker, written, found.items[k]);
  }
  if (checker->no_memory) return false;
  if (total == count) return true;
  bool is_negative = comparison->op == BT_NOT_EQUAL || comparison->op == BT_NOT_IN;
  comparison->op = is_negative ? BT_NOT_IN : BT_IN;
  comparison->right = NULL;
  comparison->list = list;
  comparison->list_count = total;
  return true;
}
