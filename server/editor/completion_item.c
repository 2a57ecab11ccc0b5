/* Items: which fit what was typed, how names and values are written in the language, and their order. See completion.h.
 */
#include "dsl/syntax/vocabulary.h"
#include "server/editor/completion_parts.h"
#include "server/editor/own_words.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/syntax/ast.h"
#include "dsl/syntax/format.h"

const char *bt_completion_kind_name(bt_completion_kind kind) {
  static const char *const names[] = {"clause",    "binding", "value",    "span",    "service",
                                      "attribute", "field",   "function", "keyword", "operator"};
  return kind < BT_COMPLETION_KINDS ? names[kind] : "";
}

static bool begins_nocase(bt_str text, bt_str prefix) {
  return text.len >= prefix.len && bt_str_equal_nocase((bt_str){text.ptr, prefix.len}, prefix);
}

enum { MOST_GATHERED = 8 * BT_COMPLETION_MAX_ITEMS };
enum { RANK_EXACT, RANK_ANY_CASE, RANK_PART, RANK_NONE };

/* Does the label begin with what was typed, or one of its parts behind a dot, a blank or the like? */
static unsigned rank_of(bt_str label, bt_str typed) {
  if (bt_str_starts_with(label, typed)) return RANK_EXACT;
  if (begins_nocase(label, typed)) return RANK_ANY_CASE;
  for (size_t i = 1; i < label.len && label.len - i >= typed.len; i++) {
    bool is_part = strchr("._-/ ", label.ptr[i - 1]) != NULL;
    if (is_part && begins_nocase((bt_str){label.ptr + i, label.len - i}, typed)) return RANK_PART;
  }
  return RANK_NONE;
}

static bool keep_text(bt_completion *completion, bt_str in, bt_str *out) {
  return bt_arena_copy(&completion->arena, in, out);
}

