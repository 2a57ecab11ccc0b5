/* The list of diagnostics. See diagnostic.h. */
#include "dsl/diagnostic.h"

void bt_diagnostics_init(bt_diagnostics *diagnostics) {
  *diagnostics = (bt_diagnostics){0};
  bt_arena_init(&diagnostics->arena, 1u << 20);
}
