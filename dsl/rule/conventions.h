/* Names that attributes go by, because a convention renamed them. A table says which renames there were
 * (OpenTelemetry's is built in, convention_table.c; others are read from files), and this finds all names of one
 * attribute.
 *
 * What is found is what a translation of all spans to the newest names would make equal. A name that has meant two
 * things stands for what it means now, and for no other attribute. Where its values changed with its name, an attribute
 * is two. Thread: no state; a table is immutable. */
#ifndef BT_DSL_RULE_CONVENTIONS_H
#define BT_DSL_RULE_CONVENTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"

/* Releases have an order: 1.26.0 is before 1.27.0. */
#define BT_RELEASE(major, minor, patch) ((uint32_t)(major) << 20 | (uint32_t)(minor) << 10 | (uint32_t)(patch))
/* "1.26.0". False: no such text, or a part above 1,023. */
bool bt_release_parse(bt_str text, uint32_t *out);
enum { BT_RELEASE_TEXT = 16 };
void bt_release_format(uint32_t release, char out[BT_RELEASE_TEXT]);

typedef enum bt_names_of { /* bits: what a rename is about */
                           BT_NAMES_OF_SPANS = 1,
                           BT_NAMES_OF_RESOURCES = 2,
                           BT_NAMES_OF_EVENTS = 4,
                           BT_NAMES_OF_EVENT_NAMES = 8 /* the name of an event itself */
} bt_names_of;

typedef enum bt_rename_note {
  BT_RENAME_PLAIN,
  BT_RENAME_OTHER_VALUES, /* its values changed with it: bridges nothing */
  BT_RENAME_USED_AGAIN,   /* the old name is in use for something of its own: bridges nothing */
  BT_RENAME_RESTRICTED    /* of some spans or events only: bridges nothing */
} bt_rename_note;

typedef struct bt_rename {
  uint16_t step;    /* above 0. Renames of one step are done at once, and those of a later one see their result */
  uint32_t release; /* the first that has the new name */
  unsigned of;      /* bt_names_of */
  bt_rename_note note;
  bt_str from, to;
  bt_str page; /* OTHER_VALUES: where it says how; may be empty */
} bt_rename;

typedef struct bt_conventions {
  uint32_t newest;          /* the last release that it knows */
  const bt_rename *renames; /* by step */
  size_t rename_count;
} bt_conventions;

/* OpenTelemetry's, of a pinned release. */
const bt_conventions *bt_conventions_built_in(void);

enum { BT_CONVENTION_NAMES = 16 }; /* of one attribute; of the built-in table none has half of that */

typedef struct bt_convention_names {
  /* The newest name first, and each name before those that were renamed to it: by release, and in one as the table has
   * them. Where several are there the first counts, as if the spans were translated. 1: it has no other name. */
  bt_str items[BT_CONVENTION_NAMES]; /* borrowed from the table, or the name itself */
  uint32_t count;
  const bt_rename *unbridged; /* a rename of this name, or to it, that bridges nothing; NULL: none */
  bool is_ambiguous;          /* it was renamed to two things that are not one: it has no other name */
  bool is_too_many;           /* more names than there is room for: likewise */
} bt_convention_names;

/* All names of the attribute that is called `name` in `of` (one bit), by the renames up to a release. */
void bt_convention_find(const bt_conventions *conventions, bt_names_of of, bt_str name, uint32_t until,
                        bt_convention_names *out);

#endif
