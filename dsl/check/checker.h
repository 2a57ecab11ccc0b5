/* Tree to checked rule (rule.h): resolves names, types every comparison, expands sugar and warns of what was hardly
 * meant. After an error the checker goes on where it can; whatever could not be lowered is NULL and was reported. Only
 * the front end includes this. State: one bt_checker per check. Thread: the one that checks. */
#ifndef BT_DSL_CHECK_CHECKER_H
#define BT_DSL_CHECK_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/check/foreign_names.h"
#include "dsl/rule/conventions.h"
#include "dsl/rule/own_names.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/ast.h"
#include "dsl/syntax/diagnostic.h"

/* The compiled patterns of a rule, one for each text, for bt_rule_free; in the rule's arena. */
typedef struct bt_pattern_list {
  struct bt_pattern_list *next;
  bt_str text;
  bool is_whole;
  bt_pattern *pattern; /* new */
} bt_pattern_list;

/* What names attributes go by. */
typedef struct bt_checker_names {
  const bt_conventions *conventions;
  bt_str beside;                  /* what is said beside the text, as @semconv says it in the text; empty: nothing */
  uint32_t until;                 /* the release whose names all mean one attribute; 0: each name means itself */
  bool is_annotated;              /* the text says it */
  bt_coarse_clocks clocks_beside; /* what is said beside the text, as @coarse_clocks says it in the text */
  bool are_clocks_annotated;      /* the text says it */
  bool proposes;                  /* W026 where the rule says nothing of it, and could */
  bool is_proposed;               /* once for each rule */
  const bt_own_names *own_names;  /* said beside the text; NULL: nothing */
} bt_checker_names;

/* An alias that the rule's text says, or its file. */
typedef struct bt_checker_alias {
  struct bt_checker_alias *next;
  bt_alias said;
  bt_range range; /* of the annotation; empty where it is said beside the text alone */
  bool is_used;
} bt_checker_alias;

/* A name that the rule's text says, or its file. */
typedef struct bt_checker_own_name {
  struct bt_checker_own_name *next;
  bt_own_name said;
  bt_range range;   /* as of an alias */
  bt_str canonical; /* its spans, once it is used */
  bool is_used;
  bool is_open; /* its spans are being read */
  bool is_told; /* what is wrong with it was said */
} bt_checker_own_name;

/* Fills rule's conditions, bindings and annotations from the tree; everything in `arena`. *patterns is the list to be
 * freed, in any case. BT_INVALID: `diagnostics` says why. */
bt_status bt_checker_run(bt_str text, const bt_ast_rule *tree, const bt_checker_names *names, bt_arena *arena,
                         bt_diagnostics *diagnostics, bt_rule *rule, bt_pattern_list **patterns,
                         bt_error *error) BT_MUST_CHECK;

/* What follows is shared by the checker's own files. */

/* Where a value or field stands. */
typedef enum bt_site {
  BT_SITE_CONDITION, /* outside any span: only bindings, trace fields and aggregates */
  BT_SITE_OPERAND,   /* trace.has(…), span(…), count(…) and the like */
  BT_SITE_WHERE,     /* where(…), and the test of `name.key > 5` */
  BT_SITE_EVENT,     /* event.where(…) */
  BT_SITE_LINK,      /* link.where(…) */
  BT_SITE_AGGREGATE  /* the value of sum and other aggregates */
} bt_site;

typedef struct bt_place {
  bt_site site;
  bool on_right;        /* of a comparison: bare words are strings */
  bool in_arithmetic;   /* below + - * / or a minus */
  bool duration_wanted; /* the other side is a duration: the bare word `duration` is span.duration */
  bool unit_wanted;     /* the other side is a duration or a time */
  bool is_ordering;     /* < <= > >= */
  const bt_ast *whole;  /* the comparison, for fixes; or NULL */
  bt_str direct;        /* of `name.key > 5`, on its left: the name; else empty */
  bool is_direct;       /* either side of such a comparison */
} bt_place;

typedef struct bt_noted_name { /* a span name, or an attribute path in an operand (W007) */
  struct bt_noted_name *next;
  bt_str text;
  bt_range range;
  bt_range whole; /* the comparison, when it is all of the operand; else empty */
} bt_noted_name;

