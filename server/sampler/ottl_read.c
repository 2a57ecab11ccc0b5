/* The reader of conditions. See ottl.h. By descent: `or`, then `and`, then `not`, then a comparison, a call or
 * brackets.
 */
#include <stdlib.h>
#include <string.h>

#include "dsl/base/text.h"
#include "server/sampler/ottl_node.h"

enum { MOST_DEPTH = 200 };

typedef struct reader {
  bt_ottl_set *set;
  bt_str text;
  size_t at;
  unsigned depth;
  bt_status status; /* anything but BT_OK: what is read since is worthless */
  bt_error *error;
} reader;

static bt_ottl *fail_reading(reader *r) {
  if (!r->status)
    r->status =
        bt_error_set(r->error, BT_INVALID, "expected a condition as betrace writes it, got \"%.80s\" at byte %zu",
                     r->text.ptr, r->at);
  return NULL;
}

static bt_ottl *new_node(reader *r, bt_ottl_kind kind) {
  bt_ottl *node = r->status ? NULL : bt_arena_alloc(r->set->arena, sizeof *node);
  if (!node && !r->status) r->status = bt_error_no_memory(r->error);
  if (node) node->kind = kind;
  return node;
}

static bt_ottl *new_pair(reader *r, bt_ottl_kind kind, bt_ottl *left, bt_ottl *right) {
  bt_ottl *node = new_node(r, kind);
  if (!node) return NULL;
  node->left = left;
  node->right = right;
  return node;
}

/* ---- words ---- */

static bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void pass_blanks(reader *r) {
  while (r->at < r->text.len && r->text.ptr[r->at] == ' ') r->at++;
}

/* A word is not the beginning of a longer one. */
static bool take_token(reader *r, const char *token) {
  pass_blanks(r);
  bt_str wanted = bt_str_from(token);
  bt_str rest = {r->text.ptr + r->at, r->text.len - r->at};
  if (!bt_str_starts_with(rest, wanted)) return false;
  bool is_longer = is_of_word(wanted.ptr[wanted.len - 1]) && rest.len > wanted.len && is_of_word(rest.ptr[wanted.len]);
  if (is_longer) return false;
  r->at += wanted.len;
  return true;
}

static bool need_token(reader *r, const char *token) {
  if (take_token(r, token)) return true;
  (void)fail_reading(r);
  return false;
}

/* ---- literals ---- */

static void append_code(bt_buffer *out, uint32_t code) {
  if (code < 0x80) {
    bt_buffer_append_char(out, (char)code);
    return;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
  bt_buffer_append_char(out, (char)(first[more] | code >> (6 * more)));
  while (more-- > 0) bt_buffer_append_char(out, (char)(0x80 | (code >> (6 * more) & 0x3f)));
}

static void read_escape(reader *r, bt_buffer *out) {
  char hex[9] = {0};
  char kind = r->at < r->text.len ? r->text.ptr[r->at++] : '\0';
  size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (!digits) {
    bt_buffer_append_char(out, kind);
    return;
  }
  if (r->at + digits > r->text.len) {
    (void)fail_reading(r);
    return;
  }
  memcpy(hex, r->text.ptr + r->at, digits);
  r->at += digits;
  append_code(out, (uint32_t)strtoul(hex, NULL, 16));
}

/* Behind the first quote. */
static bt_str read_text(reader *r) {
  bt_buffer decoded = {0};
  bt_str text = {0};
  while (!r->status && r->at < r->text.len && r->text.ptr[r->at] != '"') {
    char c = r->text.ptr[r->at++];
    if (c == '\\')
      read_escape(r, &decoded);
    else
      bt_buffer_append_char(&decoded, c);
  }
  bool has_room = !decoded.failed && bt_arena_copy(r->set->arena, bt_buffer_str(&decoded), &text);
  if (!has_room && !r->status) r->status = bt_error_no_memory(r->error);
  bt_buffer_dispose(&decoded);
  (void)need_token(r, "\"");
  return text;
}

static bt_ottl *read_number(reader *r) {
  char digits[64] = {0}, *end;
  size_t most = r->text.len - r->at < sizeof digits - 1 ? r->text.len - r->at : sizeof digits - 1;
  memcpy(digits, r->text.ptr + r->at, most);
  bt_ottl *node = new_node(r, BT_OTTL_LITERAL);
  if (!node) return NULL;
  node->value = (bt_value){.type = BT_VALUE_INT, .integer = strtoll(digits, &end, 10)};
  if (*end == '.' || *end == 'e') node->value = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = strtod(digits, &end)};
  if (end == digits) return fail_reading(r);
  r->at += (size_t)(end - digits);
  return node;
}

