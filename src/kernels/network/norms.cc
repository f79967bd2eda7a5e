// SPDX-License-Identifier: Apache-2.0
// Operators that work on rows: Softmax and LayerNormalization over the last axes, normalizations of channels, GlobalAveragePool and ReduceMean
// of what lies in rows.
#include <algorithm>
#include <cmath>

#include "kernels/network/compiled.h"
#include "kernels/network/rows.h"
#include "kernels/parallel.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::size_t parts_of(std::size_t rows, std::size_t length, unsigned threads) { return std::clamp<std::size_t>(rows * length / (1 << 13), 1, std::min<std::size_t>(threads, std::max<std::size_t>(rows, 1))); }

CompiledPtr softmax(const CompileContext& c) {
  if (!c.all_float()) return nullptr;
  const Operand& x = c.inputs[0];
  if (x.shape.empty() || axis_of(c, c.integer("axis", -1), x.shape.size()) + 1 != x.shape.size()) return nullptr;
  const std::size_t n = static_cast<std::size_t>(x.shape.back());
  if (n == 0 || x.count() == 0) return nullptr;
  const std::size_t rows = x.count() / n, parts = parts_of(rows, n, c.threads);
  auto out = simple(c, [rows, n, parts](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      const Share s = share(rows, parts, part);
      for (std::size_t r = s.begin; r < s.end; ++r) softmax_row(p.input<float>(0) + r * n, 1.0f, nullptr, p.output<float>(0) + r * n, n);
    });
  });
  out->may_overwrite = true;
  return out;
}

CompiledPtr layer_norm(const CompileContext& c) {
  if (!c.all_float() || c.outputs.size() != 1 || c.integer("stash_type", 1) != 1) return nullptr;
  const Operand& x = c.inputs[0];
  if (x.shape.empty()) return nullptr;
  const std::size_t axis = axis_of(c, c.integer("axis", -1), x.shape.size());
  const std::size_t n = count_of(Shape(x.shape.begin() + static_cast<std::ptrdiff_t>(axis), x.shape.end()));
  if (n == 0 || x.count() == 0 || !c.has(1) || c.inputs[1].count() != n || (c.has(2) && c.inputs[2].count() != n)) return nullptr;
  const std::size_t rows = x.count() / n, parts = parts_of(rows, n, c.threads);
  auto out = simple(c, [rows, n, parts, epsilon = static_cast<float>(c.real("epsilon", 1e-5))](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      const Share s = share(rows, parts, part);
      for (std::size_t r = s.begin; r < s.end; ++r) norm_row(p.input<float>(0) + r * n, epsilon, p.input<float>(1), p.input<float>(2), p.output<float>(0) + r * n, n);
    });
  });
  out->may_overwrite = true;
  return out;
}

// BatchNormalization that no convolution could take in: statistics, scale and shift are known.
CompiledPtr batch_norm(const CompileContext& c) {
  if (!c.all_float() || c.inputs.size() != 5 || c.outputs.size() != 1 || c.integer("training_mode", 0) != 0) return nullptr;
  const Operand& x = c.inputs[0];
  if (x.shape.size() < 2 || x.count() == 0) return nullptr;
  const auto channels = static_cast<std::size_t>(x.shape[1]);
  struct Channel {
    float mean, factor, shift;
  };
  std::vector<Channel> all(channels);
  for (std::size_t i = 1; i < 5; ++i) {
    if (!c.has(i) || c.inputs[i].constant == nullptr || c.inputs[i].shape != Shape{x.shape[1]}) return nullptr;
  }
  const auto of = [&](std::size_t i, std::size_t ch) { return c.inputs[i].constant->data<float>()[ch]; };
  for (std::size_t ch = 0; ch < channels; ++ch) all[ch] = {of(3, ch), of(1, ch) / std::sqrt(of(4, ch) + static_cast<float>(c.real("epsilon", 1e-5))), of(2, ch)};
  const std::size_t rows = static_cast<std::size_t>(x.shape[0]) * channels, n = x.count() / rows, parts = parts_of(rows, n, c.threads);
  auto out = simple(c, [rows, n, parts, channels, all = std::move(all)](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      const Share s = share(rows, parts, part);
      for (std::size_t r = s.begin; r < s.end; ++r) {
        const Channel& ch = all[r % channels];
        scale_row(p.input<float>(0) + r * n, ch.mean, ch.factor, ch.shift, p.output<float>(0) + r * n, n);
      }
    });
  });
  std::fill(out->reads.begin() + 1, out->reads.end(), false);
  out->may_overwrite = true;
  return out;
}