typedef struct bt_checker {
  bt_str text;
  bt_arena *arena;
  bt_diagnostics *diagnostics;
  bt_rule *rule;
  const bt_ast_rule *tree;
  bt_pattern_list *patterns;
  size_t pattern_bytes; /* of all patterns so far; above BT_MAX_PATTERN_BYTES no more are compiled */
  bt_noted_name *span_names, *operand_paths;
  int visible[BT_MAX_BINDINGS]; /* bindings in scope, innermost last */
  int visible_count;
  bool used[BT_MAX_BINDINGS];
  bt_range as_ranges[BT_MAX_BINDINGS]; /* `as c` of each binding */
  const bt_ast *unowned;               /* the comparison of the last E036, which is said once for each */
  unsigned mixed;        /* above 0: what does not say of which span may be about one that is named nearby */
  const bt_ast *operand; /* the test that is all of the innermost operand */
  bt_checker_names names;
  bt_checker_alias *aliases;      /* in the order of their keys */
  bt_checker_own_name *own_names; /* in the order of their words */
  unsigned own_depth;             /* names in names */
  uint32_t own_parts;             /* of all that names stand for, where they stand */
  bool in_when;                   /* what is lowered stands in that clause */
  bool no_memory;
} bt_checker;

#define bt_checker_report(checker, code, range, ...)                                                                   \
  bt_diagnostics_add((checker)->diagnostics, (checker)->text, code, range, __VA_ARGS__)
#define bt_checker_fix(checker, diagnostic, range, ...)                                                                \
  bt_diagnostics_format_fix((checker)->diagnostics, diagnostic, range, __VA_ARGS__)
bt_str bt_checker_source(const bt_checker *checker, bt_range range);
/* Zeroed memory, owned by the rule's arena; NULL is noted in no_memory. */
void *bt_checker_alloc(bt_checker *checker, size_t count, size_t size);

/* checker_scope.c: bindings. */
void bt_scope_declare(bt_checker *checker, const bt_ast_rule *tree);
/* Some `as` in the rule has this name, visible here or not. */
bool bt_scope_is_binding(const bt_checker *checker, bt_str name);
/* The visible binding of that name, marked as used; else E020 and BT_NO_BINDING. */
int bt_scope_lookup(bt_checker *checker, bt_str name, bt_range range);
/* Makes the binding of an `as` visible from here on. False: E023. */
bool bt_scope_bind(bt_checker *checker, const bt_ast_part *as);
/* A word that can name neither a binding nor spans: one with dots, or one of the language. */
bool bt_scope_is_taken(bt_str word);

/* checker_field.c */
bool bt_checker_field(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out);
bt_type bt_field_type(bt_field_kind kind);
/* A path (or indexed path) that speaks of a field by its head: span. resource. scope. event. link. trace. or a
 * binding. */
bool bt_checker_has_field_head(const bt_checker *checker, const bt_ast *node);
/* Digits and a unit of time: "30s"; or, where it needs none, digits alone. */
bool bt_checker_is_amount(bt_str text, bool needs_unit);
/* `span.attributes.k`, of which `rest` is what stands behind the head. True: reported. */
bool bt_checker_report_dotted_attributes(bt_checker *checker, const bt_ast *node, bt_str rest);

/* checker_unowned.c: tests and fields outside of any span. */
/* E036 with trace.has(…) around `whole` as fix. */
void bt_checker_report_which_span(bt_checker *checker, const bt_ast *node, const bt_ast *whole);
/* Tests on a span, joined or alone, that do not say on which: reported with what else is wrong. False: others. */
bool bt_checker_report_unowned(bt_checker *checker, const bt_ast *node);
/* `span.name` and its like where spans are expected. False: it is no field that every span has. */
bool bt_checker_report_field_as_spans(bt_checker *checker, const bt_ast *node);
/* True when outside any span the field has an owner all the same. */
bool bt_checker_says_whose(const bt_checker *checker, const bt_ast *node);

