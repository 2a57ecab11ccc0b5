/* libyaml's events → a tree in an arena. The stack of open lists and maps is an array, so depth is capped before
 * libyaml's own cost for deep nesting can show. The number of nodes is capped, so that the tree stays small compared
 * with the largest text. libyaml ends a text at a NUL byte without a word and counts lines after YAML 1.1 (NEL, LS and
 * PS end one too). The first is refused, the second followed. Thread: no state. */
#include "server/rulefile/yaml_document.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 64, MAX_NODES = 500000, MAX_KEYS = 4096 };

typedef struct tree_builder {
  bt_yaml_document *document;
  bt_yaml_node *open[MAX_DEPTH]; /* lists and maps that have not ended */
  size_t children[MAX_DEPTH];    /* nodes that they have so far: in a map, a key is due where that is even */
  size_t depth, node_count;
  size_t seen_characters, seen_bytes; /* where the node read last begins: libyaml counts characters */
  bool is_ended;                      /* the first document was read */
  bool is_foreign;                    /* properties say nothing, and an alias is an empty text */
  bt_error *error;
} tree_builder;

__attribute__((format(printf, 5, 0))) static bt_status fail_at(const bt_yaml_document *document, unsigned line,
                                                               unsigned column, bt_error *error, const char *format,
                                                               va_list list) {
  char text[400];
  vsnprintf(text, sizeof text, format, list);
  return bt_error_set(error, BT_INVALID, "%.100s:%u:%u: %s", document->file_name, line, column, text);
}

bt_status bt_yaml_fail(const bt_yaml_document *document, const bt_yaml_node *node, bt_error *error, const char *format,
                       ...) {
  va_list list;
  va_start(list, format);
  bt_status status = fail_at(document, node->line, node->column, error, format, list);
  va_end(list);
  return status;
}

__attribute__((format(printf, 3, 4))) static bt_status fail_mark(const tree_builder *builder, yaml_mark_t mark,
                                                                 const char *format, ...) {
  va_list list;
  va_start(list, format);
  bt_status status =
      fail_at(builder->document, (unsigned)mark.line + 1, (unsigned)mark.column + 1, builder->error, format, list);
  va_end(list);
  return status;
}

/* Length of the line break at the start of s, 0: none. */
static size_t break_length(bt_str s) {
  if (s.len == 0) return 0;
  if (s.ptr[0] == '\r') return s.len > 1 && s.ptr[1] == '\n' ? 2 : 1;
  if (s.ptr[0] == '\n') return 1;
  if (bt_str_starts_with(s, BT_STR("\xC2\x85"))) return 2;
  return bt_str_starts_with(s, BT_STR("\xE2\x80\xA8")) || bt_str_starts_with(s, BT_STR("\xE2\x80\xA9")) ? 3 : 0;
}

static size_t count_lines(bt_str source, size_t *starts) {
  size_t count = 0;
  if (starts) starts[count] = 0;
  count++;
  for (size_t at = 0; at < source.len;) {
    size_t length = break_length((bt_str){source.ptr + at, source.len - at});
    at += length ? length : 1;
    if (!length) continue;
    if (starts) starts[count] = at;
    count++;
  }
  return count;
}

static bt_status index_lines(bt_yaml_document *document, bt_error *error) {
  document->line_starts =
      bt_arena_array(document->arena, count_lines(document->source, NULL), sizeof *document->line_starts);
  if (!document->line_starts) return bt_error_no_memory(error);
  document->line_count = count_lines(document->source, document->line_starts);
  return BT_OK;
}

bt_str bt_yaml_line(const bt_yaml_document *document, unsigned line) {
  if (line == 0 || line > document->line_count) return (bt_str){NULL, 0};
  size_t start = document->line_starts[line - 1];
  size_t end = line < document->line_count ? document->line_starts[line] : document->source.len;
  return (bt_str){document->source.ptr + start, end - start};
}