typedef struct word_row {
  const char *word;
  int number;
} word_row;

static bool take_symbol(reader *r, int *number) {
  static const word_row rows[] = {{"SPAN_KIND_INTERNAL", BT_KIND_INTERNAL},   {"SPAN_KIND_SERVER", BT_KIND_SERVER},
                                  {"SPAN_KIND_CLIENT", BT_KIND_CLIENT},       {"SPAN_KIND_PRODUCER", BT_KIND_PRODUCER},
                                  {"SPAN_KIND_CONSUMER", BT_KIND_CONSUMER},   {"STATUS_CODE_OK", BT_SPAN_STATUS_OK},
                                  {"STATUS_CODE_ERROR", BT_SPAN_STATUS_ERROR}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (take_token(r, rows[i].word)) return *number = rows[i].number, true;
  return false;
}

static bt_ottl *of_value(reader *r, bt_ottl_kind kind, bt_value value) {
  bt_ottl *node = new_node(r, kind);
  if (node) node->value = value;
  return node;
}

/* ---- operands ---- */

static bt_ottl *read_path(reader *r) {
  static const word_row rows[] = {{"span.name", BT_OTTL_NAME},
                                  {"span.kind", BT_OTTL_KIND},
                                  {"span.status.code", BT_OTTL_STATUS},
                                  {"span.status.message", BT_OTTL_MESSAGE},
                                  {"span.start_time_unix_nano", BT_OTTL_START},
                                  {"span.end_time_unix_nano", BT_OTTL_END},
                                  {"span.links", BT_OTTL_LINK_COUNT},
                                  {"instrumentation_scope.name", BT_OTTL_SCOPE_NAME},
                                  {"instrumentation_scope.version", BT_OTTL_SCOPE_VERSION},
                                  {"spanevent.name", BT_OTTL_EVENT_NAME},
                                  {"span.attributes", BT_OTTL_OF_SPAN},
                                  {"resource.attributes", BT_OTTL_OF_RESOURCE},
                                  {"instrumentation_scope.attributes", BT_OTTL_OF_SCOPE},
                                  {"spanevent.attributes", BT_OTTL_OF_EVENT}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!take_token(r, rows[i].word)) continue;
    bt_ottl *node = new_node(r, BT_OTTL_PATH);
    if (!node) return NULL;
    node->path = (bt_ottl_path)rows[i].number;
    if (node->path < BT_OTTL_OF_SPAN) return node;
    if (!need_token(r, "[\"")) return NULL;
    node->key = read_text(r);
    return need_token(r, "]") ? node : NULL;
  }
  return fail_reading(r);
}

static bt_ottl *read_match(reader *r) {
  bt_ottl *node = new_pair(r, BT_OTTL_MATCH, read_path(r), NULL);
  if (!node || !need_token(r, ", ") || !need_token(r, "\"")) return NULL;
  bt_str pattern = read_text(r);
  if (r->status || !need_token(r, ")")) return NULL;
  r->status = bt_pattern_new(pattern, false, &node->pattern, r->error);
  if (r->status) return NULL;
  node->next_pattern = r->set->patterns;
  r->set->patterns = node;
  return node;
}

static bt_ottl *close_call(reader *r, bt_ottl *node) {
  return node && need_token(r, ")") ? node : NULL;
}

