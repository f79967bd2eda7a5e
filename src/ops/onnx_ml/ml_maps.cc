// SPDX-License-Identifier: Apache-2.0
// Operators on maps (ai.onnx.ml): CastMap, DictVectorizer. A map is a Tensor of its keys and its values (ir/tensor.h). The results are rows
// [1, C], as onnxruntime 1.31 gives them.
#include <algorithm>

#include "ops/bounded.h"
#include "ops/widen.h"

namespace decant {
namespace {

struct Entries {
  const Tensor& keys;
  const Tensor& values;
};
Entries entries_of(const KernelContext& c) {
  if (c.input(0).dtype() != DType::map) c.fail(Code::mismatch, format("a map is wanted, and there is a {}", name_of(c.input(0).dtype())));
  const std::span<const Tensor> items = c.input(0).items();
  if (items.size() != 2 || items[0].size() != items[1].size()) c.fail(Code::mismatch, "a map whose keys and values differ in number");
  return {items[0], items[1]};
}

void dict_vectorizer(KernelContext& c) {
  const Entries entries = entries_of(c);
  const std::vector<std::string> words = c.texts("string_vocabulary");
  const std::vector<std::int64_t> numbers = c.integers("int64_vocabulary");
  if (words.empty() == numbers.empty()) c.fail(Code::corrupt, "one vocabulary is wanted");
  if ((entries.keys.dtype() == DType::string) != !words.empty()) c.fail(Code::mismatch, format("keys of {}", name_of(entries.keys.dtype())));
  const std::size_t width = std::max(words.size(), numbers.size());
  dispatch(c, entries.values.dtype(), Types<float, double, std::int64_t, std::string>{}, [&]<class T>() {
    const std::span<T> to = c.output(0, entries.values.dtype(), {1, static_cast<std::int64_t>(width)}).template mutable_data<T>();
    std::ranges::fill(to, T{});
    for (std::size_t i = 0; i < entries.keys.size(); ++i) {
      const std::size_t at = words.empty() ? static_cast<std::size_t>(std::ranges::find(numbers, entries.keys.integer(i)) - numbers.begin())
                                           : static_cast<std::size_t>(std::ranges::find(words, entries.keys.data<std::string>()[i]) - words.begin());
      if (at < width) to[at] = entries.values.data<T>()[i];
    }
  });
}
void infer_dict_vectorizer(InferContext& c) {
  c.outputs[0] = Type::tensor(DType::undefined, {dim(1), dim(static_cast<std::int64_t>(std::max(c.texts("string_vocabulary").size(), c.integers("int64_vocabulary").size())))});
}

DType cast_target(const AttributeView& c) {
  const std::string_view to = c.text("cast_to", "TO_FLOAT");
  if (to == "TO_FLOAT") return DType::float32;
  if (to == "TO_STRING") return DType::string;
  if (to == "TO_INT64") return DType::int64;
  c.fail(Code::corrupt, format("cast_to \"{}\"", printable(to, 40)));
}
// The values in the order of their keys; SPARSE puts each at its key in a row of max_map.
void cast_map(KernelContext& c) {
  const Entries entries = entries_of(c);
  if (entries.keys.dtype() != DType::int64) c.fail(Code::mismatch, format("keys of {}", name_of(entries.keys.dtype())));
  const bool sparse = c.text("map_form", "DENSE") == "SPARSE";
  const std::int64_t most = c.integer("max_map", 1);
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < entries.keys.size(); ++i) order.emplace_back(entries.keys.integer(i), i);
  std::ranges::sort(order);
  const Node node{"", "Cast", c.node().name, {0}, {0}, {{"to", static_cast<std::int64_t>(cast_target(c))}}, {}};
  const Tensor* inputs[] = {&entries.values};
  std::vector<Tensor> cast(1);
  KernelContext inner(node, inputs, cast, nullptr, nullptr);
  find_op("", "Cast")->run(inner);
  if (sparse && most < 1) c.fail(Code::corrupt, format("max_map {}", most));
  const std::int64_t width = sparse ? most : static_cast<std::int64_t>(order.size());
  dispatch(c, cast[0].dtype(), Types<float, std::int64_t, std::string>{}, [&]<class T>() {
    const std::span<T> to = output_by_value(c, 0, cast[0].dtype(), {1, width}).template mutable_data<T>();
    std::ranges::fill(to, T{});
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::int64_t at = sparse ? order[k].first : static_cast<std::int64_t>(k);
      if (at < 0 || at >= width) c.fail(Code::mismatch, format("key {} of {}", at, width));
      to[z(at)] = cast[0].data<T>()[order[k].second];
    }
  });
}
void infer_cast_map(InferContext& c) { c.outputs[0] = ranked(cast_target(c), 2); }

constexpr Op kOps[] = {
    {"ai.onnx.ml", "CastMap", "The values of a map in the order of their keys, as another element type.", infer_cast_map, cast_map},
    {"ai.onnx.ml", "DictVectorizer", "The values of a map in the order of a vocabulary; 0 or an empty text where there is none.", infer_dict_vectorizer, dict_vectorizer},
};

}  // namespace

DECANT_AT_START std::span<const Op> ml_maps_ops() { return kOps; }

}  // namespace decant
