// SPDX-License-Identifier: Apache-2.0
// The core of attention, for ai.onnx and com.microsoft: softmax(scale * Q K' + bias) V, head by head.
#pragma once

#include <functional>

#include "ops/widen.h"

namespace decant {

struct Heads {
  std::int64_t batch = 0, q = 0, kv = 0, q_length = 0, kv_length = 0, size = 0, v_size = 0;
};

/// [B, L, H * D] as [B, H, L, D]; a value of rank 4 as it is. T of RealTypes.
Tensor split_heads(const AttributeView& node, const Tensor& t, std::int64_t heads);
/// [B, H, L, D] as [B, L, H * D].
Tensor joined_heads(const Tensor& t);
/// Along dimension 2 of [B, H, L, D].
Tensor joined_lengths(const AttributeView& node, const Tensor& past, const Tensor& now);

struct AttendOptions {
  double scale = 0;    // of the product of a query and a key; 0: 1 / sqrt(size)
  double softcap = 0;  // softcap * tanh(x / softcap), before the bias
  int keep = -1;       // what `kept` takes: 0 products, 1 after softcap, 2 with bias, 3 probabilities
};
/// q [B, Hq, Lq, D], k [B, Hkv, Lk, D], v [B, Hkv, Lk, Dv], of one type out of RealTypes: the result is [B, Hq, Lq, Dv]. `bias(b, h, i, row)`
/// adds to the row of Lk numbers; -infinity hides a key. A query that sees no key gives 0. `kept` may be null.
using RowBias = std::function<void(std::int64_t b, std::int64_t h, std::int64_t i, std::span<double> row)>;
Tensor attend(const AttributeView& node, const Tensor& q, const Tensor& k, const Tensor& v, const AttendOptions& options, const RowBias& bias, Tensor* kept);

/// A mask that broadcasts to [B, H, Lq, Lk]: boolean (true is seen) or a number to add. Its last dimension may be shorter: what is missing is
/// hidden. Adds row i of head h of batch b to `row`.
class Mask {
 public:
  Mask(const AttributeView& node, const Tensor& mask, const Heads& heads);
  void add(std::int64_t b, std::int64_t h, std::int64_t i, std::span<double> row) const;

 private:
  Tensor values_;  // float64
  std::int64_t step_[3] = {}, width_ = 0;
  bool one_ = false;  // one number for all keys
};

}  // namespace decant