bt_status bt_completion_offer(bt_completion *completion, const bt_completion_item *item, bt_error *error) {
  bt_completion_item kept = *item;
  kept.rank = rank_of(item->label, completion->typed);
  /* What was typed may be no text at all, and some labels begin with it. */
  if (kept.rank == RANK_NONE || !bt_utf8_valid(item->label) || !bt_utf8_valid(item->insert)) return BT_OK;
  if (completion->count == MOST_GATHERED) {
    completion->is_cut = true;
    return BT_OK;
  }
  bt_completion_item *grown = bt_grow_array(completion->items, completion->count, &completion->capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(error);
  completion->items = grown;
  if (!keep_text(completion, item->label, &kept.label) || !keep_text(completion, item->insert, &kept.insert))
    return bt_error_no_memory(error);
  grown[completion->count++] = kept;
  return BT_OK;
}

/* ---- how it is written ---- */

/* A path that means itself: not a reserved word, and no field by its head. */
static bool is_plain_name(bt_str text) {
  static const char *const heads[] = {"span", "resource", "scope", "event", "link", "trace"};
  if (!bt_path_is_valid(text)) return false;
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
    if (bt_str_equal(bt_path_head(text), bt_str_from(heads[i]))) return false;
  for (size_t i = 0; bt_vocabulary_reserved(i); i++)
    if (bt_str_equal(text, bt_str_from(bt_vocabulary_reserved(i)))) return false;
  return true;
}

static void write_escaped(bt_str text, bt_buffer *out) {
  static const char *const escapes[] = {
      ['\n'] = "\\n", ['\t'] = "\\t", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};
  while (text.len) {
    uint32_t c = (unsigned char)text.ptr[0], code = 0;
    size_t length = bt_utf8_sequence(text, &code);
    const char *escape = c < sizeof escapes / sizeof escapes[0] ? escapes[c] : NULL;
    if (escape)
      bt_buffer_append(out, bt_str_from(escape));
    else if (length && bt_is_obeyed(code))
      bt_append_utf16_escape(code, out);
    else
      bt_buffer_append(out, (bt_str){text.ptr, length ? length : 1});
    length = length ? length : 1;
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

/* What stands in the string at the cursor, and its end where it has none. */
static void write_inside(const bt_completion *completion, bt_str text, bt_buffer *out) {
  if (completion->quote == '`')
    bt_buffer_append(out, text);
  else
    write_escaped(text, out);
  if (!completion->is_closed) bt_buffer_append_char(out, completion->quote);
}

/* An attribute with the name of what every event (link) has. */
static bool is_field_of_part(const bt_completion_want *want, bt_str key) {
  if (want->of == BT_WANT_EVENT_ATTRIBUTES)
    return bt_str_equal(key, BT_STR("name")) || bt_str_equal(key, BT_STR("time"));
  return want->of == BT_WANT_LINK_ATTRIBUTES &&
         (bt_str_equal(key, BT_STR("trace_id")) || bt_str_equal(key, BT_STR("span_id")));
}

static void write_field(const bt_completion_want *want, bt_str key, bt_buffer *out) {
  bool is_plain = want->front.len ? bt_path_is_valid(key) && !is_field_of_part(want, key) : is_plain_name(key);
  if (is_plain) {
    bt_buffer_append(out, want->front);
    bt_buffer_append(out, key);
  } else if (want->brackets.len) {
    bt_buffer_append(out, want->brackets);
    bt_buffer_append_char(out, '[');
    bt_format_string(key, out);
    bt_buffer_append_char(out, ']');
  } else {
    bt_format_string(key, out);
  }
}

static void write_text(const bt_completion *completion, const bt_completion_want *want, bt_str text, bt_value_type type,
                       bt_buffer *out) {
  switch (want->form) {
  case BT_FORM_INSIDE: write_inside(completion, text, out); return;
  case BT_FORM_FIELD:
  case BT_FORM_DIRECT: write_field(want, text, out); return;
  case BT_FORM_NAME:
    if (is_plain_name(text))
      bt_buffer_append(out, text);
    else
      bt_format_string(text, out);
    return;
  case BT_FORM_VALUE:
    if (type == BT_VALUE_STRING)
      bt_format_string(text, out);
    else
      bt_buffer_append(out, text);
    return;
  }
}

/* Strings of a comparison stay strings: inside quotes a number is none. A text with the string's own quote cannot stand
 * in a raw string. */
static bool can_be_written(const bt_completion *completion, const bt_completion_want *want, bt_str text,
                           bt_value_type type) {
  bool is_name = !want->key.ptr;
  if (want->form == BT_FORM_INSIDE && !is_name && type != BT_VALUE_STRING) return false;
  if (want->form == BT_FORM_DIRECT && (!bt_path_is_valid(text) || memchr(text.ptr, '.', text.len))) return false;
  if (completion->quote == '`' && memchr(text.ptr, '`', text.len)) return false;
  return text.len > 0 && bt_utf8_valid(text);
}

/* `like`: what it says besides its kind and texts. */
static bt_status add_text(bt_completion *completion, const bt_completion_want *want, bt_str text, bt_value_type type,
                          const bt_completion_item *like, bt_error *error) {
  bt_buffer label = {0}, insert = {0};
  if (!can_be_written(completion, want, text, type)) return BT_OK;
  if (want->form == BT_FORM_FIELD || want->form == BT_FORM_DIRECT) bt_buffer_append(&label, want->front);
  bt_buffer_append(&label, text);
  write_text(completion, want, text, type, &insert);
  bt_completion_item item = {.kind = want->kind,
                             .label = bt_buffer_str(&label),
                             .insert = bt_buffer_str(&insert),
                             .detail = like->detail,
                             .doc = like->doc};
  bt_status status =
      label.failed || insert.failed ? bt_error_no_memory(error) : bt_completion_offer(completion, &item, error);
  bt_buffer_dispose(&label);
  bt_buffer_dispose(&insert);
  return status;
}

bt_status bt_completion_add(bt_completion *completion, const bt_completion_want *want, bt_str text, bt_value_type type,
                            bt_error *error) {
  static const bt_completion_item plain;
  return add_text(completion, want, text, type, &plain, error);
}

/* ---- names of the rule and its file ---- */

/* In the completion's memory, and cut where nobody would read on. */
static const char *keep_detail(bt_completion *completion, bt_buffer *text) {
  enum { SHOWN_BYTES = 200 };
  bt_str kept = {0}, all = bt_buffer_str(text);
  if (all.len > SHOWN_BYTES) all.len = SHOWN_BYTES;
  while (all.len && !bt_utf8_valid(all)) all.len--; /* a cut may have gone through a character */
  bool ok = !text->failed && bt_arena_copy(&completion->arena, all, &kept);
  bt_buffer_clear(text);
  return ok ? kept.ptr : NULL;
}

static bt_status offer_names(bt_completion *completion, const bt_completion_want *want, const bt_own_names *own,
                             bt_error *error) {
  bt_buffer detail = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; i < own->name_count && !status; i++) {
    bt_own_name_say(&own->names[i], &detail);
    bt_completion_item like = {.detail = keep_detail(completion, &detail),
                               .doc = "A name of this rule: it stands for these spans."};
    status = add_text(completion, want, own->names[i].word, BT_VALUE_STRING, &like, error);
  }
  bt_buffer_dispose(&detail);
  return status;
}

static bt_status offer_aliases(bt_completion *completion, const bt_completion_want *want, const bt_own_names *own,
                               bt_error *error) {
  bt_buffer detail = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; i < own->alias_count && !status; i++) {
    bt_own_alias_say(&own->aliases[i], &detail);
    bt_completion_item like = {.detail = keep_detail(completion, &detail),
                               .doc = "An alias of this rule: the first of these keys that is there."};
    status = add_text(completion, want, own->aliases[i].keys[0], BT_VALUE_STRING, &like, error);
  }
  bt_buffer_dispose(&detail);
  return status;
}

/* In quotes a name is that of a span, and values are no keys. */
bt_status bt_completion_offer_own(bt_completion *completion, bt_str text, const bt_own_names *beside, bt_error *error) {
  bt_own_names own;
  bt_status status = bt_own_words_find(text, beside, &completion->arena, &own, error);
  for (size_t i = 0; i < completion->want_count && !status; i++) {
    const bt_completion_want *want = &completion->wants[i];
    if (want->of == BT_WANT_SPAN_NAMES && want->form == BT_FORM_NAME && !want->key.ptr)
      status = offer_names(completion, want, &own, error);
    if (want->kind == BT_COMPLETION_ATTRIBUTE && !want->key.ptr) status = offer_aliases(completion, want, &own, error);
  }
  return status;
}

/* ---- order ---- */

static int compare_items(const void *a, const void *b) {
  const bt_completion_item *left = a, *right = b;
  if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
  if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
  int order = bt_str_compare(left->label, right->label);
  return order ? order : bt_str_compare(left->insert, right->insert);
}

void bt_completion_sort(bt_completion *completion) {
  size_t kept = 0;
  if (completion->count) qsort(completion->items, completion->count, sizeof *completion->items, compare_items);
  for (size_t i = 0; i < completion->count; i++)
    if (!kept || compare_items(&completion->items[kept - 1], &completion->items[i]) != 0)
      completion->items[kept++] = completion->items[i];
    else if (!completion->items[kept - 1].detail) /* what the rule says of a name that traces have, too */
      completion->items[kept - 1] = completion->items[i];
  if (kept > BT_COMPLETION_MAX_ITEMS) completion->is_cut = true;
  completion->count = kept < BT_COMPLETION_MAX_ITEMS ? kept : BT_COMPLETION_MAX_ITEMS;
}

void bt_completion_dispose(bt_completion *completion) {
  free(completion->items);
  bt_arena_dispose(&completion->arena);
  *completion = (bt_completion){0};
}
