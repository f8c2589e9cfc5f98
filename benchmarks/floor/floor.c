/* The least that a C extension must do to double a list with the GIL released: the
   measure of the backends, not one of them. It knows lists of ints only, has no
   options, no trace and no messages, and takes every short cut that CPython offers. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* Lists up to this length need no allocation: 1 KiB of stack. */
#define N_SMALL 128

/* What CPython calls compact, an int of one digit or none, is its size times the digit;
   of larger ones the digits follow. */
#if PY_VERSION_HEX >= 0x030C0000
#define DIGITS(number) (((PyLongObject *)(number))->long_value.ob_digit)
#define TAG(number) (((PyLongObject *)(number))->long_value.lv_tag)
#define SIZE(number)                                                                   \
  ((Py_ssize_t)(TAG(number) >> 3) * (1 - (Py_ssize_t)(TAG(number) & 3)))
#else
#define DIGITS(number) (((PyLongObject *)(number))->ob_digit)
#define SIZE(number) Py_SIZE(number)
#endif

/* Read one int; the digits of a small one are looked at in place. */
static inline bool read_value(PyObject *item, int64_t *value) {
  if (!PyLong_Check(item)) {
    PyErr_SetString(PyExc_TypeError, "expected int");
    return false;
  }
  Py_ssize_t size = SIZE(item);
  int64_t low = DIGITS(item)[0];
  if (-1 <= size && size <= 1) {
    *value = size * low;
    return true;
  }
  if (size == 2 || size == -2) {
    int64_t magnitude = (int64_t)DIGITS(item)[1] << PyLong_SHIFT | low;
    *value = size < 0 ? -magnitude : magnitude;
    return true;
  }
  *value = PyLong_AsLongLong(item);
  return *value != -1 || !PyErr_Occurred();
}

/* Make one int; the two digits of a large one are written in place. CPython counts them
   in a loop before, and from 3.14 on deprecates what is used here. */
static inline PyObject *make_value(int64_t value) {
#if PY_VERSION_HEX < 0x030E0000
  const uint64_t one_digit = UINT64_C(1) << PyLong_SHIFT;
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  if (magnitude - one_digit < one_digit * one_digit - one_digit) {
    PyLongObject *item = _PyLong_New(2);
    if (item != NULL) {
      DIGITS(item)[0] = (digit)(magnitude & PyLong_MASK);
      DIGITS(item)[1] = (digit)(magnitude >> PyLong_SHIFT);
#if PY_VERSION_HEX >= 0x030C0000
      TAG(item) |= value < 0 ? 2 : 0;
#else
      Py_SET_SIZE(item, value < 0 ? -2 : 2);
#endif
    }
    return (PyObject *)item;
  }
#endif
  return PyLong_FromLongLong(value);
}

/* Double all values where they are; return whether every double fits. */
static bool double_values(int64_t *values, Py_ssize_t length) {
  int64_t overflows = 0;
  for (Py_ssize_t index = 0; index < length; index++) {
    int64_t doubled = (int64_t)((uint64_t)values[index] * 2);
    overflows |= doubled ^ values[index];
    values[index] = doubled;
  }
  return overflows >= 0;
}

static PyObject *write_values(const int64_t *values, Py_ssize_t length) {
  PyObject *doubled = PyList_New(length);
  if (doubled == NULL) {
    return NULL;
  }
  PyObject **items = ((PyListObject *)doubled)->ob_item;
  for (Py_ssize_t index = 0; index < length; index++) {
    items[index] = make_value(values[index]);
    if (items[index] == NULL) {
      Py_DECREF(doubled);
      return NULL;
    }
  }
  return doubled;
}

static PyObject *double_list(PyObject *module, PyObject *const *arguments,
                             Py_ssize_t n_arguments) {
  (void)module;
  if (n_arguments != 3 || !PyList_Check(arguments[0]) || !PyList_Check(arguments[1])) {
    PyErr_SetString(PyExc_TypeError, "expected two lists and an index");
    return NULL;
  }
  Py_ssize_t position = PyLong_AsSsize_t(arguments[2]);
  if (position == -1 && PyErr_Occurred()) {
    return NULL;
  }

  int64_t small[N_SMALL];
  int64_t *values = small;
  Py_ssize_t length = PyList_GET_SIZE(arguments[0]);
  if (length > N_SMALL) {
    values = malloc((size_t)length * sizeof(int64_t));
    if (values == NULL) {
      return PyErr_NoMemory();
    }
  }
  PyObject *doubled = NULL;
  bool is_read = true;
  for (Py_ssize_t index = 0; is_read && index < length; index++) {
    is_read = read_value(PyList_GET_ITEM(arguments[0], index), &values[index]);
  }
  if (is_read) {
    bool fits;
    Py_BEGIN_ALLOW_THREADS;
    fits = double_values(values, length);
    Py_END_ALLOW_THREADS;
    if (fits) {
      doubled = write_values(values, length);
    } else {
      PyErr_SetString(PyExc_OverflowError, "a double does not fit");
    }
  }
  if (values != small) {
    free(values);
  }
  if (doubled == NULL || PyList_SetItem(arguments[1], position, doubled) < 0) {
    return NULL;
  }
  Py_RETURN_NONE;
}

/* Return the nanoseconds of that many passes over fresh memory of that many items: of
   the plain loop, or of memcpy(). */
static PyObject *time_passes(PyObject *module, PyObject *arguments) {
  (void)module;
  Py_ssize_t length, passes;
  int is_copy;
  if (!PyArg_ParseTuple(arguments, "nnp", &length, &passes, &is_copy)) {
    return NULL;
  }
  int64_t *values = malloc(2 * (size_t)length * sizeof(int64_t));
  if (values == NULL) {
    return PyErr_NoMemory();
  }
  /* As in the backends, reading has touched the first half, and nothing the second. */
  for (Py_ssize_t index = 0; index < length; index++) {
    values[index] = index;
  }
  int64_t *volatile unknown_source = values;
  int64_t *volatile unknown_target = values + length;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (Py_ssize_t n_done = 0; n_done < passes; n_done++) {
    const int64_t *restrict source = unknown_source;
    int64_t *restrict target = unknown_target;
    if (is_copy) {
      memcpy(target, source, (size_t)length * sizeof(int64_t));
      continue;
    }
    for (Py_ssize_t index = 0; index < length; index++) {
      target[index] = (int64_t)((uint64_t)source[index] * 2);
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  free(values);
  return PyLong_FromLongLong((long long)(end.tv_sec - start.tv_sec) * 1000000000 +
                             (end.tv_nsec - start.tv_nsec));
}

static PyMethodDef methods[] = {
    {"double_list", (PyCFunction)(void (*)(void))double_list, METH_FASTCALL,
     "Store the doubled values as a new list at result[index]."},
    {"time_passes", time_passes, METH_VARARGS,
     "Return the nanoseconds of passes over fresh memory: the loop, or memcpy()."},
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
    .m_name = "_floor",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__floor(void) { return PyModuleDef_Init(&definition); }
