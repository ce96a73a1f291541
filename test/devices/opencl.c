/* Stands before a real OpenCL loader, and lets OpenVINO's GPU plugin take Intel's OpenCL runtime for CPUs for an
   integrated GPU: the plugin's own kernels then run where no Intel GPU is. Results count, times do not.

   The plugin asks for what is declared here by name; everything else goes to the real loader, against which this
   is linked. Types and numbers are those of the OpenCL 3.0 headers, which are therefore not needed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *Object; /* a device, context, program, kernel, queue, event or platform */
enum { SUCCESS = 0, OUT_OF_HOST_MEMORY = -6, INVALID_VALUE = -30 };

static void *real(const char *name) {
  static void *loader;
  if (!loader) loader = dlopen("libRealCL.so.1", RTLD_NOW);
  void *found = loader ? dlsym(loader, name) : NULL;
  if (!found) { fprintf(stderr, "opencl.c: no %s in the real loader\n", name); abort(); }
  return found;
}

/* The device says that it is a Tiger Lake GPU without XMX, for which the plugin uses kernels of its own alone:
   oneDNN's are machine code. */
static const char NAME[] = "Intel(R) Iris(R) Xe Graphics";
static const struct { uint32_t property; size_t size; uint64_t value; } ANSWERS[] = {
    {0x1000, 8, 1 << 2},     /* CL_DEVICE_TYPE: a GPU */
    {0x1001, 4, 0x8086},     /* CL_DEVICE_VENDOR_ID: Intel */
    {0x1002, 4, 96},         /* CL_DEVICE_MAX_COMPUTE_UNITS */
    {0x1004, 8, 512},        /* CL_DEVICE_MAX_WORK_GROUP_SIZE */
    {0x100C, 4, 1300},       /* CL_DEVICE_MAX_CLOCK_FREQUENCY */
    {0x1023, 8, 65536},      /* CL_DEVICE_LOCAL_MEM_SIZE */
    {0x1035, 4, 1},          /* CL_DEVICE_HOST_UNIFIED_MEMORY: integrated */
    {0x1043, 4, 0},          /* CL_DEVICE_PARTITION_MAX_SUB_DEVICES */
    {0x4250, 4, 0x03000000}, /* CL_DEVICE_IP_VERSION_INTEL: Xe-LP */
    {0x4251, 4, 0x9A49},     /* CL_DEVICE_ID_INTEL */
    {0x4252, 4, 1},          /* CL_DEVICE_NUM_SLICES_INTEL */
    {0x4253, 4, 6},          /* CL_DEVICE_NUM_SUB_SLICES_PER_SLICE_INTEL */
    {0x4254, 4, 16},         /* CL_DEVICE_NUM_EUS_PER_SUB_SLICE_INTEL */
    {0x4255, 4, 7},          /* CL_DEVICE_NUM_THREADS_PER_EU_INTEL */
    {0x4256, 8, 1},          /* CL_DEVICE_FEATURE_CAPABILITIES_INTEL: DP4A, no DPAS */
};
enum { DEVICE_NAME = 0x102B, DEVICE_EXTENSIONS = 0x1030 };

static int32_t answer(const void *value, size_t size, size_t room, void *to, size_t *needed) {
  if (needed) *needed = size;
  if (!to) return SUCCESS;
  if (room < size) return INVALID_VALUE;
  memcpy(to, value, size);
  return SUCCESS;
}

int32_t clGetDeviceInfo(Object device, uint32_t property, size_t room, void *to, size_t *needed) {
  static int32_t (*ask)(Object, uint32_t, size_t, void *, size_t *);
  if (!ask) ask = real("clGetDeviceInfo");
  for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++)
    if (ANSWERS[i].property == property) return answer(&ANSWERS[i].value, ANSWERS[i].size, room, to, needed);
  if (property == DEVICE_NAME) return answer(NAME, sizeof NAME, room, to, needed);
  if (property != DEVICE_EXTENSIONS) return ask(device, property, room, to, needed);
  /* The runtime has cl_intel_subgroups, and leaves out the other name of it, which the plugin looks for. */
  static const char more[] = " cl_khr_subgroups";
  size_t size = 0;
  int32_t error = ask(device, property, 0, NULL, &size);
  if (error) return error;
  char *all = malloc(size + sizeof more);
  if (!all) return OUT_OF_HOST_MEMORY;
  error = ask(device, property, size, all, NULL);
  if (!error) error = answer(strcat(all, more), strlen(all) + 1, room, to, needed);
  free(all);
  return error;
}

/* A GPU forms sub-groups along a work-group's linear id, the CPU runtime along dimension 0 alone. Every work-group
   is therefore enqueued flat, in dimension 0; its true size is told through the global offset, which the plugin
   never uses, and ids are made of both. */
static const char HEAD[] =
    "inline __attribute__((always_inline)) size_t flat_size(uint d) { return d < 3 ? get_global_offset(d) : 1; }\n"
    "inline __attribute__((always_inline)) size_t flat_local(uint d) {\n"
    "  uint id = (uint)get_local_id(0), x = (uint)get_global_offset(0), y = (uint)get_global_offset(1);\n"
    "  return d == 0 ? id % x : d == 1 ? (id / x) % y : d == 2 ? id / (x * y) : 0;\n"
    "}\n"
    "inline __attribute__((always_inline)) size_t flat_global(uint d) {\n"
    "  return get_group_id(d) * flat_size(d) + flat_local(d);\n"
    "}\n"
    "inline __attribute__((always_inline)) size_t flat_all(uint d) { return get_num_groups(d) * flat_size(d); }\n"
    "#define get_local_id(d) flat_local(d)\n"
    "#define get_global_id(d) flat_global(d)\n"
    "#define get_local_size(d) flat_size(d)\n"
    "#define get_enqueued_local_size(d) flat_size(d)\n"
    "#define get_global_size(d) flat_all(d)\n"
    "#define reqd_work_group_size(x, y, z) reqd_work_group_size((x) * (y) * (z), 1, 1)\n";

