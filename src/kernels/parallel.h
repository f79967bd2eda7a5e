// SPDX-License-Identifier: Apache-2.0
// One pool of threads for everything that shares out the work of one operator: that of GNU's OpenMP runtime, which oneDNN uses too, so
// that two pools never compete for the cores.
#pragma once

#include <cstddef>

namespace decant {

/// How many threads the operators that this thread starts may use, those of oneDNN included.
void set_operator_threads(unsigned threads);

using Task = void (*)(const void* what, std::size_t part);
/// task(what, part) for part in [0, parts), one thread each; the caller's thread is one of them. Tasks must not throw.
void run_parts(std::size_t parts, Task task, const void* what);

/// f(part) for part in [0, parts).
template <class F>
void parallel(std::size_t parts, const F& f) {
  if (parts <= 1) {
    if (parts == 1) f(std::size_t{0});
    return;
  }
  run_parts(parts, [](const void* what, std::size_t part) { (*static_cast<const F*>(what))(part); }, &f);
}

/// [begin, end) of `part` when `count` things are shared out to `parts`.
struct Share {
  std::size_t begin, end;
};
inline Share share(std::size_t count, std::size_t parts, std::size_t part) { return {count * part / parts, count * (part + 1) / parts}; }

}  // namespace decant
