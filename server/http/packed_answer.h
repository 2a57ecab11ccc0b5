/* Answers by gzip, for who takes it. JSON of many violations becomes a tenth. Thread: the call's. */
#ifndef BT_SERVER_HTTP_PACKED_ANSWER_H
#define BT_SERVER_HTTP_PACKED_ANSWER_H

#include "server/http/call.h"

/* Once, when the answer is whole, or a stream before its first page. Packs its text where that saves something, and
 * sets the headers that say so. Stays as it is: events, a short answer, one with an ETag (which names these bytes), and
 * where there is no memory. */
void bt_call_pack(bt_call *call);
/* Packs the page that is in the answer, where the stream goes out packed. Without memory the page has failed. */
void bt_call_pack_page(bt_call *call, bool is_last);

#endif