static bt_status check_bytes(bt_str text, const char *file_name, bt_error *error) {
  unsigned line = 1;
  for (size_t at = 0; at < text.len;) {
    size_t length = bt_utf8_sequence((bt_str){text.ptr + at, text.len - at}, NULL);
    if (length == 0 || text.ptr[at] == '\0')
      return bt_error_set(error, BT_INVALID, "%.100s:%u:1: expected UTF-8 text, got %s", file_name, line,
                          length ? "a NUL byte" : "bytes that are not UTF-8");
    line += text.ptr[at] == '\n';
    at += length;
  }
  return BT_OK;
}

static bool read_four_digits(const char *at, uint32_t *out) {
  static const char digits[] = "0123456789abcdefABCDEF";
  *out = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    const char *digit = c ? strchr(digits, c) : NULL;
    if (!digit) return false;
    size_t value = (size_t)(digit - digits);
    *out = *out * 16 + (uint32_t)(value < 16 ? value : value - 6);
  }
  return true;
}

/* "\uD83D\uDE00" at the start of s: the character that the pair stands for. */
static bool surrogate_pair(bt_str s, uint32_t *code) {
  uint32_t high, low;
  if (s.len < 12 || s.ptr[0] != '\\' || s.ptr[1] != 'u' || s.ptr[6] != '\\' || s.ptr[7] != 'u') return false;
  if (!read_four_digits(s.ptr + 2, &high) || !read_four_digits(s.ptr + 8, &low)) return false;
  if (high < 0xD800 || high > 0xDBFF || low < 0xDC00 || low > 0xDFFF) return false;
  *code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

static void append_utf8_4(char *out, size_t *len, uint32_t code) {
  out[(*len)++] = (char)(0xF0 | (code >> 18));
  out[(*len)++] = (char)(0x80 | ((code >> 12) & 0x3F));
  out[(*len)++] = (char)(0x80 | ((code >> 6) & 0x3F));
  out[(*len)++] = (char)(0x80 | (code & 0x3F));
}

/* JSON writes characters beyond the first 65,536 as pairs of escapes, which YAML does not know. In a text that begins
 * as JSON does they are replaced inside quoted strings by the character itself. */
static bt_status join_surrogates(bt_yaml_document *document, bt_error *error) {
  bt_str source = document->source;
  size_t first = 0;
  while (first < source.len && strchr(" \t\r\n", source.ptr[first])) first++;
  if (first == source.len || (source.ptr[first] != '{' && source.ptr[first] != '[') ||
      !bt_str_contains(source, BT_STR("\\u")))
    return BT_OK;
  char *joined = bt_arena_alloc(document->arena, source.len + 1);
  if (!joined) return bt_error_no_memory(error);
  size_t length = 0;
  bool in_string = false;
  for (size_t at = 0; at < source.len;) {
    uint32_t code;
    if (in_string && surrogate_pair((bt_str){source.ptr + at, source.len - at}, &code)) {
      append_utf8_4(joined, &length, code);
      at += 12;
      continue;
    }
    if (in_string && source.ptr[at] == '\\' && at + 1 < source.len)
      joined[length++] = source.ptr[at++];
    else if (source.ptr[at] == '"')
      in_string = !in_string;
    joined[length++] = source.ptr[at++];
  }
  document->source = (bt_str){joined, length};
  return BT_OK;
}

static bt_status check_key(const tree_builder *builder, const bt_yaml_node *map, bt_yaml_node *key, yaml_mark_t mark) {
  if (key->kind != BT_YAML_SCALAR) return fail_mark(builder, mark, "expected a key, got a list or a mapping");
  if (map->count >= MAX_KEYS) return fail_mark(builder, mark, "expected at most %d keys in one mapping", MAX_KEYS);
  key->hash = bt_str_hash(key->text);
  for (const bt_yaml_node *other = map->first; other; other = other->next->next)
    if (other->hash == key->hash && bt_str_equal(other->text, key->text))
      return fail_mark(builder, mark, "expected each key once, got \"%.*s\" again (first in line %u)",
                       key->text.len < 100 ? (int)key->text.len : 100, key->text.ptr, other->line);
  return BT_OK;
}

/* Hangs a node under the innermost open list or map, or makes it the root. */
static bt_status attach_node(tree_builder *builder, bt_yaml_node *node, yaml_mark_t mark) {
  if (builder->depth == 0) {
    builder->document->root = node;
    return BT_OK;
  }
  bt_yaml_node *parent = builder->open[builder->depth - 1];
  size_t *children = &builder->children[builder->depth - 1];
  if (parent->kind == BT_YAML_MAP && *children % 2 == 0) {
    bt_status status = check_key(builder, parent, node, mark);
    if (status) return status;
    parent->count++;
  }
  if (parent->kind == BT_YAML_LIST) parent->count++;
  if (parent->last)
    parent->last->next = node;
  else
    parent->first = node;
  parent->last = node;
  (*children)++;
  return BT_OK;
}

/* Marks come in the order of the text, so all of them together read it once. */
static size_t byte_of_mark(tree_builder *builder, yaml_mark_t mark) {
  bt_str source = builder->document->source;
  while (builder->seen_characters < mark.index && builder->seen_bytes < source.len) {
    bt_str rest = {source.ptr + builder->seen_bytes, source.len - builder->seen_bytes};
    size_t length = bt_utf8_sequence(rest, NULL);
    builder->seen_bytes += length ? length : 1;
    builder->seen_characters++;
  }
  return builder->seen_bytes;
}

static bt_status add_node(tree_builder *builder, bt_yaml_kind kind, yaml_mark_t mark, bt_yaml_node **out) {
  if (++builder->node_count > MAX_NODES)
    return fail_mark(builder, mark, "expected at most %d values in one file", MAX_NODES);
  bt_yaml_node *node = bt_arena_alloc(builder->document->arena, sizeof *node);
  if (!node) return bt_error_no_memory(builder->error);
  node->kind = kind;
  node->line = (unsigned)mark.line + 1;
  node->column = (unsigned)mark.column + 1;
  node->offset = byte_of_mark(builder, mark);
  *out = node;
  return BT_OK;
}

/* Anchors are as useless as aliases once those are refused, and tags say nothing that the form does not. */
static bt_status refuse_properties(const tree_builder *builder, const yaml_char_t *anchor, const yaml_char_t *tag,
                                   yaml_mark_t mark) {
  if (builder->is_foreign) return BT_OK;
  if (anchor)
    return fail_mark(
        builder, mark,
        "expected a value, got the anchor \"&%.100s\"; anchors and aliases are not taken, write the value out",
        (const char *)anchor);
  if (tag)
    return fail_mark(builder, mark, "expected a value, got the tag \"%.100s\"; tags are not taken", (const char *)tag);
  return BT_OK;
}

static bt_status add_scalar(tree_builder *builder, const yaml_event_t *event) {
  bt_yaml_node *node = NULL;
  bt_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
  bt_status status = refuse_properties(builder, event->data.scalar.anchor, event->data.scalar.tag, event->start_mark);
  if (!status) status = add_node(builder, BT_YAML_SCALAR, event->start_mark, &node);
  if (!node) return status;
  if (text.len && memchr(text.ptr, 0, text.len))
    return fail_mark(builder, event->start_mark, "expected text, got a NUL character in it");
  if (!bt_arena_copy(builder->document->arena, text, &node->text)) return bt_error_no_memory(builder->error);
  node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  node->is_literal = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
  return attach_node(builder, node, event->start_mark);
}

static bt_status add_empty(tree_builder *builder, yaml_mark_t mark) {
  bt_yaml_node *node = NULL;
  bt_status status = add_node(builder, BT_YAML_SCALAR, mark, &node);
  if (!node) return status;
  node->text = BT_STR("");
  return attach_node(builder, node, mark);
}

static bt_status open_node(tree_builder *builder, bt_yaml_kind kind, const yaml_event_t *event) {
  bt_yaml_node *node = NULL;
  bool is_list = kind == BT_YAML_LIST;
  bt_status status =
      refuse_properties(builder, is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
                        is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag, event->start_mark);
  if (!status) status = add_node(builder, kind, event->start_mark, &node);
  if (!status && node) status = attach_node(builder, node, event->start_mark);
  if (status) return status;
  if (builder->depth == MAX_DEPTH)
    return fail_mark(builder, event->start_mark, "expected lists and mappings at most %d deep", MAX_DEPTH);
  builder->children[builder->depth] = 0;
  builder->open[builder->depth++] = node;
  return BT_OK;
}

static bt_status add_event(tree_builder *builder, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT: return add_scalar(builder, event);
  case YAML_SEQUENCE_START_EVENT: return open_node(builder, BT_YAML_LIST, event);
  case YAML_MAPPING_START_EVENT: return open_node(builder, BT_YAML_MAP, event);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: builder->depth--; return BT_OK;
  case YAML_ALIAS_EVENT:
    if (builder->is_foreign) return add_empty(builder, event->start_mark);
    return fail_mark(builder, event->start_mark,
                     "expected a value, got the alias \"*%.100s\"; aliases are not taken, write the value out",
                     (const char *)event->data.alias.anchor);
  case YAML_DOCUMENT_START_EVENT:
    return builder->is_ended ? fail_mark(builder, event->start_mark, "expected one document in a file, got another one")
                             : BT_OK;
  case YAML_DOCUMENT_END_EVENT: builder->is_ended = true; return BT_OK;
  case YAML_NO_EVENT:
  case YAML_STREAM_START_EVENT:
  case YAML_STREAM_END_EVENT: break;
  }
  return BT_OK;
}

