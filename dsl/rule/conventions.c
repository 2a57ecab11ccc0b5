/* Finding all names of one attribute. See conventions.h. */
#include "dsl/rule/conventions.h"

#include <stdio.h>

/* ---- releases ---- */

bool bt_release_parse(bt_str text, uint32_t *out) {
  uint32_t parts[3] = {0};
  size_t part = 0, digits = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '.' && digits && part < 2) {
      part++;
      digits = 0;
    } else if (c >= '0' && c <= '9' && digits < 4) {
      parts[part] = parts[part] * 10 + (uint32_t)(c - '0');
      digits++;
    } else {
      return false;
    }
  }
  if (part != 2 || !digits || parts[0] > 1023 || parts[1] > 1023 || parts[2] > 1023) return false;
  *out = BT_RELEASE(parts[0], parts[1], parts[2]);
  return true;
}

void bt_release_format(uint32_t release, char out[BT_RELEASE_TEXT]) {
  snprintf(out, BT_RELEASE_TEXT, "%u.%u.%u", release >> 20 & 1023, release >> 10 & 1023, release & 1023);
}

/* ---- the way of a name through the steps ---- */

typedef struct name_walk {
  const bt_conventions *conventions;
  bt_names_of of;
  uint32_t until;
} name_walk;

static bool is_of(const name_walk *walk, const bt_rename *rename) {
  return (rename->of & (unsigned)walk->of) && rename->release <= walk->until;
}

static bool takes_rename(const name_walk *walk, const bt_rename *rename) {
  return is_of(walk, rename) && rename->note == BT_RENAME_PLAIN;
}

/* The first rename of the name behind a step; NULL: it stays as it is. */
static const bt_rename *next_rename(const name_walk *walk, bt_str name, uint16_t step) {
  for (size_t i = 0; i < walk->conventions->rename_count; i++) {
    const bt_rename *rename = &walk->conventions->renames[i];
    if (rename->step > step && takes_rename(walk, rename) && bt_str_equal(rename->from, name)) return rename;
  }
  return NULL;
}

/* What becomes of a name that is in use at that step. */
static bt_str follow_name(const name_walk *walk, bt_str name, uint16_t step) {
  const bt_rename *rename = next_rename(walk, name, step);
  while (rename) {
    name = rename->to;
    rename = next_rename(walk, name, rename->step);
  }
  return name;
}

typedef struct name_end {
  bt_str name;
  bool is_ambiguous;
} name_end;

/* What the name means in the newest names. It was in use from the start, from each rename that gave it, and from one
 * rename of it to the next. If these lives end in different names, it is what it is called now, where one of them ends
 * so; else nobody can tell. */
static name_end end_of_name(const name_walk *walk, bt_str name) {
  name_end end = {follow_name(walk, name, 0), false};
  bool is_kept = bt_str_equal(end.name, name), differ = false;
  for (size_t i = 0; i < walk->conventions->rename_count; i++) {
    const bt_rename *rename = &walk->conventions->renames[i];
    bool begins = bt_str_equal(rename->to, name);
    if (!takes_rename(walk, rename) || !(begins || bt_str_equal(rename->from, name))) continue;
    if (!begins && !next_rename(walk, name, rename->step)) continue;
    bt_str other = follow_name(walk, name, rename->step);
    is_kept = is_kept || bt_str_equal(other, name);
    differ = differ || !bt_str_equal(other, end.name);
  }
  if (!differ) return end;
  return (name_end){name, !is_kept};
}

/* ---- all names of one end ---- */

static bool has_name(const bt_convention_names *names, bt_str name) {
  for (uint32_t i = 0; i < names->count; i++)
    if (bt_str_equal(names->items[i], name)) return true;
  return false;
}

static bool is_older_name(const name_walk *walk, const bt_convention_names *names, bt_str name) {
  if (has_name(names, name)) return false;
  name_end end = end_of_name(walk, name);
  return !end.is_ambiguous && bt_str_equal(end.name, names->items[0]);
}

/* What was renamed to `name` before a step, each behind it with what was renamed to that: where spans have several of
 * them, translating them step by step keeps the first. */
static void add_older_names(const name_walk *walk, bt_str name, uint32_t before_step, bt_convention_names *out) {
  for (size_t i = 0; i < walk->conventions->rename_count; i++) {
    const bt_rename *rename = &walk->conventions->renames[i];
    if (rename->step >= before_step || !takes_rename(walk, rename) || !bt_str_equal(rename->to, name)) continue;
    bool is_older = is_older_name(walk, out, rename->from);
    out->is_too_many = out->is_too_many || (is_older && out->count == BT_CONVENTION_NAMES);
    if (is_older && !out->is_too_many) out->items[out->count++] = rename->from;
    add_older_names(walk, rename->from, rename->step, out);
  }
}

static const bt_rename *find_unbridged(const name_walk *walk, bt_str name) {
  for (size_t i = walk->conventions->rename_count; i-- > 0;) {
    const bt_rename *rename = &walk->conventions->renames[i];
    bool is_about = bt_str_equal(rename->from, name) || bt_str_equal(rename->to, name);
    if (is_about && is_of(walk, rename) && rename->note != BT_RENAME_PLAIN) return rename;
  }
  return NULL;
}

void bt_convention_find(const bt_conventions *conventions, bt_names_of of, bt_str name, uint32_t until,
                        bt_convention_names *out) {
  name_walk walk = {conventions, of, until};
  *out = (bt_convention_names){.count = 1};
  name_end end = end_of_name(&walk, name);
  out->is_ambiguous = end.is_ambiguous;
  out->items[0] = end.name;
  if (!end.is_ambiguous) add_older_names(&walk, end.name, UINT32_MAX, out);
  if (out->is_too_many) *out = (bt_convention_names){.items = {name}, .count = 1, .is_too_many = true};
  out->unbridged = find_unbridged(&walk, name);
}
