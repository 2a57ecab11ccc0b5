/* Names that a rule's text and its file give. See own_words.h. */
#include "server/editor/own_words.h"

#include "dsl/syntax/ast.h"
#include "dsl/syntax/diagnostic.h"
#include "dsl/syntax/lexer.h"
#include "server/editor/context_parts.h"

enum { ARENA_CAP_BYTES = 16 * 1024 * 1024 };

/* ---- what the text says ---- */

typedef struct reading {
  const bt_tokens *tokens;
  bt_arena *arena;
  bt_alias *aliases;
  bt_own_name *names;
  bt_own_names *out;
} reading;

static bool is_kind(const reading *r, size_t at, bt_token_kind kind) {
  return at < r->tokens->count && r->tokens->items[at].kind == kind;
}

/* `k, other)`, from the first key on. */
static bool read_alias(reading *r, size_t at) {
  bt_str *keys = bt_arena_array(r->arena, BT_ALIAS_KEYS, sizeof *keys);
  uint32_t count = 0;
  if (!keys) return false;
  for (; count < BT_ALIAS_KEYS && (is_kind(r, at, BT_TOKEN_PATH) || is_kind(r, at, BT_TOKEN_STRING)); at += 2) {
    keys[count++] = r->tokens->items[at].text;
    if (!is_kind(r, at + 1, BT_TOKEN_COMMA)) break;
  }
  if (count) r->aliases[r->out->alias_count++] = (bt_alias){keys, count};
  return true;
}

/* `word = "span(…)", other = "…")`, from the first word on. */
static void read_names(reading *r, size_t at) {
  while (is_kind(r, at, BT_TOKEN_PATH) && is_kind(r, at + 1, BT_TOKEN_EQUAL) && is_kind(r, at + 2, BT_TOKEN_STRING)) {
    r->names[r->out->name_count++] = (bt_own_name){r->tokens->items[at].text, r->tokens->items[at + 2].text};
    at += 4;
  }
}

static bool read_annotations(reading *r) {
  for (size_t at = 0; at + 3 < r->tokens->count; at++) {
    if (!is_kind(r, at, BT_TOKEN_AT) || !is_kind(r, at + 1, BT_TOKEN_PATH) || !is_kind(r, at + 2, BT_TOKEN_LEFT_PAREN))
      continue;
    bt_str word = r->tokens->items[at + 1].text;
    if (bt_str_equal(word, BT_STR("name"))) read_names(r, at + 3);
    if (bt_str_equal(word, BT_STR("alias")) && !read_alias(r, at + 3)) return false;
  }
  return true;
}

bt_status bt_own_words_find(bt_str text, const bt_own_names *beside, bt_arena *arena, bt_own_names *out,
                            bt_error *error) {
  static const bt_own_names none;
  const bt_own_names *more = beside ? beside : &none;
  bt_diagnostics diagnostics;
  bt_tokens tokens = {0};
  *out = none;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_lexer_run(text, arena, &diagnostics, &tokens, error);
  bt_diagnostics_dispose(&diagnostics);
  reading r = {.tokens = &tokens, .arena = arena, .out = out};
  if (!status) {
    r.aliases = bt_arena_array(arena, tokens.count + more->alias_count, sizeof *r.aliases);
    r.names = bt_arena_array(arena, tokens.count + more->name_count, sizeof *r.names);
    if (!r.aliases || !r.names || !read_annotations(&r)) status = bt_error_no_memory(error);
  }
  for (size_t i = 0; !status && i < more->alias_count; i++) r.aliases[out->alias_count++] = more->aliases[i];
  for (size_t i = 0; !status && i < more->name_count; i++) r.names[out->name_count++] = more->names[i];
  out->aliases = r.aliases;
  out->names = r.names;
  bt_tokens_dispose(&tokens);
  return status;
}

/* ---- what stands behind a word ---- */

