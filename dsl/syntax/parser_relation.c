/* What stands behind a selection: filters, relations and `as`. See parser.h. */
#include <string.h>

#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/parser.h"
#include "dsl/syntax/vocabulary.h"

typedef struct part_list {
  bt_ast_part *items;
  uint32_t count, capacity;
} part_list;

static void add_part(bt_parser *parser, part_list *list, const bt_ast_part *part) {
  if (list->count == list->capacity) {
    uint32_t capacity = list->capacity ? list->capacity * 2 : 2;
    bt_ast_part *items = bt_arena_array(parser->arena, capacity, sizeof *items);
    if (!items) {
      bt_parser_out_of_memory(parser);
      return;
    }
    if (list->count) memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = *part;
}

/* By both words where two rows begin alike; of these the first one is meant where the second word is neither. */
static const bt_relation_row *find_relation(const bt_parser *parser) {
  const bt_relation_row *found = NULL, *row = NULL;
  for (size_t i = 0; (row = bt_relation_row_at(i)) != NULL; i++) {
    if (!bt_parser_at_word(parser, 0, row->word)) continue;
    if (!row->second || bt_parser_at_word(parser, 1, row->second)) return row;
    if (!found) found = row;
  }
  return found;
}

/* `.start` or `.end` behind a string or `)`. */
static void parse_suffix(bt_parser *parser, bt_ast_point *point) {
  if (!bt_parser_at(parser, BT_TOKEN_DOT)) return;
  if (bt_parser_at_word(parser, 1, "start"))
    point->suffix = BT_SUFFIX_START;
  else if (bt_parser_at_word(parser, 1, "end"))
    point->suffix = BT_SUFFIX_END;
  else
    return;
  bt_parser_advance(parser);
  bt_parser_advance(parser);
  point->range.end = bt_parser_last_range(parser).end;
}

static void parse_point(bt_parser *parser, bt_ast_point *point) {
  bt_token_kind kind = bt_parser_peek(parser, 0)->kind;
  bt_token_kind next = bt_parser_peek(parser, 1)->kind;
  if (kind == BT_TOKEN_PATH && next == BT_TOKEN_LEFT_PAREN && !bt_parser_at_word(parser, 0, "where")) {
    bt_ast *call = bt_parser_primary(parser);
    if (call->kind == BT_AST_CALL && bt_function_picks(call->function)) {
      *point = (bt_ast_point){call, BT_SUFFIX_NONE, call->range};
      parse_suffix(parser, point);
      return;
    }
    if (call->kind != BT_AST_ERROR) {
      bt_diagnostic *added =
          bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_SYNTAX, call->range,
                             "expected a binding, a name or spans in parentheses: put this into parentheses");
      bt_str written = bt_parser_source(parser, call->range);
      bt_diagnostics_format_fix(parser->diagnostics, added, call->range, "(%.*s)", BT_FMT(written));
    }
    *point = (bt_ast_point){bt_parser_node(parser, BT_AST_ERROR, call->range), BT_SUFFIX_NONE, call->range};
  } else if (kind == BT_TOKEN_PATH || kind == BT_TOKEN_STRING || kind == BT_TOKEN_LEFT_PAREN) {
    point->ref = bt_parser_primary(parser);
    point->range = point->ref->outer;
    if (kind != BT_TOKEN_PATH) parse_suffix(parser, point);
  } else {
    bt_parser_expected(parser, "a binding, a name or spans in parentheses");
    *point = (bt_ast_point){bt_parser_node(parser, BT_AST_ERROR, bt_parser_peek(parser, 0)->range), BT_SUFFIX_NONE,
                            bt_parser_peek(parser, 0)->range};
    bt_parser_recover(parser);
  }
}

static bool is_unit(const bt_token *token) {
  if (token->kind != BT_TOKEN_PATH) return false;
  for (size_t i = 0; bt_vocabulary_unit(i); i++)
    if (bt_str_equal(token->text, bt_str_from(bt_vocabulary_unit(i)))) return true;
  return false;
}

/* `within 500` and `within 5 s` */
static void report_number_without_unit(bt_parser *parser, const bt_token *number) {
  const bt_token *next = bt_parser_peek(parser, 1);
  bt_str written = bt_parser_source(parser, number->range), unit = is_unit(next) ? next->text : BT_STR("ms");
  bt_range range = {number->range.start, is_unit(next) ? next->range.end : number->range.end};
  bt_diagnostic *added = bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_DURATION, range,
                                            is_unit(next) ? "a duration is written without a blank: %.*s%.*s"
                                                          : "expected a duration: write a unit, as in %.*s%.*s",
                                            BT_FMT(written), BT_FMT(unit));
  /* Without one nobody knows which unit was meant. */
  if (is_unit(next))
    bt_diagnostics_format_fix(parser->diagnostics, added, range, "%.*s%.*s", BT_FMT(written), BT_FMT(unit));
  if (is_unit(next)) bt_parser_advance(parser);
  bt_parser_advance(parser);
}

