/* Rewriting blocks in place. See file_format.h. Rules come in the order of their lines, so the file is copied once from
 * block to block. */
#include "server/rulefile/file_format.h"

#include <string.h>

#include "dsl/compile.h"
#include "dsl/syntax/diagnostic.h"
#include "server/rulefile/rulefile.h"

typedef struct formatting {
  const char *file_name;
  bt_str text;   /* the file */
  bt_str rest;   /* of the file, not yet copied */
  unsigned line; /* that rest begins with, from 1 */
  bt_buffer *out, *problems;
  bool is_wrong;
  unsigned odd_line; /* the first that YAML ends otherwise than by a line feed; 0: none */
} formatting;

/* The first line of s with its break. */
static bt_str first_line(bt_str s) {
  const char *end = s.len ? memchr(s.ptr, '\n', s.len) : NULL;
  return (bt_str){s.ptr, end ? (size_t)(end - s.ptr) + 1 : s.len};
}

static bt_str skip_bytes(bt_str s, size_t count) {
  return (bt_str){s.ptr + count, s.len - count};
}

static bt_str line_break_of(bt_str line) {
  if (bt_str_ends_with(line, BT_STR("\r\n"))) return BT_STR("\r\n");
  return bt_str_ends_with(line, BT_STR("\n")) ? BT_STR("\n") : BT_STR("");
}

static bool is_odd_break(bt_str rest) {
  if (rest.ptr[0] == '\r') return rest.len < 2 || rest.ptr[1] != '\n';
  return bt_str_starts_with(rest, BT_STR("\xC2\x85")) || bt_str_starts_with(rest, BT_STR("\xE2\x80\xA8")) ||
         bt_str_starts_with(rest, BT_STR("\xE2\x80\xA9"));
}

/* YAML has more line breaks than the line feed, and counts them: what is rewritten by lines would be written in a wrong
 * place. */
static unsigned find_odd_break(bt_str text) {
  unsigned line = 1;
  for (size_t at = 0; at < text.len; at++) {
    if (is_odd_break(skip_bytes(text, at))) return line;
    line += text.ptr[at] == '\n';
  }
  return 0;
}

static bt_str without_end(bt_str s) {
  while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1])) s.len--;
  return s;
}

static size_t leading_blanks(bt_str line) {
  size_t count = 0;
  while (count < line.len && line.ptr[count] == ' ') count++;
  return count;
}

/* Bytes from the block's first line to the end of its last line that is not blank. */
static size_t block_length(bt_str rest, unsigned indentation) {
  size_t length = 0;
  for (size_t at = 0; at < rest.len;) {
    bt_str line = first_line(skip_bytes(rest, at));
    bool is_blank = without_end(line).len == 0;
    if (!is_blank && leading_blanks(line) < indentation) break;
    at += line.len;
    if (!is_blank) length = at;
  }
  return length;
}

static void copy_until(formatting *f, unsigned line) {
  for (; f->line < line && f->rest.len; f->line++) {
    bt_str next = first_line(f->rest);
    bt_buffer_append(f->out, next);
    f->rest = skip_bytes(f->rest, next.len);
  }
}

static void append_line(bt_buffer *out, bt_str line, unsigned indentation) {
  for (unsigned i = 0; line.len && i < indentation; i++) bt_buffer_append_char(out, ' ');
  bt_buffer_append(out, line);
}

/* Writes the text in the place of the block that `rest` begins with. */
static void replace_block(formatting *f, const bt_rulefile_rule *rule, bt_str text) {
  size_t length = block_length(f->rest, rule->dsl_column);
  bt_str line_break = line_break_of(first_line(f->rest));
  for (size_t at = 0; at < length; f->line++) at += first_line(skip_bytes(f->rest, at)).len;
  bool ends_in_break = length && f->rest.ptr[length - 1] == '\n';
  f->rest = skip_bytes(f->rest, length);
  text = without_end(text);
  while (text.len) {
    bt_str line = first_line(text);
    text = skip_bytes(text, line.len);
    line.len -= line_break_of(line).len;
    append_line(f->out, line, rule->dsl_column);
    if (text.len || ends_in_break) bt_buffer_append(f->out, line_break.len ? line_break : BT_STR("\n"));
  }
}

/* Where a text that is no block stands in `rest`, which begins with its line. */
typedef struct scalar {
  size_t start, end; /* with its quotes */
  char quote;        /* 0: none */
  size_t line_end;   /* of the line that it ends in, without the break */
  size_t key_start;
  bool is_alone; /* `key: text`, and nothing but a comment behind it: it may become a block */
} scalar;