/* Line and column (from 0) of a byte of the source. */
static yaml_mark_t mark_of_byte(const bt_yaml_document *document, size_t at) {
  size_t line = 0, column = 0;
  while (line + 1 < document->line_count && document->line_starts[line + 1] <= at) line++;
  for (size_t i = document->line_starts[line]; i < at && i < document->source.len; i++)
    column += (document->source.ptr[i] & 0xC0) != 0x80;
  return (yaml_mark_t){.index = at, .line = line, .column = column};
}

/* libyaml's own words for what it does not understand are good, once they have a place. */
static bt_status fail_parser(const tree_builder *builder, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR) return bt_error_no_memory(builder->error);
  bool is_character = parser->error == YAML_READER_ERROR; /* it has no mark then */
  yaml_mark_t mark = is_character ? mark_of_byte(builder->document, parser->problem_offset) : parser->problem_mark;
  return fail_mark(builder, mark, "expected YAML, but %.120s%s%.120s",
                   parser->problem ? parser->problem : "the text is not", parser->context ? " " : "",
                   parser->context ? parser->context : "");
}

static bt_status build_tree(tree_builder *builder, yaml_parser_t *parser) {
  bool is_end = false;
  bt_status status = BT_OK;
  while (!status && !is_end) {
    yaml_event_t event;
    if (!yaml_parser_parse(parser, &event)) return fail_parser(builder, parser);
    is_end = event.type == YAML_STREAM_END_EVENT;
    status = add_event(builder, &event);
    yaml_event_delete(&event);
  }
  return status;
}

