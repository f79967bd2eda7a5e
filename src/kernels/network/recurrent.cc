// SPDX-License-Identifier: Apache-2.0
// LSTM, GRU and RNN in float32: what the inputs add to the gates is one product for all steps; then a product and a row of gates for each step.
#include <algorithm>

#include "kernels/network/activate.h"
#include "kernels/network/compiled.h"
#include "kernels/network/gemm.h"
#include "kernels/network/rows.h"
#include "ops/kernel.h"

namespace decant {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

struct Direction {
  PackedMatrix w, r;        // of the inputs, of the state
  PackedMatrix r_hidden;    // GRU without linear_before_reset: of the state that the gate has let through; r has the gates alone
  std::vector<float> bias;  // added once, to what the inputs give
  std::vector<float> state_bias;  // GRU with linear_before_reset
  const float* peepholes = nullptr;
};

// What the three layers have in common.
struct Layer {
  std::size_t directions = 1, steps = 0, batch = 0, inputs = 0, hidden = 0, gates = 0;  // gates: numbers, not kinds
  bool reverse = false, y = false, y_h = false, y_c = false;
  unsigned threads = 1;
  std::vector<Direction> all;
  std::optional<Tensor> peepholes;  // kept: directions point into it

  std::size_t line() const { return steps * batch * gates; }
  std::size_t state() const { return batch * hidden; }
  std::size_t step_of(std::size_t d, std::size_t s) const { return reverse || d == 1 ? steps - 1 - s : s; }
};

const float* data_of(const PackedMatrix& m) { return reinterpret_cast<const float*>(m.data.bytes.data()); }

// Nothing where only the reference kernel does it: lengths of sequences, unusual activations, weights that are no constants.
std::shared_ptr<Layer> layer_of(const CompileContext& c, std::size_t kinds, const std::vector<std::string>& usual) {
  if (!c.all_float() || c.inputs.size() < 3 || c.has("clip") || c.integer("input_forget", 0) != 0 || c.integer("layout", 0) != 0) return nullptr;
  if (c.has(4)) return nullptr;  // sequence_lens
  const Tensor *w = c.inputs[1].constant, *r = c.inputs[2].constant, *b = c.has(3) ? c.inputs[3].constant : nullptr, *p = c.has(7) ? c.inputs[7].constant : nullptr;
  const Shape& x = c.inputs[0].shape;
  if (w == nullptr || r == nullptr || (c.has(3) && b == nullptr) || (c.has(7) && p == nullptr) || x.size() != 3 || w->rank() != 3 || r->rank() != 3) return nullptr;
  const std::string_view way = c.text("direction", "forward");
  if (way != "forward" && way != "reverse" && way != "bidirectional") return nullptr;
  auto out = std::make_shared<Layer>();
  Layer& l = *out;
  l.directions = way == "bidirectional" ? 2 : 1;
  l.reverse = way == "reverse";
  l.steps = size(x[0]), l.batch = size(x[1]), l.inputs = size(x[2]), l.hidden = size(r->dim(2)), l.gates = kinds * l.hidden;
  l.threads = c.threads;
  const std::vector<std::string> named = c.texts("activations");
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (named.size() != usual.size() * l.directions || named[i] != usual[i % usual.size()]) return nullptr;
  }
  const auto is = [](const Tensor* t, const Shape& shape) { return t == nullptr || t->shape() == shape; };
  const auto n = [](std::size_t v) { return static_cast<std::int64_t>(v); };
  if (!is(w, {n(l.directions), n(l.gates), n(l.inputs)}) || !is(r, {n(l.directions), n(l.gates), n(l.hidden)}) || !is(b, {n(l.directions), n(2 * l.gates)}) || !is(p, {n(l.directions), n(3 * l.hidden)})) return nullptr;
  if (l.steps == 0 || l.batch == 0 || l.inputs == 0 || l.hidden == 0) return nullptr;
  for (const std::size_t i : {5, 6}) {
    if (c.has(i) && c.inputs[i].shape != Shape{n(l.directions), n(l.batch), n(l.hidden)}) return nullptr;
  }
  const auto wanted = [&](std::size_t i) { return i < c.outputs.size() && c.outputs[i].present(); };
  l.y = wanted(0), l.y_h = wanted(1), l.y_c = wanted(2);
  if (p != nullptr) l.peepholes = *p;
  // GRU: of the two biases of the hidden gate that of the state is inside of what the reset gate lets through.
  const bool gru = kinds == 3, linear_first = gru && c.integer("linear_before_reset", 0) != 0;
  for (std::size_t d = 0; d < l.directions; ++d) {
    Direction one;
    const float *weights = w->data<float>().data() + d * l.gates * l.inputs, *own = r->data<float>().data() + d * l.gates * l.hidden;
    one.w = packed(weights, 1, l.inputs, l.inputs, l.gates);
    one.r = packed(own, 1, l.hidden, l.hidden, gru && !linear_first ? 2 * l.hidden : l.gates);
    if (gru && !linear_first) one.r_hidden = packed(own + 2 * l.hidden * l.hidden, 1, l.hidden, l.hidden, l.hidden);
    one.bias.assign(l.gates, 0.0f);
    if (linear_first) one.state_bias.assign(l.gates, 0.0f);
    for (std::size_t i = 0; b != nullptr && i < l.gates; ++i) {
      const float *both = b->data<float>().data() + d * 2 * l.gates, of_input = both[i], of_state = both[l.gates + i];
      one.bias[i] = of_input;
      if (linear_first && i >= 2 * l.hidden) one.state_bias[i] = of_state;
      else one.bias[i] += of_state;
    }
    if (p != nullptr) one.peepholes = l.peepholes->data<float>().data() + d * 3 * l.hidden;
    l.all.push_back(std::move(one));
  }
  return out;
}

