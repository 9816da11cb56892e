/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "memory.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp.h"

#define WAIT_MS 60000

bool memory_is_instrumented(void)
{
	const char *sanitize = getenv("CC_SANITIZE");

	return sanitize != NULL && sanitize[0] != '\0';
}

bool memory_has_core(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	bool found = false;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		found = found || strncmp(e->d_name, "core", 4) == 0;
	closedir(dir);
	return found;
}

bool memory_cores_come_here(const char *folder)
{
	static const char dies[] = "cd \"$1\" && ulimit -c unlimited && { sh -c 'kill -ABRT $$'; rm core*; }";
	const char *const argv[] = { "sh", "-c", dies, "sh", folder, NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	const bool leave = r.status == 0;

	temp_run_free(&r);
	return leave;
}

int memory_times_unlocked(pid_t pid, const unsigned char *needle, size_t n, int *ret_locked)
{
	char path[64], line[512];
	unsigned long from = 0, to = 0;
	int found = 0;
	FILE *maps, *mem;

	*ret_locked = 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	maps = fopen(path, "re");
	if (mem == NULL || maps == NULL)
		return -1;
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long a, b;

		if (sscanf(line, "%lx-%lx rw", &a, &b) == 2) {
			from = a;
			to = strstr(line, " rw") != NULL ? b : a;
		} else if (strncmp(line, "VmFlags:", 8) == 0 && to > from) {
			char *text = malloc(to - from);
			const bool locked = strstr(line, " lo") != NULL && strstr(line, " dd") != NULL;
			size_t got = 0;

			if (fseek(mem, (long)from, SEEK_SET) == 0)
				got = fread(text, 1, to - from, mem);
			if (memmem(text, got, needle, n) != NULL)
				*(locked ? ret_locked : &found) += 1;
			free(text);
		}
	}
	fclose(maps);
	fclose(mem);
	return found;
}
