// SPDX-License-Identifier: Apache-2.0
// LSTM in float32: what the inputs add to the gates is one product for all steps; then a product and a row of gates for each step.
#include <algorithm>

#include "kernels/network/compiled.h"
#include "kernels/network/gemm.h"
#include "kernels/network/rows.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

struct Direction {
  PackedMatrix w, r;
  std::vector<float> bias;
  const float* peepholes = nullptr;
};

CompiledPtr lstm(const CompileContext& c) {
  if (!c.all_float() || c.inputs.size() < 3 || c.has("activations") || c.has("clip") || c.integer("input_forget", 0) != 0 || c.integer("layout", 0) != 0) return nullptr;
  if (c.has(4)) return nullptr;  // sequence_lens
  const Tensor *w = c.inputs[1].constant, *r = c.inputs[2].constant, *b = c.has(3) ? c.inputs[3].constant : nullptr, *p = c.has(7) ? c.inputs[7].constant : nullptr;
  const Shape& x = c.inputs[0].shape;
  if (w == nullptr || r == nullptr || (c.has(3) && b == nullptr) || (c.has(7) && p == nullptr) || x.size() != 3 || w->rank() != 3 || r->rank() != 3) return nullptr;
  const std::string_view way = c.text("direction", "forward");
  const std::size_t directions = way == "bidirectional" ? 2 : 1, steps = size(x[0]), batch = size(x[1]), inputs = size(x[2]), hidden = size(r->dim(2)), gates = 4 * hidden;
  if (way != "forward" && way != "reverse" && way != "bidirectional") return nullptr;
  const auto is = [](const Tensor* t, const Shape& shape) { return t == nullptr || t->shape() == shape; };
  const auto n = [](std::size_t v) { return static_cast<std::int64_t>(v); };
  if (!is(w, {n(directions), n(gates), n(inputs)}) || !is(r, {n(directions), n(gates), n(hidden)}) || !is(b, {n(directions), n(2 * gates)}) || !is(p, {n(directions), n(3 * hidden)})) return nullptr;
  if (steps == 0 || batch == 0 || inputs == 0 || hidden == 0) return nullptr;
  for (const std::size_t i : {5, 6}) {
    if (c.has(i) && c.inputs[i].shape != Shape{n(directions), n(batch), n(hidden)}) return nullptr;
  }
  auto all = std::make_shared<std::vector<Direction>>(directions);
  for (std::size_t d = 0; d < directions; ++d) {
    Direction& one = (*all)[d];
    one.w = packed(w->data<float>().data() + d * gates * inputs, 1, inputs, inputs, gates);
    one.r = packed(r->data<float>().data() + d * gates * hidden, 1, hidden, hidden, gates);
    one.bias.assign(gates, 0.0f);
    for (std::size_t i = 0; b != nullptr && i < gates; ++i) one.bias[i] = b->data<float>()[d * 2 * gates + i] + b->data<float>()[d * 2 * gates + gates + i];
    if (p != nullptr) one.peepholes = p->data<float>().data() + d * 3 * hidden;
  }
  const std::size_t line = steps * batch * gates, state = batch * hidden;
  const std::size_t own = std::max(gemm_scratch(steps * batch, gates, inputs, c.threads), gemm_scratch(batch, gates, hidden, c.threads));
  const bool y = !c.outputs.empty() && c.outputs[0].present(), y_h = c.outputs.size() > 1 && c.outputs[1].present(), y_c = c.outputs.size() > 2 && c.outputs[2].present();
  std::optional<Tensor> keep = p == nullptr ? std::nullopt : std::optional(*p);
  auto out = simple(c, [=, threads = c.threads, reverse = way == "reverse", weights = std::shared_ptr<const std::vector<Direction>>(all)](const Places& at) {
    float *from_input = reinterpret_cast<float*>(at.scratch), *cell = from_input + line, *spare = cell + state, *scratch = spare + 2 * state;
    for (std::size_t d = 0; d < directions; ++d) {
      const Direction& one = (*weights)[d];
      Gemm g;
      g.m = steps * batch, g.n = g.c_stride = gates, g.k = g.a_stride = inputs;
      g.a = at.input<float>(0), g.b = reinterpret_cast<const float*>(one.w.data.bytes.data()), g.c = from_input, g.bias = one.bias.data();
      gemm(g, scratch, threads);
      const float* h = at.input<float>(5) == nullptr ? nullptr : at.input<float>(5) + d * state;
      if (at.input<float>(6) == nullptr) std::fill_n(cell, state, 0.0f);
      else std::copy_n(at.input<float>(6) + d * state, state, cell);
      for (std::size_t s = 0; s < steps; ++s) {
        const std::size_t t = reverse || d == 1 ? steps - 1 - s : s;
        float* now = from_input + t * batch * gates;
        if (h != nullptr) {
          Gemm step;
          step.m = batch, step.n = step.c_stride = gates, step.k = step.a_stride = hidden;
          step.a = h, step.b = reinterpret_cast<const float*>(one.r.data.bytes.data()), step.c = now, step.residual = now;
          gemm(step, scratch, threads);
        }
        // Y is [steps, directions, batch, hidden]; without it two places take turns.
        float* next = y ? at.output<float>(0) + (t * directions + d) * state : spare + (s % 2) * state;
        for (std::size_t i = 0; i < batch; ++i) lstm_row(now + i * gates, one.peepholes, cell + i * hidden, next + i * hidden, hidden);
        h = next;
      }
      if (y_h) std::copy_n(h, state, at.output<float>(1) + d * state);
      if (y_c) std::copy_n(cell, state, at.output<float>(2) + d * state);
    }
  });
  for (const std::size_t i : {1, 2, 3, 7}) {
    if (i < out->reads.size()) out->reads[i] = false;
  }
  out->scratch = (line + 3 * state + own) * sizeof(float);
  return out;
}

constexpr CompileEntry kEntries[] = {{"", "LSTM", lstm}};

}  // namespace

std::span<const CompileEntry> recurrent_entries() { return kEntries; }

}  // namespace decant
