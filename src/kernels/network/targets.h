// SPDX-License-Identifier: Apache-2.0
// The instruction sets that Highway compiles kernels for; the one to use is chosen at run time. Others would add size and no speed.
// To be included before anything of Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
