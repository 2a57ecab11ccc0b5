// Regular expressions through RE2, the only C++ of the program. See pattern.h.
// Tempo matches with Go's regexp and `(?s:…)`. RE2 means the same but for what is evened out here: bad UTF-8 in the subject, `\C`,
// and `(?<name>…)`. No exception leaves this file.
#include <cstdlib>
#include <new>

#include <re2/re2.h>

extern "C" {
#include "dsl/pattern.h"
}

struct bt_pattern {
  re2::RE2 regex;
  bt_pattern(const re2::StringPiece &text, const re2::RE2::Options &options) : regex(text, options) {}
};

namespace {

const int64_t kMaxProgramBytes = 1 << 20;
// RE2 does not say it: an instruction is two words of 32 bits (re2/prog.h, Prog::Inst), and the heap agrees.
const size_t kInstructionBytes = 8;

// Copies a pattern and rewrites it on the way. A cursor over the text; `at` is the next byte to copy.
struct Rewriter {
  bt_str text;
  size_t at;
  bt_buffer *out;
  bool has_any_byte; // an unescaped \C was met
};

bool StartsWith(const Rewriter &r, bt_str prefix) {
  return bt_str_starts_with(bt_str{r.text.ptr + r.at, r.text.len - r.at}, prefix);
}

void Copy(Rewriter *r, size_t bytes) {
  if (bytes > r->text.len - r->at) bytes = r->text.len - r->at;
  bt_buffer_append(r->out, bt_str{r->text.ptr + r->at, bytes});
  r->at += bytes;
}

// `\Q…\E` (or up to the end) is literal text.
void CopyQuoted(Rewriter *r) {
  while (r->at < r->text.len && !StartsWith(*r, BT_STR("\\E"))) Copy(r, 1);
  Copy(r, 2);
}

void CopyEscape(Rewriter *r) {
  if (StartsWith(*r, BT_STR("\\C"))) r->has_any_byte = true;
  bool is_quote = StartsWith(*r, BT_STR("\\Q"));
  Copy(r, 2);
  if (is_quote) CopyQuoted(r);
}

// `[…]`: a `]` right at the start is a member, and `[:name:]` has brackets of its own.
void CopyClass(Rewriter *r) {
  Copy(r, 1);
  if (StartsWith(*r, BT_STR("^"))) Copy(r, 1);
  if (StartsWith(*r, BT_STR("]"))) Copy(r, 1);
  bool in_name = false;
  while (r->at < r->text.len) {
    if (StartsWith(*r, BT_STR("\\"))) {
      Copy(r, 2);
    } else if (!in_name && StartsWith(*r, BT_STR("[:"))) {
      in_name = true;
      Copy(r, 2);
    } else if (in_name && StartsWith(*r, BT_STR(":]"))) {
      in_name = false;
      Copy(r, 2);
    } else if (StartsWith(*r, BT_STR("]"))) {
      Copy(r, 1);
      return;
    } else {
      Copy(r, 1);
    }
  }
}

bool IsNamedGroup(const Rewriter &r) {
  return StartsWith(r, BT_STR("(?<")) && !StartsWith(r, BT_STR("(?<=")) && !StartsWith(r, BT_STR("(?<!"));
}

void Rewrite(Rewriter *r) {
  while (r->at < r->text.len) {
    char c = r->text.ptr[r->at];
    if (c == '\\') {
      CopyEscape(r);
    } else if (c == '[') {
      CopyClass(r);
    } else if (IsNamedGroup(*r)) {
      bt_buffer_append(r->out, BT_STR("(?P<"));
      r->at += 3;
    } else {
      Copy(r, 1);
    }
  }
}

bt_status Refuse(const bt_pattern &pattern, bt_error *error) {
  if (pattern.regex.error_code() == re2::RE2::ErrorPatternTooLarge)
    return bt_error_set(error, BT_LIMIT, "the pattern is too large; make its repetitions or alternatives fewer");
  return bt_error_set(error, BT_INVALID, "bad pattern: %s", pattern.regex.error().c_str());
}

bt_status Compile(bt_str text, bt_pattern **out, bt_error *error) {
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_max_mem(kMaxProgramBytes);
  options.set_log_errors(false);
  void *memory = std::malloc(sizeof(bt_pattern));
  if (!memory) return bt_error_no_memory(error);
  bt_pattern *pattern = nullptr;
  try {
    pattern = new (memory) bt_pattern(re2::StringPiece(text.ptr, text.len), options);
    if (pattern->regex.ok()) return *out = pattern, BT_OK;
    bt_status status = Refuse(*pattern, error);
    bt_pattern_free(pattern);
    return status;
  } catch (...) {
    if (pattern)
      bt_pattern_free(pattern);
    else
      std::free(memory);
    return bt_error_no_memory(error);
  }
}

bool Search(const bt_pattern *pattern, bt_str subject, bool whole) {
  re2::StringPiece piece(subject.len ? subject.ptr : "", subject.len);
  return pattern->regex.Match(piece, 0, subject.len, whole ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED, nullptr, 0);
}

// Each byte that is not part of a valid sequence becomes one U+FFFD, as Go reads it.
void Repair(bt_str subject, bt_buffer *out) {
  while (subject.len) {
    size_t length = bt_utf8_sequence(subject, nullptr);
    bt_buffer_append(out, length ? bt_str{subject.ptr, length} : BT_STR("\xEF\xBF\xBD"));
    if (!length) length = 1;
    subject.ptr += length;
    subject.len -= length;
  }
}

} // namespace

extern "C" bt_status bt_pattern_new(bt_str pattern, bt_pattern **out, bt_error *error) {
  *out = nullptr;
  bt_buffer rewritten = {};
  Rewriter rewriter = {pattern, 0, &rewritten, false};
  Rewrite(&rewriter);
  bt_status status;
  if (rewritten.failed)
    status = bt_error_no_memory(error);
  else if (rewriter.has_any_byte)
    status = bt_error_set(error, BT_INVALID, "\\C (any byte) is not allowed in a pattern; use . for any character");
  else
    status = Compile(bt_buffer_str(&rewritten), out, error);
  bt_buffer_dispose(&rewritten);
  return status;
}

extern "C" size_t bt_pattern_bytes(const bt_pattern *pattern) {
  return static_cast<size_t>(pattern->regex.ProgramSize()) * kInstructionBytes + sizeof *pattern;
}

extern "C" void bt_pattern_free(bt_pattern *pattern) {
  if (!pattern) return;
  pattern->~bt_pattern();
  std::free(pattern);
}

extern "C" bt_status bt_pattern_match(const bt_pattern *pattern, bt_str subject, bool whole, bool *matches) {
  bt_buffer repaired = {};
  if (!bt_utf8_valid(subject)) {
    Repair(subject, &repaired);
    subject = bt_buffer_str(&repaired);
  }
  bt_status status = repaired.failed ? BT_NO_MEMORY : BT_OK;
  try {
    if (status == BT_OK) *matches = Search(pattern, subject, whole);
  } catch (...) {
    status = BT_NO_MEMORY;
  }
  bt_buffer_dispose(&repaired);
  return status;
}