static void parse_duration(bt_parser *parser, bt_ast_part *part) {
  const bt_token *token = bt_parser_peek(parser, 0);
  part->within_range = token->range;
  if (token->kind == BT_TOKEN_DURATION) {
    part->within_ns = token->duration_ns;
    bt_parser_advance(parser);
  } else if (token->kind == BT_TOKEN_INTEGER || token->kind == BT_TOKEN_DECIMAL) {
    report_number_without_unit(parser, token);
  } else if (token->kind == BT_TOKEN_BAD_NUMBER) {
    bt_parser_advance(parser);
  } else {
    bt_parser_expected(parser, "a duration, as in `within 500ms`");
  }
}

/* `within d` behind a point belongs to it unless `of` follows. */
static void parse_joined_within(bt_parser *parser, bt_ast_part *part) {
  if (!bt_parser_at_word(parser, 0, "within") || bt_parser_at_word(parser, 2, "of")) return;
  bt_parser_advance(parser);
  parse_duration(parser, part);
}

/* A bound on a relation over links is not one on a point: `of` behind it begins nothing. */
static void parse_link_bounds(bt_parser *parser, bt_ast_part *part) {
  if (bt_parser_at_word(parser, 0, "within")) {
    bt_parser_advance(parser);
    parse_duration(parser, part);
  }
  if (part->relation != BT_DOWNSTREAM_OF || !bt_parser_at_word(parser, 0, "over")) return;
  bt_parser_advance(parser);
  const bt_token *steps = bt_parser_peek(parser, 0);
  if (steps->kind != BT_TOKEN_INTEGER || steps->integer < 1 || steps->integer > BT_MAX_LINK_STEPS) {
    bt_parser_expected(parser, "a number of links from 1 to 5, as in `over 2 links`");
    return;
  }
  part->max_links = (uint32_t)steps->integer;
  bt_parser_advance(parser);
  if (bt_parser_at_word(parser, 0, "link") || bt_parser_at_word(parser, 0, "links"))
    bt_parser_advance(parser);
  else
    bt_parser_expected(parser, "`links` behind `over` and its number");
}

static void parse_within_of(bt_parser *parser, bt_ast_part *part) {
  parse_duration(parser, part);
  if (bt_parser_at_word(parser, 0, "of"))
    bt_parser_advance(parser);
  else
    bt_parser_expected(parser, "`of` and a point behind `within` and its duration");
  parse_point(parser, &part->first);
}

static void parse_second_point(bt_parser *parser, bt_ast_part *part) {
  if (bt_parser_at_word(parser, 0, "and") || bt_parser_at(parser, BT_TOKEN_AND_AND))
    bt_parser_advance(parser);
  else
    bt_parser_expected(parser, "`and` and a second point behind `between`");
  parse_point(parser, &part->second);
}

static void parse_relation_operands(bt_parser *parser, const bt_relation_row *row, bt_ast_part *part) {
  if (row->kind == BT_WITHIN_OF) {
    parse_within_of(parser, part);
    return;
  }
  parse_point(parser, &part->first);
  if (row->kind == BT_BETWEEN) parse_second_point(parser, part);
  if (!row->joins_within) return;
  if (row->class == BT_RELATES_LINKS)
    parse_link_bounds(parser, part);
  else
    parse_joined_within(parser, part);
}

static void parse_relation(bt_parser *parser, const bt_relation_row *row, part_list *list) {
  bt_ast_part part = {.kind = BT_PART_RELATION, .relation = row->kind, .within_ns = -1};
  part.range = bt_parser_peek(parser, 0)->range;
  bt_parser_advance(parser);
  if (row->second) {
    if (bt_parser_at_word(parser, 0, row->second))
      bt_parser_advance(parser);
    else
      bt_parser_expected(parser, row->second_wants);
  }
  parse_relation_operands(parser, row, &part);
  part.range.end = bt_parser_last_range(parser).end;
  add_part(parser, list, &part);
}

