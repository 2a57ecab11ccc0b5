/* Trace ids that an unseeded table puts into one slot, where it takes the last 16 bits of an FNV-1a hash. Some of our
 * tables did. An attacker would send these. Only for tests. */
#ifndef BT_TESTS_CHOSEN_IDS_H
#define BT_TESTS_CHOSEN_IDS_H

#include <stdint.h>
#include <string.h>

typedef struct chosen_ids {
  uint64_t state; /* any; other ids for another one */
} chosen_ids;

/* The next one. 15 bytes are tried until the last one can do it, 256 times in the mean. */
static inline void chosen_ids_next(chosen_ids *ids, uint8_t id[16]) {
  enum { WANTED = 0x1234, INVERSE = 0x957b /* of FNV's prime, modulo 2^16 */ };
  const uint64_t prime = 1099511628211u;
  uint32_t wanted = (uint32_t)WANTED * INVERSE & 0xffff, hash;
  do {
    for (size_t i = 0; i < 2; i++) {
      ids->state = ids->state * 6364136223846793005u + 1442695040888963407u;
      uint64_t bits = ids->state ^ ids->state >> 32;
      memcpy(id + 8 * i, &bits, sizeof bits);
    }
    uint64_t all = 1469598103934665603u;
    for (size_t i = 0; i < 15; i++) all = (all ^ id[i]) * prime;
    hash = (uint32_t)all & 0xffff;
  } while (hash >> 8 != wanted >> 8);
  id[15] = (uint8_t)(hash ^ wanted);
}

#endif
