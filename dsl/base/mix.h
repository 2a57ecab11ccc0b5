/* Bits spread over a number: the last step of splitmix64 (G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom
 * number generators", 2014). It has no seed: for what has to be the same in every process, and never where somebody
 * gains by choosing numbers that meet (dsl/base/table.h is for that). Thread: no state. Anyone may include
 * this. */
#ifndef BT_DSL_BASE_MIX_H
#define BT_DSL_BASE_MIX_H

#include <stdint.h>

static inline uint64_t bt_mix_bits(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
  return bits ^ (bits >> 31);
}

#endif
