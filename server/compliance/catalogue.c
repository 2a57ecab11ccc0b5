/* Names of frameworks and ids of controls. See catalogue.h; the tables are made from catalogues/ by embed.cmake. */
#include "server/compliance/catalogue.h"

#include "server/rules/rule_controls.h"

/* ---- frameworks ---- */

static bool has_name(const bt_catalogue *catalogue, bt_str name) {
  if (bt_framework_is_same(bt_str_from(catalogue->name), name)) return true;
  for (size_t i = 0; catalogue->aliases[i]; i++)
    if (bt_framework_is_same(bt_str_from(catalogue->aliases[i]), name)) return true;
  return false;
}

const bt_catalogue *bt_catalogue_find(bt_str name) {
  for (size_t i = 0; i < bt_catalogue_count; i++)
    if (has_name(&bt_catalogues[i], name)) return &bt_catalogues[i];
  return NULL;
}

bool bt_framework_means(bt_str a, bt_str b) {
  const bt_catalogue *catalogue = bt_catalogue_find(a);
  return catalogue ? has_name(catalogue, b) : bt_framework_is_same(a, b);
}

/* ---- controls ---- */

typedef enum kind { NEITHER, DIGITS, LETTERS } kind;

static kind kind_of(char c) {
  if (c >= '0' && c <= '9') return DIGITS;
  bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
  return is_letter ? LETTERS : NEITHER;
}

/* The next run of digits, or of letters. False: there is none. */
static bool next_part(bt_str *rest, bt_str *part) {
  while (rest->len && kind_of(rest->ptr[0]) == NEITHER) rest->ptr++, rest->len--;
  *part = (bt_str){rest->ptr, 0};
  while (part->len < rest->len && kind_of(rest->ptr[part->len]) == kind_of(rest->ptr[0])) part->len++;
  rest->ptr += part->len;
  rest->len -= part->len;
  return part->len > 0;
}

/* Whether `id` begins with all parts of `beginning`; what follows is left in *rest. */
static bool begins_with(bt_str id, bt_str beginning, bt_str *rest) {
  bt_str of_id, of_beginning;
  while (next_part(&beginning, &of_beginning))
    if (!next_part(&id, &of_id) || !bt_str_equal_nocase(of_id, of_beginning)) return false;
  *rest = id;
  return true;
}

static bool is_empty(bt_str id) {
  bt_str part;
  return !next_part(&id, &part);
}

static bt_str without_prefix(const bt_catalogue *catalogue, bt_str id) {
  bt_str rest;
  for (size_t i = 0; catalogue && catalogue->prefixes[i]; i++)
    if (begins_with(id, bt_str_from(catalogue->prefixes[i]), &rest) && !is_empty(rest)) return rest;
  return id;
}

bool bt_control_means(const bt_catalogue *catalogue, bt_str a, bt_str b) {
  bt_str rest;
  if (is_empty(a) || is_empty(b)) return bt_str_equal(a, b);
  return begins_with(without_prefix(catalogue, a), without_prefix(catalogue, b), &rest) && is_empty(rest);
}

static size_t part_count(bt_str id) {
  bt_str part;
  size_t count = 0;
  while (next_part(&id, &part)) count++;
  return count;
}

size_t bt_catalogue_parent_at(const bt_catalogue *catalogue, bt_str id) {
  if (!catalogue) return 0;
  size_t best = catalogue->control_count, best_parts = 0;
  bt_str rest, meant = without_prefix(catalogue, id);
  for (size_t i = 0; i < catalogue->control_count; i++) {
    bt_str own = without_prefix(catalogue, bt_str_from(catalogue->controls[i].id));
    if (!begins_with(meant, own, &rest) || is_empty(rest) || part_count(own) <= best_parts) continue;
    best = i;
    best_parts = part_count(own);
  }
  return best;
}
