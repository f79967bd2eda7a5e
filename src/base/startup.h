// SPDX-License-Identifier: Apache-2.0
// What every start runs, once: the functions that hand the lists of operators, kernels and estimators to their registries. Linked side by
// side they are a page of the program; each beside its own code they would map a third of it.
#pragma once

#if defined(__linux__)
#define DECANT_AT_START [[gnu::section(".text.startup")]]
#else
#define DECANT_AT_START
#endif
