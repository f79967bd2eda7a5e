// SPDX-License-Identifier: Apache-2.0
// What the classifiers and regressors of ai.onnx.ml share: post transforms, labels, and the second column of a binary classifier.
#pragma once

#include <algorithm>
#include <cmath>

#include "ops/kernel.h"

namespace decant {

/// Numbered as in TreeEnsemble-5.
enum class PostTransform : std::uint8_t { none = 0, softmax = 1, logistic = 2, softmax_zero = 3, probit = 4 };
PostTransform transform_named(const AttributeView& c, std::string_view name);

/// The inverse of the error function, to about 1e-7: what PROBIT is defined by (Winitzki's approximation, as onnxruntime computes it).
double erf_inverse(double x);

template <class T>
T logistic(T x) {
  const T v = T{1} / (T{1} + std::exp(-std::fabs(x)));
  return x < 0 ? T{1} - v : v;
}

/// In place, over one row of scores.
template <class T>
void apply_transform(PostTransform transform, std::span<T> s) {
  switch (transform) {
    case PostTransform::none: return;
    case PostTransform::logistic:
      for (T& x : s) x = logistic(x);
      return;
    case PostTransform::probit:
      for (T& x : s) x = static_cast<T>(std::sqrt(2.0) * erf_inverse(2 * static_cast<double>(x) - 1));
      return;
    case PostTransform::softmax:
    case PostTransform::softmax_zero: {  // where zeros stay zeros and do not count
      if (s.empty()) return;
      const bool skip = transform == PostTransform::softmax_zero;
      const auto is_zero = [&](T x) { return skip && std::fabs(x) < T(1e-7); };
      const T most = *std::max_element(s.begin(), s.end());
      T sum = 0;
      for (T& x : s) {
        if (is_zero(x)) x *= std::exp(-most);
        else x = std::exp(x - most), sum += x;
      }
      for (T& x : s) x = sum == 0 ? x : x / sum;
    }
  }
}

/// Both columns of a binary classifier that computes one score: 1 - s and s of a probability, else -s and s, each through LOGISTIC where asked.
template <class T>
std::vector<T> pair_of(PostTransform transform, T score, bool probability) {
  if (transform == PostTransform::probit) {
    std::vector<T> one{score};
    apply_transform(transform, std::span<T>(one));
    return {1 - one[0], one[0]};
  }
  if (probability) return {1 - score, score};
  if (transform == PostTransform::logistic) return {logistic(-score), logistic(score)};
  return {-score, score};
}

/// Class labels, integers or strings.
struct Labels {
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
  std::int64_t count() const { return static_cast<std::int64_t>(texts.empty() ? numbers.size() : texts.size()); }
  DType dtype() const { return texts.empty() ? DType::int64 : DType::string; }
  /// The labels at `winners`; an index beyond them is itself the label.
  Tensor pick(const std::vector<std::int64_t>& winners) const;
};
/// From classlabels_strings and classlabels_int64s or classlabels_ints.
Labels labels_of(const AttributeView& c);

}  // namespace decant
