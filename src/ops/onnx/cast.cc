// SPDX-License-Identifier: Apache-2.0
// Cast and CastLike (ai.onnx): between numbers, booleans and strings.
#include <charconv>
#include <cmath>
#include <limits>

#include "ops/kernel.h"

namespace decant {
namespace {

// Out of range and NaN: ONNX leaves it open. Here as x86 and NumPy do it: to the smallest int64 (int32 for 32 bits and fewer), then cut to the width.
template <class To, class From>
To to_integer(From value) {
  const double v = value;
  if constexpr (std::is_same_v<To, std::uint64_t>) {
    if (v >= 0x1p63 && v < 0x1p64) return static_cast<std::uint64_t>(v);
  }
  if constexpr (sizeof(To) < 4 || std::is_same_v<To, std::int32_t>) {
    return static_cast<To>(v > -2147483649.0 && v < 2147483648.0 ? static_cast<std::int32_t>(v) : std::numeric_limits<std::int32_t>::min());
  } else {
    return static_cast<To>(v >= -0x1p63 && v < 0x1p63 ? static_cast<std::int64_t>(v) : std::numeric_limits<std::int64_t>::min());
  }
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) return value != From{0};  // NaN is true
  else if constexpr (is_real<From> && std::is_integral_v<To>) return to_integer<To>(value);
  else if constexpr (is_real<To>) return To(static_cast<Wide<To>>(value));
  else return static_cast<To>(value);
}

template <class From>
std::string to_text(From value) {
  if constexpr (std::is_same_v<From, bool>) {
    return value ? "1" : "0";
  } else if constexpr (is_real<From>) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;  // the shortest that reads back the same
    return {buffer, end};
  } else {
    return format("{}", value);
  }
}

template <class To>
To from_text(const KernelContext& c, const std::string& text) {
  const auto refuse = [&] { c.fail(Code::mismatch, format("\"{}\" is not a {}", printable(text, 60), name_of(dtype_of<To>))); };
  std::string_view s = text;
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  if (!s.empty() && s.front() == '+') s.remove_prefix(1);
  using W = std::conditional_t<std::is_same_v<To, bool>, std::int64_t, Wide<To>>;
  W value{};
  const auto [end, code] = std::from_chars(s.data(), s.data() + s.size(), value);  // knows inf and nan in any case
  if (code == std::errc::result_out_of_range && is_real<To>) {
    const double wide = std::strtod(std::string(s).c_str(), nullptr);
    return convert<To>(wide);
  }
  if (code != std::errc{} || end != s.data() + s.size()) {
    if constexpr (!is_real<To> && !std::is_same_v<To, bool>) {  // "3.0" as an integer
      double real = 0;
      const auto [stop, error] = std::from_chars(s.data(), s.data() + s.size(), real);
      if (error == std::errc{} && stop == s.data() + s.size() && real == std::floor(real)) return convert<To>(real);
    }
    refuse();
  }
  return convert<To>(value);
}

bool is_small(DType dtype) { return dtype >= DType::float8e4m3fn && dtype <= kLastElementType; }

// Between the small types and the large one that holds each of their values.
Tensor widened(const KernelContext& c, const Tensor& in) {
  Tensor out(is_float(in.dtype()) ? DType::float32 : DType::int32, in.shape());
  dispatch(c, in.dtype(), SmallTypes{}, [&]<class From>() {
    const std::span<const From> from = in.data<From>();
    const auto to = out.mutable_data<Wide<From>>();
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i];
  });
  return out;
}
Tensor narrowed(const KernelContext& c, const Tensor& in, DType dtype) {
  const bool saturate = c.integer("saturate", 1) != 0;
  const std::string_view mode = c.text("round_mode", "up");
  using Round = Float8E8M0::Round;
  const Round round = mode == "down" ? Round::down : mode == "nearest" ? Round::nearest : Round::up;
  if (mode != "up" && mode != "down" && mode != "nearest") c.fail(Code::corrupt, format("round_mode \"{}\"", printable(mode, 40)));
  Tensor out(dtype, in.shape());
  dispatch(c, dtype, SmallTypes{}, [&]<class To>() {
    const std::span<To> to = out.mutable_data<To>();
    const auto from = in.data<Wide<To>>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      if constexpr (std::is_same_v<To, Float8E8M0>) to[i] = To::from(from[i], saturate, round);
      else if constexpr (is_real<To>) to[i] = To::from(from[i], saturate);
      else to[i] = To(from[i]);
    }
  });
  return out;
}

Tensor cast_large(const KernelContext& c, const Tensor& in, DType to) {
  if (in.dtype() == to) return in;
  Tensor result(to, in.shape());
  dispatch(c, in.dtype(), AllTypes{}, [&]<class From>() {
    dispatch(c, to, AllTypes{}, [&]<class To>() {
      const std::span<const From> from = in.data<From>();
      const std::span<To> out = result.mutable_data<To>();
      for (std::size_t i = 0; i < from.size(); ++i) {
        if constexpr (std::is_same_v<From, To>) out[i] = from[i];
        else if constexpr (std::is_same_v<To, std::string>) out[i] = to_text(static_cast<Wide<From>>(from[i]));
        else if constexpr (std::is_same_v<From, std::string>) out[i] = from_text<To>(c, from[i]);
        else out[i] = convert<To>(static_cast<Wide<From>>(from[i]));
      }
    });
  });
  return result;
}

void cast_to(KernelContext& c, DType to) {
  const Tensor& in = c.input(0);
  if (in.dtype() == to) return c.set_output(0, in);
  const Tensor wide = is_small(in.dtype()) ? widened(c, in) : in;
  if (!is_small(to)) return c.set_output(0, cast_large(c, wide, to));
  c.set_output(0, narrowed(c, cast_large(c, wide, is_float(to) ? DType::float32 : DType::int32), to));
}

DType target(const AttributeView& node) {
  const std::int64_t to = node.integer("to");
  if (to <= 0 || to > static_cast<std::int64_t>(kLastElementType)) node.fail(Code::unsupported, format("cast to element type {}", to));
  return static_cast<DType>(to);
}

void infer_cast(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = target(c);
}
void infer_cast_like(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = c.input(1).dtype;
}

constexpr Op kOps[] = {
    {"", "Cast", "To the element type `to`. Reals become integers towards zero; strings are read as numbers and refused when they are none.", infer_cast,
     [](KernelContext& c) { cast_to(c, target(c)); }},
    {"", "CastLike", "To the element type of the second input.", infer_cast_like, [](KernelContext& c) { cast_to(c, c.input(1).dtype()); }},
};

}  // namespace

DECANT_AT_START std::span<const Op> cast_ops() { return kOps; }

}  // namespace decant
