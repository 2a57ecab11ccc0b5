/* Over the tokens with a stack of brackets: what stands open, what may come next, and which bindings are seen. It
 * follows the grammar where the text does, and forgives where it does not. See context_parts.h. */
#include <string.h>

#include "dsl/syntax/ast.h"
#include "dsl/syntax/vocabulary.h"
#include "server/editor/context_parts.h"

static bt_frame *top_frame(bt_walk *walk) {
  return &walk->frames[walk->depth - 1];
}

static const bt_token *peek_token(const bt_walk *walk, size_t ahead) {
  return walk->at + ahead < walk->count ? &walk->tokens[walk->at + ahead] : &walk->tokens[walk->count];
}

static bool is_word(const bt_token *token, const char *word) {
  return token->kind == BT_TOKEN_PATH && bt_str_equal(token->text, bt_str_from(word));
}

static void push_frame(bt_walk *walk, bt_frame_kind kind, bt_editor_site site) {
  if (walk->depth == BT_MAX_FRAMES) {
    walk->is_lost = true;
    return;
  }
  walk->frames[walk->depth++] =
      (bt_frame){.kind = kind, .site = site, .visible_before = walk->visible, .not_before = -1};
}

/* A new test begins in this frame: behind and, or, a comma. */
static void begin_test(bt_walk *walk, bool is_or) {
  bt_frame *frame = top_frame(walk);
  if (frame->not_before >= 0) walk->visible = frame->not_before;
  if (is_or) walk->visible = frame->visible_before;
  bool has_or = frame->has_or || is_or;
  *frame = (bt_frame){.kind = frame->kind,
                      .site = frame->site,
                      .name = frame->name,
                      .argument = frame->argument,
                      .has_or = has_or,
                      .visible_before = frame->visible_before,
                      .not_before = -1};
}

static bool is_operand_stage(const bt_frame *frame) {
  return frame->stage == BT_STAGE_START || frame->stage == BT_STAGE_OPERAND || frame->stage == BT_STAGE_RIGHT ||
         frame->stage == BT_STAGE_POINT;
}

/* An operand stands there now. */
static void set_operand(bt_frame *frame, bt_left_kind kind, bt_str text, bt_str key) {
  frame->after_dot = frame->is_within = false;
  if (frame->stage == BT_STAGE_START) {
    frame->left_kind = kind;
    frame->left = text;
    frame->left_key = key;
    frame->stage = BT_STAGE_DONE;
  } else if (frame->stage == BT_STAGE_OPERAND) {
    frame->left_kind = BT_LEFT_OTHER;
    frame->is_value = true;
    frame->stage = BT_STAGE_DONE;
  } else if (frame->stage == BT_STAGE_RIGHT || frame->stage == BT_STAGE_IN) {
    frame->stage = BT_STAGE_COMPARED;
  } else if (frame->stage == BT_STAGE_POINT) {
    frame->stage = BT_STAGE_RELATED;
  }
}

/* NULL: the name is no function's. */
static const bt_function_row *find_function(bt_str name) {
  const bt_function_word *word = NULL;
  return bt_function_named(name, &word);
}

static void open_call(bt_walk *walk, bt_str name) {
  bt_editor_site site = BT_AT_OPERAND;
  if (bt_str_equal(name, BT_STR("event.where")) || bt_str_equal(name, BT_STR("event.count"))) site = BT_AT_EVENT;
  if (bt_str_equal(name, BT_STR("link.where")) || bt_str_equal(name, BT_STR("link.count"))) site = BT_AT_LINK;
  if (bt_str_equal(name, BT_STR("exists"))) site = BT_AT_FIELD;
  if (bt_str_equal(name, BT_STR("where"))) site = BT_AT_WHERE;
  push_frame(walk, site == BT_AT_WHERE ? BT_FRAME_WHERE : BT_FRAME_CALL, site);
  if (!walk->is_lost) top_frame(walk)->name = name;
}

