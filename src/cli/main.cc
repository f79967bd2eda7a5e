// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Values of a few hundred kilobytes come and go with every operator: a heap that hands its pages back each time faults them in again.
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 32 << 20);
#endif
  return decant::run_cli(argc, argv);
}
