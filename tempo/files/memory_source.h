/* The memory source: spans that were pushed, kept in memory up to a cap (demo, tests). Spans of one trace are merged
 * over pushes; of two records of one span either may be right. Over the cap it evicts the traces that ended
 * first, and says so. Every search that reaches back to them names the time up to which traces may be missing. A read
 * of an evicted trace fails, and a trace that gets spans after its eviction is `partial`. A Bloom filter remembers
 * evicted ids. It never forgets one, but takes some other traces for evicted too: seldom at first, more after some ten
 * thousand evictions for each MiB of the cap. That costs answers and never makes a wrong one. Search ignores the
 * filter; BeTrace's own traces are left out of it, and of reads that do not ask for them. A tenant sees what was pushed
 * for it ("a|b": for either); NULL and "" are the same tenant. Thread: any, at once; one mutex, which is not held while
 * a sink runs. */
#ifndef BT_TEMPO_FILES_MEMORY_SOURCE_H
#define BT_TEMPO_FILES_MEMORY_SOURCE_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/source.h"

enum { BT_MEMORY_TENANTS_MAX = 1024 };

/* new. cap_bytes: of all spans; 0: 256 MiB. The filter takes a sixty-fourth of it besides. BT_NO_MEMORY alone. */
bt_status bt_memory_source_new(size_t cap_bytes, bt_source **out, bt_error *error) BT_MUST_CHECK;
/* Copies the traces of a finished batch; all of them or, after an error, none. BT_LIMIT: they are larger than the cap,
 * or of one tenant too many. BT_INVALID: a tenant with "|" in it. */
bt_status bt_memory_source_add(bt_source *source, const char *tenant, const bt_span_batch *batch,
                               bt_error *error) BT_MUST_CHECK;
/* Bytes that are in use now. */
size_t bt_memory_source_bytes(bt_source *source);

#endif
