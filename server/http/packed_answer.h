/* Answers by gzip, for who takes it. JSON of many violations becomes a tenth. Thread: the call's. */
#ifndef BT_SERVER_HTTP_PACKED_ANSWER_H
#define BT_SERVER_HTTP_PACKED_ANSWER_H

#include "server/http/call.h"

/* Once, when the answer is whole. Packs its text where that saves something, and sets the headers that say so. Stays as
 * it is: a stream, a short answer, one with an ETag (which names these bytes), and where there is no memory. */
void bt_call_pack(bt_call *call);

#endif