void bt_own_name_say(const bt_own_name *name, bt_buffer *out) {
  bt_buffer_append(out, name->spans);
}

void bt_own_alias_say(const bt_alias *alias, bt_buffer *out) {
  for (uint32_t i = 0; i < alias->key_count; i++)
    bt_buffer_printf(out, "%s%.*s", i ? ", " : "", BT_FMT(alias->keys[i]));
}

static const bt_alias *find_alias(const bt_own_names *names, bt_str key) {
  for (size_t i = 0; i < names->alias_count; i++)
    if (bt_str_equal(names->aliases[i].keys[0], key)) return &names->aliases[i];
  return NULL;
}

static const bt_own_name *find_name(const bt_own_names *names, bt_str word) {
  for (size_t i = 0; i < names->name_count; i++)
    if (bt_str_equal(names->names[i].word, word)) return &names->names[i];
  return NULL;
}

/* `gen_ai.tool.name`, `span.gen_ai.tool.name`, `c.gen_ai.tool.name`: the path, or what is behind its first dots. */
static const bt_alias *find_alias_of(const bt_own_names *names, bt_str path) {
  for (bt_str rest = path; rest.len; rest = bt_path_rest(rest)) {
    const bt_alias *alias = find_alias(names, rest);
    if (alias) return alias;
  }
  return NULL;
}

/* Both words are slices of the text. */
static void describe_alias(const bt_alias *alias, bt_str path, bt_own_word *out) {
  size_t length = alias->keys[0].len;
  out->is_alias = true;
  out->word = (bt_str){path.ptr + path.len - length, length};
  bt_buffer_printf(&out->signature, "%.*s is the first that is there of: ", BT_FMT(alias->keys[0]));
  bt_own_alias_say(alias, &out->signature);
  bt_buffer_append(&out->doc, BT_STR("An alias of this rule: one attribute that goes by several keys."));
}

static void describe_name(const bt_own_name *name, bt_str path, bt_own_word *out) {
  out->word = (bt_str){path.ptr, name->word.len};
  out->range.end = out->range.start + (uint32_t)name->word.len;
  bt_buffer_printf(&out->signature, "%.*s stands for: ", BT_FMT(name->word));
  bt_own_name_say(name, &out->signature);
  bt_buffer_append(&out->doc, BT_STR("A name of this rule: it stands for these spans."));
}

bool bt_own_word_at(bt_str text, size_t offset, const bt_own_names *names, bt_own_word *out) {
  bt_text_place place;
  *out = (bt_own_word){0};
  if (bt_place_find(text, offset, &place) != BT_PLACE_CODE) return false;
  out->range = bt_word_touched(text, offset);
  bt_str path = {text.ptr + out->range.start, out->range.end - out->range.start};
  const bt_own_name *name = find_name(names, bt_path_head(path));
  const bt_alias *alias = path.len ? find_alias_of(names, path) : NULL;
  if (name && bt_str_equal(name->word, path))
    describe_name(name, path, out);
  else if (alias)
    describe_alias(alias, path, out);
  else if (name && path.len)
    describe_name(name, path, out);
  else
    return false;
  return true;
}

bt_status bt_own_word_of(bt_str text, size_t offset, const bt_own_names *beside, bool *found, bt_own_word *out,
                         bt_error *error) {
  bt_arena arena;
  bt_own_names names;
  *out = (bt_own_word){0};
  *found = false;
  bt_arena_init(&arena, ARENA_CAP_BYTES);
  bt_status status = bt_own_words_find(text, beside, &arena, &names, error);
  if (!status) *found = bt_own_word_at(text, offset, &names, out);
  if (out->signature.failed || out->doc.failed) status = bt_error_no_memory(error);
  bt_arena_dispose(&arena);
  return status;
}

void bt_own_word_dispose(bt_own_word *word) {
  bt_buffer_dispose(&word->signature);
  bt_buffer_dispose(&word->doc);
}