/* checker_key.c: a key without a head. */
bool bt_checker_bare_key(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out);
/* `duration`, which is the span's own where it is set against a duration. */
void bt_checker_duration_key(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out);
/* W002 where a field of the span was probably meant by `key`. */
void bt_checker_warn_of_intrinsic(bt_checker *checker, const bt_ast *node, bt_str key, const bt_place *place);
/* A literal of span.status or span.kind stands on the right of that comparison, or nothing that could be another. */
bool bt_is_literal_of(const bt_ast *comparison, const char *key);

/* checker_foreign.c: what other languages write. */
/* W002 where the key keeps a field of ours under a word of its own: `tags.k`, `span.events.name`. True: reported. */
bool bt_checker_warn_of_head(bt_checker *checker, const bt_ast *node, bt_str key, bt_foreign_owner owner,
                             const bt_place *place);
/* `GET /cart`. True: reported. */
bool bt_checker_report_path_name(bt_checker *checker, const bt_ast *node);
/* `app.kubernetes.io/component == "db"`: two attributes are divided, and the result is compared with a text. */
void bt_checker_warn_of_path_key(bt_checker *checker, const bt_ast *node);
void bt_checker_warn_of_wildcard(bt_checker *checker, const bt_ast *node, bool is_selection);
bool bt_means_nothing(bt_str word); /* null, nil, … */
void bt_checker_report_nothing(bt_checker *checker, const bt_ast *node, const bt_place *place);
/* Where a name stops and a field of spans begins: `span.status` in `checkout.span.status`; empty: nowhere. */
bt_str bt_field_behind_name(bt_str path);
/* `checkout.span`, `checkout.resource`. */
bool bt_field_owner_ends(bt_str path);
/* `checkout.span.status == error`, `checkout.count > 3`. */
void bt_checker_warn_of_direct(bt_checker *checker, const bt_ast *node);
/* The first segment of keys that the semantic conventions, or many, use. */
bool bt_is_usual_namespace(bt_str head);

/* Says that `service:checkout` has no value; always false. */
bool bt_checker_report_owned_name(bt_checker *checker, const bt_ast *node);

/* checker_event.c */
/* `event.where(…)`, and `event.time after c` with its like. */
bool bt_is_event_test(const bt_ast *node);
const bt_predicate *bt_checker_event_test(bt_checker *checker, const bt_ast *node, bt_site site);
/* event.`rest` */
bool bt_checker_event_field(bt_checker *checker, const bt_ast *node, bt_str rest, const bt_place *place, bt_field *out);
/* Whether an event's field may stand there; else E035. */
bool bt_checker_allows_event(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field_kind kind);
void bt_checker_warn_of_part_key(bt_checker *checker, const bt_ast *node, const bt_place *place);
/* `event.where(…)` or `event.time after c` where spans are expected. */
void bt_checker_report_event_test(bt_checker *checker, const bt_ast *node);
/* `head.where(…)` and nothing else, and no name in quotes. */
bool bt_is_where_behind(const bt_ast *node, bt_str head);
/* Some one event (or link) meets the test; NULL where that is NULL. */
const bt_predicate *bt_checker_of_one_part(bt_checker *checker, bt_predicate_kind kind, const bt_predicate *test,
                                           bt_range range);

/* checker_part_count.c */
/* `event.count(…)`, `link.count(…)` */
bool bt_is_part_count(const bt_ast *node);
const bt_expression *bt_checker_part_count(bt_checker *checker, const bt_ast *node, const bt_place *place);
/* `event.count > 3`, `link.length > 3`: the warning that says how many there are gets its fix. */
void bt_checker_fix_number_of_parts(bt_checker *checker, bt_diagnostic *added, const bt_ast *node, bt_str key,
                                    const bt_place *place);
/* `trace.has(count(event.name == "retry") > 3)` */
void bt_checker_warn_of_spans_counted(bt_checker *checker, const bt_ast *node, const bt_place *place);

