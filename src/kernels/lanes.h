// SPDX-License-Identifier: Apache-2.0
// Arithmetic and elementary functions over many float64 numbers, by the instruction set of the machine. Arithmetic gives the same bits
// everywhere; the functions are within 4 units in the last place of the exact value, and what lies outside the range of their
// approximation (NaN, infinities, results that are no normal numbers) the C library computes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace decant {

enum class Lane2 : unsigned char { add, sub, mul, div };
/// out[i] = a[i] op b[i]; an operand of step 0 is one number. In place where out is a or b.
void lanes2(Lane2, const double* a, bool a_steps, const double* b, bool b_steps, double* out, std::size_t count);

enum class Lane1 : unsigned char { exp, log, tanh, sigmoid, sin, cos, sqrt, relu };
/// out[i] = f(in[i]); in place where out == in.
void lanes1(Lane1, const double* in, double* out, std::size_t count);

/// out[r]: where the largest (or smallest) of the `n` numbers of row r is: the first of equals, and the first NaN before all others.
void lanes_arg(bool largest, const double* in, std::size_t rows, std::size_t n, std::int64_t* out);

}  // namespace decant
