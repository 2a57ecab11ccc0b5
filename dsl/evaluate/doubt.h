/* What of a span is not known (dsl.md §3): a start or an end of 0, which nobody set, and what a store cut off of times.
 * And attributes, events and links that it says were dropped. Its events, links, resource and scope say the same of
 * their attributes. Flags of 0, and members of the trace state that stand twice, are not known either; bt_span.doubts
 * does not say so (bt_field_may_be_unsaid). What is there is final; what is not there among them is unknown. Few spans
 * are so, and a trace says whether any is (bt_trace.doubts): all others are tested as before (matcher.h). Thread: no
 * state. */
#ifndef BT_DSL_EVALUATE_DOUBT_H
#define BT_DSL_EVALUATE_DOUBT_H

#include <stdint.h>

#include "dsl/evaluate/kleene.h"
#include "dsl/evaluate/outcome.h"
#include "dsl/evaluate/program.h"
#include "dsl/evaluate/value_comparison.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

/* Why the value of a field is not known, as bits of kleene.h; 0: it is. `part` is the event or the link that the field
 * is one of, or NULL. */
unsigned bt_doubt_of_field(const bt_span *span, const bt_field *field, const bt_span_part *part);
/* Whether the span's times were cut (bt_span.time_slack_ns) and the field is one of them that is there. */
bool bt_field_is_cut_time(const bt_span *span, const bt_field *field);
/* Its value then: a range. */
bt_outcome bt_doubt_cut_time(const bt_span *span, const bt_field *field, const bt_span_part *part);
/* Why there may be further events (links) of the span; 0: there are none. */
unsigned bt_doubt_of_parts(const bt_span *span, bool are_links);
/* bt_matcher_test for a span with doubts. */
bt_kleene bt_doubt_test(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                        bt_work *work);

#endif
