// SPDX-License-Identifier: Apache-2.0
// RNN, GRU, LSTM (ai.onnx 22): one layer, one or two directions. What the inputs add to the gates is one matrix product for all steps; each
// step adds what the state before it does.
#include "ops/recurrent.h"

#include <cmath>

#include "ops/gemm.h"
#include "ops/widen.h"

namespace decant {
namespace {

template <class T>
struct Activation {
  enum Kind { relu, tanh, sigmoid, affine, leaky_relu, thresholded_relu, scaled_tanh, hard_sigmoid, elu, softsign, softplus };
  Kind kind = sigmoid;
  T alpha = 0, beta = 0;

  T operator()(T x) const {
    switch (kind) {
      case relu: return std::max(T{0}, x);
      case tanh: return std::tanh(x);
      case sigmoid: return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
      case affine: return alpha * x + beta;
      case leaky_relu: return x >= 0 ? x : alpha * x;
      case thresholded_relu: return x >= alpha ? x : T{0};
      case scaled_tanh: return alpha * std::tanh(beta * x);
      case hard_sigmoid: return std::min(std::max(alpha * x + beta, T{0}), T{1});
      case elu: return x >= 0 ? x : alpha * std::expm1(x);
      case softsign: return x / (1 + std::fabs(x));
      case softplus: return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    }
    return x;
  }
};

struct Known {
  std::string_view name;
  double alpha, beta;
  bool has_alpha, has_beta;
};
// In the order of Activation::Kind; defaults are those of the operators of the same names, as binary32.
constexpr Known kActivations[] = {{"relu", 0, 0, false, false},
                                  {"tanh", 0, 0, false, false},
                                  {"sigmoid", 0, 0, false, false},
                                  {"affine", 1, 0, true, true},
                                  {"leakyrelu", static_cast<double>(0.01f), 0, true, false},
                                  {"thresholdedrelu", 1, 0, true, false},
                                  {"scaledtanh", 1, 1, true, true},
                                  {"hardsigmoid", static_cast<double>(0.2f), 0.5, true, true},
                                  {"elu", 1, 0, true, false},
                                  {"softsign", 0, 0, false, false},
                                  {"softplus", 0, 0, false, false}};

// `usual`: what one direction has where the attribute is left out.
template <class T>
std::vector<Activation<T>> activations(const AttributeView& c, const std::vector<std::string>& usual, std::size_t directions) {
  std::vector<std::string> names = c.texts("activations");
  if (names.empty()) {
    for (std::size_t d = 0; d < directions; ++d) names.insert(names.end(), usual.begin(), usual.end());
  }
  if (names.size() != usual.size() * directions) c.fail(Code::corrupt, format("{} activations for {} directions", names.size(), directions));
  const std::vector<double> alphas = c.reals("activation_alpha"), betas = c.reals("activation_beta");
  std::size_t alpha = 0, beta = 0;
  std::vector<Activation<T>> out;
  for (const std::string& name : names) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
    const auto* known = std::ranges::find(kActivations, std::string_view(lower), &Known::name);
    if (known == std::end(kActivations)) c.fail(Code::unsupported, format("activation \"{}\"", printable(name, 40)));
    // Values are used up by the functions that take them (onnxruntime 1.31, rnn_helpers.cc).
    const double a = known->has_alpha && alpha < alphas.size() ? alphas[alpha++] : known->alpha;
    const double b = known->has_beta && beta < betas.size() ? betas[beta++] : known->beta;
    out.push_back({static_cast<typename Activation<T>::Kind>(known - std::begin(kActivations)), static_cast<T>(a), static_cast<T>(b)});
  }
  return out;
}

// What the three have in common: shapes, directions, sequence lengths.
struct Layout {
  std::int64_t steps = 0, batch = 0, inputs = 0, hidden = 0, directions = 1;
  bool first_backwards = false, batch_first = false;
  std::vector<std::int64_t> lengths;

