/* Text in XML, for the reports in JUnit's form. Thread: no state. */
#ifndef BT_SERVER_XML_H
#define BT_SERVER_XML_H

#include <stdbool.h>

#include "dsl/base/text.h"

/* Escaped. What is not shown (bt_is_obeyed), much of which XML cannot hold, is written as on a terminal: \x1b, \u202e.
 * No UTF-8, U+FFFE and U+FFFF become U+FFFD. Attributes would lose their line breaks if they were not written as
 * numbers.
 */
void bt_xml_text(bt_buffer *out, bt_str text, bool is_attribute);
/* ` name="value"` */
void bt_xml_attribute(bt_buffer *out, const char *name, bt_str value);
/* A line inside a testcase: `<failure message="message">text</failure>`. */
void bt_xml_outcome(bt_buffer *out, const char *name, bt_str message, bt_str text);

#endif