/* A word where an operand is expected. */
static void take_operand_word(bt_walk *walk, const bt_token *token) {
  bt_frame *frame = top_frame(walk);
  bt_token_kind next = peek_token(walk, 1)->kind;
  if (is_word(token, "not") && frame->stage == BT_STAGE_START) {
    if (frame->not_before < 0) frame->not_before = walk->visible;
  } else if (next == BT_TOKEN_LEFT_PAREN) {
    walk->at++;
    open_call(walk, token->text);
  } else if (next == BT_TOKEN_LEFT_BRACKET) {
    walk->at++;
    push_frame(walk, BT_FRAME_INDEX, frame->site);
    if (!walk->is_lost) top_frame(walk)->name = token->text;
  } else if (is_word(token, "and") || is_word(token, "or")) {
    begin_test(walk, is_word(token, "or"));
  } else {
    bool is_boolean = is_word(token, "true") || is_word(token, "false");
    bool is_value = bt_str_starts_with(token->text, BT_STR("trace."));
    if (frame->stage == BT_STAGE_START) frame->is_value = is_boolean || is_value;
    set_operand(frame, is_boolean ? BT_LEFT_OTHER : BT_LEFT_PATH, token->text, (bt_str){0});
  }
}

static void take_relation_word(bt_frame *frame, const bt_relation_row *row) {
  bool is_counted = row->kind == BT_DOWNSTREAM_OF;
  if (row->class == BT_RELATES_LINKS) {
    frame->links = is_counted ? BT_LINKS_COUNTED : BT_LINKS_ONE;
    frame->stage = is_counted ? BT_STAGE_OF : BT_STAGE_TO;
  } else if (row->kind == BT_WITHIN_OF) {
    frame->has_own_within = !(frame->stage == BT_STAGE_RELATED && frame->joins_within);
    frame->stage = BT_STAGE_DURATION;
  } else if (row->second) {
    frame->stage = BT_STAGE_OF;
  } else {
    frame->between_pending = row->kind == BT_BETWEEN;
    frame->stage = BT_STAGE_POINT;
  }
  frame->joins_within = row->joins_within;
}

static bool take_relation(bt_frame *frame, const bt_token *token) {
  bool is_over = frame->is_within && frame->links == BT_LINKS_COUNTED && is_word(token, "over");
  const bt_relation_row *row = token->kind == BT_TOKEN_PATH ? bt_relation_of_word(token->text) : NULL;
  frame->is_within = false;
  if (is_over) {
    frame->stage = BT_STAGE_OVER;
    return true;
  }
  if (!row || row->kind != BT_WITHIN_OF || !frame->joins_within) frame->links = BT_LINKS_NONE;
  if (row) take_relation_word(frame, row);
  return row != NULL;
}

static bool is_comparison_word(const bt_token *token) {
  return is_word(token, "contains") || is_word(token, "starts_with") || is_word(token, "ends_with") ||
         is_word(token, "matches");
}

/* `.where(`, `where(`, `.start`, `.end` behind an operand. */
static bool take_part(bt_walk *walk, const bt_token *token) {
  bt_frame *frame = top_frame(walk);
  if (is_word(token, "where") && peek_token(walk, 1)->kind == BT_TOKEN_LEFT_PAREN) {
    bool is_behind_path = frame->after_dot && frame->left_kind == BT_LEFT_PATH;
    bool is_event = is_behind_path && bt_str_equal(frame->left, BT_STR("event"));
    bool is_link = is_behind_path && bt_str_equal(frame->left, BT_STR("link"));
    walk->at++;
    frame->after_dot = false;
    frame->is_condition = is_event || is_link;
    open_call(walk, is_event ? BT_STR("event.where") : is_link ? BT_STR("link.where") : token->text);
    return true;
  }
  bool is_point = frame->after_dot && (is_word(token, "start") || is_word(token, "end"));
  frame->after_dot = false;
  return is_point;
}

/* A word behind an operand. */
static void take_operator_word(bt_walk *walk, const bt_token *token) {
  bt_frame *frame = top_frame(walk);
  if (take_part(walk, token)) return;
  if (is_word(token, "and") && frame->between_pending) {
    frame->between_pending = false;
    frame->stage = BT_STAGE_POINT;
  } else if (is_word(token, "and") || is_word(token, "or")) {
    begin_test(walk, is_word(token, "or"));
  } else if (is_comparison_word(token)) {
    frame->stage = BT_STAGE_RIGHT;
  } else if (is_word(token, "in")) {
    frame->stage = BT_STAGE_IN;
  } else if (is_word(token, "not")) {
    frame->stage = BT_STAGE_NOT;
  } else if (is_word(token, "as")) {
    frame->stage = BT_STAGE_AS;
  } else {
    take_relation(frame, token);
  }
}

