/* Strings to small numbers. See symbol.h. */
#include "dsl/base/symbol.h"

#include <stdlib.h>

#include "dsl/base/arena.h"

void bt_symbols_dispose(bt_symbols *symbols) {
  free(symbols->strings);
  bt_table_dispose(&symbols->table);
  *symbols = (bt_symbols){0};
}

static uint32_t find_symbol(const bt_symbols *symbols, bt_str string, uint64_t hash) {
  bt_table_walk walk = bt_table_find(&symbols->table, hash);
  while (bt_table_next(&symbols->table, &walk))
    if (bt_str_equal(symbols->strings[walk.number], string)) return (uint32_t)walk.number + 1;
  return BT_NO_SYMBOL;
}

bool bt_symbols_add(bt_symbols *symbols, bt_str string, uint32_t *symbol) {
  uint64_t hash = bt_hash_text(string);
  *symbol = find_symbol(symbols, string, hash);
  if (*symbol) return true;
  bt_str *strings = bt_grow_array(symbols->strings, symbols->count, &symbols->capacity, sizeof *strings);
  if (!strings) return false;
  symbols->strings = strings;
  if (!bt_table_reserve(&symbols->table, symbols->count + 1)) return false;
  bt_table_add(&symbols->table, hash, symbols->count);
  strings[symbols->count] = string;
  if (string.len > symbols->longest) symbols->longest = string.len;
  *symbol = ++symbols->count;
  return true;
}

uint32_t bt_symbols_find(const bt_symbols *symbols, bt_str string) {
  bool may_be_there = symbols->count && string.len <= symbols->longest;
  return may_be_there ? find_symbol(symbols, string, bt_hash_text(string)) : BT_NO_SYMBOL;
}
