// SPDX-License-Identifier: Apache-2.0
// Signals (ai.onnx): DFT-20, STFT-17, MelWeightMatrix-17, HannWindow, HammingWindow, BlackmanWindow.
#include <cmath>
#include <complex>
#include <numbers>

#include "ops/bounded.h"
#include "ops/widen.h"

namespace decant {
namespace {

using Complex = std::complex<double>;

// In place, for a power of two (Cooley and Tukey).
void fft_power_of_two(std::vector<Complex>& x, bool inverse) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t length = 2; length <= n; length <<= 1) {
    const double angle = (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(length);
    std::vector<Complex> factors(length / 2);
    for (std::size_t k = 0; k < factors.size(); ++k) factors[k] = std::polar(1.0, angle * static_cast<double>(k));
    for (std::size_t i = 0; i < n; i += length) {
      for (std::size_t k = 0; k < length / 2; ++k) {
        const Complex a = x[i + k], b = x[i + k + length / 2] * factors[k];
        x[i + k] = a + b;
        x[i + k + length / 2] = a - b;
      }
    }
  }
}

// Any length; not scaled. A length that is no power of two goes through a convolution of one that is (Bluestein).
void fft(std::vector<Complex>& x, bool inverse) {
  const std::size_t n = x.size();
  if (n < 2) return;
  if ((n & (n - 1)) == 0) return fft_power_of_two(x, inverse);
  std::size_t m = 1;
  while (m < 2 * n - 1) m <<= 1;
  std::vector<Complex> chirp(n), a(m), b(m);
  for (std::size_t k = 0; k < n; ++k) {
    // k^2 modulo 2n keeps the angle small and exact.
    const auto square = static_cast<double>(k * k % (2 * n));
    chirp[k] = std::polar(1.0, (inverse ? 1 : -1) * std::numbers::pi * square / static_cast<double>(n));
    a[k] = x[k] * chirp[k];
    b[k] = std::conj(chirp[k]);
    if (k != 0) b[m - k] = b[k];
  }
  fft_power_of_two(a, false);
  fft_power_of_two(b, false);
  for (std::size_t k = 0; k < m; ++k) a[k] *= b[k];
  fft_power_of_two(a, true);
  for (std::size_t k = 0; k < n; ++k) x[k] = a[k] / static_cast<double>(m) * chirp[k];
}

std::int64_t one_integer(const KernelContext& c, std::size_t input) {
  const Tensor& t = c.input(input);
  if (t.size() != 1 || !is_integer(t.dtype())) c.fail(Code::mismatch, format("input {} is {}{}, not an integer", input, name_of(t.dtype()), text_of(t.shape())));
  return t.integer(0);
}

constexpr std::int64_t kLongest = std::int64_t{1} << 26;

// --- DFT: [..., n, ..., 1 or 2], along an axis that is not the last ---------------------------------------------------------------------------

void dft(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::int64_t stated = c.has_input(2) ? one_integer(c, 2) : c.integer("axis", -2);
  if (x.rank() < 2 || (x.shape().back() != 1 && x.shape().back() != 2)) c.fail(Code::mismatch, format("an input of shape {}", text_of(x.shape())));
  const std::size_t axis = axis_of(c, stated, x.rank());
  if (axis == x.rank() - 1) c.fail(Code::mismatch, "the last dimension holds the parts of complex numbers");
  const bool inverse = c.integer("inverse", 0) != 0, onesided = c.integer("onesided", 0) != 0, complex = x.shape().back() == 2;
  const std::int64_t have = x.dim(axis), length = c.has_input(1) ? one_integer(c, 1) : inverse && onesided ? 2 * (have - 1) : have;
  if (length < 1 || length > kLongest) c.fail(Code::mismatch, format("a length of {}", length));
  if (onesided && !inverse && complex) c.fail(Code::mismatch, "one side only, of complex numbers");
  Shape shape = x.shape();
  shape[axis] = onesided && !inverse ? length / 2 + 1 : length;
  const bool real_result = onesided && inverse;
  shape.back() = real_result ? 1 : 2;
  Around a = around(x.shape(), axis);
  const std::int64_t parts = x.shape().back(), inner = a.inner / parts, kept = shape[axis], out_parts = shape.back();
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T* from = x.data<T>().data();
    T* to = output_by_value(c, 0, x.dtype(), shape).template mutable_data<T>().data();
    std::vector<Complex> line;
    for (std::int64_t o = 0; o < a.outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        line.assign(z(length), Complex{});
        for (std::int64_t k = 0; k < std::min(have, length); ++k) {
          const T* at = from + ((o * have + k) * inner + i) * parts;
          line[z(k)] = {static_cast<double>(at[0]), complex ? static_cast<double>(at[1]) : 0.0};
        }
        if (real_result) {  // the other half mirrors the first
          for (std::int64_t k = length / 2 + 1; k < length; ++k) line[z(k)] = std::conj(line[z(length - k)]);
          line[0] = line[0].real();
          if (length % 2 == 0) line[z(length / 2)] = line[z(length / 2)].real();
        }
        fft(line, inverse);
        const double scale = inverse ? 1 / static_cast<double>(length) : 1;
        for (std::int64_t k = 0; k < kept; ++k) {
          T* at = to + ((o * kept + k) * inner + i) * out_parts;
          at[0] = static_cast<T>(line[z(k)].real() * scale);
          if (out_parts == 2) at[1] = static_cast<T>(line[z(k)].imag() * scale);
        }
      }
    }
  });
}
void infer_dft(InferContext& c) {
  const Type& x = c.input(0);
  c.outputs[0] = x.has_rank ? ranked(x.dtype, x.shape.size()) : unknown_shape(x.dtype);
  if (!x.has_rank || x.shape.size() < 2) return;
  for (std::size_t d = 0; d + 1 < x.shape.size(); ++d) c.outputs[0].shape[d] = x.shape[d];
  c.outputs[0].shape.back() = dim(c.integer("inverse", 0) != 0 && c.integer("onesided", 0) != 0 ? 1 : 2);
  // The axis may be an input: then any dimension may change.
  const bool known = !c.has_input(2) && !c.has_input(1) && c.integer("onesided", 0) == 0;
  for (std::size_t d = 0; !known && d + 1 < x.shape.size(); ++d) c.outputs[0].shape[d] = Dim{};
}