static void bind_name(bt_walk *walk, bt_str name) {
  if (walk->visible < BT_MAX_BINDINGS) walk->bindings[walk->visible++] = name;
}

int bt_clause_of(const bt_token *token) {
  for (int i = 0; bt_vocabulary_clause((size_t)i); i++)
    if (is_word(token, bt_vocabulary_clause((size_t)i))) return i;
  return -1;
}

/* Back to the top, whatever stands open: what follows is a clause. */
static void close_clause(bt_walk *walk) {
  bt_frame *frame = walk->depth > 1 ? &walk->frames[1] : NULL;
  if (frame && frame->not_before >= 0) walk->visible = frame->not_before;
  if (frame && frame->has_or) walk->visible = frame->visible_before;
  if (walk->clause == BT_CLAUSE_WHEN)
    walk->from_when = walk->visible;
  else
    walk->visible = walk->from_when;
  walk->clause = -1;
  walk->depth = 1;
}

static void open_clause(bt_walk *walk, int clause) {
  if (walk->clause >= 0) close_clause(walk);
  walk->depth = 1;
  walk->clause = clause;
  walk->has_clause[clause] = true;
  walk->at++;
  if (clause == BT_CLAUSE_WHEN) walk->visible = walk->from_when;
  push_frame(walk, BT_FRAME_CLAUSE, BT_AT_CONDITION);
}

static void take_word(bt_walk *walk, const bt_token *token) {
  bt_frame *frame = top_frame(walk);
  int clause = peek_token(walk, 1)->kind == BT_TOKEN_LEFT_BRACE ? bt_clause_of(token) : -1;
  if (clause >= 0 && frame->kind != BT_FRAME_ANNOTATION) {
    open_clause(walk, clause);
  } else if (frame->kind == BT_FRAME_ANNOTATION || frame->kind == BT_FRAME_INDEX) {
    return;
  } else if (frame->stage == BT_STAGE_AS) {
    bind_name(walk, token->text);
    frame->stage = BT_STAGE_BOUND;
  } else if (frame->stage == BT_STAGE_OF || (frame->is_within && !frame->links && is_word(token, "of"))) {
    frame->is_within = false;
    if (is_word(token, "of")) frame->stage = BT_STAGE_POINT;
  } else if (frame->stage == BT_STAGE_TO) {
    if (is_word(token, "to") || is_word(token, "from")) frame->stage = BT_STAGE_POINT;
  } else if (frame->stage == BT_STAGE_LINKS) {
    frame->stage = BT_STAGE_RELATED;
  } else if (frame->stage == BT_STAGE_NOT) {
    frame->stage = is_word(token, "in") ? BT_STAGE_IN : BT_STAGE_DONE;
  } else if (is_operand_stage(frame)) {
    take_operand_word(walk, token);
  } else {
    take_operator_word(walk, token);
  }
}

/* What a bracket that was closed means for what stands before it. */
static void close_frame(bt_walk *walk) {
  bt_frame closed = *top_frame(walk);
  if (closed.kind == BT_FRAME_CLAUSE) {
    close_clause(walk);
    return;
  }
  if (closed.not_before >= 0) walk->visible = closed.not_before;
  if (closed.kind != BT_FRAME_GROUP || closed.has_or) walk->visible = closed.visible_before;
  walk->depth--;
  bt_frame *frame = top_frame(walk);
  if (closed.kind == BT_FRAME_WHERE) {
    frame->is_selection = true;
    frame->is_within = false;
  } else if (closed.kind == BT_FRAME_INDEX) {
    set_operand(frame, BT_LEFT_INDEX, closed.name, closed.left);
    frame->is_value = frame->stage == BT_STAGE_DONE || frame->is_value;
  } else if (closed.kind == BT_FRAME_CALL) {
    if (frame->stage == BT_STAGE_START) {
      const bt_function_row *row = find_function(closed.name);
      frame->is_value = row && (row->class == BT_AGGREGATES || row->class == BT_COUNTS_PARTS);
      frame->is_selection = row && bt_function_selects(row->function);
      frame->is_condition = !frame->is_value && !frame->is_selection;
    }
    set_operand(frame, BT_LEFT_OTHER, (bt_str){0}, (bt_str){0});
  } else if (closed.kind != BT_FRAME_ANNOTATION) {
    set_operand(frame, BT_LEFT_OTHER, (bt_str){0}, (bt_str){0});
  }
}

