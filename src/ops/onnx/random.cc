// SPDX-License-Identifier: Apache-2.0
// Random numbers (ai.onnx): Dropout, Bernoulli, Multinomial, RandomNormal, RandomNormalLike, RandomUniform, RandomUniformLike. ONNX leaves
// the generator open; here it is that of onnx's own reference (numpy.random.RandomState, a Mersenne twister), so that a seed means the
// same numbers. Without a seed the numbers are the same at every run.
#include <cmath>
#include <random>

#include "ops/bounded.h"
#include "ops/widen.h"

namespace decant {
namespace {

class Generator {
 public:
  explicit Generator(const AttributeView& c) : bits_(seed_of(c)) {}
  // 53 bits, as NumPy's legacy random_sample.
  double uniform() {
    const auto high = static_cast<double>(bits_() >> 5), low = static_cast<double>(bits_() >> 6);
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }
  // Two at a time (Marsaglia's polar method, as NumPy's legacy_gauss).
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double a = 0, b = 0, r = 0;
    do {
      a = 2 * uniform() - 1;
      b = 2 * uniform() - 1;
      r = a * a + b * b;
    } while (r >= 1 || r == 0);
    const double f = std::sqrt(-2 * std::log(r) / r);
    spare_ = f * a;
    has_spare_ = true;
    return f * b;
  }

