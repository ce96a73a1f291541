/* Compiles networks for NPUs that are not here, with OpenVINO's own compiler, of its Windows package, under Wine:

       npuc PLATFORM HINT PRECISION in.xml out.blob [PRECISION in.xml out.blob ...]

   A line for each: "ok", seconds, bytes, INFERENCE_PRECISION_HINT, EXECUTION_DEVICES, the requests that are best;
   or "failed" and why. Without networks: what the plugin says of itself, a property a line. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* Of OpenVINO's C API. */
typedef struct Core Core;
typedef struct Model Model;
typedef struct Compiled Compiled;
int ov_core_create(Core **);
int ov_core_read_model(const Core *, const char *, const char *, Model **);
int ov_core_compile_model(const Core *, const Model *, const char *, size_t, Compiled **, ...);
int ov_core_get_property(const Core *, const char *, const char *, char **);
int ov_compiled_model_export_model(const Compiled *, const char *);
int ov_compiled_model_get_property(const Compiled *, const char *, char **);
void ov_compiled_model_free(Compiled *);
void ov_model_free(Model *);
void ov_free(const char *);
const char *ov_get_last_err_msg(void);

/* The line of the last error that says what was wrong, without its end of line. */
static const char *why(void) {
  static char last[600];
  last[0] = 0;
  char *text = _strdup(ov_get_last_err_msg());
  for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"))
    if (line[strspn(line, " \t")]) snprintf(last, sizeof last, "%s", line);
  free(text);
  return last;
}

static void tell(const Compiled *compiled, const char *name) {
  char *value = NULL;
  if (ov_compiled_model_get_property(compiled, name, &value)) printf("\t?");
  else printf("\t%s", value), ov_free(value);
}

static long size_of(const char *file) {
  FILE *opened = fopen(file, "rb");
  if (!opened) return -1;
  fseek(opened, 0, SEEK_END);
  long size = ftell(opened);
  fclose(opened);
  return size;
}

static void compile(const Core *core, const char *platform, const char *hint, const char *precision,
                    const char *network, const char *blob) {
  Model *model;
  Compiled *compiled;
  if (ov_core_read_model(core, network, NULL, &model)) {
    printf("failed\t%s\n", why());
    return;
  }
  ULONGLONG began = GetTickCount64();
  int error = ov_core_compile_model(core, model, "NPU", 8, &compiled, "NPU_PLATFORM", platform, "NPU_COMPILER_TYPE",
                                    "PLUGIN", "PERFORMANCE_HINT", hint, "INFERENCE_PRECISION_HINT", precision);
  double seconds = (GetTickCount64() - began) / 1e3;
  if (error) {
    printf("failed\t%s\n", why());
  } else {
    ov_compiled_model_export_model(compiled, blob);
    printf("ok\t%.1f\t%ld", seconds, size_of(blob));
    tell(compiled, "INFERENCE_PRECISION_HINT");
    tell(compiled, "EXECUTION_DEVICES");
    tell(compiled, "OPTIMAL_NUMBER_OF_INFER_REQUESTS");
    printf("\n");
    ov_compiled_model_free(compiled);
  }
  ov_model_free(model);
}

int main(int count, char **arguments) {
  static const char *const PROPERTIES[] = {"NPU_COMPILER_VERSION", "OPTIMIZATION_CAPABILITIES"};
  Core *core;
  setvbuf(stdout, NULL, _IONBF, 0);
  if (ov_core_create(&core)) {
    printf("failed\t%s\n", why());
    return 1;
  }
  for (int i = 0; count < 3 && i < 2; i++) {
    char *value = NULL;
    if (ov_core_get_property(core, "NPU", PROPERTIES[i], &value)) printf("%s\t?\n", PROPERTIES[i]);
    else printf("%s\t%s\n", PROPERTIES[i], value);
  }
  for (int i = 3; i + 2 < count; i += 3)
    compile(core, arguments[1], arguments[2], arguments[i], arguments[i + 1], arguments[i + 2]);
  return 0;
}