  // Where the output of a step stands in Y: [T, D, N, H], or [N, T, D, H].
  std::int64_t y_at(std::int64_t t, std::int64_t d, std::int64_t n) const { return (batch_first ? (n * steps + t) * directions + d : (t * directions + d) * batch + n) * hidden; }
  // A state: [D, N, H], or [N, D, H].
  std::int64_t state_at(std::int64_t d, std::int64_t n) const { return (batch_first ? n * directions + d : d * batch + n) * hidden; }
  Shape y_shape() const { return batch_first ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden}; }
  Shape state_shape() const { return batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden}; }
};

void want_shape(const KernelContext& c, std::size_t input, const Shape& shape) {
  if (!c.has_input(input)) return;
  want_same(c, 0, input);
  if (c.input(input).shape() != shape) c.fail(Code::mismatch, format("input {} is of shape {}, not {}", input, text_of(c.input(input).shape()), text_of(shape)));
}

Layout layout_of(const KernelContext& c, std::int64_t gates, std::int64_t hidden) {
  Layout out;
  const Tensor& x = c.input(0);
  if (x.rank() != 3) c.fail(Code::mismatch, format("an input {}", text_of(x.shape())));
  out.batch_first = c.integer("layout", 0) != 0;
  out.steps = x.dim(out.batch_first ? 1 : 0);
  out.batch = x.dim(out.batch_first ? 0 : 1);
  out.inputs = x.dim(2);
  out.hidden = hidden;
  const std::string_view direction = c.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") c.fail(Code::corrupt, format("direction \"{}\"", printable(direction, 40)));
  out.directions = direction == "bidirectional" ? 2 : 1;
  out.first_backwards = direction == "reverse";
  if (c.has("hidden_size") && c.integer("hidden_size") != out.hidden) c.fail(Code::mismatch, format("hidden_size {}, the weights have {}", c.integer("hidden_size"), out.hidden));
  if (out.hidden > (std::int64_t{1} << 28)) c.fail(Code::limit, format("a hidden layer of {}", out.hidden));
  want_shape(c, 3, {out.directions, 2 * gates * out.hidden});
  want_shape(c, 5, out.state_shape());
  out.lengths.assign(z(out.batch), out.steps);
  if (c.has_input(4)) {
    if (c.input(4).shape() != Shape{out.batch}) c.fail(Code::mismatch, format("sequence_lens of shape {}", text_of(c.input(4).shape())));
    out.lengths = integers_of(c, c.input(4));
    for (const std::int64_t n : out.lengths) {
      if (n < 0 || n > out.steps) c.fail(Code::mismatch, format("a sequence of {} in {} steps", n, out.steps));
    }
  }
  return out;
}

// The same, of a layer whose weights are tensors of the type of its inputs.
Layout layout_of(const KernelContext& c, std::int64_t gates) {
  const Tensor& r = c.input(2);
  if (r.rank() != 3) c.fail(Code::mismatch, format("weights {}", text_of(r.shape())));
  const Layout out = layout_of(c, gates, r.dim(2));
  want_shape(c, 1, {out.directions, gates * out.hidden, out.inputs});
  want_shape(c, 2, {out.directions, gates * out.hidden, out.hidden});
  return out;
}

template <class T>
std::vector<T> turned(std::int64_t rows, std::int64_t columns, const T* from) {
  std::vector<T> out(z(rows * columns));
  transpose<T>(rows, columns, from, out.data());
  return out;
}

// The product with input `which`, weights [D, gates * H, …], which are turned once.
template <class T>
GateProduct<T> product_with(const KernelContext& c, std::size_t which) {
  const Tensor& weights = c.input(which);
  std::vector<std::vector<T>> matrices;
  const std::int64_t width = weights.dim(1), depth = weights.dim(2);
  for (std::int64_t d = 0; d < weights.dim(0); ++d) matrices.push_back(turned(width, depth, weights.data<T>().data() + d * width * depth));
  return [matrices = std::move(matrices), width, depth](std::int64_t d, std::int64_t rows, const T* x, T* out) {
    std::fill_n(out, rows * width, T{});
    multiply<T>(rows, width, depth, x, matrices[z(d)].data(), out);
  };
}