/* checker_link.c: the fields of links. */
/* `link.where(…)` */
bool bt_is_link_test(const bt_ast *node);
const bt_predicate *bt_checker_link_test(bt_checker *checker, const bt_ast *node, bt_site site);
/* `link.where(…)` where spans are expected. */
void bt_checker_report_link_test(bt_checker *checker, const bt_ast *node);
/* link.`rest` */
bool bt_checker_link_field(bt_checker *checker, const bt_ast *node, bt_str rest, const bt_place *place, bt_field *out);
/* Whether a link's field may stand there; else E035. */
bool bt_checker_allows_link(bt_checker *checker, const bt_ast *node, const bt_place *place);

/* checker_id.c: what ids are compared with. */
/* Whether the string can be such an id of a trace or a link; else E025. */
bool bt_checker_check_id(bt_checker *checker, bt_field_kind kind, const bt_expression *literal);
/* W023 where `left` is the id of a span or of its parent, and `right` a text that is none. */
void bt_checker_warn_of_span_id(bt_checker *checker, const bt_ast *node, const bt_expression *left,
                                const bt_expression *right);

/* checker_value.c */
const bt_expression *bt_checker_value(bt_checker *checker, const bt_ast *node, const bt_place *place);
/* Owned by the rule's arena; NULL: no memory. */
bt_expression *bt_checker_new_expression(bt_checker *checker, bt_expression_kind kind, bt_type type, bt_range range);
/* checker_aggregate.c: count, sum and the like. */
const bt_expression *bt_checker_aggregate(bt_checker *checker, const bt_ast *node, const bt_place *place);
/* sum, min and the like: what they give has the unit of their second argument. */
bool bt_gives_unit_of_value(bt_function function);
/* checker_value.c: the static type as far as the tree tells it without resolving: DURATION or TIME; anything else is
 * ATTRIBUTE. */
bt_type bt_checker_unit(const bt_checker *checker, const bt_ast *node);

/* checker_types.c: a COMPARE or IN node; `left` stands for its left side (of `name.key > 5` it is the key, and `direct`
 * the name; else `direct` is empty). */
bool bt_checker_comparison(bt_checker *checker, const bt_ast *node, const bt_ast *left, bt_str direct, bt_site site,
                           bt_comparison *out);

/* checker_predicate.c */
/* Owned by the rule's arena; NULL: no memory. */
bt_predicate *bt_checker_new_predicate(bt_checker *checker, bt_predicate_kind kind, bt_range range);
const bt_predicate *bt_checker_predicate(bt_checker *checker, const bt_ast *node, bt_site site);
/* A written name, and whose it is. */
const bt_predicate *bt_checker_name(bt_checker *checker, const bt_ast *node);
const bt_predicate *bt_checker_named(bt_checker *checker, bt_str name, bt_range range);
/* What is said of names of spans elsewhere in the rule; false: no memory. */
bool bt_checker_note_name(bt_checker *checker, bt_str name, bt_range range);
/* All of them: nested conjunctions are flattened, `true` is dropped. */
const bt_predicate *bt_checker_all_of(bt_checker *checker, const bt_predicate *const *items, uint32_t count,
                                      bt_range range);
const bt_predicate *bt_checker_compare_predicate(bt_checker *checker, const bt_ast *node, const bt_ast *left,
                                                 bt_str direct, bt_site site);

/* checker_selection.c */
/* What trace.has, count and the like are about. */
const bt_selection *bt_checker_operand(bt_checker *checker, const bt_ast *node);
/* Names, strings, bindings, has(…), span(…) and what stands behind them; the rest are tests. */
bool bt_checker_selects_spans(const bt_checker *checker, const bt_ast *node);
/* A selection that is a condition or stands in parentheses behind a relation; its `as` is the caller's. */
const bt_selection *bt_checker_selection(bt_checker *checker, const bt_ast *node);
/* `name.key > 5`: a path of two segments or more whose head is no field's. */
bool bt_is_direct_comparison(const bt_checker *checker, const bt_ast *node);
/* checker_every.c */
const bt_condition *bt_checker_every(bt_checker *checker, const bt_ast *node);
void bt_checker_warn_of_every(bt_checker *checker, const bt_ast_rule *tree);
/* The condition holds only where one of `spans` is there, or compares their number. */
bool bt_checker_asks_for(bt_checker *checker, const bt_ast *condition, const bt_ast *spans);
/* A bound span, which is there whatever it is filtered by. */
bool bt_checker_is_of_binding(const bt_checker *checker, const bt_ast *spans);
/* checker_doubts.c: what is read otherwise than it looks (W019 to W022). */
void bt_checker_warn_of_doubts(bt_checker *checker, const bt_ast_rule *tree);
/* `a.id` on the right, where `a` is no binding and what `when` or the bare condition asks for: W003 that offers `as`.
 * True: reported. */
