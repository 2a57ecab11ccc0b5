/* From the walk over the tokens to what a completion asks. See context.h. */
#include "dsl/syntax/ast.h"
#include "server/editor/context_parts.h"

#include <string.h>

bool bt_context_is_binding(const bt_context *context, bt_str name) {
  for (size_t i = 0; i < context->binding_count; i++)
    if (bt_str_equal(context->bindings[i], name)) return true;
  return false;
}

static void add_binding(bt_context *context, bt_str name) {
  if (context->binding_count < BT_MAX_BINDINGS && !bt_context_is_binding(context, name))
    context->bindings[context->binding_count++] = name;
}

/* A field of a bound span or of the trace. */
static bool is_owned_field(const bt_context *context, const bt_frame *frame) {
  bt_str head = bt_path_head(frame->left);
  bool is_path = frame->left_kind == BT_LEFT_PATH && bt_path_rest(frame->left).len;
  return is_path && (bt_str_equal(head, BT_STR("trace")) || bt_context_is_binding(context, head));
}

/* Has it a value? In a condition a name has none; `payment.amount` has, and does not take part in arithmetic. */
static void find_comparisons(const bt_frame *frame, bt_context *out) {
  bool is_open = frame->stage == BT_STAGE_DONE && !frame->is_selection && !frame->is_condition;
  bool is_value = frame->is_value || is_owned_field(out, frame);
  bool is_direct = frame->left_kind == BT_LEFT_PATH && bt_path_rest(frame->left).len;
  if (out->site == BT_AT_CONDITION) {
    out->can_calculate = is_open && is_value;
    out->can_compare = is_open && (is_value || is_direct);
  } else {
    out->can_calculate = is_open;
    out->can_compare = is_open && out->site != BT_AT_FIELD && out->site != BT_AT_VALUE;
  }
}

static bool is_of_event_time(const bt_frame *frame) {
  return frame->left_kind == BT_LEFT_PATH && !frame->is_selection && bt_str_equal(frame->left, BT_STR("event.time"));
}

/* What may stand behind an operand in this frame. */
static void find_followers(const bt_frame *frame, bt_context *out) {
  bool is_selectable = frame->site == BT_AT_CONDITION || frame->site == BT_AT_OPERAND;
  bool is_test = frame->site != BT_AT_FIELD && frame->site != BT_AT_VALUE && frame->kind != BT_FRAME_LIST;
  if (frame->kind != BT_FRAME_LIST) find_comparisons(frame, out);
  out->can_relate = is_selectable && is_test && frame->stage != BT_STAGE_BOUND && !frame->is_value &&
                    !frame->is_condition && !is_owned_field(out, frame);
  out->can_join = is_test;
  bool is_alone = frame->stage == BT_STAGE_DONE || frame->stage == BT_STAGE_RELATED;
  out->is_event_time = is_test && is_alone && is_of_event_time(frame);
  if (out->is_event_time) out->can_relate = false;
  out->can_within = frame->stage == BT_STAGE_RELATED && frame->joins_within;
  bool is_bounded = frame->stage == BT_STAGE_RELATED && frame->is_within;
  out->can_of = is_bounded && !frame->links;
  out->can_over = is_bounded && frame->links == BT_LINKS_COUNTED;
  out->needs_and = frame->stage == BT_STAGE_RELATED && frame->between_pending;
}

static bt_expect expect_of(const bt_walk *walk, const bt_frame *frame) {
  if (frame->kind == BT_FRAME_ANNOTATION) return frame->argument ? BT_EXPECT_NOTHING : BT_EXPECT_ANNOTATION_ITEM;
  if (frame->kind == BT_FRAME_INDEX) return frame->left.ptr ? BT_EXPECT_NOTHING : BT_EXPECT_KEY;
  if (frame->after_dot) return BT_EXPECT_PART;
  bool has_clause = walk->has_clause[0] || walk->has_clause[1] || walk->has_clause[2];
  if (frame->kind == BT_FRAME_TOP && has_clause) return BT_EXPECT_CLAUSE;
  switch (frame->stage) {
  case BT_STAGE_START: return frame->kind == BT_FRAME_TOP && frame->is_first ? BT_EXPECT_RULE : BT_EXPECT_OPERAND;
  case BT_STAGE_OPERAND: return BT_EXPECT_OPERAND;
  case BT_STAGE_RIGHT: return BT_EXPECT_VALUE;
  case BT_STAGE_POINT: return BT_EXPECT_POINT;
  case BT_STAGE_DURATION: return BT_EXPECT_DURATION;
  case BT_STAGE_OF: return BT_EXPECT_OF;
  case BT_STAGE_TO: return BT_EXPECT_TO;
  case BT_STAGE_LINKS: return BT_EXPECT_LINKS;
  case BT_STAGE_DONE:
  case BT_STAGE_COMPARED:
  case BT_STAGE_RELATED:
  case BT_STAGE_BOUND:
  case BT_STAGE_NOT: return BT_EXPECT_AFTER;
  case BT_STAGE_OVER:
  case BT_STAGE_IN:
  case BT_STAGE_AS: return BT_EXPECT_NOTHING;
  }
  return BT_EXPECT_NOTHING;
}

