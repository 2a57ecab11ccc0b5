/* The compliance frameworks that this program knows: ids of their controls with titles in our own words (catalogues/
 * *.txt, compiled in). A name and an id are the same however they are written: "SOC 2" is soc2, "CC6_1" is CC6.1,
 * "§164.312(b)" is 164.312(b). Rules may name frameworks and controls that are in no catalogue; nothing is refused for
 * that. Thread: constants, no state. */
#ifndef BT_SERVER_CATALOGUE_H
#define BT_SERVER_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

typedef struct bt_catalogue_control {
  const char *id, *title;
} bt_catalogue_control;

typedef struct bt_catalogue {
  const char *name, *title;
  const char *const *aliases;  /* other names; end with NULL */
  const char *const *prefixes; /* that an id may have or lack: "A." of ISO 27001; end with NULL */
  const bt_catalogue_control *controls;
  size_t control_count;
} bt_catalogue;

extern const bt_catalogue bt_catalogues[];
extern const size_t bt_catalogue_count;

/* NULL: in no catalogue. */
const bt_catalogue *bt_catalogue_find(bt_str name);
/* Whether two names mean the same framework: by their letters and digits, or by one catalogue that knows both. */
bool bt_framework_means(bt_str a, bt_str b);

/* Whether two ids mean the same control. Letters and numbers have to be the same in order, what stands between them
 * need not: but "1.23" is not "12.3". catalogue: whose prefixes may be left out; or NULL. */
bool bt_control_means(const bt_catalogue *catalogue, bt_str a, bt_str b);
/* The number of the control that one which is not in the catalogue is a part of: 10.2.1.7 of 10.2.1. The catalogue's
 * control_count: none (also without a catalogue). */
size_t bt_catalogue_parent_at(const bt_catalogue *catalogue, bt_str id);

#endif
