// SPDX-License-Identifier: Apache-2.0
#include "ops/widen.h"

namespace decant {
namespace {

bool is_short(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

template <class From, class To>
Tensor copied(const Tensor& t) {
  Tensor out(dtype_of<To>, t.shape());
  const std::span<const From> from = t.data<From>();
  const std::span<To> to = out.mutable_data<To>();
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = static_cast<To>(static_cast<Wide<From>>(from[i]));
  return out;
}

}  // namespace

Tensor widened(const Tensor& t) {
  if (t.dtype() == DType::float16) return copied<Half, float>(t);
  if (t.dtype() == DType::bfloat16) return copied<BFloat16, float>(t);
  return t;
}

Tensor narrowed(const Tensor& t, DType dtype) {
  if (t.dtype() != DType::float32 || !is_short(dtype)) return t;
  return dtype == DType::float16 ? copied<float, Half>(t) : copied<float, BFloat16>(t);
}

Tensor as_real(const AttributeView& node, const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return t;
  Tensor out;
  dispatch(node, t.dtype(), Join<Join<NumberTypes, SmallTypes>, BoolTypes>{}, [&]<class From>() {
    out = dtype == DType::float64 ? copied<From, double>(t) : copied<From, float>(t);
  });
  return out;
}

void run_widened(KernelContext& c, void (*kernel)(KernelContext&), std::size_t keep) {
  bool any = false;
  for (std::size_t i = 0; i < c.input_count(); ++i) any = any || (c.has_input(i) && is_short(c.input(i).dtype()));
  if (!any) return kernel(c);
  const DType dtype = c.input(0).dtype();
  std::vector<Tensor> wide(c.input_count()), results(c.output_count());
  std::vector<const Tensor*> inputs;
  for (std::size_t i = 0; i < c.input_count(); ++i) {
    if (c.has_input(i)) wide[i] = widened(c.input(i));
    inputs.push_back(c.has_input(i) ? &wide[i] : nullptr);
  }
  KernelContext inner(c.node(), inputs, results, nullptr, c.around());
  kernel(inner);
  for (std::size_t i = 0; i < results.size(); ++i) c.set_output(i, i < keep ? narrowed(results[i], dtype) : std::move(results[i]));
}

}  // namespace decant
