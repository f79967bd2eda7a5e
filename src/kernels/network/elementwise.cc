// SPDX-License-Identifier: Apache-2.0
// Functions of one number and of two, with broadcasting, in float32. Values in a layout of oneDNN's are walked as they lie.
#include <algorithm>

#include "kernels/network/activate.h"
#include "kernels/network/compiled.h"
#include "kernels/network/rows.h"
#include "kernels/parallel.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// Below this many elements a second thread costs more than it saves.
constexpr std::size_t kWorth = 1 << 15;
std::size_t parts_of(std::size_t count, unsigned threads) { return std::clamp<std::size_t>(count / kWorth, 1, threads); }

CompiledPtr unary(const CompileContext& c) {
  if (!c.all_float()) return nullptr;
  std::optional<Activation> f;
  if (c.node().domain == "decant") {
    f = Activation{Act::silu};
  } else {
    const auto constant = [&](std::size_t i) { return c.has(i) ? c.inputs[i].constant : nullptr; };
    f = activation_of_op(c, constant(1), constant(2));
  }
  if (!f) return nullptr;
  const Operand& x = c.inputs[0];
  // What fills a blocked layout up must stay 0: the next convolution multiplies it.
  const LayoutPtr layout = f->keeps_zero() ? x.layout : nullptr;
  const std::size_t count = bytes_of(layout, x.dtype, x.shape) / sizeof(float), parts = parts_of(count, c.threads);
  auto out = simple(c, [f = *f, count, parts](const Places& p) {
    const float* in = p.input<float>(0);
    float* to = p.output<float>(0);
    parallel(parts, [&](std::size_t part) {
      const Share s = share(count, parts, part);
      activate(f, in + s.begin, to + s.begin, s.end - s.begin);
    });
  });
  out->wants[0] = out->gives[0] = layout;
  std::fill(out->reads.begin() + 1, out->reads.end(), false);
  out->may_overwrite = true;
  return out;
}

template <Binary kOp>
CompiledPtr binary(const CompileContext& c) {
  if (!c.all_float() || c.inputs.size() != 2 || !c.has(0) || !c.has(1)) return nullptr;
  const Operand &a = c.inputs[0], &b = c.inputs[1];
  if (a.shape == b.shape && a.layout != nullptr && same_layout(a.layout, b.layout) && kOp != Binary::div) {
    const std::size_t count = bytes_of(a.layout, a.dtype, a.shape) / sizeof(float), parts = parts_of(count, c.threads);
    auto out = simple(c, [count, parts](const Places& p) {
      parallel(parts, [&](std::size_t part) {
        const Share s = share(count, parts, part);
        binary_row(kOp, p.input<float>(0) + s.begin, 1, p.input<float>(1) + s.begin, 1, p.output<float>(0) + s.begin, s.end - s.begin);
      });
    });
    out->wants = {a.layout, a.layout};
    out->gives = {a.layout};
    out->may_overwrite = true;
    return out;
  }
  const auto loops = broadcast<2>(c, {&a.shape, &b.shape});
  if (loops.shape != c.outputs[0].shape) return nullptr;
  const std::size_t rank = loops.loops.size();
  if (count_of(loops.shape) == 0 || (rank > 0 && (loops.strides[0][rank - 1] > 1 || loops.strides[1][rank - 1] > 1))) return nullptr;
  // The rows, with where they begin, are listed once.
  struct Row {
    std::size_t a, b;
  };
  std::vector<Row> rows;
  std::size_t n = 1, a_step = 0, b_step = 0;
  if (rank > 0) n = static_cast<std::size_t>(loops.loops[rank - 1]), a_step = static_cast<std::size_t>(loops.strides[0][rank - 1]), b_step = static_cast<std::size_t>(loops.strides[1][rank - 1]);
  const std::size_t count = c.outputs[0].count();
  if (count / n > (1 << 20)) return nullptr;
  loops.each_row([&](std::int64_t, const auto& at, std::int64_t, const auto&) { rows.push_back({static_cast<std::size_t>(at[0]), static_cast<std::size_t>(at[1])}); });
  const std::size_t parts = std::min(parts_of(count, c.threads), rows.size() == 1 ? n : rows.size());
  auto out = simple(c, [rows = std::move(rows), n, a_step, b_step, parts](const Places& p) {
    const float *x = p.input<float>(0), *y = p.input<float>(1);
    float* to = p.output<float>(0);
    parallel(parts, [&](std::size_t part) {
      if (rows.size() == 1) {
        const Share s = share(n, parts, part);
        binary_row(kOp, x + s.begin * a_step, a_step, y + s.begin * b_step, b_step, to + s.begin, s.end - s.begin);
        return;
      }
      const Share s = share(rows.size(), parts, part);
      for (std::size_t r = s.begin; r < s.end; ++r) binary_row(kOp, x + rows[r].a, a_step, y + rows[r].b, b_step, to + r * n, n);
    });
  });
  out->may_overwrite = a.shape == c.outputs[0].shape;
  return out;
}

constexpr CompileEntry kEntries[] = {
    {"", "Relu", unary},     {"", "Clip", unary},     {"", "LeakyRelu", unary}, {"", "Sigmoid", unary}, {"", "Tanh", unary}, {"", "HardSigmoid", unary},
    {"", "HardSwish", unary}, {"", "Swish", unary},   {"", "Gelu", unary},      {"", "Elu", unary},     {"", "Erf", unary},  {"", "Exp", unary},
    {"", "Sqrt", unary},     {"", "Abs", unary},      {"", "Neg", unary},       {"decant", "SiLU", unary},
    {"", "Add", binary<Binary::add>}, {"", "Sub", binary<Binary::sub>}, {"", "Mul", binary<Binary::mul>}, {"", "Div", binary<Binary::div>},
};

}  // namespace

DECANT_AT_START std::span<const CompileEntry> elementwise_entries() { return kEntries; }

}  // namespace decant
