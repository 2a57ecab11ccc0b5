/* Edit distance for short words. See suggestion.h. */
#include "dsl/base/suggestion.h"

#include <stdlib.h>

enum { LONGEST_WORD = 40, TOO_FAR = 4 };

static char fold_character(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

static unsigned smallest_of(unsigned a, unsigned b) {
  return a < b ? a : b;
}

unsigned bt_suggest_distance(bt_str a, bt_str b) {
  if (a.len > LONGEST_WORD || b.len > LONGEST_WORD) return TOO_FAR;
  unsigned rows[3][LONGEST_WORD + 1];
  for (size_t j = 0; j <= b.len; j++) rows[0][j] = rows[1][j] = (unsigned)j;
  for (size_t i = 1; i <= a.len; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b.len; j++) {
      char x = fold_character(a.ptr[i - 1]), y = fold_character(b.ptr[j - 1]);
      row[j] = smallest_of(above[j - 1] + (x != y), smallest_of(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && x == fold_character(b.ptr[j - 2]) && fold_character(a.ptr[i - 2]) == y)
        row[j] = smallest_of(row[j], two_above[j - 2] + 1);
    }
  }
  return smallest_of(rows[a.len % 3][b.len], TOO_FAR);
}

const char *bt_suggest_nearest(bt_str word, const char *const *words) {
  const char *nearest = NULL;
  unsigned best = TOO_FAR;
  for (; *words; words++) {
    unsigned distance = bt_suggest_distance(word, bt_str_from(*words));
    if (distance < best) best = distance, nearest = *words;
  }
  return best <= (word.len < 5 ? 1u : 2u) ? nearest : NULL;
}
