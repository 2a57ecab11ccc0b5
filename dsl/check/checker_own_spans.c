/* Words for spans: what @name(word = "span(…)") stands for, where the word stands. See checker.h and own_names.h. A
 * checker of its own reads the text of such spans each time, because trees and tests know their places. Of what comes
 * out, every place is that of the word. Mistakes are reported once. */
#include "dsl/base/suggestion.h"
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/format.h"
#include "dsl/syntax/lexer.h"
#include "dsl/syntax/parser.h"

enum { MAX_DEPTH = 16, MAX_TREE_BYTES = 32 * 1024 * 1024, MAX_NEAR = 256, SHORTEST_NEAR = 4 };

/* ---- places ---- */

typedef struct placing {
  bt_range range;
  uint32_t parts; /* so far */
} placing;

static void place_predicate(placing *p, const bt_predicate *const_predicate);
static void place_expression(placing *p, const bt_expression *const_expression);

static void place_selection(placing *p, const bt_selection *const_selection) {
  bt_selection *selection = (bt_selection *)(uintptr_t)const_selection;
  if (!selection) return;
  selection->range = p->range;
  place_predicate(p, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    bt_relation *relation = (bt_relation *)(uintptr_t)&selection->relations[i];
    relation->range = p->range;
    place_selection(p, relation->first.selection);
    place_selection(p, relation->second.selection);
  }
}

static void place_expression(placing *p, const bt_expression *const_expression) {
  bt_expression *expression = (bt_expression *)(uintptr_t)const_expression;
  if (!expression) return;
  p->parts++;
  expression->range = p->range;
  place_selection(p, expression->selection);
  if (expression->part) place_predicate(p, expression->part);
  place_expression(p, expression->left);
  place_expression(p, expression->right);
}

static void place_predicate(placing *p, const bt_predicate *const_predicate) {
  bt_predicate *predicate = (bt_predicate *)(uintptr_t)const_predicate;
  p->parts++;
  predicate->range = p->range;
  for (uint32_t i = 0; i < predicate->item_count; i++) place_predicate(p, predicate->items[i]);
  if (predicate->kind != BT_PREDICATE_COMPARE) return;
  predicate->comparison.range = p->range;
  place_expression(p, predicate->comparison.left);
  place_expression(p, predicate->comparison.right);
  for (uint32_t i = 0; i < predicate->comparison.list_count; i++) place_expression(p, predicate->comparison.list[i]);
}

/* ---- the text of the spans ---- */

static const bt_predicate *read_spans(bt_checker *inner, bt_checker_own_name *own) {
  const bt_ast *node = inner->tree->condition;
  bt_range all = {0, (uint32_t)inner->text.len};
  if (!node || inner->tree->annotation_count || !bt_checker_selects_spans(inner, node)) {
    bt_checker_report(inner, BT_E_OWN_NAME, all, "expected spans, as in span(k == 1), and nothing else");
    return NULL;
  }
  bt_buffer canonical = {0};
  bt_format_condition(node, &canonical);
  if (canonical.failed || !bt_arena_copy(inner->arena, bt_buffer_str(&canonical), &own->canonical))
    inner->no_memory = true;
  bt_buffer_dispose(&canonical);
  const bt_selection *selection = bt_checker_operand(inner, node);
  if (!selection || inner->diagnostics->error_count) return NULL;
  if (!selection->relation_count) return selection->predicate;
  bt_checker_report(inner, BT_E_OWN_NAME, all,
                    "expected tests of one span, and a relation is of two: write it where the name is used");
  return NULL;
}

static bool is_parsed(bt_checker *inner, bt_arena *arena, bt_tokens *tokens, bt_ast_rule *tree) {
  if (inner->text.len > BT_MAX_RULE_BYTES) {
    bt_checker_report(inner, BT_E_LIMIT, ((bt_range){0, 0}), "spans have a text of at most %d bytes",
                      BT_MAX_RULE_BYTES);
    return false;
  }
  bt_status status = bt_lexer_run(inner->text, arena, inner->diagnostics, tokens, NULL);
  if (!status && !inner->diagnostics->error_count)
    status = bt_parser_run(inner->text, tokens, arena, inner->diagnostics, tree, NULL);
  if (status) inner->no_memory = true;
  return !status && !inner->diagnostics->error_count && !tree->is_incomplete;
}

/* `inner` reads own->said.spans into the arena of the rule. */
static const bt_predicate *lower_spans(bt_checker *inner, bt_checker_own_name *own) {
  bt_arena arena;
  bt_tokens tokens = {0};
  bt_ast_rule tree = {0};
  const bt_predicate *predicate = NULL;
  bt_arena_init(&arena, MAX_TREE_BYTES);
  inner->tree = &tree;
  if (is_parsed(inner, &arena, &tokens, &tree)) predicate = read_spans(inner, own);
  bt_tokens_dispose(&tokens);
  bt_arena_dispose(&arena);
  return predicate;
}

/* What was found in the spans, said of the annotation, or of the word where the rule file has the spans. */
static void tell_findings(bt_checker *checker, bt_checker_own_name *own, const bt_diagnostics *found, bt_range range) {
  bt_range place = own->range.end ? own->range : range;
  for (size_t i = 0; i < found->count && !own->is_told; i++)
    bt_checker_report(checker, found->items[i].code, place, "the name `%.*s`, %u:%u: %.*s", BT_FMT(own->said.word),
                      found->items[i].line, found->items[i].column, BT_FMT(found->items[i].message));
  own->is_told = true;
}

