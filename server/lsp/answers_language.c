/* Completion, hover and formatting: what the pages' editor asks as well, at places of documents. See answers.h. */
#include <stdio.h>

#include "dsl/compile.h"
#include "dsl/example/example.h"
#include "server/rules/rule_compile.h"
#include "server/editor/completion.h"
#include "server/editor/language.h"
#include "server/editor/own_words.h"
#include "server/json/examples_json.h"
#include "server/json/json_values.h"
#include "server/lsp/answers.h"
#include "server/lsp/place.h"
#include "server/rulefile/file_format.h"

/* A cursor in a rule's text. */
typedef struct cursor {
  bt_lsp_place place;
  bt_buffer text; /* of the rule; dispose of it */
  size_t offset;  /* in the text */
} cursor;

/* False: it is in no rule. */
static bool find_cursor(const bt_lsp_document *document, size_t offset, cursor *out) {
  bt_str file = bt_lsp_document_text(document);
  bt_lsp_kind kind = bt_lsp_document_kind(document);
  *out = (cursor){0};
  if (kind == BT_LSP_RULE_TEXT)
    out->place = bt_lsp_place_of_text(file);
  else if (kind == BT_LSP_OTHER || !bt_lsp_place_around(file, offset, &out->place))
    return false;
  bt_lsp_place_read(&out->place, &out->text);
  out->offset = bt_lsp_place_to_text(&out->place, bt_buffer_str(&out->text), offset);
  return true;
}

static bt_str text_of(const cursor *at) {
  bt_str text = bt_buffer_str(&at->text);
  return text.ptr ? text : BT_STR("");
}

/* ---- completion ---- */

static int kind_number(bt_completion_kind kind) {
  switch (kind) {
  case BT_COMPLETION_CLAUSE:
  case BT_COMPLETION_KEYWORD: return 14;
  case BT_COMPLETION_BINDING: return 6;
  case BT_COMPLETION_VALUE: return 12;
  case BT_COMPLETION_SPAN: return 23;
  case BT_COMPLETION_SERVICE: return 9;
  case BT_COMPLETION_ATTRIBUTE: return 10;
  case BT_COMPLETION_FIELD: return 5;
  case BT_COMPLETION_FUNCTION: return 3;
  case BT_COMPLETION_OPERATOR: return 24;
  case BT_COMPLETION_KINDS: break;
  }
  return 1;
}

/* The range of an edit has to be on the cursor's line. */
static bt_range range_of(const bt_lsp_document *document, const cursor *at, bt_range in_text, size_t offset) {
  bt_str text = text_of(at);
  bt_range line = bt_lsp_document_line(document, bt_lsp_document_line_of(document, offset));
  size_t start = bt_lsp_place_to_file(&at->place, text, in_text.start);
  size_t end = bt_lsp_place_to_file(&at->place, text, in_text.end);
  if (start < line.start || start > offset) start = offset;
  if (end > line.end || end < offset) end = offset;
  return (bt_range){(uint32_t)start, (uint32_t)end};
}

static json_t *item_json(const cursor *at, const bt_completion_item *item, size_t number, const json_t *range) {
  char order[24];
  bt_buffer written = {0};
  bt_lsp_place_write(&at->place, item->insert, &written);
  snprintf(order, sizeof order, "%06zu", number);
  json_t *object = json_pack("{s:o, s:i, s:s, s:{s:O, s:o}}", "label", bt_text_json(item->label), "kind",
                             kind_number(item->kind), "sortText", order, "textEdit", "range", range, "newText",
                             written.failed ? NULL : bt_text_json(bt_buffer_str(&written)));
  if (item->detail) bt_json_set(object, "detail", json_string(item->detail));
  if (item->doc) bt_json_set(object, "documentation", json_string(item->doc));
  bt_buffer_dispose(&written);
  return object;
}

static json_t *items_json(const bt_lsp_client *client, const bt_lsp_document *document, const cursor *at,
                          const bt_completion *completion, size_t offset) {
  json_t *items = json_array();
  json_t *range = bt_lsp_range_json(client, document, range_of(document, at, completion->range, offset));
  for (size_t i = 0; i < completion->count; i++) bt_json_append(items, item_json(at, &completion->items[i], i, range));
  json_decref(range);
  return json_pack("{s:b, s:o}", "isIncomplete", completion->is_cut, "items", items);
}

bt_status bt_lsp_complete(const bt_lsp_client *client, const bt_lsp_document *document, size_t offset, json_t **out,
                          bt_error *error) {
  cursor at;
  bt_completion completion;
  *out = NULL;
  if (!find_cursor(document, offset, &at)) return *out = json_null(), BT_OK;
  if (at.text.failed) {
    bt_buffer_dispose(&at.text);
    return bt_error_no_memory(error);
  }
  bt_status status =
      bt_completion_run(text_of(&at), at.offset, bt_shared_names_get(document->names), &completion, error);
  if (status == BT_OK) {
    bt_completion_sort(&completion);
    *out = items_json(client, document, &at, &completion, offset);
  } else if (status == BT_INVALID) { /* longer than any rule */
    *out = json_null();
    status = BT_OK;
  }
  bt_completion_dispose(&completion);
  bt_buffer_dispose(&at.text);
  return status;
}

/* ---- hover ---- */

