/* A GPIO chip for machines without one: preloaded, it answers libgpiod's calls for /dev/gpiochip9 in the
 * kernel's place, with the kernel's own structures (linux/gpio.h).
 *
 *   cc -shared -fPIC -o gpio_stand_in.so gpio_stand_in.c -ldl
 *   GPIO_STAND_IN=FOLDER LD_PRELOAD=./gpio_stand_in.so taktsight run STATION.yaml
 *
 * In FOLDER, "outputs" gets a line "OFFSET LEVEL NS" for each level that a request sets, and "requests" one
 * for each request: "CONSUMER OFFSETS FLAGS DEBOUNCE_US BUFFER". An input is the pipe "line-OFFSET":
 * a test writes struct gpio_v2_line_event into it, as the kernel would into a request.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define CHIP "/dev/gpiochip9"
#define SUBSYSTEM "/sys/dev/char/254:9/subsystem"
enum { LINES = 32, DESCRIPTORS = 1024 };

static struct {
    int is_chip, lines, is_active_low;
    uint32_t offsets[GPIO_V2_LINES_MAX];
    uint64_t bits;
} opened[DESCRIPTORS];
static int taken[LINES];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_ours(int descriptor) { return descriptor >= 0 && descriptor < DESCRIPTORS; }

static void say(const char *file, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("GPIO_STAND_IN"), file);
    int out = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (write(out, text, strlen(text)) < 0)
        abort();
    REAL(close)(out);
}

static void say_level(int descriptor, int line) {
    char text[96];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int level = (opened[descriptor].bits >> line & 1) ^ opened[descriptor].is_active_low;
    snprintf(text, sizeof text, "%u %d %lld\n", opened[descriptor].offsets[line], level,
             now.tv_sec * 1000000000LL + now.tv_nsec);
    say("outputs", text);
}

static int fill(struct stat *status) {
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFCHR | 0660;
    status->st_rdev = makedev(254, 9);
    return 0;
}

int __xstat(int version, const char *path, struct stat *status) {
    int (*real)(int, const char *, struct stat *) = dlsym(RTLD_NEXT, "__xstat");
    return strcmp(path, CHIP) ? real(version, path, status) : fill(status);
}

int __lxstat(int version, const char *path, struct stat *status) {
    int (*real)(int, const char *, struct stat *) = dlsym(RTLD_NEXT, "__lxstat");
    return strcmp(path, CHIP) ? real(version, path, status) : fill(status);
}

int lstat(const char *path, struct stat *status) {
    return strcmp(path, CHIP) ? REAL(lstat)(path, status) : fill(status);
}

int stat(const char *path, struct stat *status) {
    return strcmp(path, CHIP) ? REAL(stat)(path, status) : fill(status);
}

char *realpath(const char *path, char *resolved) {
    if (strcmp(path, SUBSYSTEM))
        return REAL(realpath)(path, resolved);
    return resolved ? strcpy(resolved, "/sys/bus/gpio") : strdup("/sys/bus/gpio");
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (strcmp(path, CHIP))
        return REAL(open)(path, flags, mode);
    int descriptor = REAL(open)("/dev/null", O_RDWR | O_CLOEXEC);
    opened[descriptor].is_chip = 1;
    return descriptor;
}

int close(int descriptor) {
    if (is_ours(descriptor)) {
        for (int i = 0; i < opened[descriptor].lines; i++)
            taken[opened[descriptor].offsets[i]] = 0;
        memset(&opened[descriptor], 0, sizeof opened[descriptor]);
    }
    return REAL(close)(descriptor);
}

static int request_lines(struct gpio_v2_line_request *request) {
    char text[512], path[512];
    uint64_t flags = request->config.flags, bits = 0, debounce_us = 0;
    int is_input = 0;
    for (unsigned i = 0; i < request->num_lines; i++) {
        if (request->offsets[i] >= LINES)
            return errno = EINVAL, -1;
        if (taken[request->offsets[i]])
            return errno = EBUSY, -1;
    }
    for (unsigned i = 0; i < request->config.num_attrs; i++) {
        struct gpio_v2_line_attribute attribute = request->config.attrs[i].attr;
        if (attribute.id == GPIO_V2_LINE_ATTR_ID_FLAGS)
            flags = attribute.flags;
        else if (attribute.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
            bits = attribute.values;
        else
            debounce_us = attribute.debounce_period_us;
    }
    is_input = (flags & GPIO_V2_LINE_FLAG_INPUT) != 0;
    snprintf(path, sizeof path, "%s/line-%u", getenv("GPIO_STAND_IN"), request->offsets[0]);
    if (is_input)
        mkfifo(path, 0600);
    request->fd = REAL(open)(is_input ? path : "/dev/null", O_RDWR | O_CLOEXEC);
    opened[request->fd].lines = request->num_lines;
    opened[request->fd].bits = bits;
    opened[request->fd].is_active_low = (flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW) != 0;
    int length = snprintf(text, sizeof text, "%s ", request->consumer);
    for (unsigned i = 0; i < request->num_lines; i++) {
        opened[request->fd].offsets[i] = request->offsets[i];
        taken[request->offsets[i]] = 1;
        length += snprintf(text + length, sizeof text - length, "%s%u", i ? "," : "", request->offsets[i]);
        if (!is_input)
            say_level(request->fd, i);
    }
    snprintf(text + length, sizeof text - length, " %llx %llu %u\n", (unsigned long long)flags,
             (unsigned long long)debounce_us, request->event_buffer_size);
    say("requests", text);
    return 0;
}

static void describe(struct gpio_v2_line_info *info) {
    uint32_t offset = info->offset;
    memset(info, 0, sizeof *info);
    info->offset = offset;
    snprintf(info->name, sizeof info->name, "PIN%u", offset);
    info->flags = GPIO_V2_LINE_FLAG_INPUT | (taken[offset] ? GPIO_V2_LINE_FLAG_USED : 0);
}

int ioctl(int descriptor, unsigned long wide, ...) {
    uint32_t command = wide; /* libgpiod hands it on as an int, with its sign */
    va_list rest;
    va_start(rest, wide);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (is_ours(descriptor) && opened[descriptor].is_chip) {
        struct gpio_v2_line_info *info = argument;
        if (command == GPIO_GET_CHIPINFO_IOCTL) {
            *(struct gpiochip_info *)argument = (struct gpiochip_info){"gpiochip9", "stand-in", LINES};
            return 0;
        }
        if (command == GPIO_V2_GET_LINE_IOCTL)
            return request_lines(argument);
        if (command == GPIO_V2_GET_LINEINFO_IOCTL && info->offset < LINES)
            return describe(info), 0;
        return errno = EINVAL, -1;
    }
    if (is_ours(descriptor) && opened[descriptor].lines) {
        struct gpio_v2_line_values *values = argument;
        if (command == GPIO_V2_LINE_SET_VALUES_IOCTL) {
            opened[descriptor].bits = (opened[descriptor].bits & ~values->mask) | (values->bits & values->mask);
            for (int i = 0; i < opened[descriptor].lines; i++)
                if (values->mask >> i & 1)
                    say_level(descriptor, i);
            return 0;
        }
        if (command == GPIO_V2_LINE_GET_VALUES_IOCTL) {
            values->bits = opened[descriptor].bits & values->mask;
            return 0;
        }
        return errno = EINVAL, -1;
    }
    return REAL(ioctl)(descriptor, wide, argument);
}