 private:
  static std::uint32_t seed_of(const AttributeView& c) {
    if (!c.has("seed")) return 0;
    if (std::holds_alternative<std::int64_t>(c.node().attributes.find("seed")->second)) return static_cast<std::uint32_t>(c.integer("seed"));
    const double seed = c.real("seed");
    return seed >= 0 && seed < 4294967296.0 ? static_cast<std::uint32_t>(seed) : 0;
  }
  std::mt19937 bits_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// Outputs 0 and 1 (Dropout-22): the input, each element dropped with a probability and the others enlarged; what was kept.
void dropout(KernelContext& c) {
  const Tensor& x = c.input(0);
  const bool wants_mask = c.wants_output(1);
  bool training = false;
  if (c.has_input(2)) {
    want(c, 2, DType::boolean);
    if (c.input(2).size() != 1) c.fail(Code::mismatch, "training_mode is no scalar");
    training = c.input(2).data<bool>()[0];
  }
  double ratio = 0.5;
  if (c.has_input(1)) {
    if (c.input(1).size() != 1) c.fail(Code::mismatch, "the ratio is no scalar");
    ratio = c.input(1).number(0);
    if (!(ratio >= 0 && ratio < 1)) c.fail(Code::mismatch, format("a ratio of {}", ratio));
  }
  if (!training || ratio == 0) {
    c.set_output(0, x);
    if (wants_mask) std::ranges::fill(c.output(1, DType::boolean, x.shape()).mutable_data<bool>(), true);
    return;
  }
  Tensor mask(DType::boolean, x.shape());
  Generator random(c);
  for (bool& kept : mask.mutable_data<bool>()) kept = random.uniform() >= ratio;
  dispatch(c, x.dtype(), FloatTypes{}, [&]<class T>() {
    const std::span<T> to = c.output(0, x.dtype(), x.shape()).template mutable_data<T>();
    const auto scale = static_cast<Wide<T>>(1 / (1 - ratio));
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(mask.data<bool>()[i] ? static_cast<Wide<T>>(x.data<T>()[i]) * scale : Wide<T>{0});
  });
  if (wants_mask) c.set_output(1, std::move(mask));
}
void infer_dropout(InferContext& c) {
  infer_same(c);
  if (c.outputs.size() > 1) c.outputs[1] = c.input(0), c.outputs[1].dtype = DType::boolean;
}

DType stated_type(const AttributeView& c, DType otherwise) {
  const std::int64_t stated = c.integer("dtype", 0);
  if (stated < 0 || stated > static_cast<std::int64_t>(kLastElementType)) c.fail(Code::corrupt, format("dtype {}", stated));
  return stated == 0 ? otherwise : static_cast<DType>(stated);
}
template <class F>
void fill(KernelContext& c, DType dtype, const Shape& shape, F&& next) {
  Tensor& out = output_by_value(c, 0, dtype, shape);
  dispatch(c, dtype, Join<NumberTypes, BoolTypes>{}, [&]<class T>() {
    for (T& to : out.mutable_data<T>()) to = static_cast<T>(static_cast<Wide<T>>(next()));
  });
}

// One of two; NumPy draws a number for the less likely of them.
void bernoulli(KernelContext& c) {
  const Tensor chances = as_real(c, c.input(0), DType::float64);
  Generator random(c);
  std::size_t i = 0;
  fill(c, stated_type(c, c.input(0).dtype()), c.input(0).shape(), [&] {
    const double p = chances.data<double>()[i++], u = random.uniform();
    return p > 0.5 ? (u > p ? 0.0 : 1.0) : (u > 1 - p ? 1.0 : 0.0);
  });
}
void infer_typed_like(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = stated_type(c, c.input(0).dtype);
}

// Classes drawn by the logarithms of their weights, [N, C] to [N, sample_size].
void multinomial(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::int64_t samples = c.integer("sample_size", 1);
  if (x.rank() != 2 || x.dim(1) == 0 || samples < 0) c.fail(Code::mismatch, format("{} samples of {}", samples, text_of(x.shape())));
  const Tensor logs = as_real(c, x, DType::float64);
  Generator random(c);
  std::vector<double> sums(z(x.dim(1)));
  std::int64_t done = 0;
  fill(c, stated_type(c, DType::int32), {x.dim(0), samples}, [&] {
    if (done % samples == 0) {
      const double* row = logs.data<double>().data() + done / samples * x.dim(1);
      const double most = *std::max_element(row, row + x.dim(1));
      double sum = 0;
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] = sum += std::exp(row[k] - most);
    }
    ++done;
    const double u = random.uniform() * sums.back();
    const auto at = std::ranges::upper_bound(sums, u) - sums.begin();
    return static_cast<double>(std::min<std::ptrdiff_t>(at, static_cast<std::ptrdiff_t>(sums.size()) - 1));
  });
}
void infer_multinomial(InferContext& c) {
  const std::int64_t samples = c.integer("sample_size", 1);
  c.outputs[0] = Type::tensor(stated_type(c, DType::int32), {c.input(0).has_rank && !c.input(0).shape.empty() ? c.input(0).shape[0] : any_dim(), samples >= 0 ? dim(samples) : any_dim()});
}

template <bool Normal, bool Like>
void drawn(KernelContext& c) {
  const Shape shape = Like ? c.input(0).shape() : c.integers("shape");
  for (const std::int64_t d : shape) {
    if (d < 0) c.fail(Code::corrupt, format("shape {}", text_of(shape)));
  }
  Generator random(c);
  const double a = Normal ? c.real("mean", 0) : c.real("low", 0), b = Normal ? c.real("scale", 1) : c.real("high", 1);
  fill(c, stated_type(c, Like ? c.input(0).dtype() : DType::float32), shape, [&] { return Normal ? a + b * random.normal() : a + (b - a) * random.uniform(); });
}
void infer_shaped(InferContext& c) {
  std::vector<Dim> dims;
  for (const std::int64_t d : c.integers("shape")) dims.push_back(dim(std::max<std::int64_t>(d, -1)));
  c.outputs[0] = Type::tensor(stated_type(c, DType::float32), std::move(dims));
}

constexpr Op kOps[] = {
    {"", "Dropout", "The input; in training, elements are dropped at random. The mask says which were kept (Dropout-22).", infer_dropout, dropout},
    {"", "Bernoulli", "1 with the probability that the input says, else 0.", infer_typed_like, bernoulli},
    {"", "Multinomial", "Classes drawn by the logarithms of their weights.", infer_multinomial, multinomial},
    {"", "RandomNormal", "Normally distributed numbers.", infer_shaped, drawn<true, false>},
    {"", "RandomNormalLike", "Normally distributed numbers in the shape of the input.", infer_typed_like, drawn<true, true>},
    {"", "RandomUniform", "Numbers in [low, high).", infer_shaped, drawn<false, false>},
    {"", "RandomUniformLike", "Numbers in [low, high) in the shape of the input.", infer_typed_like, drawn<false, true>},
};

}  // namespace

DECANT_AT_START std::span<const Op> random_ops() { return kOps; }

}  // namespace decant
