/* JSON for editors. See editor_json.h. */
#include "server/json/editor_json.h"

#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/vocabulary.h"
#include "server/editor/language.h"
#include "server/editor/text_position.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

static json_t *position_json(bt_str text, bt_range range) {
  bt_text_position start = bt_text_position_of(text, range.start), end = bt_text_position_of(text, range.end);
  return json_pack("{s:I, s:I, s:I, s:I}", "start_line", (json_int_t)start.line, "start_column",
                   (json_int_t)start.column, "end_line", (json_int_t)end.line, "end_column", (json_int_t)end.column);
}

json_t *bt_text_range_json(bt_str text, bt_range range) {
  json_t *object = position_json(text, range);
  if (!object) return NULL;
  bt_json_set(object, "start", json_integer(range.start));
  bt_json_set(object, "end", json_integer(range.end));
  return object;
}

json_t *bt_positioned_diagnostics_json(bt_str text, const bt_diagnostics *diagnostics) {
  json_t *array = bt_diagnostics_json(diagnostics), *item;
  size_t index;
  json_array_foreach(array, index, item)
      bt_json_set(item, "position", position_json(text, diagnostics->items[index].range));
  return array;
}

static json_t *string_or_null(const char *text) {
  return text ? json_string(text) : json_null();
}

json_t *bt_completion_items_json(const bt_completion *completion) {
  json_t *array = json_array();
  for (size_t i = 0; i < completion->count && array; i++) {
    const bt_completion_item *item = &completion->items[i];
    bt_json_append(array, json_pack("{s:o, s:s, s:o, s:o, s:o}", "label", bt_text_json(item->label), "kind",
                                    bt_completion_kind_name(item->kind), "insert", bt_text_json(item->insert), "detail",
                                    string_or_null(item->detail), "doc", string_or_null(item->doc)));
  }
  return array;
}

static json_t *words_json(void) {
  bt_language_word word;
  json_t *array = json_array();
  for (size_t i = 0; array && bt_language_word_at(i, &word); i++)
    bt_json_append(array, json_pack("{s:s, s:s, s:s, s:s}", "name", word.name, "class", bt_word_class_name(word.class),
                                    "signature", word.signature, "doc", word.doc ? word.doc : ""));
  return array;
}

static json_t *list_json(const char *(*source)(size_t i)) {
  json_t *array = json_array();
  for (size_t i = 0; array && source(i); i++) bt_json_append(array, json_string(source(i)));
  return array;
}

static json_t *tokens_json(void) {
  json_t *array = json_array();
  for (const bt_token_class *row = bt_token_classes; array && row->name; row++)
    bt_json_append(array, json_pack("{s:s, s:s}", "class", row->name, "pattern", row->pattern));
  return array;
}

json_t *bt_language_json(void) {
  return json_pack("{s:s, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:{s:[s,s], s:[s,s]}, s:[[s,s],[s,s],[s,s]], "
                   "s:{s:i, s:i, s:i, s:i}}",
                   "name", "BeTraceDSL", "words", words_json(), "values", "span.kind", list_json(bt_vocabulary_kind),
                   "span.status", list_json(bt_vocabulary_status), "severity", list_json(bt_vocabulary_severity),
                   "units", list_json(bt_vocabulary_unit), "reserved", list_json(bt_vocabulary_reserved), "tokens",
                   tokens_json(), "comments", "line", "#", "//", "block", "/*", "*/", "brackets", "(", ")", "[", "]",
                   "{", "}", "limits", "bytes", BT_MAX_RULE_BYTES, "nesting", BT_MAX_NESTING, "nodes", BT_MAX_NODES,
                   "bindings", BT_MAX_BINDINGS);
}