/* At when, always and never: the rule by two small traces, where it is one. */
static void append_examples(const bt_lsp_client *client, bt_str rule_text, const bt_own_names *own_names,
                            bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_examples examples = {0};
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  bt_said_beside beside = {.own_names = own_names};
  if (!bt_compile_rule_with(rule_text, beside, false, &rule, &diagnostics, NULL) &&
      !bt_examples_find(rule, &examples, NULL)) {
    bt_buffer_append(out, BT_STR("\n\n"));
    bt_examples_say(&examples, client->reads_markdown, out);
  }
  bt_examples_dispose(&examples);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static void append_content(const bt_lsp_client *client, bt_str signature, bt_str doc, bt_buffer *out) {
  if (client->reads_markdown)
    bt_buffer_printf(out, "```betrace\n%.*s\n```\n\n%.*s", BT_FMT(signature), BT_FMT(doc));
  else
    bt_buffer_printf(out, "%.*s\n\n%.*s", BT_FMT(signature), BT_FMT(doc));
}

static json_t *content_json(const bt_lsp_client *client, bt_buffer *text) {
  json_t *content = json_pack("{s:s, s:o}", "kind", client->reads_markdown ? "markdown" : "plaintext", "value",
                              text->failed ? NULL : bt_text_json(bt_buffer_str(text)));
  bt_buffer_dispose(text);
  return content;
}

/* A word of the language, or one of the rule and its file; an empty text: neither. */
static bt_status find_hover(const bt_lsp_client *client, const bt_lsp_document *document, const cursor *at,
                            bt_range *range, bt_buffer *out, bt_error *error) {
  bt_language_word word;
  bt_own_word own;
  bool found = false;
  bt_str text = text_of(at);
  if (bt_language_at(text, at->offset, range, &word)) {
    append_content(client, bt_str_from(word.signature), bt_str_from(word.doc ? word.doc : ""), out);
    if (word.class == BT_WORD_CLAUSE) append_examples(client, text, bt_shared_names_get(document->names), out);
    return BT_OK;
  }
  bt_status status = bt_own_word_of(text, at->offset, bt_shared_names_get(document->names), &found, &own, error);
  if (!status && found) append_content(client, bt_buffer_str(&own.signature), bt_buffer_str(&own.doc), out);
  *range = own.range;
  bt_own_word_dispose(&own);
  return status;
}

bt_status bt_lsp_hover(const bt_lsp_client *client, const bt_lsp_document *document, size_t offset, json_t **out,
                       bt_error *error) {
  cursor at;
  bt_range range = {0, 0};
  bt_buffer said = {0};
  *out = NULL;
  if (!find_cursor(document, offset, &at)) return *out = json_null(), BT_OK;
  bt_status status =
      at.text.failed ? bt_error_no_memory(error) : find_hover(client, document, &at, &range, &said, error);
  if (!status && said.len)
    *out = json_pack("{s:o, s:o}", "contents", content_json(client, &said), "range",
                     bt_lsp_range_json(client, document, range_of(document, &at, range, offset)));
  else if (!status)
    *out = json_null();
  bt_buffer_dispose(&said);
  bt_buffer_dispose(&at.text);
  return status;
}

/* ---- formatting ---- */

/* One edit for all that lies between what both have at their beginning and at their end, in whole lines. */
static json_t *edits_json(const bt_lsp_client *client, const bt_lsp_document *document, bt_str new) {
  bt_str old = bt_lsp_document_text(document);
  size_t same = 0, start = 0, behind = 0, least = old.len < new.len ? old.len : new.len;
  for (; same < least && old.ptr[same] == new.ptr[same]; same++)
    if (old.ptr[same] == '\n') start = same + 1;
  if (same == old.len && same == new.len) return json_array();
  for (size_t tail = 0; tail < least - start; tail++) {
    char c = old.ptr[old.len - 1 - tail];
    if (c != new.ptr[new.len - 1 - tail]) break;
    if (c == '\n') behind = tail;
  }
  bt_range range = {(uint32_t)start, (uint32_t)(old.len - behind)};
  return json_pack("[{s:o, s:o}]", "range", bt_lsp_range_json(client, document, range), "newText",
                   json_stringn(new.ptr + start, new.len - behind - start));
}

static bt_status format_text(bt_str text, bt_buffer *out, bt_buffer *problems, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, out, &diagnostics, error);
  bt_diagnostics_print(&diagnostics, text, "line", problems);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

/* The first line of what is wrong. */
static bt_status refuse_formatting(const bt_buffer *problems, bt_error *error) {
  char said[400];
  int length = 0;
  while (problems->ptr && problems->ptr[length] && problems->ptr[length] != '\n' && length < 380) length++;
  snprintf(said, sizeof said, "%.*s", length ? length : 380, length ? problems->ptr : error->message);
  return bt_error_set(error, BT_REFUSED, "the document stays as it is: %s", said);
}

bt_status bt_lsp_format(const bt_lsp_client *client, const bt_lsp_document *document, json_t **out, bt_error *error) {
  bt_str text = bt_lsp_document_text(document);
  bt_buffer new = {0}, problems = {0};
  bt_lsp_kind kind = bt_lsp_document_kind(document);
  *out = NULL;
  if (kind == BT_LSP_OTHER || document->is_too_large) return *out = json_null(), BT_OK;
  bt_status status = kind == BT_LSP_RULE_TEXT ? format_text(text, &new, &problems, error)
                                              : bt_rulefile_format(text, "line", &new, &problems, error);
  if (!status && new.failed) status = bt_error_no_memory(error);
  if (!status)
    *out = edits_json(client, document, new.ptr ? bt_buffer_str(&new) : BT_STR(""));
  else if (status != BT_NO_MEMORY)
    status = refuse_formatting(&problems, error);
  bt_buffer_dispose(&new);
  bt_buffer_dispose(&problems);
  return status;
}