// What the inputs give in all steps, from_input [steps, batch, gates]; then step(direction, from_input of the step, h or null, next) for each
// step, of which the state `next` is the new one.
template <class Step>
void run_layer(const Layer& l, const Places& at, float* from_input, float* spare, float* scratch, const Step& step) {
  for (std::size_t d = 0; d < l.directions; ++d) {
    Gemm g;
    g.m = l.steps * l.batch, g.n = g.c_stride = l.gates, g.k = g.a_stride = l.inputs;
    g.a = at.input<float>(0), g.b = data_of(l.all[d].w), g.c = from_input, g.bias = l.all[d].bias.data();
    gemm(g, scratch, l.threads);
    const float* h = at.input<float>(5) == nullptr ? nullptr : at.input<float>(5) + d * l.state();
    for (std::size_t s = 0; s < l.steps; ++s) {
      const std::size_t t = l.step_of(d, s);
      // Y is [steps, directions, batch, hidden]; without it two places take turns.
      float* next = l.y ? at.output<float>(0) + (t * l.directions + d) * l.state() : spare + (s % 2) * l.state();
      step(d, s, from_input + t * l.batch * l.gates, h, next);
      h = next;
    }
    if (l.y_h) std::copy_n(h, l.state(), at.output<float>(1) + d * l.state());
  }
}

// c[batch, n] = act(h * r + residual + bias), where c has rows `stride` apart, and so the residual, which may be c.
void times_state(const Layer& l, const float* h, const PackedMatrix& r, float* c, std::size_t stride, const float* residual, const float* bias, Act act, float* scratch) {
  Gemm g;
  g.m = l.batch, g.n = r.n, g.c_stride = stride, g.k = g.a_stride = l.hidden;
  g.a = h, g.b = data_of(r), g.c = c, g.residual = residual, g.bias = bias, g.act = {act};
  gemm(g, scratch, l.threads);
}

// What is not looked at while running, and the scratch memory: the inputs' part, two states that take turns, `more` floats, a product's own.
void prepare(const Layer& l, Compiled& out, std::size_t more) {
  for (const std::size_t i : {1, 2, 3, 7}) {
    if (i < out.reads.size()) out.reads[i] = false;
  }
  const std::size_t own = std::max(gemm_scratch(l.steps * l.batch, l.gates, l.inputs, l.threads), gemm_scratch(l.batch, l.gates, l.hidden, l.threads));
  out.scratch = (l.line() + 2 * l.state() + more + own) * sizeof(float);
}

CompiledPtr lstm(const CompileContext& c) {
  const std::shared_ptr<const Layer> layer = layer_of(c, 4, {"Sigmoid", "Tanh", "Tanh"});
  if (layer == nullptr) return nullptr;
  auto out = simple(c, [layer](const Places& at) {
    const Layer& l = *layer;
    float *from_input = reinterpret_cast<float*>(at.scratch), *spare = from_input + l.line(), *cell = spare + 2 * l.state(), *scratch = cell + l.state();
    run_layer(l, at, from_input, spare, scratch, [&](std::size_t d, std::size_t s, float* now, const float* h, float* next) {
      if (s == 0 && at.input<float>(6) == nullptr) std::fill_n(cell, l.state(), 0.0f);
      else if (s == 0) std::copy_n(at.input<float>(6) + d * l.state(), l.state(), cell);
      if (h != nullptr) times_state(l, h, l.all[d].r, now, l.gates, now, nullptr, Act::none, scratch);
      for (std::size_t i = 0; i < l.batch; ++i) lstm_row(now + i * l.gates, l.all[d].peepholes, cell + i * l.hidden, next + i * l.hidden, l.hidden);
      if (s + 1 == l.steps && l.y_c) std::copy_n(cell, l.state(), at.output<float>(2) + d * l.state());
    });
  });
  prepare(*layer, *out, layer->state());
  return out;
}

