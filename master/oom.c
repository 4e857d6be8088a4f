#include "master/oom.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t oom_kill_count(void)
{
    static const char name[] = "oom_kill ";
    char line[128];
    int64_t count = -1;
    FILE *file = fopen("/proc/vmstat", "re");
    if (!file)
        return -1;
    while (count < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            count = strtoll(line + strlen(name), NULL, 10);
    fclose(file);
    return count;
}