static bool closes_frame(const bt_frame *frame, bt_token_kind kind) {
  switch (frame->kind) {
  case BT_FRAME_TOP: return false;
  case BT_FRAME_CLAUSE: return kind == BT_TOKEN_RIGHT_BRACE;
  case BT_FRAME_GROUP:
  case BT_FRAME_CALL:
  case BT_FRAME_WHERE: return kind == BT_TOKEN_RIGHT_PAREN;
  case BT_FRAME_LIST:
  case BT_FRAME_INDEX: return kind == BT_TOKEN_RIGHT_BRACKET;
  case BT_FRAME_ANNOTATION: return true;
  }
  return false;
}

/* The innermost bracket of that kind is closed, and what was left open inside with it. */
static void take_close(bt_walk *walk, bt_token_kind kind) {
  size_t found = walk->depth;
  while (found > 1 && !closes_frame(&walk->frames[found - 1], kind)) found--;
  if (found <= 1) return;
  while (walk->depth > found) {
    walk->visible = top_frame(walk)->visible_before;
    walk->depth--;
  }
  close_frame(walk);
}

static void take_open(bt_walk *walk, bt_token_kind kind) {
  bt_frame *frame = top_frame(walk);
  if (frame->kind == BT_FRAME_ANNOTATION) {
    push_frame(walk, BT_FRAME_ANNOTATION, frame->site);
    if (!walk->is_lost) top_frame(walk)->argument = 1; /* a list of the user's own words */
  } else if (kind == BT_TOKEN_LEFT_BRACKET && frame->stage == BT_STAGE_IN) {
    push_frame(walk, BT_FRAME_LIST, frame->site);
    if (walk->is_lost) return;
    bt_frame *list = top_frame(walk);
    list->stage = BT_STAGE_RIGHT;
    list->left_kind = frame->left_kind;
    list->left = frame->left;
    list->left_key = frame->left_key;
  } else if (kind == BT_TOKEN_LEFT_PAREN) {
    bool is_point = frame->stage == BT_STAGE_POINT;
    bt_stage stage =
        frame->stage == BT_STAGE_RIGHT || frame->stage == BT_STAGE_OPERAND ? BT_STAGE_OPERAND : BT_STAGE_START;
    push_frame(walk, BT_FRAME_GROUP, is_point ? BT_AT_CONDITION : frame->site);
    if (!walk->is_lost) top_frame(walk)->stage = stage;
  }
}

/* `@name`, and `(` behind it. */
static void take_annotation(bt_walk *walk) {
  if (peek_token(walk, 1)->kind != BT_TOKEN_PATH) return;
  bt_str name = peek_token(walk, 1)->text;
  walk->at++;
  if (peek_token(walk, 1)->kind != BT_TOKEN_LEFT_PAREN) return;
  walk->at++;
  push_frame(walk, BT_FRAME_ANNOTATION, BT_AT_CONDITION);
  if (!walk->is_lost) top_frame(walk)->name = name;
}

static void take_comma(bt_walk *walk) {
  bt_frame *frame = top_frame(walk);
  if (frame->kind == BT_FRAME_LIST) frame->stage = BT_STAGE_RIGHT;
  if (frame->kind != BT_FRAME_CALL) return;
  frame->argument++;
  const bt_function_row *row = find_function(frame->name);
  if (row && row->class == BT_AGGREGATES && row->arguments == 2) frame->site = BT_AT_VALUE;
  if (bt_str_equal(frame->name, BT_STR("every"))) frame->site = BT_AT_WHERE;
  begin_test(walk, false);
}