/* A `.where` behind a relation looks like a filter on the ref, and is none. */
static void report_filtered_ref(bt_parser *parser, const bt_ast_part *before) {
  bt_range range = {bt_parser_peek(parser, 0)->range.start, bt_parser_peek(parser, 1)->range.end};
  bt_str ref = bt_parser_source(parser, before->second.ref ? before->second.range : before->first.range);
  if (ref.len > 60) ref = BT_STR("y");
  bt_diagnostic *added =
      bt_diagnostics_add(parser->diagnostics, parser->text, BT_E_FILTERED_REF, range,
                         "a filter behind a relation filters the selected span and is written without the dot; "
                         "to filter the other one write (%.*s.where(…))",
                         BT_FMT(ref));
  bt_diagnostics_format_fix(parser->diagnostics, added, range, " where");
}

static void parse_where(bt_parser *parser, bool dotted, part_list *list) {
  bt_ast_part part = {.kind = BT_PART_WHERE, .dotted = dotted, .within_ns = -1};
  part.range = bt_parser_peek(parser, 0)->range;
  if (dotted && list->count && list->items[list->count - 1].kind == BT_PART_RELATION)
    report_filtered_ref(parser, &list->items[list->count - 1]);
  if (dotted) bt_parser_advance(parser);
  bt_parser_advance(parser);
  if (!bt_parser_enter(parser)) return;
  bt_parser_advance(parser);
  parser->tests++, parser->filters++;
  part.predicate = bt_parser_condition(parser);
  parser->tests--, parser->filters--;
  bt_parser_mend_parenthesis(parser, "`)` or an operator");
  bt_parser_accept(parser, BT_TOKEN_RIGHT_PAREN);
  bt_parser_leave(parser);
  part.range.end = bt_parser_last_range(parser).end;
  add_part(parser, list, &part);
}

static void parse_as(bt_parser *parser, part_list *list) {
  bt_ast_part part = {.kind = BT_PART_AS, .within_ns = -1, .binding = BT_NO_BINDING};
  part.range = bt_parser_peek(parser, 0)->range;
  bt_parser_advance(parser);
  const bt_token *name = bt_parser_peek(parser, 0);
  if (name->kind != BT_TOKEN_PATH || bt_parser_at_clause(parser)) {
    bt_parser_expected(parser, "a name for the binding behind `as`");
    return;
  }
  part.name = name->text;
  part.name_range = name->range;
  bt_parser_advance(parser);
  part.range.end = name->range.end;
  add_part(parser, list, &part);
}

static bool parse_part(bt_parser *parser, const bt_ast *base, part_list *list) {
  bool dotted = bt_parser_at(parser, BT_TOKEN_DOT);
  size_t word = dotted ? 1 : 0;
  if (bt_parser_at_word(parser, word, "where") && bt_parser_peek(parser, word + 1)->kind == BT_TOKEN_LEFT_PAREN) {
    parse_where(parser, dotted, list);
    return true;
  }
  if (dotted) {
    bool is_behind_relation = list->count && list->items[list->count - 1].kind != BT_PART_WHERE;
    if (!is_behind_relation && bt_parser_report_compared_spans(parser, base)) return false;
    if (!list->count && bt_parser_report_unquoted_key(parser, base)) return false;
    bt_parser_advance(parser);
    bt_parser_expected(parser, "`where(` behind this dot");
    bt_parser_recover(parser);
    return false;
  }
  const bt_relation_row *row = find_relation(parser);
  if (row) return parse_relation(parser, row, list), true;
  if (bt_parser_at_word(parser, 0, "as")) return parse_as(parser, list), true;
  return false;
}

bool bt_parser_at_part(const bt_parser *parser) {
  size_t word = bt_parser_at(parser, BT_TOKEN_DOT) ? 1 : 0;
  bool is_filter =
      bt_parser_at_word(parser, word, "where") && bt_parser_peek(parser, word + 1)->kind == BT_TOKEN_LEFT_PAREN;
  return is_filter || (word == 0 && (find_relation(parser) || bt_parser_at_word(parser, 0, "as")));
}

bt_ast *bt_parser_parts(bt_parser *parser, bt_ast *base) {
  part_list list = {0};
  while (!parser->stopped && parse_part(parser, base, &list)) continue;
  if (!list.count) return base;
  bt_ast *node = bt_parser_node(parser, BT_AST_SELECTION, base->outer);
  bt_parser_set_items(parser, node, base, NULL);
  node->parts = list.items;
  node->part_count = list.count;
  node->range.end = node->outer.end = list.items[list.count - 1].range.end;
  return node;
}