// --- STFT: frames of [N, L, 1 or 2], weighed by a window -----------------------------------------------------------------------------------------

void stft(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::int64_t step = one_integer(c, 1);
  const bool windowed = c.has_input(2), onesided = c.integer("onesided", 1) != 0;
  if (x.rank() != 3 || x.dim(2) < 1 || x.dim(2) > 2) c.fail(Code::mismatch, format("a signal of shape {}", text_of(x.shape())));
  if (windowed) {
    want_same(c, 0, 2);
    if (c.input(2).rank() != 1) c.fail(Code::mismatch, format("a window of shape {}", text_of(c.input(2).shape())));
  }
  const std::int64_t have = x.dim(1), length = c.has_input(3) ? one_integer(c, 3) : windowed ? c.input(2).dim(0) : have, parts = x.dim(2);
  if (step < 1 || length < 1 || length > kLongest || length > have || (windowed && c.input(2).dim(0) != length)) c.fail(Code::mismatch, format("frames of {} every {} of a signal of {}", length, step, have));
  const std::int64_t frames = 1 + (have - length) / step, kept = onesided ? length / 2 + 1 : length;
  dispatch(c, x.dtype(), RealTypes{}, [&]<class T>() {
    const T* from = x.data<T>().data();
    T* to = output_by_value(c, 0, x.dtype(), {x.dim(0), frames, kept, 2}).template mutable_data<T>().data();
    std::vector<Complex> line(z(length));
    for (std::int64_t n = 0; n < x.dim(0); ++n) {
      for (std::int64_t f = 0; f < frames; ++f) {
        for (std::int64_t k = 0; k < length; ++k) {
          const T* at = from + (n * have + f * step + k) * parts;
          const double weight = windowed ? static_cast<double>(c.input(2).data<T>()[z(k)]) : 1;
          line[z(k)] = Complex(static_cast<double>(at[0]), parts == 2 ? static_cast<double>(at[1]) : 0.0) * weight;
        }
        fft(line, false);
        for (std::int64_t k = 0; k < kept; ++k) {
          *to++ = static_cast<T>(line[z(k)].real());
          *to++ = static_cast<T>(line[z(k)].imag());
        }
      }
    }
  });
}
void infer_stft(InferContext& c) {
  c.outputs[0] = ranked(c.input(0).dtype, 4);
  if (c.input(0).has_rank && c.input(0).shape.size() == 3) c.outputs[0].shape[0] = c.input(0).shape[0];
  c.outputs[0].shape[3] = dim(2);
}

// --- windows and filters ------------------------------------------------------------------------------------------------------------------------

