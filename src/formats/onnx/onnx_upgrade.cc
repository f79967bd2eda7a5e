// SPDX-License-Identifier: Apache-2.0
// Sources: onnx/docs/Changelog.md (what each version of each operator meant), onnx/docs/Changelog-ml.md.
#include "formats/onnx/onnx_upgrade.h"

#include <algorithm>

#include "base/text.h"

namespace decant::onnx {
namespace {

std::vector<ValueId> add(Builder& b, Call& c) { return b.node(c.domain, c.op, c.inputs, std::move(c.attributes), c.outputs, c.name); }

// The attribute, taken out.
template <class T>
std::optional<T> take(Call& c, std::string_view name) {
  const auto at = c.attributes.find(name);
  if (at == c.attributes.end()) return std::nullopt;
  const T* value = std::get_if<T>(&at->second);
  if (value == nullptr) throw Error(Code::corrupt, format("node {} ({}): attribute {} is of the wrong kind", printable(c.name), printable(c.op), name));
  T out = *value;
  c.attributes.erase(at);
  return out;
}
using Integers = std::vector<std::int64_t>;

void input_at(Call& c, std::size_t i, ValueId id) {
  if (c.inputs.size() <= i) c.inputs.resize(i + 1, kNoValue);
  c.inputs[i] = id;
}
void list_to_input(Builder& b, Call& c, std::string_view attribute, std::size_t i) {
  if (const auto list = take<Integers>(c, attribute)) input_at(c, i, b.constant(Tensor::vector(*list)));
}

// A number of the element type of the first input; float32 where that is not known.
ValueId number_like_input(Builder& b, const Call& c, double value) {
  const DType dtype = c.inputs.empty() || c.inputs[0] == kNoValue ? DType::float32 : b.type(c.inputs[0]).dtype;
  const ValueId wide = b.constant(Tensor::scalar(value));
  return b.op("Cast", {wide}, {{"to", static_cast<std::int64_t>(dtype == DType::undefined ? DType::float32 : dtype)}});
}

// Before opset 13: over the dimensions from `axis` on taken as one, and 1 as the default axis.
std::vector<ValueId> old_softmax(Builder& b, Call& c) {
  const std::int64_t axis = take<std::int64_t>(c, "axis").value_or(1);
  const Type type = b.type(c.inputs.at(0));
  if (type.has_rank && (axis == static_cast<std::int64_t>(type.shape.size()) - 1 || axis == -1)) {
    c.attributes["axis"] = std::int64_t{-1};
    return add(b, c);
  }
  const ValueId shape = b.op("Shape", {c.inputs[0]});
  c.inputs[0] = b.op("Flatten", {c.inputs[0]}, {{"axis", axis}});
  c.attributes["axis"] = std::int64_t{-1};
  const ValueId flat = add(b, c)[0];
  const ValueId out = b.op("Reshape", {flat, shape});
  b.set_type(out, type);
  return {out};
}

// Before opset 7, B's dimensions stood at A's dimension `axis` (from the end by default) when broadcast = 1.
void old_broadcast(Builder& b, Call& c) {
  const bool broadcast = take<std::int64_t>(c, "broadcast").value_or(0) != 0;
  const auto axis = take<std::int64_t>(c, "axis");
  if (!broadcast || !axis || c.inputs.size() < 2) return;
  const Type &left = b.type(c.inputs[0]), &right = b.type(c.inputs[1]);
  if (!left.has_rank || !right.has_rank) throw Error(Code::unsupported, format("node {}: broadcasting at an axis of a value of unknown rank", printable(c.name)));
  const auto a = static_cast<std::int64_t>(left.shape.size()), r = static_cast<std::int64_t>(right.shape.size());
  const std::int64_t after = a - (*axis < 0 ? *axis + a : *axis) - r;
  if (after < 0 || after > a) throw Error(Code::corrupt, format("node {}: axis {}", printable(c.name), *axis));
  Integers axes;
  for (std::int64_t i = 0; i < after; ++i) axes.push_back(r + i);
  if (!axes.empty()) c.inputs[1] = b.op("Unsqueeze", {c.inputs[1], b.constant(Tensor::vector(axes))});
}

// Upsample of any version, and Resize-10, which meant the same: positions are divided by the scale, and neighbours lie below.
std::vector<ValueId> old_resize(Builder& b, Call& c) {
  std::vector<float> scales;
  if (const auto list = take<std::vector<double>>(c, "scales")) scales.assign(list->begin(), list->end());
  const auto height = take<double>(c, "height_scale"), width = take<double>(c, "width_scale");
  if (height && width) scales = {1, 1, static_cast<float>(*height), static_cast<float>(*width)};
  const ValueId factors = !scales.empty() ? b.constant(Tensor::vector(scales)) : c.inputs.size() > 1 ? c.inputs[1] : kNoValue;
  c.op = "Resize";
  c.inputs = {c.inputs.at(0), kNoValue, factors};
  c.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  c.attributes["nearest_mode"] = std::string("floor");
  return add(b, c);
}

// BatchNormalization before opset 14: whether it trains, an attribute said (1, 6), or how many outputs there were (7, 9).
void old_batch_normalization(Call& c) {
  take<std::int64_t>(c, "is_test");
  if (take<std::int64_t>(c, "spatial").value_or(1) == 0) throw Error(Code::unsupported, format("node {}: BatchNormalization with spatial = 0", printable(c.name)));
  if (c.outputs > 1 && c.version >= 7) throw Error(Code::unsupported, format("node {}: BatchNormalization of operator set {} in training", printable(c.name), c.version));
}

// LabelEncoder-1 knows one list of strings and maps each to its place, or back.
void old_label_encoder(Builder& b, Call& c) {
  auto classes = take<std::vector<std::string>>(c, "classes_strings").value_or(std::vector<std::string>{});
  Integers places(classes.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::int64_t>(i);
  const bool to_number = b.type(c.inputs.at(0)).dtype == DType::string;
  c.attributes[to_number ? "keys_strings" : "values_strings"] = std::move(classes);
  c.attributes[to_number ? "values_int64s" : "keys_int64s"] = std::move(places);
}

}  // namespace

std::vector<ValueId> add_upgraded(Builder& b, Call c) {
  c.attributes.erase("consumed_inputs");  // a hint about memory, of opset 1
  const std::int64_t v = c.version;
  if (c.domain == "ai.onnx.ml") {
    if (c.op == "LabelEncoder" && v < 2) old_label_encoder(b, c);
    return add(b, c);
  }
  if (!c.domain.empty()) return add(b, c);
  const std::string_view op = c.op;
  if (op.starts_with("Reduce")) {
    list_to_input(b, c, "axes", 1);
  } else if (op == "Squeeze" || op == "Unsqueeze") {
    list_to_input(b, c, "axes", 1);
  } else if (op == "Split") {
    list_to_input(b, c, "split", 1);
  } else if (op == "Slice" && v < 10) {
    list_to_input(b, c, "starts", 1);
    list_to_input(b, c, "ends", 2);
    list_to_input(b, c, "axes", 3);
  } else if (op == "Pad" && v < 11) {
    list_to_input(b, c, v < 2 ? "paddings" : "pads", 1);
    if (const auto value = take<double>(c, "value")) input_at(c, 2, number_like_input(b, c, *value));
  } else if (op == "Clip" && v < 11) {
    const auto low = take<double>(c, "min"), high = take<double>(c, "max");
    if (low) input_at(c, 1, number_like_input(b, c, *low));
    if (high) input_at(c, 2, number_like_input(b, c, *high));
  } else if (op == "TopK" && v < 10) {
    if (const auto k = take<std::int64_t>(c, "k")) input_at(c, 1, b.constant(Tensor::vector(Integers{*k})));
  } else if ((op == "Softmax" || op == "LogSoftmax" || op == "Hardmax") && v < 13) {
    return old_softmax(b, c);
  } else if (op == "Dropout" && v < 12) {
    c.attributes.clear();  // a ratio, and whether it is a test: trained networks are run, not trained
  } else if (op == "Upsample" || (op == "Resize" && v < 11)) {
    return old_resize(b, c);
  } else if (op == "BatchNormalization" && v < 14) {
    old_batch_normalization(c);
  } else if (op == "RoiAlign" && v < 16) {
    c.attributes["coordinate_transformation_mode"] = std::string("output_half_pixel");
  } else if (op == "DFT" && v < 20) {
    c.attributes.emplace("axis", std::int64_t{1});
  } else if ((op == "LpPool" || op == "GlobalLpPool") && v < 2) {
    if (const auto p = take<double>(c, "p")) c.attributes["p"] = static_cast<std::int64_t>(*p);
  } else if (op == "RNN" || op == "GRU" || op == "LSTM") {
    c.attributes.erase("output_sequence");  // of opset 1: the outputs say which are wanted
  } else if (op == "Concat" && v < 4) {
    c.attributes.emplace("axis", std::int64_t{1});
  } else if (op == "Scan" && v < 9) {
    c.domain = "decant";
    c.op = "BatchScan";
  } else if (op == "Cast" && v < 6) {
    if (auto to = take<std::string>(c, "to")) {
      std::ranges::transform(*to, to->begin(), [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
      if (*to == "float") *to = "float32";
      if (*to == "double") *to = "float64";
      if (*to == "string") *to = "str";
      c.attributes["to"] = static_cast<std::int64_t>(dtype_named(*to));
    }
  } else if (op == "Reshape" && v < 5) {
    list_to_input(b, c, "shape", 1);
  } else if (op == "Scatter") {
    c.op = "ScatterElements";
  } else if (op == "PRelu" && v < 7) {
    // A slope for each channel.
    const Type &x = b.type(c.inputs.at(0)), &slope = b.type(c.inputs.at(1));
    if (!x.has_rank || !slope.has_rank) throw Error(Code::unsupported, format("node {}: PRelu of operator set {} of a value of unknown rank", printable(c.name), v));
    if (slope.shape.size() == 1 && slope.shape[0].value != 1 && x.shape.size() > 2) {
      Integers axes;
      for (std::size_t i = 2; i < x.shape.size(); ++i) axes.push_back(static_cast<std::int64_t>(i) - 1);
      c.inputs[1] = b.op("Unsqueeze", {c.inputs[1], b.constant(Tensor::vector(axes))});
    }
  } else if (op == "Tile" && v < 6) {
    throw Error(Code::unsupported, format("node {}: {} of operator set {}, whose inputs meant something else", printable(c.name), op, v));
  } else if (v < 7) {
    static constexpr std::string_view kBroadcast[] = {"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"};
    if (std::ranges::find(kBroadcast, op) != std::end(kBroadcast)) old_broadcast(b, c);
    if (op == "Gemm") c.attributes.erase("broadcast");
  }
  return add(b, c);
}

}  // namespace decant::onnx
