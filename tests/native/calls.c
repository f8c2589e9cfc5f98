/* Calls of known behaviour that no module of the standard library has. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <time.h>

static volatile unsigned long sink;

static void compute(double seconds) {
  /* By computing time, so that a busy machine does not make it less work. */
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  double end = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 + seconds;
  do {
    for (int i = 0; i < 1000; i++) {
      sink += 1;
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((double)now.tv_sec + (double)now.tv_nsec * 1e-9 < end);
}

static void rest(double seconds) {
  struct timespec time = {(time_t)seconds, 0};
  time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
  nanosleep(&time, NULL);
}

/* compute(held, released, held): three parts, the middle one with the GIL released. */
static PyObject *call_parts(PyObject *self, PyObject *args) {
  double before, between, after;
  (void)self;
  if (!PyArg_ParseTuple(args, "ddd", &before, &between, &after)) {
    return NULL;
  }
  compute(before);
  Py_BEGIN_ALLOW_THREADS compute(between);
  Py_END_ALLOW_THREADS compute(after);
  Py_RETURN_NONE;
}

static long n_rests;

/* sometimes(every, released, held): holds in every so many calls only. */
static PyObject *call_sometimes(PyObject *self, PyObject *args) {
  long every;
  double released, held;
  (void)self;
  if (!PyArg_ParseTuple(args, "ldd", &every, &released, &held)) {
    return NULL;
  }
  n_rests += 1;
  if (n_rests % every == 0) {
    rest(held);
    Py_RETURN_NONE;
  }
  Py_BEGIN_ALLOW_THREADS rest(released);
  Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static void *run_thread(void *seconds) {
  compute(*(double *)seconds);
  return NULL;
}

/* in_threads(seconds): holds the GIL while two native threads compute. */
static PyObject *call_in_threads(PyObject *self, PyObject *args) {
  double seconds;
  pthread_t threads[2];
  (void)self;
  if (!PyArg_ParseTuple(args, "d", &seconds)) {
    return NULL;
  }
  for (int i = 0; i < 2; i++) {
    if (pthread_create(&threads[i], NULL, run_thread, &seconds) != 0) {
      return PyErr_NoMemory();
    }
  }
  for (int i = 0; i < 2; i++) {
    pthread_join(threads[i], NULL);
  }
  Py_RETURN_NONE;
}

static void *run_callback(void *callback) {
  PyGILState_STATE state = PyGILState_Ensure();
  Py_XDECREF(PyObject_CallNoArgs(callback));
  PyGILState_Release(state);
  return NULL;
}

/* wait_for(callback): waits, with the GIL held, for a thread that wants the GIL. */
static PyObject *call_wait_for(PyObject *self, PyObject *callback) {
  pthread_t thread;
  (void)self;
  if (pthread_create(&thread, NULL, run_callback, callback) != 0) {
    return PyErr_NoMemory();
  }
  pthread_join(thread, NULL);
  Py_RETURN_NONE;
}

typedef struct {
  PyObject_HEAD double seconds;
} Dropped;

static void drop(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  rest(((Dropped *)self)->seconds);
  type->tp_free(self);
  Py_DECREF(type);
}

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  double seconds;
  (void)kwargs;
  if (!PyArg_ParseTuple(args, "d", &seconds)) {
    return NULL;
  }
  Dropped *self = (Dropped *)type->tp_alloc(type, 0);
  if (self != NULL) {
    self->seconds = seconds;
  }
  return (PyObject *)self;
}

static PyType_Slot slots[] = {
    {Py_tp_dealloc, drop},
    {Py_tp_new, make},
    {0, NULL},
};
static PyType_Spec spec = {
    .name = "calls.Dropped",
    .basicsize = sizeof(Dropped),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

static PyMethodDef methods[] = {
    {"parts", call_parts, METH_VARARGS, NULL},
    {"sometimes", call_sometimes, METH_VARARGS, NULL},
    {"in_threads", call_in_threads, METH_VARARGS, NULL},
    {"wait_for", call_wait_for, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module) {
  /* A module may take long to be imported, with the GIL held. */
  rest(0.1);
  PyObject *type = PyType_FromSpec(&spec);
  return type == NULL ? -1 : PyModule_AddObject(module, "Dropped", type);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "calls",
    .m_methods = methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_calls(void) { return PyModuleDef_Init(&definition); }