static bt_ottl *read_operand(reader *r) {
  static const word_row calls[] = {{"IsString(", BT_OTTL_STRING}, {"IsInt(", BT_OTTL_INT},
                                   {"IsBool(", BT_OTTL_BOOL},     {"IsDouble(", BT_OTTL_IS_DOUBLE},
                                   {"IsMap(", BT_OTTL_MAP},       {"IsList(", BT_OTTL_LIST}};
  int number;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (!take_token(r, calls[i].word)) continue;
    bt_ottl *node = new_pair(r, BT_OTTL_IS, read_path(r), NULL);
    if (node) node->is = (bt_ottl_type)calls[i].number;
    return close_call(r, node);
  }
  if (take_token(r, "IsMatch(")) return read_match(r);
  if (take_token(r, "Double(")) return close_call(r, new_pair(r, BT_OTTL_DOUBLE, read_path(r), NULL));
  if (take_token(r, "Len(")) return close_call(r, read_path(r));
  if (take_token(r, "true")) return of_value(r, BT_OTTL_CONSTANT, (bt_value){.type = BT_VALUE_BOOL, .boolean = true});
  if (take_token(r, "false")) return of_value(r, BT_OTTL_CONSTANT, (bt_value){.type = BT_VALUE_BOOL});
  if (take_token(r, "nil")) return of_value(r, BT_OTTL_LITERAL, (bt_value){.type = BT_VALUE_MISSING});
  if (take_symbol(r, &number)) return of_value(r, BT_OTTL_LITERAL, (bt_value){.type = BT_VALUE_INT, .integer = number});
  if (take_token(r, "\""))
    return of_value(r, BT_OTTL_LITERAL, (bt_value){.type = BT_VALUE_STRING, .string = read_text(r)});
  char c = r->at < r->text.len ? r->text.ptr[r->at] : '\0';
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(r);
  bt_ottl *path = read_path(r);
  return path && take_token(r, "- ") ? new_pair(r, BT_OTTL_MINUS, path, read_path(r)) : path;
}

/* ---- truths ---- */

static bt_ottl *read_any(reader *r);

static bt_ottl *read_comparison(reader *r) {
  static const char *const signs[] = {"==", "!=", "<=", ">=", "<", ">"}; /* in the order of bt_ottl_sign */
  bt_ottl *left = read_operand(r);
  if (!left) return NULL;
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    if (!take_token(r, signs[i])) continue;
    bt_ottl *node = new_pair(r, BT_OTTL_COMPARE, left, read_operand(r));
    if (node) node->op = (bt_ottl_sign)i;
    return r->status ? NULL : node;
  }
  return left->kind <= BT_OTTL_MATCH ? left : fail_reading(r);
}

static bt_ottl *read_negation(reader *r) {
  if (take_token(r, "not")) return new_pair(r, BT_OTTL_NOT, read_negation(r), NULL);
  if (!take_token(r, "(")) return read_comparison(r);
  if (r->depth++ == MOST_DEPTH) return fail_reading(r);
  bt_ottl *inner = read_any(r);
  r->depth--;
  return close_call(r, inner);
}

static bt_ottl *read_all(reader *r) {
  bt_ottl *node = read_negation(r);
  while (!r->status && take_token(r, "and")) node = new_pair(r, BT_OTTL_AND, node, read_negation(r));
  return node;
}

static bt_ottl *read_any(reader *r) {
  bt_ottl *node = read_all(r);
  while (!r->status && take_token(r, "or")) node = new_pair(r, BT_OTTL_OR, node, read_all(r));
  return node;
}

bt_status bt_ottl_read(bt_ottl_set *set, bt_str text, const bt_ottl **out, bt_error *error) {
  reader r = {.set = set, .text = text, .error = error};
  *out = read_any(&r);
  pass_blanks(&r);
  if (!r.status && r.at < text.len) (void)fail_reading(&r);
  return r.status;
}

void bt_ottl_set_dispose(bt_ottl_set *set) {
  for (bt_ottl *node = set->patterns; node; node = node->next_pattern) bt_pattern_free(node->pattern);
  set->patterns = NULL;
}