/* The byte behind the closing quote, or 0. */
static size_t quoted_end(bt_str rest, size_t start, char quote) {
  for (size_t at = start + 1; at < rest.len; at++) {
    if (quote == '"' && rest.ptr[at] == '\\') {
      at++;
    } else if (rest.ptr[at] == quote) {
      bool is_doubled = quote == '\'' && at + 1 < rest.len && rest.ptr[at + 1] == quote;
      if (!is_doubled) return at + 1;
      at++;
    }
  }
  return 0;
}

/* `- dsl: ` in front of a text: where its key begins; `start` where there is none, or a quoted one. */
static size_t find_key(bt_str rest, size_t start) {
  size_t at = 0;
  while (at < start && (rest.ptr[at] == ' ' || (rest.ptr[at] == '-' && rest.ptr[at + 1] == ' '))) at++;
  bt_str key = without_end((bt_str){rest.ptr + at, start - at});
  for (size_t i = 0; i + 1 < key.len; i++)
    if (key.ptr[i] < 'a' || key.ptr[i] > 'z') return start;
  return bt_str_ends_with(key, BT_STR(":")) ? at : start;
}

/* False: it is folded, or goes over several lines without quotes. */
static bool find_scalar(const formatting *f, const bt_rulefile_rule *rule, scalar *out) {
  size_t line_start = f->text.len - f->rest.len;
  *out = (scalar){.start = rule->dsl_offset - line_start};
  if (rule->dsl_offset < line_start || out->start >= first_line(f->rest).len) return false;
  char first = f->rest.ptr[out->start];
  if (first == '"' || first == '\'')
    out->quote = first, out->end = quoted_end(f->rest, out->start, first);
  else if (rule->dsl_column)
    out->end = out->start + strlen(rule->fields.dsl);
  if (!out->end || out->end > f->rest.len) return false;
  bt_str tail = first_line(skip_bytes(f->rest, out->end));
  out->line_end = out->end + tail.len - line_break_of(tail).len;
  out->key_start = find_key(f->rest, out->start);
  size_t blanks = leading_blanks(tail);
  bool is_comment = blanks && blanks < tail.len && tail.ptr[blanks] == '#';
  out->is_alone = out->key_start < out->start && (is_comment || !without_end(tail).len);
  return true;
}

/* A text on one line that YAML reads as it stands, in those quotes. */
static bool can_stay(bt_str text, char quote) {
  if (memchr(text.ptr, '\n', text.len)) return false;
  if (quote) return quote == '\'' ? !memchr(text.ptr, '\'', text.len) : false;
  char first = text.ptr[0];
  bool is_word = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return is_word && !bt_str_contains(text, BT_STR(": ")) && !bt_str_contains(text, BT_STR(" #")) &&
         !bt_str_ends_with(text, BT_STR(":"));
}

/* In double quotes, on one line: what JSON reads, too. */
static void append_quoted(bt_str text, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '\n')
      bt_buffer_append(out, BT_STR("\\n"));
    else if (c == '"' || c == '\\')
      bt_buffer_printf(out, "\\%c", c);
    else
      bt_buffer_append_char(out, c);
  }
  bt_buffer_append_char(out, '"');
}

/* `dsl: |` with the comment that stood behind the text, and the text below. */
static void append_as_block(formatting *f, const scalar *where, bt_str text) {
  bt_str line_break = line_break_of(first_line(f->rest));
  bt_str tail = without_end((bt_str){f->rest.ptr + where->end, where->line_end - where->end});
  if (!line_break.len) line_break = BT_STR("\n");
  bt_buffer_append(f->out, without_end((bt_str){f->rest.ptr, where->start}));
  bt_buffer_append(f->out, BT_STR(" |"));
  bt_buffer_append(f->out, tail);
  while (text.len) {
    bt_str line = first_line(text);
    text = skip_bytes(text, line.len);
    line.len -= line_break_of(line).len;
    bt_buffer_append(f->out, line_break);
    append_line(f->out, line, (unsigned)where->key_start + 2);
  }
}

/* Writes a text that is no block in its place: as it stood if that can be, else as a block, else in double quotes. */
static bool replace_scalar(formatting *f, const bt_rulefile_rule *rule, bt_str text) {
  scalar where;
  if (!find_scalar(f, rule, &where)) return false;
  text = without_end(text);
  bool stays = where.is_alone && can_stay(text, where.quote);
  size_t copied = where.end;
  if (where.is_alone && !stays) {
    append_as_block(f, &where, text);
    copied = where.line_end;
  } else {
    bt_buffer_append(f->out, (bt_str){f->rest.ptr, where.start});
    if (!stays)
      append_quoted(text, f->out);
    else if (where.quote)
      bt_buffer_printf(f->out, "%c%.*s%c", where.quote, BT_FMT(text), where.quote);
    else
      bt_buffer_append(f->out, text);
  }
  /* The rest of its line may hold another rule, so the line is not over. */
  for (size_t i = 0; i < copied; i++) f->line += f->rest.ptr[i] == '\n';
  f->rest = skip_bytes(f->rest, copied);
  return true;
}

