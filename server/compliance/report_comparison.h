/* Whether two reports of one question say the same. Thread: no state. */
#ifndef BT_SERVER_REPORT_COMPARISON_H
#define BT_SERVER_REPORT_COMPARISON_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/text.h"

/* All entries alike but for what every report has anew: its id, the report before it, when it was made, what that cost,
 * and where hand-overs were then. False also where `text` cannot be read or memory is out. */
bool bt_reports_say_the_same(bt_str text, const json_t *document);

#endif
