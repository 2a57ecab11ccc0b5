/* Strings to small numbers. See symbol.h. */
#include "dsl/symbol.h"

#include <stdlib.h>

#include "dsl/arena.h"

enum { FIRST_SLOTS = 64 };

void bt_symbols_dispose(bt_symbols *symbols) {
  free(symbols->strings);
  free(symbols->slots);
  *symbols = (bt_symbols){0};
}

/* The slot that holds the string, or the free one where it belongs. */
static size_t find_slot(const bt_symbols *symbols, bt_str string) {
  size_t slot = bt_str_hash(string) & (symbols->slot_count - 1);
  while (symbols->slots[slot] && !bt_str_equal(symbols->strings[symbols->slots[slot] - 1], string))
    slot = (slot + 1) & (symbols->slot_count - 1);
  return slot;
}

static bool grow_slots(bt_symbols *symbols) {
  if (symbols->slot_count && symbols->count < symbols->slot_count / 2) return true;
  size_t slot_count = symbols->slot_count ? symbols->slot_count * 2 : FIRST_SLOTS;
  uint32_t *slots = calloc(slot_count, sizeof *slots);
  if (!slots) return false;
  free(symbols->slots);
  symbols->slots = slots;
  symbols->slot_count = slot_count;
  for (uint32_t i = 0; i < symbols->count; i++) slots[find_slot(symbols, symbols->strings[i])] = i + 1;
  return true;
}

bool bt_symbols_add(bt_symbols *symbols, bt_str string, uint32_t *symbol) {
  if (!grow_slots(symbols)) return false;
  size_t slot = find_slot(symbols, string);
  if (!symbols->slots[slot]) {
    bt_str *strings = bt_grow_array(symbols->strings, symbols->count, &symbols->capacity, sizeof *strings);
    if (!strings) return false;
    symbols->strings = strings;
    strings[symbols->count] = string;
    symbols->slots[slot] = ++symbols->count;
    if (string.len > symbols->longest) symbols->longest = string.len;
  }
  *symbol = symbols->slots[slot];
  return true;
}

uint32_t bt_symbols_find(const bt_symbols *symbols, bt_str string) {
  bool may_be_there = symbols->slot_count && string.len <= symbols->longest;
  return may_be_there ? symbols->slots[find_slot(symbols, string)] : BT_NO_SYMBOL;
}
