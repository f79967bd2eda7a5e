// SPDX-License-Identifier: Apache-2.0
#include "kernels/parallel.h"

// The runtime's own functions instead of #pragma omp: no compiler option is needed, and clang links the same runtime as oneDNN does
// (with -fopenmp it would bring a second one). Declared as in GCC's libgomp (libgomp_g.h, libgomp.map: GOMP_4.0) and in omp.h.
extern "C" {
void GOMP_parallel(void (*function)(void*), void* data, unsigned threads, unsigned flags);
int omp_get_thread_num();
int omp_get_num_threads();
void omp_set_num_threads(int threads);
}

namespace decant {
namespace {

struct Work {
  std::size_t parts;
  Task task;
  const void* what;
};

void run_share(void* data) {
  const auto& work = *static_cast<const Work*>(data);
  // The runtime may give fewer threads than were asked for.
  for (auto part = static_cast<std::size_t>(omp_get_thread_num()); part < work.parts; part += static_cast<std::size_t>(omp_get_num_threads())) work.task(work.what, part);
}

}  // namespace

void set_operator_threads(unsigned threads) { omp_set_num_threads(static_cast<int>(threads)); }

void run_parts(std::size_t parts, Task task, const void* what) {
  Work work{parts, task, what};
  GOMP_parallel(run_share, &work, static_cast<unsigned>(parts), 0);
}

}  // namespace decant
