/* A disk that keeps only what was forced to it, for the power-cut tests.
 *
 * Preloaded into a process, it stands in for fsync and fdatasync below CRASH_DISK_ROOT. Each call copies what
 * it would have made durable into CRASH_DISK_SHADOW: the content of a file, or the names in a directory.
 * Nothing else survives there, so a copy of the tree rebuilt from the shadow is what the worst power cut
 * leaves behind.
 *
 *   content/INODE   the bytes of a file when it was last forced
 *   keep/INODE      a link to the file, so that its inode number is never given to another file
 *   names/PATH      the entries of a directory when it was last forced: kind, inode, name ("/" written "%")
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void stop(const char *what) {
    perror(what);
    _exit(70); /* a shadow that misses something would blame the program under test */
}

static void path_of(char *out, const char *shadow, const char *kind, const char *name) {
    if (snprintf(out, PATH_MAX, "%s/%s/%s", shadow, kind, name) >= PATH_MAX) stop("path too long");
}

static FILE *begin(char *part, const char *shadow) {
    if (snprintf(part, PATH_MAX, "%s/part.%ld", shadow, syscall(SYS_gettid)) >= PATH_MAX) stop("path too long");
    FILE *file = fopen(part, "we");
    if (!file) stop(part);
    return file;
}

static void finish(FILE *file, const char *part, const char *whole) {
    if (fclose(file) || rename(part, whole)) stop(whole);
}

static void keep_file(int fd, const struct stat *state, const char *shadow) {
    char name[32], self[64], part[PATH_MAX], whole[PATH_MAX], bytes[1 << 16];
    snprintf(name, sizeof name, "%lu", (unsigned long)state->st_ino);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    path_of(whole, shadow, "keep", name);
    if (linkat(AT_FDCWD, self, AT_FDCWD, whole, AT_SYMLINK_FOLLOW) && errno != EEXIST) stop(whole);
    /* Closing a second handle of the database would drop the locks on it, so read through the first. */
    int is_blind = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
    int from = is_blind ? open(self, O_RDONLY | O_CLOEXEC) : fd;
    if (from < 0) stop(self);
    FILE *file = begin(part, shadow);
    ssize_t got;
    for (off_t at = 0; (got = pread(from, bytes, sizeof bytes, at)) > 0; at += got)
        if (fwrite(bytes, 1, (size_t)got, file) != (size_t)got) stop(part);
    if (got < 0) stop("pread");
    if (is_blind) close(from);
    path_of(whole, shadow, "content", name);
    finish(file, part, whole);
}

static void keep_names(const char *path, const char *root, const char *shadow) {
    char name[PATH_MAX], part[PATH_MAX], whole[PATH_MAX];
    snprintf(name, sizeof name, "%%%s", path + strlen(root) + (path[strlen(root)] == '/'));
    for (char *at = name; *at; at++)
        if (*at == '/') *at = '%';
    DIR *folder = opendir(path);
    if (!folder) stop(path);
    FILE *file = begin(part, shadow);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            fprintf(file, "%c %lu %s\n", entry->d_type == DT_DIR ? 'd' : 'f', (unsigned long)entry->d_ino, entry->d_name);
    closedir(folder);
    path_of(whole, shadow, "names", name);
    finish(file, part, whole);
}

static int force(int fd, const char *real_name) {
    const char *root = getenv("CRASH_DISK_ROOT"), *shadow = getenv("CRASH_DISK_SHADOW");
    char self[64], path[PATH_MAX];
    struct stat state;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t length = root && shadow ? readlink(self, path, sizeof path - 1) : -1;
    if (length < 0 || fstat(fd, &state)) {
        int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, real_name);
        return real(fd);
    }
    path[length] = 0;
    size_t depth = strlen(root);
    int is_inside = !strncmp(path, root, depth) && (path[depth] == '/' || !path[depth]);
    if (is_inside && S_ISDIR(state.st_mode)) keep_names(path, root, shadow);
    if (is_inside && S_ISREG(state.st_mode) && state.st_nlink) keep_file(fd, &state, shadow);
    return 0;
}

int fsync(int fd) { return force(fd, "fsync"); }

int fdatasync(int fd) { return force(fd, "fdatasync"); }
