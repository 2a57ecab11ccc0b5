// Regular expressions through RE2, the only C++ of the program. See pattern.h. Stores in Go match with its regexp and
// `(?s:…)`. RE2 means the same except for what is evened out here: bad UTF-8 in the subject, `\C`, and `(?<name>…)`. No
// exception leaves this file.
//
// What a match costs. RE2 walks an automaton (DFA) that it builds as it goes: a step of a byte takes a nanosecond or
// two, building a state takes microseconds, and where the states have no room it starts over, or leaves the automaton
// for a search that takes the whole program for each byte. It says nothing of all that, but each of these allocates,
// and a walk over known states does not. So the allocations of a match tell what it did.
#include <cstdlib>
#include <cstring>
#include <new>

#include <re2/re2.h>
#include <re2/set.h>

extern "C" {
#include "dsl/pattern.h"
#include "dsl/pattern_size.h"
#include "dsl/pattern_table.h"
}

struct bt_pattern {
  bt_pattern_link link; // its text stands behind the struct
  re2::RE2 *regex;      // programs that are small
  re2::RE2::Set *set;   // the others: a set of one, which knows the automaton alone and gives all memory to it
  size_t instructions;
  size_t written_out; // as many as it took to compile it, about
};

static thread_local uint64_t allocated_bytes;

// All of the program's C++ allocates here. Not with malloc: tests let those of our own fail in turn, and RE2 loses what
// it holds then. Not inlined: gcc warns of a `new` that it sees freed by free(). Every form is here, or one of another
// library, as a sanitizer's, would meet the other half of ours.
static void *allocate_counted(size_t bytes) noexcept {
  const size_t alignment = 16;
  allocated_bytes += bytes;
  return std::aligned_alloc(alignment, ((bytes ? bytes : 1) + alignment - 1) & ~(alignment - 1));
}

__attribute__((noinline)) void *operator new(size_t bytes) {
  void *memory = allocate_counted(bytes);
  if (!memory) throw std::bad_alloc();
  return memory;
}

__attribute__((noinline)) void *operator new[](size_t bytes) {
  return operator new(bytes);
}

__attribute__((noinline)) void *operator new(size_t bytes, const std::nothrow_t &) noexcept {
  return allocate_counted(bytes);
}

__attribute__((noinline)) void *operator new[](size_t bytes, const std::nothrow_t &) noexcept {
  return allocate_counted(bytes);
}

__attribute__((noinline)) void operator delete(void *memory) noexcept {
  std::free(memory);
}

__attribute__((noinline)) void operator delete(void *memory, size_t) noexcept {
  std::free(memory);
}

__attribute__((noinline)) void operator delete(void *memory, const std::nothrow_t &) noexcept {
  std::free(memory);
}

__attribute__((noinline)) void operator delete[](void *memory) noexcept {
  std::free(memory);
}

__attribute__((noinline)) void operator delete[](void *memory, size_t) noexcept {
  std::free(memory);
}

__attribute__((noinline)) void operator delete[](void *memory, const std::nothrow_t &) noexcept {
  std::free(memory);
}

