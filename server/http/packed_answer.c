/* gzip over a whole answer. See packed_answer.h. What somebody else's page asks for is refused before (guard.h), and a
 * token is in no answer. So nobody can choose a part of an answer, measure its length and learn another part of it (Y.
 * Gluck, N. Harris, A. Prado, "BREACH: reviving the CRIME attack", 2013). */
#include "server/http/packed_answer.h"

#include <string.h>

#include "server/http/accept.h"
#include "tempo/wire/gzip.h"

enum { LEAST_BYTES = 2048 }; /* a shorter one fits into a packet or two */

static bool is_text(const char *type) {
  return type && (strstr(type, "json") || strncmp(type, "text/", 5) == 0) && !strstr(type, "event-stream");
}

static bool has_header(const bt_call *call, const char *name) {
  for (size_t i = 0; i < call->header_count; i++)
    if (strcmp(call->headers[i].name, name) == 0) return true;
  return false;
}

static bool may_pack(const bt_call *call) {
  bool is_long = call->stream.operations || call->answer.len >= LEAST_BYTES;
  return is_long && is_text(call->content_type) && !has_header(call, "etag") && !has_header(call, "content-encoding");
}

static void exchange_answer(bt_call *call, bt_buffer *packed) {
  bt_buffer plain = call->answer;
  call->answer = *packed;
  *packed = plain;
}

/* Once the header says it, the answer has to be packed. False: there was no memory for the header. */
static bool say_packed(bt_call *call) {
  bt_call_header_set(call, "content-encoding", BT_STR("gzip"));
  return has_header(call, "content-encoding");
}

static void pack_whole(bt_call *call, bt_gzip_packer *packer) {
  bt_buffer packed = {0};
  bool is_packed = bt_gzip_packer_add(packer, bt_buffer_str(&call->answer), true, &packed);
  if (is_packed && packed.len <= call->answer.len / 2 && say_packed(call)) exchange_answer(call, &packed);
  bt_buffer_dispose(&packed);
  bt_gzip_packer_free(packer);
}

static void pack_stream(bt_call *call, bt_gzip_packer *packer) {
  if (say_packed(call))
    call->stream.packer = packer;
  else
    bt_gzip_packer_free(packer);
}

void bt_call_pack(bt_call *call) {
  if (!may_pack(call)) return;
  bt_call_header_set(call, "vary", BT_STR("Accept-Encoding"));
  bt_gzip_packer *packer = bt_accept_names(call->accept_encoding, "gzip") ? bt_gzip_packer_new() : NULL;
  if (packer && call->stream.operations)
    pack_stream(call, packer);
  else if (packer)
    pack_whole(call, packer);
}

void bt_call_pack_page(bt_call *call, bool is_last) {
  bt_buffer packed = {0};
  if (!call->stream.packer || call->answer.failed || !(call->answer.len || is_last)) return;
  bool is_packed = bt_gzip_packer_add(call->stream.packer, bt_buffer_str(&call->answer), is_last, &packed);
  exchange_answer(call, &packed);
  call->answer.failed = call->answer.failed || !is_packed;
  bt_buffer_dispose(&packed);
}