// Runs one direction. `step(n, gates, h)` computes the new state h of sequence n, in place, from the gates' sums; `recurrent` adds what the
// state does, for all sequences at once.
template <class T>
struct Direction {
  const Layout& l;
  std::int64_t index, gates;
  std::vector<T> sums, h;  // sums: [T, N, gates * H] as X has its rows

  Direction(const KernelContext& c, const Layout& layout, std::int64_t d, std::int64_t gate_count, const GateProduct<T>& inputs) : l(layout), index(d), gates(gate_count) {
    const std::int64_t width = gates * l.hidden, rows = l.steps * l.batch;
    if (sat_mul(static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(width)) > (std::uint64_t{1} << 28)) c.fail(Code::limit, "the gates do not fit into memory");
    sums.resize(z(rows * width));
    inputs(d, rows, c.input(0).data<T>().data(), sums.data());
    h.assign(z(l.batch * l.hidden), T{});
    if (c.has_input(5)) {
      for (std::int64_t n = 0; n < l.batch; ++n) std::copy_n(c.input(5).data<T>().data() + l.state_at(d, n), l.hidden, h.data() + n * l.hidden);
    }
  }
  // Biases of the gates [from, to): those of the inputs or of the state.
  void add_bias(const KernelContext& c, std::int64_t from, std::int64_t to, bool of_state) {
    if (!c.has_input(3)) return;
    const std::int64_t width = gates * l.hidden;
    const T* bias = c.input(3).data<T>().data() + (index * 2 + (of_state ? 1 : 0)) * width;
    for (std::int64_t row = 0; row < l.steps * l.batch; ++row) {
      for (std::int64_t j = from * l.hidden; j < to * l.hidden; ++j) sums[z(row * width + j)] += bias[j];
    }
  }
  bool backwards() const { return (index == 0) == l.first_backwards; }

  template <class Recurrent, class Step>
  void run(T* y, T* last, Recurrent&& recurrent, Step&& step) {
    const std::int64_t width = gates * l.hidden;
    for (std::int64_t t = 0; t < l.steps; ++t) {
      recurrent();
      for (std::int64_t n = 0; n < l.batch; ++n) {
        const std::int64_t length = l.lengths[z(n)];
        if (t >= length) {
          if (y != nullptr) std::fill_n(y + l.y_at(t, index, n), l.hidden, T{});
          continue;
        }
        const std::int64_t at = backwards() ? length - 1 - t : t;
        T* state = h.data() + n * l.hidden;
        step(n, sums.data() + (l.batch_first ? n * l.steps + at : at * l.batch + n) * width, state);
        if (y != nullptr) std::copy_n(state, l.hidden, y + l.y_at(at, index, n));
      }
    }
    if (last != nullptr) {
      for (std::int64_t n = 0; n < l.batch; ++n) {
        // Of a sequence without steps the state is 0 (onnxruntime 1.31).
        if (l.lengths[z(n)] == 0) std::fill_n(last + l.state_at(index, n), l.hidden, T{});
        else std::copy_n(h.data() + n * l.hidden, l.hidden, last + l.state_at(index, n));
      }
    }
  }
};

template <class T>
struct Clip {
  T most;
  explicit Clip(const AttributeView& c) : most(static_cast<T>(c.real("clip", 0.0))) {}
  T operator()(T x) const { return most > 0 ? std::clamp(x, -most, most) : x; }
};

template <class T>
T* wanted(KernelContext& c, std::size_t i, const Shape& shape) {
  return c.wants_output(i) ? c.output(i, dtype_of<T>, shape).template mutable_data<T>().data() : nullptr;
}

template <class T>
void rnn_of(KernelContext& c) {
  const Layout l = layout_of(c, 1);
  const auto f = activations<T>(c, {"Tanh"}, z(l.directions));
  const Clip<T> clip(c);
  T *y = wanted<T>(c, 0, l.y_shape()), *last = wanted<T>(c, 1, l.state_shape());
  const GateProduct<T> inputs = product_with<T>(c, 1), state = product_with<T>(c, 2);
  for (std::int64_t d = 0; d < l.directions; ++d) {
    Direction<T> direction(c, l, d, 1, inputs);
    direction.add_bias(c, 0, 1, false);
    direction.add_bias(c, 0, 1, true);
    std::vector<T> part(direction.h.size());
    direction.run(
        y, last, [&] { state(d, l.batch, direction.h.data(), part.data()); },
        [&](std::int64_t n, const T* gates, T* h) {
          for (std::int64_t j = 0; j < l.hidden; ++j) h[j] = f[z(d)](clip(gates[j] + part[z(n * l.hidden + j)]));
        });
  }
}