// InstanceNormalization, and GroupNormalization, of which it is the case that each channel is a group. Scale and shift: one for each channel, or
// (GroupNormalization-18) for each group.
CompiledPtr group_norm(const CompileContext& c) {
  if (!c.all_float() || c.inputs.size() != 3 || !c.has(1) || !c.has(2) || c.outputs.size() != 1) return nullptr;
  const Operand& x = c.inputs[0];
  if (x.shape.size() < 2 || x.count() == 0) return nullptr;
  const std::int64_t channels = x.shape[1], groups = c.node().op == "InstanceNormalization" ? channels : c.integer("num_groups");
  if (groups < 1 || channels % groups != 0) return nullptr;
  const Shape each_channel{channels}, each_group{groups};
  const bool by_group = c.inputs[1].shape == each_group;
  if ((!by_group && c.inputs[1].shape != each_channel) || c.inputs[2].shape != c.inputs[1].shape) return nullptr;
  const std::size_t count = static_cast<std::size_t>(groups), members = static_cast<std::size_t>(channels / groups), rows = static_cast<std::size_t>(x.shape[0]) * count, n = x.count() / rows / members;
  const std::size_t parts = parts_of(rows, n * members, c.threads);
  auto out = simple(c, [=, epsilon = static_cast<float>(c.real("epsilon", 1e-5))](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      const Share s = share(rows, parts, part);
      for (std::size_t r = s.begin; r < s.end; ++r) {
        const float* from = p.input<float>(0) + r * n * members;
        float* to = p.output<float>(0) + r * n * members;
        const Moments moments = moments_row(from, n * members);
        const float by = 1.0f / std::sqrt(moments.variance + epsilon);
        for (std::size_t m = 0; m < members; ++m) {
          const std::size_t which = by_group ? r % count : r % count * members + m;
          scale_row(from + m * n, moments.mean, by * p.input<float>(1)[which], p.input<float>(2)[which], to + m * n, n);
        }
      }
    });
  });
  out->may_overwrite = true;
  return out;
}

// The mean of rows of `n`.
CompiledPtr means(const CompileContext& c, std::size_t rows, std::size_t n) {
  if (rows == 0 || n == 0) return nullptr;
  const std::size_t parts = parts_of(rows, n, c.threads);
  auto out = simple(c, [rows, n, parts](const Places& p) {
    parallel(parts, [&](std::size_t part) {
      const Share s = share(rows, parts, part);
      for (std::size_t r = s.begin; r < s.end; ++r) p.output<float>(0)[r] = static_cast<float>(sum_row(p.input<float>(0) + r * n, n) / static_cast<double>(n));
    });
  });
  std::fill(out->reads.begin() + 1, out->reads.end(), false);
  return out;
}

CompiledPtr global_average(const CompileContext& c) {
  if (!c.all_float() || c.inputs[0].shape.size() < 3) return nullptr;
  const std::size_t rows = static_cast<std::size_t>(c.inputs[0].shape[0] * c.inputs[0].shape[1]);
  return rows == 0 ? nullptr : means(c, rows, c.inputs[0].count() / rows);
}

CompiledPtr reduce_mean(const CompileContext& c) {
  const Operand& x = c.inputs[0];
  if (x.dtype != DType::float32 || x.shape.empty()) return nullptr;
  std::vector<std::int64_t> axes = c.integers("axes");
  if (c.has(1)) {
    if (c.inputs[1].constant == nullptr) return nullptr;
    axes = integers_of(c, *c.inputs[1].constant);
  }
  if (axes.empty()) return nullptr;
  const std::vector<std::size_t> sorted = axes_of(c, axes, x.shape.size());
  std::size_t n = 1;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != x.shape.size() - sorted.size() + i) return nullptr;  // only the last ones
    n *= static_cast<std::size_t>(x.shape[sorted[i]]);
  }
  return n == 0 ? nullptr : means(c, x.count() / n, n);
}

constexpr CompileEntry kEntries[] = {
    {"", "Softmax", softmax}, {"", "LayerNormalization", layer_norm}, {"", "BatchNormalization", batch_norm}, {"", "InstanceNormalization", group_norm}, {"", "GroupNormalization", group_norm}, {"", "GlobalAveragePool", global_average}, {"", "ReduceMean", reduce_mean}};

}  // namespace

DECANT_AT_START std::span<const CompileEntry> rows_entries() { return kEntries; }

}  // namespace decant
