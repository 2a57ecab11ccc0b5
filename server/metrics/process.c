/* Figures from /proc and getrusage. See process.h. */
#include "server/metrics/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void read_memory(bt_process_figures *figures) {
  unsigned long long size = 0, resident = 0;
  long page_bytes = sysconf(_SC_PAGESIZE);
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return;
  /* NOLINTNEXTLINE(cert-err34-c): the kernel wrote these numbers */
  if (page_bytes > 0 && fscanf(file, "%llu %llu", &size, &resident) == 2) {
    figures->virtual_bytes = size * (uint64_t)page_bytes;
    figures->resident_bytes = resident * (uint64_t)page_bytes;
  }
  fclose(file);
}

static void count_fds(bt_process_figures *figures) {
  struct rlimit limit = {0};
  DIR *folder = opendir("/proc/self/fd");
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures->max_fds = limit.rlim_cur;
  if (!folder) return;
  const struct dirent *entry;
  while ((entry = readdir(folder))) figures->open_fds += entry->d_name[0] != '.';
  closedir(folder);
  if (figures->open_fds) figures->open_fds--; /* the folder itself was open */
}

bt_process_figures bt_process_read(void) {
  bt_process_figures figures = {0};
  struct rusage usage = {0};
  read_memory(&figures);
  count_fds(&figures);
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    figures.cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                          (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  return figures;
}