static void describe_context(const bt_walk *walk, bool is_behind_at, bt_context *out) {
  const bt_frame *frame = &walk->frames[walk->depth - 1];
  out->expect = walk->is_lost ? BT_EXPECT_NOTHING : is_behind_at ? BT_EXPECT_ANNOTATION : expect_of(walk, frame);
  out->site = frame->site;
  out->left_kind = frame->left_kind;
  out->left = frame->left;
  out->left_key = frame->left_key;
  out->is_point = frame->stage == BT_STAGE_RELATED;
  out->is_not_in = frame->stage == BT_STAGE_NOT;
  if (frame->kind == BT_FRAME_INDEX) out->index = frame->name;
  if (frame->kind == BT_FRAME_ANNOTATION) out->annotation = frame->name;
  memcpy(out->has_clause, walk->has_clause, sizeof out->has_clause);
  for (int i = 0; i < walk->visible; i++) add_binding(out, walk->bindings[i]);
  if (out->expect == BT_EXPECT_AFTER && !out->is_not_in) find_followers(frame, out);
  if (out->expect == BT_EXPECT_POINT) out->is_event_time = is_of_event_time(frame);
}

/* Clauses behind the cursor. The bindings of a `when` among them are seen in the others all the same. */
static void add_later_when(const bt_tokens *tokens, bt_context *out) {
  for (size_t i = 0; i + 1 < tokens->count; i++) {
    int clause = tokens->items[i + 1].kind == BT_TOKEN_LEFT_BRACE ? bt_clause_of(&tokens->items[i]) : -1;
    if (clause >= 0) out->has_clause[clause] = true;
    if (clause != BT_CLAUSE_WHEN) continue;
    bt_walk walk;
    bt_tokens rest = {.items = tokens->items + i, .count = tokens->count - i};
    bt_walk_run(&walk, &rest);
    for (int k = 0; k < walk.from_when; k++) add_binding(out, walk.bindings[k]);
  }
}

/* Tokens of a piece of the text, without what is wrong with it. */
static bt_status lex_piece(bt_str piece, bt_arena *arena, bt_tokens *tokens, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_lexer_run(piece, arena, &diagnostics, tokens, error);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

static bt_status find_in(bt_str text, size_t before, size_t behind, bt_arena *arena, bt_context *out, bt_error *error) {
  bt_tokens tokens = {0}, later = {0};
  bt_status status = lex_piece((bt_str){text.ptr, before}, arena, &tokens, error);
  if (!status) status = lex_piece((bt_str){text.ptr + behind, text.len - behind}, arena, &later, error);
  if (!status) {
    bt_walk walk;
    bt_walk_run(&walk, &tokens);
    bool is_behind_at = tokens.count > 1 && tokens.items[tokens.count - 2].kind == BT_TOKEN_AT;
    describe_context(&walk, is_behind_at, out);
    bool is_inside = walk.clause == BT_CLAUSE_ALWAYS || walk.clause == BT_CLAUSE_NEVER;
    if (is_inside || out->expect == BT_EXPECT_CLAUSE) add_later_when(&later, out);
  }
  bt_tokens_dispose(&tokens);
  bt_tokens_dispose(&later);
  return status;
}

/* Behind `service:` and `name:` stands what stands where these begin: where that is, else `at`. */
static size_t skip_owner(bt_str text, size_t at) {
  static const char *const owners[] = {"service:", "name:"};
  bt_str before = {text.ptr, at};
  for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
    bt_str owner = bt_str_from(owners[i]);
    if (!bt_str_ends_with(before, owner)) continue;
    size_t start = at - owner.len;
    if (start == 0 || !(bt_is_identifier_part(text.ptr[start - 1]) || strchr(".-", text.ptr[start - 1]))) return start;
  }
  return at;
}

bt_status bt_context_find(bt_str text, size_t offset, bt_arena *arena, bt_context *out, bt_error *error) {
  bt_text_place place = {0};
  *out = (bt_context){.word = {(uint32_t)offset, (uint32_t)offset}};
  bt_place_kind kind = bt_place_find(text, offset, &place);
  if (kind == BT_PLACE_COMMENT) return BT_OK;
  size_t before, behind;
  if (kind == BT_PLACE_STRING) {
    out->quote = place.quote;
    out->is_closed = place.is_closed;
    out->word = place.inside;
    before = place.start;
    behind = place.inside.end + place.is_closed;
  } else {
    out->word = bt_word_find(text, offset);
    before = skip_owner(text, out->word.start);
    behind = out->word.end;
    char first = out->word.start < offset ? text.ptr[out->word.start] : '\0';
    out->is_number = first >= '0' && first <= '9';
  }
  out->typed = (bt_str){text.ptr + out->word.start, offset - out->word.start};
  return find_in(text, before, behind, arena, out, error);
}
