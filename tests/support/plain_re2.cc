// See plain_re2.h.
#include <re2/re2.h>

extern "C" {
#include "tests/support/plain_re2.h"
}

extern "C" plain_re2_answer plain_re2_match(bt_str pattern, bt_str subject, bool whole) {
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_max_mem(256 << 20);
  options.set_log_errors(false);
  re2::RE2 regex(re2::StringPiece(pattern.ptr, pattern.len), options);
  if (!regex.ok() || !bt_utf8_valid(subject)) return PLAIN_RE2_UNKNOWN;
  re2::StringPiece piece(subject.len ? subject.ptr : "", subject.len);
  re2::RE2::Anchor anchor = whole ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED;
  bool matches = regex.Match(piece, 0, subject.len, anchor, nullptr, 0);
  return matches ? PLAIN_RE2_MATCHES : PLAIN_RE2_DIFFERS;
}