DType stated_type(const AttributeView& c) {
  const std::int64_t stated = c.integer("output_datatype", 1);
  if (stated < 1 || stated > static_cast<std::int64_t>(kLastElementType)) c.fail(Code::corrupt, format("output_datatype {}", stated));
  return static_cast<DType>(stated);
}

template <class F>
void fill(KernelContext& c, const Shape& shape, F&& value) {
  const DType dtype = stated_type(c);
  Tensor& out = output_by_value(c, 0, dtype, shape);
  dispatch(c, dtype, NumberTypes{}, [&]<class T>() {
    const std::span<T> to = out.mutable_data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(static_cast<Wide<T>>(value(i)));
  });
}

enum class WindowKind { hann, hamming, blackman };
template <WindowKind kind>
void window(KernelContext& c) {
  const std::int64_t n = one_integer(c, 0);
  if (n < 0) c.fail(Code::mismatch, format("a window of {}", n));
  const double last = static_cast<double>(c.integer("periodic", 1) != 0 ? n : n - 1);
  fill(c, {n}, [&](std::size_t i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i) / last;
    if (n == 1 && last == 0) return 1.0;
    if constexpr (kind == WindowKind::hann) return 0.5 - 0.5 * std::cos(turn);
    else if constexpr (kind == WindowKind::hamming) return 25.0 / 46.0 - 21.0 / 46.0 * std::cos(turn);
    else return 0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn);
  });
}
void infer_window(InferContext& c) {
  const Tensor* n = c.constant(0);
  c.outputs[0] = Type::tensor(stated_type(c), {n != nullptr && n->size() == 1 && is_integer(n->dtype()) && n->integer(0) >= 0 ? dim(n->integer(0)) : any_dim()});
}

void mel_weight_matrix(KernelContext& c) {
  const std::int64_t bins = one_integer(c, 0), length = one_integer(c, 1), rate = one_integer(c, 2);
  if (bins < 0 || bins > (1 << 24) || length < 0 || length > kLongest || rate < 1 || c.input(3).size() != 1 || c.input(4).size() != 1) {
    c.fail(Code::mismatch, format("{} bins of a transform of {} at {} Hz", bins, length, rate));
  }
  const double low = c.input(3).number(0), high = c.input(4).number(0);
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double from = mel(low), step = (mel(high) - from) / static_cast<double>(bins + 2);
  const std::int64_t rows = length / 2 + 1;
  std::vector<std::int64_t> edges;
  for (std::int64_t i = 0; i < bins + 2; ++i) {
    const double hertz = 700 * (std::pow(10.0, (static_cast<double>(i) * step + from) / 2595) - 1);
    const double edge = std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    if (!(edge >= 0) || !(edge < static_cast<double>(rows))) c.fail(Code::mismatch, format("frequencies from {} to {} Hz at {} Hz", low, high, rate));
    edges.push_back(static_cast<std::int64_t>(edge));
  }
  fill(c, {rows, bins}, [&](std::size_t at) {
    const std::int64_t row = static_cast<std::int64_t>(at) / bins, i = static_cast<std::int64_t>(at) % bins, left = edges[z(i)], middle = edges[z(i + 1)], right = edges[z(i + 2)];
    if (row >= middle && row < right) return static_cast<double>(right - row) / static_cast<double>(right - middle);
    if (middle == left) return row == middle ? 1.0 : 0.0;
    return row >= left && row <= middle ? static_cast<double>(row - left) / static_cast<double>(middle - left) : 0.0;
  });
}
void infer_mel(InferContext& c) { c.outputs[0] = ranked(stated_type(c), 2); }

constexpr Op kOps[] = {
    {"", "DFT", "The discrete Fourier transform along an axis, its inverse, and either of real numbers (DFT-20).", infer_dft, in_float<dft>},
    {"", "STFT", "Fourier transforms of weighed frames of a signal (STFT-17).", infer_stft, in_float<stft>},
    {"", "MelWeightMatrix", "Triangular filters on the mel scale (MelWeightMatrix-17).", infer_mel, mel_weight_matrix},
    {"", "HannWindow", "0.5 - 0.5 cos.", infer_window, window<WindowKind::hann>},
    {"", "HammingWindow", "25/46 - 21/46 cos.", infer_window, window<WindowKind::hamming>},
    {"", "BlackmanWindow", "0.42 - 0.5 cos + 0.08 cos of twice the angle.", infer_window, window<WindowKind::blackman>},
};

}  // namespace

DECANT_AT_START std::span<const Op> signal_ops() { return kOps; }

}  // namespace decant
