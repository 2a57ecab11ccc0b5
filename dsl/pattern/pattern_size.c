/* The size of a pattern, written out. See pattern_size.h. One pass over the text with a stack of open groups; what is
 * no pattern has some size, too, and RE2 refuses it. */
#include "dsl/pattern/pattern_size.h"

enum {
  MAX_GROUPS = 1024, /* RE2 takes 1,000 */
  SIZE_OF_ANY = 8,   /* what UTF-8 makes of it */
  SIZE_OF_WORD = 4,
  SIZE_OF_GROUP = 2,
  SIZE_OF_SCRIPT = 24 /* a Unicode class that is not in the table */
};

/* A cursor over the pattern. `sum` is of the group that is open, without `last`, which a repetition may follow. */
typedef struct sizer {
  bt_str text;
  size_t at;
  uint64_t sum, last;
  uint64_t outer[MAX_GROUPS];
  uint32_t depth;
} sizer;

static uint64_t add_sizes(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply_sizes(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static char peek_character(const sizer *s, size_t ahead) {
  return s->at + ahead < s->text.len ? s->text.ptr[s->at + ahead] : '\0';
}

static void add_part(sizer *s, uint64_t size) {
  s->sum = add_sizes(s->sum, s->last);
  s->last = size;
}

/* Instructions of the categories that are large. */
static uint64_t class_size(bt_str name) {
  static const struct {
    const char *name;
    uint64_t size;
  } sizes[] = {{"L", 1200}, {"Ll", 1000}, {"Lu", 1000}, {"Lo", 800}, {"M", 500},  {"Mn", 450}, {"S", 400},
               {"So", 300}, {"P", 300},   {"Po", 300},  {"N", 200},  {"Nd", 120}, {"Mc", 250}, {"Any", 8}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    if (bt_str_equal(name, bt_str_from(sizes[i].name))) return sizes[i].size;
  return SIZE_OF_SCRIPT;
}

/* \pL and \p{Greek}; at the p. */
static uint64_t take_class_name(sizer *s) {
  bt_str name = {s->text.ptr + s->at + 1, 1};
  s->at += 2;
  if (name.ptr >= s->text.ptr + s->text.len) return 1;
  if (*name.ptr != '{') return class_size(name);
  name.ptr++;
  size_t length = 0;
  while (s->at + length < s->text.len && name.ptr[length] != '}') length++;
  s->at += length + 1;
  if (length && *name.ptr == '^') name.ptr++, length--;
  return class_size((bt_str){name.ptr, length});
}

static void take_quoted(sizer *s) {
  for (s->at += 2; s->at < s->text.len; s->at++) {
    if (peek_character(s, 0) == '\\' && peek_character(s, 1) == 'E') {
      s->at += 2;
      return;
    }
    add_part(s, 1);
  }
}

static uint64_t take_escape(sizer *s) {
  char c = peek_character(s, 1);
  s->at++;
  if (c == 'p' || c == 'P') return take_class_name(s);
  s->at++;
  return c == 'w' || c == 'W' || c == 'D' || c == 'S' ? SIZE_OF_WORD : 1;
}

/* […]: at the bracket. */
static uint64_t take_set(sizer *s) {
  uint64_t size = 1;
  s->at++;
  if (peek_character(s, 0) == '^') s->at++, size = SIZE_OF_ANY;
  if (peek_character(s, 0) == ']') s->at++;
  while (s->at < s->text.len && peek_character(s, 0) != ']') {
    if (peek_character(s, 0) == '\\') {
      size = add_sizes(size, take_escape(s));
    } else if (peek_character(s, 0) == '[' && peek_character(s, 1) == ':') {
      for (s->at += 2; s->at < s->text.len && peek_character(s, 0) != ']'; s->at++) {
      }
      s->at++;
    } else {
      size = add_sizes(size, 1);
      s->at++;
    }
  }
  s->at++;
  return size;
}

static uint64_t take_number(sizer *s, bool *is_there) {
  uint64_t number = 0;
  *is_there = false;
  for (; peek_character(s, 0) >= '0' && peek_character(s, 0) <= '9'; s->at++) {
    *is_there = true;
    number = add_sizes(multiply_sizes(number, 10), (uint64_t)(peek_character(s, 0) - '0'));
  }
  return number;
}

/* {3}, {3,}, {3,5}: the greater number. Anything else is a letter like others. */
static void take_repetition(sizer *s) {
  size_t start = s->at++;
  bool is_there, has_most = false;
  uint64_t times = take_number(s, &is_there), most = 0;
  if (is_there && peek_character(s, 0) == ',') {
    s->at++;
    most = take_number(s, &has_most);
  }
  if (!is_there || peek_character(s, 0) != '}') {
    s->at = start + 1;
    add_part(s, 1);
    return;
  }
  s->at++;
  if (has_most && most > times) times = most;
  s->last = multiply_sizes(s->last, times ? times : 1);
}

static void open_group(sizer *s) {
  add_part(s, 0);
  if (s->depth < MAX_GROUPS) s->outer[s->depth] = s->sum;
  if (s->depth < MAX_GROUPS) s->sum = 0;
  s->depth++;
  s->at++;
}

static void close_group(sizer *s) {
  s->at++;
  if (s->depth == 0 || s->depth-- > MAX_GROUPS) return;
  s->last = add_sizes(add_sizes(s->sum, s->last), SIZE_OF_GROUP);
  s->sum = s->outer[s->depth];
}

static void take_piece(sizer *s) {
  switch (peek_character(s, 0)) {
  case '\\':
    if (peek_character(s, 1) == 'Q')
      take_quoted(s);
    else
      add_part(s, take_escape(s));
    return;
  case '[': add_part(s, take_set(s)); return;
  case '{': take_repetition(s); return;
  case '(': open_group(s); return;
  case ')': close_group(s); return;
  case '*':
  case '+':
  case '?':
    s->last = add_sizes(s->last, 1);
    s->at++;
    return;
  default: add_part(s, peek_character(s, 0) == '.' ? SIZE_OF_ANY : 1); s->at++;
  }
}

uint64_t bt_pattern_size(bt_str pattern) {
  sizer s;
  s.text = pattern;
  s.at = s.depth = 0;
  s.sum = s.last = 0;
  while (s.at < pattern.len) take_piece(&s);
  while (s.depth > 0) close_group(&s);
  return add_sizes(s.sum, s.last);
}
