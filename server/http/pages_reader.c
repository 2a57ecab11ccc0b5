/* Reading the folder of the pages into memory. See pages.h. Each step opens a name below an open folder and follows no
 * link, so that nothing outside can get in, whatever is renamed meanwhile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/sha256.h"
#include "server/http/pages_parts.h"

enum { MAX_PATH_BYTES = 1024, ARENA_SLACK_BYTES = 16 << 20 };

typedef struct reading {
  bt_pages *pages;
  const char *folder; /* as it was given, for messages */
  char path[MAX_PATH_BYTES];
  size_t bytes;
} reading;

/* ---- one file ---- */

static bt_status cannot_read(const reading *at, bt_error *error) {
  if (errno == ENOMEM) return bt_error_no_memory(error);
  return bt_error_set(error, BT_IO, "--ui: %s%s cannot be read: %s", at->folder, at->path, strerror(errno));
}

static bt_status too_much(const reading *at, bt_error *error) {
  return bt_error_set(error, BT_LIMIT,
                      "--ui: %s holds more than %d files, %d MiB or %d folders in one another; give the folder of the "
                      "built pages alone",
                      at->folder, BT_PAGES_MAX_FILES, BT_PAGES_MAX_MIB, BT_PAGES_MAX_DEPTH);
}

static bt_status read_body(const reading *at, int fd, char *out, size_t size, bt_error *error) {
  for (size_t done = 0; done < size;) {
    ssize_t count = read(fd, out + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(at, error);
    if (count == 0) return bt_error_set(error, BT_IO, "--ui: %s%s became shorter meanwhile", at->folder, at->path);
    done += (size_t)count;
  }
  return BT_OK;
}

static bt_status hash_body(bt_page *page, bt_error *error) {
  bt_sha256 hash;
  char hex[BT_SHA256_HEX + 1];
  bt_status status = bt_sha256_fields(&page->body, 1, &hash, error);
  if (status) return status;
  bt_sha256_format(&hash, hex);
  memcpy(page->hash, hex, sizeof page->hash - 1);
  return BT_OK;
}

static bt_status add_file(reading *at, int fd, const struct stat *about, bt_error *error) {
  bt_pages *pages = at->pages;
  size_t size = (size_t)about->st_size;
  if (pages->count == BT_PAGES_MAX_FILES || size > ((size_t)BT_PAGES_MAX_MIB << 20) - at->bytes)
    return too_much(at, error);
  bt_page *grown = bt_grow_array(pages->items, pages->count, &pages->capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(error);
  pages->items = grown;
  bt_page *page = &grown[pages->count];
  char *body = bt_arena_alloc(&pages->arena, size);
  *page = (bt_page){.body = {body, size}};
  page->modified_ns = (int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec;
  if (!body || !bt_arena_copy(&pages->arena, bt_str_from(at->path), &page->path)) return bt_error_no_memory(error);
  bt_status status = read_body(at, fd, body, size, error);
  if (!status) status = hash_body(page, error);
  if (status) return status;
  pages->count++;
  at->bytes += size;
  return BT_OK;
}

/* ---- one folder ---- */

static bt_status read_folder(reading *at, int fd, int depth, bt_error *error);

/* Takes the descriptor. Sockets, devices and the like are passed over. */
static bt_status read_opened(reading *at, int fd, int depth, bt_error *error) {
  struct stat about;
  if (fstat(fd, &about) != 0) {
    bt_status status = cannot_read(at, error);
    close(fd);
    return status;
  }
  if (S_ISDIR(about.st_mode)) return read_folder(at, fd, depth + 1, error);
  bt_status status = S_ISREG(about.st_mode) ? add_file(at, fd, &about, error) : BT_OK;
  close(fd);
  return status;
}

static bt_status read_entry(reading *at, int folder, const char *name, int depth, bt_error *error) {
  size_t length = strlen(at->path);
  if (name[0] == '.') return BT_OK;
  if (length + 1 + strlen(name) >= sizeof at->path) return too_much(at, error);
  snprintf(at->path + length, sizeof at->path - length, "/%s", name);
  /* Not to wait for whoever writes into a pipe. */
  int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  bt_status status = BT_OK;
  if (fd >= 0)
    status = read_opened(at, fd, depth, error);
  else if (errno != ELOOP && errno != ENXIO) /* a link, a socket */
    status = cannot_read(at, error);
  at->path[length] = '\0';
  return status;
}

/* Takes the descriptor. */
static bt_status read_folder(reading *at, int fd, int depth, bt_error *error) {
  DIR *stream = depth > BT_PAGES_MAX_DEPTH ? NULL : fdopendir(fd);
  if (!stream) {
    bt_status status = depth > BT_PAGES_MAX_DEPTH ? too_much(at, error) : cannot_read(at, error);
    close(fd);
    return status;
  }
  bt_status status = BT_OK;
  while (!status) {
    errno = 0;
    const struct dirent *entry = readdir(stream);
    if (!entry) {
      if (errno) status = cannot_read(at, error);
      break;
    }
    status = read_entry(at, fd, entry->d_name, depth, error);
  }
  closedir(stream);
  return status;
}

/* ---- the whole ---- */

static int by_path(const void *a, const void *b) {
  return bt_str_compare(((const bt_page *)a)->path, ((const bt_page *)b)->path);
}

const bt_page *bt_pages_at_path(const bt_pages *pages, bt_str path) {
  const bt_page wanted = {.path = path};
  return pages->count ? bsearch(&wanted, pages->items, pages->count, sizeof wanted, by_path) : NULL;
}

static bt_status open_folder(reading *at, bt_error *error) {
  int fd = open(at->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return bt_error_set(error, BT_IO,
                        "--ui: %s cannot be opened: %s; give the folder of the built pages (`make ui` builds them in "
                        "grafana-betrace-app/dist-ui, a package has them in share/betrace/ui)",
                        at->folder, strerror(errno));
  return read_folder(at, fd, 0, error);
}

bt_status bt_pages_read(const char *folder, bt_pages **out, bt_error *error) {
  *out = NULL;
  bt_pages *pages = calloc(1, sizeof *pages);
  if (!pages) return bt_error_no_memory(error);
  bt_arena_init(&pages->arena, ((size_t)BT_PAGES_MAX_MIB << 20) + ARENA_SLACK_BYTES);
  reading at = {.pages = pages, .folder = folder};
  bt_status status = open_folder(&at, error);
  if (!status && pages->count) qsort(pages->items, pages->count, sizeof *pages->items, by_path);
  if (!status && !bt_pages_at_path(pages, BT_STR("/index.html")))
    status =
        bt_error_set(error, BT_INVALID,
                     "--ui: %s has no index.html (links are not followed); give the folder of the built pages: "
                     "`make ui` builds them in grafana-betrace-app/dist-ui, a package has them in share/betrace/ui",
                     folder);
  if (status)
    bt_pages_free(pages);
  else
    *out = pages;
  return status;
}

void bt_pages_free(bt_pages *pages) {
  if (!pages) return;
  bt_arena_dispose(&pages->arena);
  free(pages->items);
  free(pages);
}