bool bt_checker_warn_of_unbound(bt_checker *checker, const bt_ast *word);
/* checker_pick.c */
/* first(…), last(…), next(…): one span of those that the argument selects. */
const bt_selection *bt_checker_pick(bt_checker *checker, const bt_ast *node);
/* As a condition one of some spans asks what they ask: whether there is any. */
const bt_selection *bt_checker_without_pick(const bt_selection *selection);
/* checker_relation.c */
bool bt_checker_relation(bt_checker *checker, const bt_ast_part *part, bt_relation *out);

/* checker_clocks.c: @coarse_clocks. */
bool bt_is_coarse_clocks(const bt_ast_annotation *annotation);
void bt_checker_clocks(bt_checker *checker, const bt_ast_rule *tree);
/* checker_names.c: @semconv. */
bool bt_is_semconv(const bt_ast_annotation *annotation);
void bt_checker_conventions(bt_checker *checker, const bt_ast_rule *tree);
/* Copies the key of a field into the rule, with the other names that it goes by. False: no memory. */
bool bt_checker_keep_field(bt_checker *checker, bt_field *field, bt_range range);
/* Of event.name == "x" and the like: with the other names of that event. False: no memory. */
bool bt_checker_keep_event_names(bt_checker *checker, bt_comparison *comparison);

/* checker_own_names.c: @alias and @name. */
bool bt_is_own_names(const bt_ast_annotation *annotation);
void bt_checker_own_names(bt_checker *checker, const bt_ast_rule *tree);
bool bt_checker_has_alias(const bt_checker *checker, bt_str key);
/* The alias of an attribute's key, marked as used; NULL: none. */
const bt_alias *bt_checker_alias_of(bt_checker *checker, const bt_field *field);
/* What a word stands for; borrowed from the checker. NULL: nothing. */
bt_checker_own_name *bt_checker_find_own(const bt_checker *checker, bt_str word);
/* checker_own_spans.c: a word without quotes where spans are named, which a rule file may have given. */
const bt_predicate *bt_checker_word(bt_checker *checker, bt_str word, bt_range range);
/* `where(tool_call)`, where the word is the attribute's key. */
void bt_checker_warn_of_own_key(bt_checker *checker, const bt_ast *node);
/* Of a rule without errors: what was used goes into the rule, and what the text says for nothing is warned of. */
void bt_checker_keep_own_names(bt_checker *checker);

/* checker_annotation.c */
void bt_checker_annotations(bt_checker *checker, const bt_ast_rule *tree);

/* checker_constant.c: what is known without a trace. */
typedef enum bt_static_truth { BT_STATIC_OPEN, BT_STATIC_NEVER, BT_STATIC_ALWAYS } bt_static_truth;
/* A literal text that reads as a number (text_number.h). */
bool bt_checker_reads_as_number(const bt_expression *expression);
bt_static_truth bt_static_comparison(const bt_comparison *comparison);
bt_static_truth bt_static_predicate(const bt_predicate *predicate);
bt_static_truth bt_static_condition(const bt_condition *condition);
/* Why such a comparison is constant, for the message. */
const char *bt_static_reason(const bt_comparison *comparison);
/* The second of two equations in a conjunction that cannot both hold, or NULL. */
const bt_predicate *bt_static_contradiction(const bt_predicate *conjunction);

/* checker_positive.c: a violation needs at least one span that some selector names, so a search can find it. */
bool bt_rule_has_positive_selector(const bt_rule *rule);
/* The same, and the selector names spans or services: every search finds those. */
bool bt_rule_names_span(const bt_rule *rule);

/* checker_warnings.c: about a rule without errors. */
void bt_checker_warnings(bt_checker *checker, const bt_ast_rule *tree);

#endif