static bt_status parse_document(bt_yaml_document *document, bt_str text, const char *file_name, bool is_foreign,
                                bt_arena *arena, bt_error *error) {
  *document = (bt_yaml_document){.file_name = file_name, .arena = arena, .source = text};
  if (bt_str_starts_with(text, BT_STR("\xEF\xBB\xBF"))) document->source = (bt_str){text.ptr + 3, text.len - 3};
  bt_status status = check_bytes(document->source, file_name, error);
  if (!status) status = join_surrogates(document, error);
  if (!status) status = index_lines(document, error);
  if (status) return status;
  tree_builder builder = {.document = document, .is_foreign = is_foreign, .error = error};
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) return bt_error_no_memory(error);
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)document->source.ptr, document->source.len);
  status = build_tree(&builder, &parser);
  yaml_parser_delete(&parser);
  return status;
}

bt_status bt_yaml_document_parse(bt_yaml_document *document, bt_str text, const char *file_name, bt_arena *arena,
                                 bt_error *error) {
  return parse_document(document, text, file_name, false, arena, error);
}

bt_status bt_yaml_document_parse_foreign(bt_yaml_document *document, bt_str text, const char *file_name,
                                         bt_arena *arena, bt_error *error) {
  return parse_document(document, text, file_name, true, arena, error);
}