Object clCreateProgramWithSource(Object context, uint32_t count, const char **texts, const size_t *lengths,
                                 int32_t *error) {
  static Object (*create)(Object, uint32_t, const char **, const size_t *, int32_t *);
  if (!create) create = real("clCreateProgramWithSource");
  const char **all = malloc((count + 1) * sizeof *all);
  size_t *sizes = malloc((count + 1) * sizeof *sizes);
  Object program = NULL;
  if (all && sizes) {
    all[0] = HEAD, sizes[0] = sizeof HEAD - 1;
    for (uint32_t i = 0; i < count; i++)
      all[i + 1] = texts[i], sizes[i + 1] = lengths && lengths[i] ? lengths[i] : strlen(texts[i]);
    program = create(context, count + 1, all, sizes, error);
  } else if (error) {
    *error = OUT_OF_HOST_MEMORY;
  }
  free(all);
  free(sizes);
  return program;
}

int32_t clEnqueueNDRangeKernel(Object queue, Object kernel, uint32_t dimensions, const size_t *offset,
                               const size_t *global, const size_t *local, uint32_t count, const Object *waits,
                               Object *event) {
  static int32_t (*enqueue)(Object, Object, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t,
                            const Object *, Object *);
  if (!enqueue) enqueue = real("clEnqueueNDRangeKernel");
  size_t all[3] = {1, 1, 1}, size[3] = {1, 1, 1};
  for (uint32_t i = 0; i < dimensions; i++) {
    if (offset && offset[i]) { fprintf(stderr, "opencl.c: an offset is used after all\n"); abort(); }
    all[i] = global[i];
    if (local) size[i] = local[i];
  }
  size_t group = size[0] * size[1] * size[2];
  size_t flat_all[3] = {all[0] / size[0] * group, all[1] / size[1], all[2] / size[2]};
  size_t flat[3] = {group, 1, 1};
  return enqueue(queue, kernel, 3, size, flat_all, flat, count, waits, event);
}

/* What comes later in a queue may depend on what comes before: out of order, a first result was once wrong here. */
Object clCreateCommandQueueWithProperties(Object context, Object device, const uint64_t *properties, int32_t *error) {
  static Object (*create)(Object, Object, const uint64_t *, int32_t *);
  enum { QUEUE_PROPERTIES = 0x1093, OUT_OF_ORDER = 1, ROOM = 32 };
  if (!create) create = real("clCreateCommandQueueWithProperties");
  uint64_t kept[ROOM + 1] = {0};
  for (size_t i = 0; properties && properties[i] && i + 1 < ROOM; i += 2) {
    kept[i] = properties[i];
    kept[i + 1] = properties[i + 1];
    if (kept[i] == QUEUE_PROPERTIES) kept[i + 1] &= ~(uint64_t)OUT_OF_ORDER;
  }
  return create(context, device, kept, error);
}

/* The CPU runtime refuses options that only Intel's compiler for GPUs knows. */
int32_t clBuildProgram(Object program, uint32_t count, const Object *devices, const char *options,
                       void (*done)(Object, void *), void *data) {
  static int32_t (*build)(Object, uint32_t, const Object *, const char *, void (*)(Object, void *), void *);
  if (!build) build = real("clBuildProgram");
  char *kept = strdup(options ? options : "");
  if (!kept) return OUT_OF_HOST_MEMORY;
  for (char *at; (at = strstr(kept, "-cl-intel-"));)
    while (*at && *at != ' ') *at++ = ' ';
  int32_t error = build(program, count, devices, kept, done, data);
  free(kept);
  return error;
}

/* The CPU runtime drops a program while kernels of it are in use. */
int32_t clReleaseProgram(Object program) {
  (void)program;
  return SUCCESS;
}

/* Kernels read a little past the end of their buffers, which a GPU forgives. */
enum { SLACK = 256 << 10 };
typedef void *(*AllocHost)(Object, const uint64_t *, size_t, uint32_t, int32_t *);
typedef void *(*Alloc)(Object, Object, const uint64_t *, size_t, uint32_t, int32_t *);
static AllocHost alloc_host;
static Alloc alloc_device, alloc_shared;

static void *more_host(Object context, const uint64_t *properties, size_t size, uint32_t align, int32_t *error) {
  return alloc_host(context, properties, size + SLACK, align, error);
}

static void *more_device(Object context, Object device, const uint64_t *properties, size_t size, uint32_t align,
                         int32_t *error) {
  return alloc_device(context, device, properties, size + SLACK, align, error);
}

static void *more_shared(Object context, Object device, const uint64_t *properties, size_t size, uint32_t align,
                         int32_t *error) {
  return alloc_shared(context, device, properties, size + SLACK, align, error);
}

void *clGetExtensionFunctionAddressForPlatform(Object platform, const char *name) {
  static void *(*get)(Object, const char *);
  if (!get) get = real("clGetExtensionFunctionAddressForPlatform");
  void *found = get(platform, name);
  if (!found) return NULL;
  if (!strcmp(name, "clHostMemAllocINTEL")) { alloc_host = found; return more_host; }
  if (!strcmp(name, "clDeviceMemAllocINTEL")) { alloc_device = found; return more_device; }
  if (!strcmp(name, "clSharedMemAllocINTEL")) { alloc_shared = found; return more_shared; }
  return found;
}
