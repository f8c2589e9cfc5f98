/* double_list in C with the C API of CPython: a skeleton for a backend of your own.

   Public API only. The numbers in comments are those of docs/reference/contract.md. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <time.h>

/* --- 1 Bounds -----------------------------------------------------------------------
 */

#define SECONDS_MAX 1e9

/* Whether a number of seconds can be slept (1.5). */
static int check_seconds(const char *name, double seconds) {
  if (0 <= seconds && seconds <= SECONDS_MAX) {
    return 1;
  }
  PyObject *given = PyFloat_FromDouble(seconds);
  if (given != NULL) {
    PyErr_Format(PyExc_ValueError,
                 "double_list() %s: expected 0 to 1e9 seconds, got %R", name, given);
    Py_DECREF(given);
  }
  return 0;
}

static int check_index(Py_ssize_t index, Py_ssize_t position, Py_ssize_t length) {
  if (0 <= position && position < length) {
    return 1;
  }
  PyErr_Format(PyExc_IndexError,
               "double_list() index: %zd lies outside a result of length %zd", index,
               length);
  return 0;
}

/* --- 2 Read: list to int64 buffer, GIL held ------------------------------------------
 */

/* Name the item in a note of the exception that is raised (1.2). */
static void add_note(Py_ssize_t index) {
  PyObject *type, *error, *traceback;
  PyErr_Fetch(&type, &error, &traceback);
  PyErr_NormalizeException(&type, &error, &traceback);
  PyObject *name = PyUnicode_InternFromString("add_note");
  PyObject *note = PyUnicode_FromFormat("double_list() values[%zd]", index);
  PyObject *done = NULL;
  if (name != NULL && note != NULL) {
    done = PyObject_CallMethodObjArgs(error, name, note, NULL);
  }
  PyErr_Clear();
  Py_XDECREF(name);
  Py_XDECREF(note);
  Py_XDECREF(done);
  PyErr_Restore(type, error, traceback);
}

/* Read all items of a list that no other code can reach. */
static int read_values(PyObject *items, int64_t *values) {
  Py_ssize_t length = PyList_GET_SIZE(items);
  for (Py_ssize_t index = 0; index < length; index++) {
    PyObject *number = PyNumber_Index(PyList_GET_ITEM(items, index));
    values[index] = number == NULL ? -1 : PyLong_AsLongLong(number);
    Py_XDECREF(number);
    if (values[index] == -1 && PyErr_Occurred()) {
      add_note(index);
      return 0;
    }
  }
  for (Py_ssize_t index = 0; index < length; index++) {
    if (values[index] > INT64_MAX / 2 || values[index] < INT64_MIN / 2) {
      PyErr_Format(PyExc_OverflowError, "double of %lld does not fit in 64 bits",
                   (long long)values[index]);
      add_note(index);
      return 0;
    }
  }
  return 1;
}

/* --- 3 Kernel: no Python object, GIL released ----------------------------------------
 */

/* Double all items, passes times over; the compiler cannot know that it is the same
   memory each time (1.4). */
static void run_kernel(int64_t *input, int64_t *output, Py_ssize_t length,
                       long long passes) {
  int64_t *volatile unknown_input = input;
  int64_t *volatile unknown_output = output;
  for (long long n_done = 0; n_done < passes; n_done++) {
    const int64_t *restrict source = unknown_input;
    int64_t *restrict target = unknown_output;
    for (Py_ssize_t index = 0; index < length; index++) {
      target[index] = (int64_t)((uint64_t)source[index] * 2);
    }
  }
}

