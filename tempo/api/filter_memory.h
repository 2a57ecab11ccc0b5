/* How many traces each filter found the last time. Whoever asks again knows by this whether the answer will be large.
 * It is a guess that saves time, never a fact: a wrong one costs Tempo some work and changes no answer. A source keeps
 * a fixed number of filters; a new one may take the place of another. Thread: any. Internal to tempo/. */
#ifndef BT_TEMPO_API_FILTER_MEMORY_H
#define BT_TEMPO_API_FILTER_MEMORY_H

#include <stdint.h>

#include "dsl/base/text.h"

enum { BT_FILTER_MEMORY_SLOTS = 256 };

/* Part of struct bt_tempo. All-zero: nothing is known. */
typedef struct bt_filter_memory {
  _Atomic uint64_t slots[BT_FILTER_MEMORY_SLOTS]; /* part of the hash, and traces per hour + 1; 0: free */
} bt_filter_memory;

/* tenant: as a number, 0 for none. */
void bt_filter_memory_note(bt_filter_memory *memory, uint64_t tenant, bt_str filter, uint64_t traces, int64_t length_s);
/* Traces that it may find in a range of that length, at least 1. 0: not known. */
uint64_t bt_filter_memory_expect(const bt_filter_memory *memory, uint64_t tenant, bt_str filter, int64_t length_s);

#endif