namespace {

const int64_t kMaxProgramBytes = 1 << 20;
// Beyond it RE2 has no room for states in 1 MiB and would never walk an automaton (2,100 instructions were too many,
// 900 were not).
const size_t kMaxWalkedInstructions = 600;
// Of a set's memory for each instruction: room for 20 states at least, or it does not compile.
const int64_t kSetBytesPerInstruction = 256;
// Costs in bytes walked, as measured: an instruction and byte of a search without an automaton, and a byte of a new
// state.
const uint64_t kCostOfInstruction = 4, kCostOfStateByte = 2;
// That search allocates two lists of all instructions (20 bytes each) before its first byte. Who allocates less has
// walked.
const uint64_t kSearchBytesPerInstruction = 40;
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

bt_status RefuseLarge(bt_error *error) {
  return bt_error_set(error, BT_LIMIT, "the pattern is too large; make its repetitions or alternatives fewer");
}

bt_status Refuse(const re2::RE2 &regex, bt_error *error) {
  if (regex.error_code() == re2::RE2::ErrorPatternTooLarge) return RefuseLarge(error);
  return bt_error_set(error, BT_INVALID, "bad pattern: %s", regex.error().c_str());
}

re2::RE2::Options OptionsOf(int64_t max_bytes) {
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_max_mem(max_bytes);
  options.set_log_errors(false);
  return options;
}

// In place of the regex, which has told that the text is right and how large the program is.
bt_status CompileSet(const re2::StringPiece &text, bt_pattern *pattern, bt_error *error) {
  int64_t bytes = static_cast<int64_t>(pattern->instructions) * kSetBytesPerInstruction;
  if (bytes < kMaxProgramBytes) bytes = kMaxProgramBytes;
  delete pattern->regex;
  pattern->regex = nullptr;
  re2::RE2::Anchor anchor = pattern->link.is_whole ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED;
  pattern->set = new re2::RE2::Set(OptionsOf(bytes), anchor);
  if (pattern->set->Add(text, nullptr) == 0 && pattern->set->Compile()) return BT_OK;
  return RefuseLarge(error);
}

bt_status CompileText(const re2::StringPiece &text, bt_pattern *pattern, bt_error *error) {
  pattern->regex = new re2::RE2(text, OptionsOf(kMaxProgramBytes));
  if (!pattern->regex->ok()) return Refuse(*pattern->regex, error);
  pattern->instructions = static_cast<size_t>(pattern->regex->ProgramSize());
  return pattern->instructions <= kMaxWalkedInstructions ? BT_OK : CompileSet(text, pattern, error);
}

// Without a regex yet; with a copy of its text as it was written, by which it is found again.
bt_pattern *NewPattern(bt_str text, bool is_whole) {
  bt_pattern *pattern = static_cast<bt_pattern *>(std::malloc(sizeof *pattern + text.len + 1));
  if (!pattern) return nullptr;
  char *copy = reinterpret_cast<char *>(pattern + 1);
  if (text.len) std::memcpy(copy, text.ptr, text.len);
  bt_pattern_link link = {nullptr, {copy, text.len}, 0, 0, -1, is_whole};
  *pattern = bt_pattern{link, nullptr, nullptr, 0, static_cast<size_t>(bt_pattern_size(text))};
  return pattern;
}

void Destroy(bt_pattern *pattern) {
  while (pattern) {
    bt_pattern *next = pattern->link.next;
    delete pattern->regex;
    delete pattern->set;
    std::free(pattern);
    pattern = next;
  }
}

bt_status Compile(bt_str text, bt_str rewritten, bool is_whole, bt_pattern **out, bt_error *error) {
  bt_pattern *other = NewPattern(text, is_whole);
  if (!other) return bt_error_no_memory(error);
  bt_status status;
  try {
    status = CompileText(re2::StringPiece(rewritten.ptr, rewritten.len), other, error);
  } catch (...) {
    status = bt_error_no_memory(error);
  }
  if (status == BT_OK) *out = bt_pattern_table_add(other, &other);
  Destroy(other);
  return status;
}

bt_status CompileNew(bt_str text, bool is_whole, bt_pattern **out, bt_error *error) {
  bt_buffer rewritten = {};
  Rewriter rewriter = {text, 0, &rewritten, false};
  Rewrite(&rewriter);
  bt_status status;
  if (rewritten.failed)
    status = bt_error_no_memory(error);
  else if (bt_pattern_size(text) > BT_MAX_PATTERN_SIZE)
    status = RefuseLarge(error);
  else if (rewriter.has_any_byte)
    status = bt_error_set(error, BT_INVALID, "\\C (any byte) is not allowed in a pattern; use . for any character");
  else
    status = Compile(text, bt_buffer_str(&rewritten), is_whole, out, error);
  bt_buffer_dispose(&rewritten);
  return status;
}

bool SearchRegex(const bt_pattern *pattern, const re2::StringPiece &subject) {
  re2::RE2::Anchor anchor = pattern->link.is_whole ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED;
  return pattern->regex->Match(subject, 0, subject.size(), anchor, nullptr, 0);
}

// BT_LIMIT: the automaton has no room.
bt_status SearchSet(const bt_pattern *pattern, const re2::StringPiece &subject, bool *matches) {
  re2::RE2::Set::ErrorInfo info = {re2::RE2::Set::kNoError};
  bool is_met = pattern->set->Match(subject, nullptr, &info);
  if (info.kind != re2::RE2::Set::kNoError) return BT_LIMIT;
  *matches = is_met;
  return BT_OK;
}

// The most that a match of so many bytes can cost.
uint64_t WorstCost(const bt_pattern *pattern, size_t bytes) {
  uint64_t cost;
  bool overflows = __builtin_mul_overflow(bytes, pattern->instructions * kCostOfInstruction + 1, &cost);
  return overflows ? UINT64_MAX : cost;
}

uint64_t CostOf(const bt_pattern *pattern, size_t bytes, uint64_t allocated) {
  if (allocated == 0) return bytes;
  if (pattern->set || allocated < pattern->instructions * kSearchBytesPerInstruction)
    return bytes + allocated * kCostOfStateByte;
  return WorstCost(pattern, bytes);
}

bt_status Search(const bt_pattern *pattern, bt_str subject, uint64_t *cost, bool *matches) {
  re2::StringPiece piece(subject.len ? subject.ptr : "", subject.len);
  uint64_t allocated_before = allocated_bytes;
  bt_status status = BT_OK;
  *cost = 0;
  if (WorstCost(pattern, subject.len) > BT_PATTERN_MAX_COST) return BT_LIMIT;
  try {
    if (pattern->set)
      status = SearchSet(pattern, piece, matches);
    else
      *matches = SearchRegex(pattern, piece);
  } catch (...) {
    status = BT_NO_MEMORY;
  }
  *cost = CostOf(pattern, subject.len, allocated_bytes - allocated_before);
  return status;
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

extern "C" bt_status bt_pattern_new(bt_str text, bool whole, bt_pattern **out, bt_error *error) {
  *out = bt_pattern_table_find(text, whole);
  return *out ? BT_OK : CompileNew(text, whole, out, error);
}

extern "C" size_t bt_pattern_bytes(const bt_pattern *pattern) {
  size_t instructions = pattern->instructions > pattern->written_out ? pattern->instructions : pattern->written_out;
  return instructions * kInstructionBytes + sizeof *pattern;
}

extern "C" void bt_pattern_free(bt_pattern *pattern) {
  if (pattern) Destroy(bt_pattern_table_leave(pattern));
}

extern "C" bt_status bt_pattern_match(const bt_pattern *pattern, bt_str subject, uint64_t *cost, bool *matches) {
  bt_buffer repaired = {};
  *cost = 0;
  if (!bt_utf8_valid(subject)) {
    Repair(subject, &repaired);
    subject = bt_buffer_str(&repaired);
  }
  bt_status status = repaired.failed ? BT_NO_MEMORY : Search(pattern, subject, cost, matches);
  bt_buffer_dispose(&repaired);
  return status;
}