/* The clock of time.perf_counter_ns() (1.9). */
static int64_t read_clock(void) {
#ifdef __APPLE__
  return (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

static void sleep_for(double seconds) {
  struct timespec rest = {(time_t)seconds, 0};
  rest.tv_nsec = (long)((seconds - (double)rest.tv_sec) * 1e9);
  /* A signal interrupts it; the handler runs when the call is over. */
  while (nanosleep(&rest, &rest) != 0) {
  }
}

/* --- 4 Write: int64 buffer to list, GIL held -----------------------------------------
 */

static PyObject *write_values(const int64_t *values, Py_ssize_t length) {
  PyObject *doubled = PyList_New(length);
  for (Py_ssize_t index = 0; doubled != NULL && index < length; index++) {
    PyObject *item = PyLong_FromLongLong(values[index]);
    if (item == NULL) {
      Py_CLEAR(doubled);
      break;
    }
    PyList_SET_ITEM(doubled, index, item);
  }
  return doubled;
}

/* --- 5 double_list -------------------------------------------------------------------
 */

typedef struct {
  Py_ssize_t index, position;
  long long passes;
  int release_gil;
  double released_sleep, held_sleep;
} Options;

/* Compute from the buffer, and store the answer; all or nothing (1.6). */
static int compute(int64_t *values, Py_ssize_t length, PyObject *result,
                   PyObject *trace, const Options *options, int64_t enter) {
  PyThreadState *state = NULL;
  if (options->release_gil) {
    state = PyEval_SaveThread();
  }
  /* GIL released from here. */
  int64_t kernel_start = read_clock();
  run_kernel(values, values + length, length, options->passes);
  if (options->released_sleep > 0) {
    sleep_for(options->released_sleep);
  }
  int64_t kernel_end = read_clock();
  /* GIL held again from here. */
  if (state != NULL) {
    PyEval_RestoreThread(state);
  }
  int64_t acquired = read_clock();
  if (options->held_sleep > 0) {
    sleep_for(options->held_sleep);
  }
  /* What a signal handler raises comes out of the call, which then stores nothing. */
  if (PyErr_CheckSignals() < 0) {
    return 0;
  }
  PyObject *doubled = write_values(values + length, length);
  if (doubled == NULL) {
    return 0;
  }
  PyObject *stamps =
      Py_BuildValue("(LLLLL)", enter, kernel_start, kernel_end, acquired, read_clock());
  if (stamps == NULL ||
      !check_index(options->position, options->position, PyList_Size(result)) ||
      (trace != Py_None && PyList_Append(trace, stamps) < 0)) {
    Py_XDECREF(stamps);
    Py_DECREF(doubled);
    return 0;
  }
  Py_DECREF(stamps);
  return PyList_SetItem(result, options->position, doubled) == 0;
}

static PyObject *double_list(PyObject *module, PyObject *args, PyObject *kwargs) {
  (void)module;
  static char *names[] = {"values",     "result",      "index",
                          "passes",     "release_gil", "released_sleep",
                          "held_sleep", "trace",       NULL};
  int64_t enter = read_clock();
  PyObject *given, *result, *release_gil = Py_True, *trace = Py_None;
  Options options = {.passes = 1};
  if (!PyArg_ParseTupleAndKeywords(
          args, kwargs, "O!O!n|$LO!ddO:double_list", names, &PyList_Type, &given,
          &PyList_Type, &result, &options.index, &options.passes, &PyBool_Type,
          &release_gil, &options.released_sleep, &options.held_sleep, &trace)) {
    return NULL;
  }
  options.release_gil = release_gil == Py_True;
  if (trace != Py_None && !PyList_Check(trace)) {
    return PyErr_Format(PyExc_TypeError, "double_list() trace: expected list or None");
  }
  Py_ssize_t places = PyList_Size(result);
  options.position = options.index < 0 ? options.index + places : options.index;
  if (!check_index(options.index, options.position, places)) {
    return NULL;
  }
  if (options.passes < 1) {
    return PyErr_Format(PyExc_ValueError,
                        "double_list() passes: expected at least 1, got %lld",
                        options.passes);
  }
  if (!check_seconds("released_sleep", options.released_sleep) ||
      !check_seconds("held_sleep", options.held_sleep)) {
    return NULL;
  }
  /* A copy, which no `__index__` and no other thread can change (1.7). */
  PyObject *items = PyList_GetSlice(given, 0, PY_SSIZE_T_MAX);
  if (items == NULL) {
    return NULL;
  }
  Py_ssize_t length = PyList_GET_SIZE(items);
  int64_t *values = PyMem_Calloc((size_t)length * 2 + 1, sizeof(int64_t));
  int is_done = 0;
  if (values == NULL) {
    PyErr_NoMemory();
  } else {
    is_done = read_values(items, values) &&
              compute(values, length, result, trace, &options, enter);
  }
  PyMem_Free(values);
  Py_DECREF(items);
  if (!is_done) {
    return NULL;
  }
  Py_RETURN_NONE;
}

/* --- 6 build_info --------------------------------------------------------------------
 */

static PyObject *build_info(PyObject *module, PyObject *args) {
  (void)module;
  (void)args;
#ifdef __OPTIMIZE__
  const char *profile = "release";
#else
  const char *profile = "debug";
#endif
#ifdef Py_GIL_DISABLED
  PyObject *free_threaded = Py_True;
#else
  PyObject *free_threaded = Py_False;
#endif
  return Py_BuildValue("{s:s,s:s,s:s,s:O}", "profile", profile, "compiler", __VERSION__,
                       "version", PY_VERSION, "free_threaded", free_threaded);
}

static PyMethodDef methods[] = {
    {"double_list", (PyCFunction)(void (*)(void))double_list,
     METH_VARARGS | METH_KEYWORDS, "Store the doubled values at result[index]."},
    {"build_info", build_info, METH_NOARGS, "Return how this was built."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_capi",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__capi(void) { return PyModuleDef_Init(&definition); }
