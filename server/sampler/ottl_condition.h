/* Filters as conditions in OTTL, as `ottl_condition` policies of the Collector's tail sampler take them: one list asked
 * of each span, one asked of each event of it. What is searched for is only weakened: what OTTL cannot say is true.
 * What is subtracted is only strengthened: there it is false. An error would make a condition false, so none is asked
 * that can fail: the type of a value is looked at first. A condition is ASCII without quotes of YAML and without `$`,
 * which the Collector would take for a variable. Thread: no state. */
#ifndef BT_SERVER_SAMPLER_OTTL_CONDITION_H
#define BT_SERVER_SAMPLER_OTTL_CONDITION_H

#include "dsl/base/text.h"
#include "dsl/plan/filter.h"

/* Appends lines `span:` and `spanevent:` with their conditions, each after `indent` blanks. The filters are those of
 * the dialect (ottl_dialect.h). */
void bt_ottl_write_over(bt_filter_builder *builder, bt_over_filter over, unsigned indent, bt_buffer *out);
/* No line: nothing can be said. */
void bt_ottl_write_under(bt_filter_builder *builder, bt_under_filter under, unsigned indent, bt_buffer *out);

#endif
