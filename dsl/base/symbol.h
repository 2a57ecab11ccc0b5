/* Strings to small numbers. A table is filled while a ruleset is compiled and frozen afterwards, so that lookups take
 * no lock. Thread: one thread adds; any number of threads find once nobody adds any more. */
#ifndef BT_DSL_BASE_SYMBOL_H
#define BT_DSL_BASE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/base/text.h"

enum { BT_NO_SYMBOL = 0 };

/* All-zero is an empty table; dispose in the end. */
typedef struct bt_symbols {
  bt_str *strings; /* of symbol i + 1 */
  size_t capacity;
  bt_table table; /* of strings */
  size_t longest; /* bytes of the longest string: longer ones are not looked for */
  uint32_t count; /* symbols are 1 … count */
} bt_symbols;

void bt_symbols_dispose(bt_symbols *symbols);
/* The symbol of the string, a new one if it has none. The string is borrowed as long as the table. False: no memory. */
bool bt_symbols_add(bt_symbols *symbols, bt_str string, uint32_t *symbol) BT_MUST_CHECK;
/* BT_NO_SYMBOL when the string was never added. */
uint32_t bt_symbols_find(const bt_symbols *symbols, bt_str string);

#endif