CompiledPtr rnn(const CompileContext& c) {
  Act act = Act::tanh;
  std::shared_ptr<const Layer> layer = layer_of(c, 1, {"Tanh"});
  if (layer == nullptr) layer = layer_of(c, 1, {"Relu"}), act = Act::relu;
  if (layer == nullptr) return nullptr;
  auto out = simple(c, [layer, act](const Places& at) {
    const Layer& l = *layer;
    float *from_input = reinterpret_cast<float*>(at.scratch), *spare = from_input + l.line(), *scratch = spare + 2 * l.state();
    run_layer(l, at, from_input, spare, scratch, [&](std::size_t d, std::size_t, const float* now, const float* h, float* next) {
      if (h != nullptr) times_state(l, h, l.all[d].r, next, l.hidden, now, nullptr, act, scratch);
      else activate({act}, now, next, l.state());
    });
  });
  prepare(*layer, *out, 0);
  return out;
}

// h' = (1 - z) n + z h with z, r = sigmoid(x + R h) and n = tanh(x + R (r h)), or with linear_before_reset tanh(x + r (R h + b)) (GRU-22).
CompiledPtr gru(const CompileContext& c) {
  const std::shared_ptr<const Layer> layer = layer_of(c, 3, {"Sigmoid", "Tanh"});
  if (layer == nullptr) return nullptr;
  auto out = simple(c, [layer, linear_first = c.integer("linear_before_reset", 0) != 0](const Places& at) {
    const Layer& l = *layer;
    float *from_input = reinterpret_cast<float*>(at.scratch), *spare = from_input + l.line(), *part = spare + 2 * l.state(), *zeros = part + l.batch * l.gates, *scratch = zeros + l.state();
    std::fill_n(zeros, l.state(), 0.0f);
    const std::size_t n = l.hidden;
    run_layer(l, at, from_input, spare, scratch, [&](std::size_t d, std::size_t, float* now, const float* before, float* next) {
      const Direction& one = l.all[d];
      const float* h = before != nullptr ? before : zeros;
      if (linear_first) times_state(l, h, one.r, part, l.gates, nullptr, one.state_bias.data(), Act::none, scratch);
      else times_state(l, h, one.r, now, l.gates, now, nullptr, Act::sigmoid, scratch);
      for (std::size_t i = 0; i < l.batch; ++i) {
        float *z = now + i * l.gates, *r = z + n, *own = part + i * l.gates;
        if (linear_first) {
          binary_row(Binary::add, z, 1, own, 1, z, 2 * n);
          activate({Act::sigmoid}, z, z, 2 * n);
          binary_row(Binary::mul, r, 1, own + 2 * n, 1, r, n);
          binary_row(Binary::add, r + n, 1, r, 1, r + n, n);
        } else {
          binary_row(Binary::mul, r, 1, h + i * n, 1, part + i * n, n);  // what the gate lets through, rows beside each other
        }
      }
      if (!linear_first) times_state(l, part, one.r_hidden, now + 2 * n, l.gates, now + 2 * n, nullptr, Act::none, scratch);
      for (std::size_t i = 0; i < l.batch; ++i) {
        float *z = now + i * l.gates, *candidate = z + 2 * n, *to = next + i * n;
        activate({Act::tanh}, candidate, candidate, n);
        binary_row(Binary::sub, h + i * n, 1, candidate, 1, to, n);
        binary_row(Binary::mul, to, 1, z, 1, to, n);
        binary_row(Binary::add, to, 1, candidate, 1, to, n);
      }
    });
  });
  prepare(*layer, *out, layer->batch * layer->gates + layer->state());
  return out;
}

constexpr CompileEntry kEntries[] = {{"", "LSTM", lstm}, {"", "GRU", gru}, {"", "RNN", rnn}};

}  // namespace

DECANT_AT_START std::span<const CompileEntry> recurrent_entries() { return kEntries; }

}  // namespace decant
