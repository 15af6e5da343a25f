/* A stand-in for libcuda.so.1 on machines without a GPU. "Device memory" is the heap. What is queued in a
   stream is done when somebody waits for it, so that a missing wait is seen; a captured graph is done as often
   as it is launched. Functions whose names begin with stand_in are the tests' own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { void *to; const void *from; size_t size; void (*run)(void); } Task;
typedef struct { Task tasks[1024]; int count; } Tasks;
typedef struct { Tasks queued, noted; int noting, spoilt; } Stream;

static char failing[64];
static int launches, waits;

static int refused(const char *name) { return strcmp(name, failing) == 0 ? 719 : 0; }
#define CHECK(name) do { if (refused(name)) return 719; } while (0)

void stand_in_fail(const char *name) { strncpy(failing, name, sizeof failing - 1); }
int stand_in_launches(void) { return launches; }
int stand_in_waits(void) { return waits; }

static int add(Stream *stream, Task task) {
    Tasks *tasks = stream->noting ? &stream->noted : &stream->queued;
    if (tasks->count == 1024) return 2;
    tasks->tasks[tasks->count++] = task;
    return 0;
}
int stand_in_enqueue(Stream *stream, void (*run)(void)) { return add(stream, (Task){0, 0, 0, run}); }

int cuInit(unsigned flags) { CHECK("cuInit"); return flags ? 1 : 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGet(int *device, int number) { CHECK("cuDeviceGet"); *device = number; return number ? 101 : 0; }
int cuDeviceGetName(char *name, int size, int device) { (void)device; strncpy(name, "Stand-in GPU", size); return 0; }
int cuDeviceGetAttribute(int *value, int which, int device) {
    (void)device;
    *value = which == 75 ? 8 : which == 76 ? 9 : -1;
    return *value < 0 ? 1 : 0;
}
static int context;
int cuDevicePrimaryCtxRetain(void **given, int device) { (void)device; *given = &context; return 0; }
int cuCtxSetCurrent(void *given) { CHECK("cuCtxSetCurrent"); return given == &context ? 0 : 201; }
int cuStreamCreate(Stream **stream, unsigned flags) { *stream = calloc(1, sizeof(Stream)); return flags == 1 ? 0 : 1; }
int cuStreamSynchronize(Stream *stream) {
    CHECK("cuStreamSynchronize");
    if (stream->noting) { stream->spoilt = 1; return 900; }
    waits++;
    for (int i = 0; i < stream->queued.count; i++) {
        Task *task = &stream->queued.tasks[i];
        if (task->run) task->run(); else memcpy(task->to, task->from, task->size);
    }
    stream->queued.count = 0;
    return 0;
}
int cuMemAlloc_v2(uint64_t *address, size_t size) { CHECK("cuMemAlloc_v2"); *address = (uint64_t)malloc(size); return 0; }
int cuMemHostAlloc(void **address, size_t size, unsigned flags) { (void)flags; *address = malloc(size); memset(*address, 0xA5, size); return 0; }
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, Stream *stream) {
    CHECK("cuMemcpyHtoDAsync_v2");
    return add(stream, (Task){(void *)to, from, size, 0});
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, Stream *stream) {
    CHECK("cuMemcpyDtoHAsync_v2");
    return add(stream, (Task){to, (const void *)from, size, 0});
}
int cuStreamBeginCapture_v2(Stream *stream, int mode) {
    CHECK("cuStreamBeginCapture_v2");
    if (stream->noting || mode != 1) return 1;
    stream->noting = 1; stream->noted.count = 0; stream->spoilt = 0;
    return 0;
}
int cuStreamEndCapture(Stream *stream, Tasks **graph) {
    if (!stream->noting) return 1;
    stream->noting = 0;
    if (stream->spoilt) return 901;
    *graph = malloc(sizeof(Tasks));
    memcpy(*graph, &stream->noted, sizeof(Tasks));
    return 0;
}
int cuGraphInstantiateWithFlags(Tasks **ready, Tasks *graph, uint64_t flags) { *ready = graph; return flags ? 1 : 0; }
int cuGraphLaunch(Tasks *graph, Stream *stream) {
    CHECK("cuGraphLaunch");
    launches++;
    for (int i = 0; i < graph->count; i++) if (add(stream, graph->tasks[i])) return 2;
    return 0;
}
int cuGetErrorName(int error, const char **name) { *name = error == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR"; return 0; }
int cuGetErrorString(int error, const char **said) { *said = error == 719 ? "unspecified launch failure" : "stand-in"; return 0; }