template <class T>
void gru_of(KernelContext& c) {
  const Layout l = layout_of(c, 3);
  const auto f = activations<T>(c, {"Sigmoid", "Tanh"}, z(l.directions));
  const Clip<T> clip(c);
  const bool linear_first = c.integer("linear_before_reset", 0) != 0;
  T *y = wanted<T>(c, 0, l.y_shape()), *last = wanted<T>(c, 1, l.state_shape());
  const std::int64_t size = l.hidden;
  const GateProduct<T> inputs = product_with<T>(c, 1), state = product_with<T>(c, 2);
  for (std::int64_t d = 0; d < l.directions; ++d) {
    Direction<T> direction(c, l, d, 3, inputs);
    direction.add_bias(c, 0, 3, false);
    direction.add_bias(c, 0, 2, true);
    if (!linear_first) direction.add_bias(c, 2, 3, true);
    const std::vector<T> r_hidden = turned(size, size, c.input(2).data<T>().data() + (d * 3 + 2) * size * size);
    const T* hidden_bias = c.has_input(3) ? c.input(3).data<T>().data() + d * 6 * size + 5 * size : nullptr;
    std::vector<T> part(z(l.batch * 3 * size)), reset(z(size)), add(z(size));
    direction.run(
        y, last, [&] { state(d, l.batch, direction.h.data(), part.data()); },
        [&](std::int64_t n, const T* gates, T* h) {
          const T* own = part.data() + n * 3 * size;
          for (std::int64_t j = 0; j < size; ++j) reset[z(j)] = f[z(2 * d)](clip(gates[size + j] + own[size + j]));
          if (linear_first) {
            for (std::int64_t j = 0; j < size; ++j) add[z(j)] = reset[z(j)] * (own[2 * size + j] + (hidden_bias != nullptr ? hidden_bias[j] : T{}));
          } else {
            for (std::int64_t j = 0; j < size; ++j) reset[z(j)] *= h[j];
            std::ranges::fill(add, T{});
            multiply<T>(1, size, size, reset.data(), r_hidden.data(), add.data());
          }
          for (std::int64_t j = 0; j < size; ++j) {
            const T update = f[z(2 * d)](clip(gates[j] + own[j])), candidate = f[z(2 * d + 1)](clip(gates[2 * size + j] + add[z(j)]));
            h[j] = (1 - update) * candidate + update * h[j];
          }
        });
  }
}

