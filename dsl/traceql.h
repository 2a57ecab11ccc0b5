/* The only code that writes TraceQL. Every string that comes from outside passes through its quoting.
 * select is written in one place, which always writes `| by(span:id)` before it: select alone loses spans of split traces in silence. */
#ifndef BT_DSL_TRACEQL_H
#define BT_DSL_TRACEQL_H

#include "dsl/plan.h"

enum { BT_TRACEQL_MAX_BYTES = 131072 }; /* Tempo refuses longer queries */

/* A Go-syntax string literal in double quotes. */
void bt_traceql_quote(bt_str s, bt_buffer *out);
/* The filter as it stands; with `id_regex` (anchored by Tempo, hex ids without leading zeros) joined by && when its len is not 0. */
void bt_traceql_search(bt_str filter, bt_str id_regex, bt_buffer *out);
/* `{ trace:id =~ "a|b|…|x" } | by(span:id) | select(…)` for up to `count` ids; ids are written without leading zeros, and the last
 * alternative can match nothing, because a pattern that is one plain id is refused. The attributes are those of the projection that
 * belong to `group`: no key stands twice in one group (bt_projection_groups), because select loses the scope of its keys. */
void bt_traceql_read(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                     bt_buffer *out);
/* How many reads a projection needs: 1, or 2 where span.k and resource.k are both wanted. */
uint32_t bt_projection_groups(const bt_projection *projection);
/* The scope in which `group` reads `key`; false when that group does not read it. */
bool bt_projection_scope_in_group(const bt_projection *projection, uint32_t group, bt_str key,
                                  bt_projected_scope *scope);
/* How many ids fit into one read within BT_TRACEQL_MAX_BYTES. */
size_t bt_traceql_ids_per_read(const bt_projection *projection);

#endif