static void take_sign(bt_walk *walk, const bt_token *token) {
  bt_frame *frame = top_frame(walk);
  bool is_start = is_operand_stage(frame);
  frame->after_dot = false;
  if (token->kind == BT_TOKEN_BANG) {
    if (frame->stage == BT_STAGE_START && frame->not_before < 0) frame->not_before = walk->visible;
  } else if (token->kind == BT_TOKEN_AND_AND && frame->between_pending && !is_start) {
    frame->between_pending = false;
    frame->stage = BT_STAGE_POINT;
  } else if (token->kind == BT_TOKEN_AND_AND || token->kind == BT_TOKEN_OR_OR) {
    begin_test(walk, token->kind == BT_TOKEN_OR_OR);
  } else if (token->kind >= BT_TOKEN_PLUS && token->kind <= BT_TOKEN_SLASH) {
    if (!is_start) frame->stage = frame->stage == BT_STAGE_COMPARED ? BT_STAGE_RIGHT : BT_STAGE_OPERAND;
  } else if (!is_start) {
    frame->stage = BT_STAGE_RIGHT; /* a comparison */
  }
}

static void take_literal(bt_walk *walk, const bt_token *token) {
  bt_frame *frame = top_frame(walk);
  if (frame->kind == BT_FRAME_ANNOTATION) return;
  if (frame->kind == BT_FRAME_INDEX) {
    frame->left = token->text;
  } else if (frame->stage == BT_STAGE_OVER) {
    frame->stage = BT_STAGE_LINKS;
  } else if (frame->stage == BT_STAGE_DURATION) {
    frame->is_within = true;
    frame->stage = frame->has_own_within ? BT_STAGE_OF : BT_STAGE_RELATED;
  } else if (is_operand_stage(frame)) {
    bool is_string = token->kind == BT_TOKEN_STRING;
    if (frame->stage == BT_STAGE_START) frame->is_value = !is_string;
    set_operand(frame, is_string ? BT_LEFT_STRING : BT_LEFT_OTHER, token->text, (bt_str){0});
  }
}

static void read_token(bt_walk *walk, const bt_token *token) {
  if (top_frame(walk)->kind == BT_FRAME_ANNOTATION) top_frame(walk)->argument++;
  if (walk->depth == 1 && token->kind != BT_TOKEN_AT) walk->frames[0].is_first = false;
  switch (token->kind) {
  case BT_TOKEN_END: return;
  case BT_TOKEN_PATH: take_word(walk, token); return;
  case BT_TOKEN_STRING:
  case BT_TOKEN_INTEGER:
  case BT_TOKEN_DECIMAL:
  case BT_TOKEN_DURATION:
  case BT_TOKEN_BAD_NUMBER: take_literal(walk, token); return;
  case BT_TOKEN_LEFT_PAREN:
  case BT_TOKEN_LEFT_BRACE:
  case BT_TOKEN_LEFT_BRACKET: take_open(walk, token->kind); return;
  case BT_TOKEN_RIGHT_PAREN:
  case BT_TOKEN_RIGHT_BRACE:
  case BT_TOKEN_RIGHT_BRACKET: take_close(walk, token->kind); return;
  case BT_TOKEN_COMMA: take_comma(walk); return;
  case BT_TOKEN_DOT: top_frame(walk)->after_dot = true; return;
  case BT_TOKEN_AT: take_annotation(walk); return;
  case BT_TOKEN_EQUAL:
  case BT_TOKEN_NOT_EQUAL:
  case BT_TOKEN_LESS:
  case BT_TOKEN_LESS_EQUAL:
  case BT_TOKEN_GREATER:
  case BT_TOKEN_GREATER_EQUAL:
  case BT_TOKEN_MATCHES_WHOLE:
  case BT_TOKEN_NOT_MATCHES_WHOLE:
  case BT_TOKEN_PLUS:
  case BT_TOKEN_MINUS:
  case BT_TOKEN_STAR:
  case BT_TOKEN_SLASH:
  case BT_TOKEN_AND_AND:
  case BT_TOKEN_OR_OR:
  case BT_TOKEN_BANG:
    if (top_frame(walk)->kind != BT_FRAME_ANNOTATION) take_sign(walk, token);
    return;
  }
}

void bt_walk_run(bt_walk *walk, const bt_tokens *tokens) {
  *walk = (bt_walk){.tokens = tokens->items, .count = tokens->count - 1, .clause = -1};
  push_frame(walk, BT_FRAME_TOP, BT_AT_CONDITION);
  walk->frames[0].is_first = true;
  for (; walk->at < walk->count && !walk->is_lost; walk->at++) read_token(walk, &walk->tokens[walk->at]);
}