template <class T>
void lstm_of(KernelContext& c, const Layout& l, const GateProduct<T>& inputs, const GateProduct<T>& state) {
  const auto f = activations<T>(c, {"Sigmoid", "Tanh", "Tanh"}, z(l.directions));
  const Clip<T> clip(c);
  const bool coupled = c.integer("input_forget", 0) != 0;
  want_shape(c, 6, l.state_shape());
  want_shape(c, 7, {l.directions, 3 * l.hidden});
  T *y = wanted<T>(c, 0, l.y_shape()), *last = wanted<T>(c, 1, l.state_shape()), *last_cell = wanted<T>(c, 2, l.state_shape());
  const std::int64_t size = l.hidden;
  for (std::int64_t d = 0; d < l.directions; ++d) {
    Direction<T> direction(c, l, d, 4, inputs);
    direction.add_bias(c, 0, 4, false);
    direction.add_bias(c, 0, 4, true);
    const T* peephole = c.has_input(7) ? c.input(7).data<T>().data() + d * 3 * size : nullptr;  // input, output, forget
    std::vector<T> part(z(l.batch * 4 * size)), cells(direction.h.size(), T{});
    if (c.has_input(6)) {
      for (std::int64_t n = 0; n < l.batch; ++n) std::copy_n(c.input(6).data<T>().data() + l.state_at(d, n), size, cells.data() + n * size);
    }
    const auto &gate = f[z(3 * d)], &candidate = f[z(3 * d + 1)], &out = f[z(3 * d + 2)];
    direction.run(
        y, last, [&] { state(d, l.batch, direction.h.data(), part.data()); },
        [&](std::int64_t n, const T* gates, T* h) {
          const T* own = part.data() + n * 4 * size;
          T* cell = cells.data() + n * size;
          for (std::int64_t j = 0; j < size; ++j) {
            const auto sum = [&](std::int64_t g) { return gates[g * size + j] + own[g * size + j]; };
            const auto peep = [&](std::int64_t g) { return peephole != nullptr ? peephole[g * size + j] * cell[j] : T{}; };
            const T in = gate(clip(sum(0) + peep(0)));
            const T forget = coupled ? 1 - in : gate(clip(sum(2) + peep(2)));
            cell[j] = forget * cell[j] + in * candidate(clip(sum(3)));
            h[j] = gate(clip(sum(1) + peep(1))) * out(cell[j]);
          }
        });
    if (last_cell != nullptr) {
      for (std::int64_t n = 0; n < l.batch; ++n) {
        if (l.lengths[z(n)] == 0) std::fill_n(last_cell + l.state_at(d, n), size, T{});
        else std::copy_n(cells.data() + n * size, size, last_cell + l.state_at(d, n));
      }
    }
  }
}

template <class T>
void lstm_of(KernelContext& c) {
  const Layout l = layout_of(c, 4);  // first: it checks the weights
  lstm_of<T>(c, l, product_with<T>(c, 1), product_with<T>(c, 2));
}

#define DECANT_RECURRENT(name)                                                                   \
  void name(KernelContext& c) {                                                                  \
    dispatch(c, c.input(0).dtype(), RealTypes{}, [&]<class T>() { name##_of<T>(c); });           \
  }
DECANT_RECURRENT(rnn)
DECANT_RECURRENT(gru)
DECANT_RECURRENT(lstm)
#undef DECANT_RECURRENT

void infer_recurrent(InferContext& c) {
  const Type &x = c.input(0), &r = c.input(2);
  const bool batch_first = c.integer("layout", 0) != 0;
  const Dim directions = dim(c.text("direction", "forward") == "bidirectional" ? 2 : 1);
  const Dim hidden = r.has_rank && r.shape.size() == 3 ? r.shape[2] : any_dim();
  const bool known = x.has_rank && x.shape.size() == 3;
  const Dim steps = known ? x.shape[batch_first ? 1 : 0] : any_dim(), batch = known ? x.shape[batch_first ? 0 : 1] : any_dim();
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    c.outputs[i] = i == 0 ? Type::tensor(x.dtype, batch_first ? std::vector<Dim>{batch, steps, directions, hidden} : std::vector<Dim>{steps, directions, batch, hidden})
                          : Type::tensor(x.dtype, batch_first ? std::vector<Dim>{batch, directions, hidden} : std::vector<Dim>{directions, batch, hidden});
  }
}

constexpr Op kOps[] = {
    {"", "RNN", "h = f(x W' + h R' + b), step by step (RNN-22).", infer_recurrent, in_float<rnn>},
    {"", "GRU", "A layer of gated recurrent units: gates update, reset, hidden (GRU-22).", infer_recurrent, in_float<gru>},
    {"", "LSTM", "A layer of long short-term memory: gates input, output, forget, cell; peepholes (LSTM-22).", infer_recurrent, in_float<lstm>},
};

}  // namespace

void run_lstm(KernelContext& c, std::int64_t hidden, const GateProduct<float>& inputs, const GateProduct<float>& state) {
  want(c, 0, DType::float32);
  lstm_of<float>(c, layout_of(c, 4, hidden), inputs, state);
}

DECANT_AT_START std::span<const Op> recurrent_ops() { return kOps; }

}  // namespace decant