static void refuse_rule(formatting *f, const bt_rulefile_rule *rule) {
  const char *name = rule->fields.id ? rule->fields.id : rule->fields.name;
  bool is_folded = rule->dsl_offset < f->text.len && f->text.ptr[rule->dsl_offset] == '>';
  f->is_wrong = true;
  bt_buffer_printf(f->problems,
                   "%s:%u:%u: error: rule %s is not in canonical form. It is %s, which fmt does not rewrite: write it "
                   "as a block (dsl: | and the text on the lines below)\n",
                   f->file_name, rule->dsl_line, rule->dsl_column ? rule->dsl_column + 1 : 1, name ? name : "",
                   is_folded ? "folded (>)" : "written over several lines without quotes");
}

static void refuse_break(formatting *f) {
  f->is_wrong = true;
  bt_buffer_printf(
      f->problems,
      "%s:%u: error: expected lines that end in a line feed, got another line break of YAML (a carriage return alone, "
      "U+0085, U+2028 or U+2029). fmt cannot rewrite rules in place there: take it out\n",
      f->file_name, f->odd_line);
}

static bt_status format_rule(formatting *f, bt_rulefile_rule *rule, bt_error *error) {
  bt_str text = bt_str_from(rule->fields.dsl);
  bt_buffer formatted = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, &formatted, &diagnostics, error);
  bt_str canonical = bt_buffer_str(&formatted);
  if (status == BT_INVALID) {
    bt_rulefile_locate(rule, &diagnostics);
    bt_diagnostics_print(&diagnostics, text, f->file_name, f->problems);
    f->is_wrong = true;
    status = BT_OK;
  } else if (!status && !bt_str_equal(without_end(canonical), without_end(text))) {
    if (f->odd_line) {
      refuse_break(f);
    } else if (rule->dsl_is_block) {
      copy_until(f, rule->dsl_line);
      replace_block(f, rule, canonical);
    } else {
      copy_until(f, rule->dsl_line);
      if (!replace_scalar(f, rule, canonical)) refuse_rule(f, rule);
    }
  }
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&formatted);
  return status;
}

/* Is every rule of the new file what it was, but for the form of its text? */
static bt_status compare_files(const bt_rulefile *old, const bt_rulefile *new, const char *file_name, bt_error *error) {
  bool same = old->rule_count == new->rule_count;
  for (size_t i = 0; same && i < old->rule_count; i++) {
    bt_buffer a = {0}, b = {0};
    bt_diagnostics diagnostics;
    bt_diagnostics_init(&diagnostics);
    bt_status status = bt_rule_format(bt_str_from(old->rules[i].fields.dsl), &a, &diagnostics, error);
    if (!status) status = bt_rule_format(bt_str_from(new->rules[i].fields.dsl), &b, &diagnostics, error);
    same = !status && bt_str_equal(bt_buffer_str(&a), bt_buffer_str(&b));
    bt_diagnostics_dispose(&diagnostics);
    bt_buffer_dispose(&a);
    bt_buffer_dispose(&b);
    if (status == BT_NO_MEMORY) return status;
  }
  if (same) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "%.200s: expected blocks whose lines end as usual (a line feed), got others: the rules cannot be "
                      "rewritten in place",
                      file_name);
}

bt_status bt_rulefile_format(bt_str text, const char *file_name, bt_buffer *out, bt_buffer *problems, bt_error *error) {
  bt_rulefile file, again;
  formatting f = {.file_name = file_name,
                  .text = text,
                  .rest = text,
                  .line = 1,
                  .out = out,
                  .problems = problems,
                  .odd_line = find_odd_break(text)};
  bt_status status = bt_rulefile_parse(text, file_name, &file, error);
  if (status) return status;
  for (size_t i = 0; i < file.rule_count && !status; i++) status = format_rule(&f, &file.rules[i], error);
  if (!status && f.is_wrong) status = bt_error_set(error, BT_INVALID, "%.200s: nothing was rewritten", file_name);
  if (!status) bt_buffer_append(out, f.rest);
  if (!status && out->failed) status = bt_error_no_memory(error);
  /* What was written is read again: it has to mean the same. */
  if (!status) status = bt_rulefile_parse(bt_buffer_str(out), file_name, &again, error);
  if (!status) {
    status = compare_files(&file, &again, file_name, error);
    bt_rulefile_dispose(&again);
  }
  bt_rulefile_dispose(&file);
  return status;
}
