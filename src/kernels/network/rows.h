// SPDX-License-Identifier: Apache-2.0
// Loops over rows of float32 numbers, for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace decant {

enum class Binary : std::uint8_t { add, sub, mul, div, max, min };

/// out[i] = a[i * a_step] ? b[i * b_step]; a step is 0 or 1. In place where out is a or b.
void binary_row(Binary op, const float* a, std::size_t a_step, const float* b, std::size_t b_step, float* out, std::size_t count);
/// out = softmax(x * scale + mask); mask may be null. In place where out == x.
void softmax_row(const float* x, float scale, const float* mask, float* out, std::size_t count);
/// out = (x - mean) / sqrt(variance + epsilon) * gain + shift; gain and shift may be null.
void norm_row(const float* x, float epsilon, const float* gain, const float* shift, float* out, std::size_t count);
struct Moments {
  float mean, variance;
};
Moments moments_row(const float* x, std::size_t count);
/// out = (x - mean) * factor + shift
void scale_row(const float* x, float mean, float factor, float shift, float* out, std::size_t count);
double sum_row(const float* x, std::size_t count);
/// One step of an LSTM (Ct, Ht of ONNX LSTM-22): gates in order i, o, f, c, each of `hidden`, without activation; peepholes (i, o, f) may be null.
void lstm_row(const float* gates, const float* peepholes, float* cell, float* out, std::size_t hidden);

}  // namespace decant
