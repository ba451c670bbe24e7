/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds every file of the folders and files named to the fuzz target; an empty corpus is an error,
 * because then nothing was tested. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) < 0) {
        perror(path);
        exit(2);
    }
    size_t len = (size_t)st.st_size;
    uint8_t *bytes = malloc(len ? len : 1); /* exact, so that a sanitizer sees one byte too far */
    if (!bytes || fread(bytes, 1, len, f) != len) {
        perror(path);
        exit(2);
    }
    fclose(f);
    LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            count += replay(argv[i]);
            continue;
        }
        for (struct dirent *e; (e = readdir(folder));) {
            char path[4096];
            if (e->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            count += replay(path);
        }
        closedir(folder);
    }
    printf("%d inputs replayed\n", count);
    return count ? 0 : 1;
}