static const bt_predicate *place_spans(bt_checker *checker, const bt_checker_own_name *own,
                                       const bt_predicate *predicate, bt_range range) {
  placing p = {.range = range, .parts = checker->own_parts};
  place_predicate(&p, predicate);
  checker->own_parts = p.parts;
  if (p.parts <= BT_MAX_NODES) {
    bt_predicate *named = (bt_predicate *)(uintptr_t)predicate;
    if (!bt_arena_copy(checker->arena, own->said.word, &named->own_name)) checker->no_memory = true;
    return predicate;
  }
  bt_checker_report(checker, BT_E_LIMIT, range, "with what its names stand for the rule has more than %d parts",
                    BT_MAX_NODES);
  return NULL;
}

static const bt_predicate *use_spans(bt_checker *checker, bt_checker_own_name *own, bt_range range) {
  bt_diagnostics found;
  bt_rule none = {0}; /* its spans know no bindings */
  bt_checker inner = *checker;
  bt_diagnostics_init(&found);
  inner.text = own->said.spans;
  inner.diagnostics = &found;
  inner.rule = &none;
  inner.span_names = inner.operand_paths = NULL;
  inner.visible_count = 0;
  inner.mixed = 0;
  inner.own_depth++;
  own->is_open = true;
  const bt_predicate *predicate = lower_spans(&inner, own);
  own->is_open = false;
  checker->patterns = inner.patterns;
  checker->pattern_bytes = inner.pattern_bytes;
  checker->own_parts = inner.own_parts;
  checker->names.is_proposed = inner.names.is_proposed;
  checker->no_memory = checker->no_memory || inner.no_memory || found.no_memory;
  tell_findings(checker, own, &found, range);
  bt_diagnostics_dispose(&found);
  return predicate && !checker->no_memory ? place_spans(checker, own, predicate, range) : NULL;
}

/* ---- the word ---- */

static void warn_of_near_word(bt_checker *checker, bt_str word, bt_range range) {
  const char *words[MAX_NEAR + 1];
  size_t count = 0;
  for (const bt_checker_own_name *own = checker->own_names; own && count < MAX_NEAR; own = own->next)
    words[count++] = own->said.word.ptr;
  words[count] = NULL;
  const char *nearest = count && word.len >= SHORTEST_NEAR ? bt_suggest_nearest(word, words) : NULL;
  if (!nearest) return;
  bt_diagnostic *added = bt_checker_report(checker, BT_W_NEAR_OWN_NAME, range,
                                           "`%.*s` is the name of a span here: did you mean %s, which stands for "
                                           "spans? If not, quote it",
                                           BT_FMT(word), nearest);
  bt_checker_fix(checker, added, range, "%s", nearest);
}

/* Words that mean something where a dot or a bracket follows, and what people want with them alone. */
static const struct {
  const char *word, *instead;
} language_words[] = {
    {"span", "write span(true) for all spans"},
    {"spans", "write span(true) for all spans"},
    {"trace", "what some span of the trace meets is trace.has(…)"},
    {"resource", "a resource is asked of its spans, as in span(resource.service.name == \"shop\")"},
    {"scope", "a scope is asked of its spans, as in span(scope.name == \"app\")"},
    {"event", "an event is asked of its span, as in span(event.name == \"exception\")"},
    {"link", "a link is asked of its span, as in span(exists(link.trace_id))"},
};

/* `spans.where(…)` can be `span(true).where(…)`; `spans.key > 5` cannot. */
static bool may_be_call(const bt_checker *checker, bt_range range) {
  bt_str rest = {checker->text.ptr + range.end, checker->text.len - range.end};
  return !bt_str_starts_with(rest, BT_STR(".")) || bt_str_starts_with(rest, BT_STR(".where("));
}

static void warn_of_language_word(bt_checker *checker, bt_str word, bt_range range) {
  for (size_t i = 0; i < sizeof language_words / sizeof *language_words; i++) {
    if (!bt_str_equal(word, bt_str_from(language_words[i].word))) continue;
    bt_diagnostic *added =
        bt_checker_report(checker, BT_W_LANGUAGE_WORD, range,
                          "`%.*s` alone selects the spans that have this name, and no others: %s; if spans are named "
                          "so, quote it",
                          BT_FMT(word), language_words[i].instead);
    if (bt_str_starts_with(word, BT_STR("span")) && may_be_call(checker, range))
      bt_checker_fix(checker, added, range, "span(true)");
  }
}

const bt_predicate *bt_checker_word(bt_checker *checker, bt_str word, bt_range range) {
  bt_checker_own_name *own = bt_checker_find_own(checker, word);
  if (!own) {
    warn_of_near_word(checker, word, range);
    warn_of_language_word(checker, word, range);
    return bt_checker_named(checker, word, range);
  }
  own->is_used = true;
  if (own->is_open || checker->own_depth == MAX_DEPTH) {
    bt_checker_report(checker, own->is_open ? BT_E_OWN_NAME : BT_E_LIMIT, range,
                      own->is_open ? "`%.*s` stands for itself here: quote it if a span of this name is meant"
                                   : "`%.*s` is a name in names that are more than 16 deep",
                      BT_FMT(word));
    return NULL;
  }
  if (checker->own_parts > BT_MAX_NODES || !bt_checker_note_name(checker, own->said.word, range)) return NULL;
  return use_spans(checker, own, range);
}

void bt_checker_warn_of_own_key(bt_checker *checker, const bt_ast *node) {
  if (node->kind != BT_AST_PATH || !bt_checker_find_own(checker, node->text)) return;
  bt_checker_report(checker, BT_W_OWN_KEY, node->range,
                    "this is the attribute `%.*s`: as a name that stands for spans it goes into span(…), joined with "
                    "and; if the attribute is meant, write span.%.*s",
                    BT_FMT(node->text), BT_FMT(node->text));
}
