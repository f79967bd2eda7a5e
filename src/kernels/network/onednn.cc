// SPDX-License-Identifier: Apache-2.0
// Convolutions and pools by oneDNN (2.6; API: oneapi-src.github.io/oneDNN/v2.6), in whatever layout it likes best; weights are put into that
// layout once. The planner puts a copy where the next operator wants another layout.
#include <algorithm>
#include <dnnl.hpp>

#include "kernels/network/compiled.h"
#include "ops/activation.h"
#include "ops/convolve.h"
#include "ops/kernel.h"
#include "ops/window.h"

namespace decant {

class Layout {
 public:
  explicit Layout(dnnl::memory::desc d) : desc(std::move(d)) {}
  dnnl::memory::desc desc;
};

namespace {

using dnnl::memory;
using Desc = dnnl::memory::desc;

const dnnl::engine& engine() {
  static const dnnl::engine one(dnnl::engine::kind::cpu, 0);
  return one;
}

Desc row_major(const Shape& shape) {
  memory::dims strides;
  for (const std::int64_t s : strides_of(shape)) strides.push_back(std::max<std::int64_t>(s, 1));
  return {memory::dims(shape.begin(), shape.end()), memory::data_type::f32, strides};
}
Desc any_layout(const Shape& shape) { return {memory::dims(shape.begin(), shape.end()), memory::data_type::f32, memory::format_tag::any}; }

LayoutPtr layout_of(const Desc& desc, const Shape& shape) { return desc == row_major(shape) ? nullptr : std::make_shared<const Layout>(desc); }
Desc desc_of(const LayoutPtr& layout, const Shape& shape) { return layout != nullptr ? layout->desc : row_major(shape); }

// A primitive with its operands: which argument is which input or output (counted behind the inputs), and memory of its own.
struct Argument {
  int name;
  Desc desc;
  bool output;
  std::size_t index;
};

class Primitive final : public Compiled {
 public:
  Primitive(const CompileContext& c, dnnl::primitive primitive, const Desc& scratchpad) : Compiled(c), primitive_(std::move(primitive)), scratchpad_(scratchpad) { scratch = scratchpad.get_size(); }
  std::unique_ptr<Bound> bind(const Places& places) const override;

  std::vector<Argument> arguments;
  std::vector<std::pair<int, std::shared_ptr<const dnnl::memory>>> own;

 private:
  dnnl::primitive primitive_;
  Desc scratchpad_;
};

class RunningPrimitive final : public Bound {
 public:
  explicit RunningPrimitive(const dnnl::primitive& p) : primitive_(p), stream_(engine()) {}
  void add(int name, dnnl::memory m) {
    memories_.push_back(std::move(m));
    arguments_.push_back({name, memories_.back().get()});
  }
  void run() override {
    const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(arguments_.size()), arguments_.data());
    if (status != dnnl_success) throw Error(Code::limit, format("oneDNN could not run an operator (status {})", static_cast<int>(status)));
  }

 private:
  dnnl::primitive primitive_;
  dnnl::stream stream_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

std::unique_ptr<Bound> Primitive::bind(const Places& places) const {
  auto out = std::make_unique<RunningPrimitive>(primitive_);
  for (const Argument& a : arguments) {
    void* at = a.output ? static_cast<void*>(places.out[a.index]) : const_cast<std::byte*>(places.in[a.index]);
    out->add(a.name, dnnl::memory(a.desc, engine(), at));
  }
  for (const auto& one : own) out->add(one.first, *one.second);
  if (scratch > 0) out->add(DNNL_ARG_SCRATCHPAD, dnnl::memory(scratchpad_, engine(), places.scratch));
  return out;
}

// A constant in the layout that a primitive wants; made once for all plans.
std::shared_ptr<const dnnl::memory> prepacked(const CompileContext& c, const Tensor& tensor, const Desc& from, const Desc& to) {
  std::shared_ptr<const void>* kept = c.packs.place(tensor.blob().bytes.data(), std::string(reinterpret_cast<const char*>(&from.data), sizeof from.data) + std::string(reinterpret_cast<const char*>(&to.data), sizeof to.data));
  if (kept != nullptr && *kept != nullptr) return std::static_pointer_cast<const dnnl::memory>(*kept);
  // In memory of ours, which may have large pages.
  struct Kept {
    Blob bytes;
    dnnl::memory memory;
  };
  std::byte* place = nullptr;
  Blob bytes = Blob::allocate(to.get_size(), place);
  const auto both = std::make_shared<Kept>(Kept{std::move(bytes), dnnl::memory(to, engine(), place)});
  std::shared_ptr<dnnl::memory> out(both, &both->memory);
  dnnl::memory in(from, engine(), const_cast<std::byte*>(tensor.blob().bytes.data()));
  dnnl::stream stream(engine());
  dnnl::reorder(in, *out).execute(stream, in, *out);
  stream.wait();
  if (kept != nullptr) *kept = out;
  return out;
}

// Nothing where oneDNN cannot compute the function.
bool append(dnnl::post_ops& ops, const Activation& f) {
  using dnnl::algorithm;
  switch (f.act) {
    case Act::none: return true;
    case Act::relu: ops.append_eltwise(1, algorithm::eltwise_relu, 0, 0); return true;
    case Act::leaky_relu: ops.append_eltwise(1, algorithm::eltwise_relu, f.a, 0); return true;
    case Act::clip:
      if (!(f.a <= f.b)) return false;
      ops.append_eltwise(1, algorithm::eltwise_clip, f.a, f.b);
      return true;
    case Act::sigmoid: ops.append_eltwise(1, algorithm::eltwise_logistic, 0, 0); return true;
    case Act::tanh: ops.append_eltwise(1, algorithm::eltwise_tanh, 0, 0); return true;
    case Act::hard_sigmoid:
      ops.append_eltwise(1, algorithm::eltwise_linear, f.a, f.b);
      ops.append_eltwise(1, algorithm::eltwise_clip, 0, 1);
      return true;
    case Act::hard_swish:
      if (f.a != 1.0f / 6 || f.b != 0.5f) return false;
      ops.append_eltwise(1, algorithm::eltwise_hardswish, 0, 0);
      return true;
    case Act::silu: ops.append_eltwise(1, algorithm::eltwise_swish, 1, 0); return true;
    case Act::gelu: ops.append_eltwise(1, algorithm::eltwise_gelu_erf, 0, 0); return true;
    case Act::gelu_tanh: ops.append_eltwise(1, algorithm::eltwise_gelu_tanh, 0, 0); return true;
    case Act::elu: ops.append_eltwise(1, algorithm::eltwise_elu, f.a, 0); return true;
    default: return false;
  }
}

memory::dims dims(const Shape& shape) { return {shape.begin(), shape.end()}; }

// A file with strange shapes must not take memory out of proportion: blocks of channels that are mostly filled up, unrolled images.
bool in_proportion(const CompileContext& c, const Desc& weights, const Desc& scratchpad) {
  const std::size_t own = (c.inputs[0].count() + c.inputs[1].count() + c.outputs[0].count()) * sizeof(float) * 16 + (std::size_t{64} << 20);
  return weights.get_size() <= own && scratchpad.get_size() <= own;
}

// Winograd's algorithm computes tiles of 2 x 2 outputs of a 3 x 3 filter with 16 multiplications instead of 36. oneDNN 2.6 has it for AVX-512 and
// never chooses it by itself. On one Zen 4 core it took 0.5 to 0.9 of the time for 16 channels and more (64 x 56 x 56: 1.0 ms instead of
// 1.95), and longer for 3. Its sums are of larger terms, so results are within 2e-6 of the largest and not 5e-7; the variant with tiles of
// 4 x 4, which is faster still, gets to 3e-6 and is not used (docs/exactness.md). Filters are transformed once, slowly: some 70 ms for
// 512 x 512, of which images of 7 x 7 never earn anything back.
bool suits_winograd(const Convolution& c) {
  constexpr std::size_t kWorth = 128;
  const Window& w = c.window;
  const auto all = [](const Shape& s, std::int64_t v) { return std::ranges::all_of(s, [v](std::int64_t n) { return n == v; }); };
  return c.groups == 1 && w.rank() == 2 && all(w.kernel, 3) && all(w.strides, 1) && all(w.dilations, 1) && c.channels >= 16 && c.filters >= 16 && count_of(w.out) * static_cast<std::size_t>(c.batch) >= kWorth;
}

CompiledPtr conv(const CompileContext& c) {
  if (!c.all_float() || c.inputs[1].constant == nullptr || (c.has(2) && c.inputs[2].constant == nullptr)) return nullptr;
  const Operand &x = c.inputs[0], &weights = c.inputs[1];
  if (x.shape.size() < 3 || x.shape.size() > 5 || x.count() == 0 || weights.count() == 0 || c.outputs[0].count() == 0) return nullptr;
  if (c.has(3) && c.inputs[3].shape != c.outputs[0].shape) return nullptr;
  const Convolution convolution = convolution_of(c, x.shape, weights.shape);
  if (convolution.shape() != c.outputs[0].shape || (c.has(2) && c.inputs[2].shape != Shape{convolution.filters})) return nullptr;
  const Window& w = convolution.window;
  Shape kernel = weights.shape, dilations = w.dilations;
  if (convolution.groups > 1) {
    kernel.insert(kernel.begin(), convolution.groups);
    kernel[1] /= convolution.groups;
  }
  for (std::int64_t& d : dilations) --d;
  dnnl::post_ops ops;
  if (c.has(3)) ops.append_sum(1.0f);
  if (c.node().domain == "decant" && !append(ops, activation_of(c))) return nullptr;
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const Shape bias{convolution.filters};
  using Chosen = dnnl::convolution_forward::primitive_desc;
  const auto by = [&](dnnl::algorithm algorithm) -> std::optional<Chosen> {
    const dnnl::convolution_forward::desc what(dnnl::prop_kind::forward_inference, algorithm, any_layout(x.shape), any_layout(kernel), c.has(2) ? row_major(bias) : Desc(), any_layout(c.outputs[0].shape),
                                               dims(w.strides), dims(dilations), dims(w.begin), dims(w.end));
    Chosen out(what, attributes, engine());
    if (algorithm == dnnl::algorithm::convolution_winograd) {
      while (std::string_view(out.impl_info_str()).find("wino_2x3") == std::string_view::npos) {
        if (!out.next_impl()) return std::nullopt;
      }
    }
    return in_proportion(c, out.weights_desc(), out.scratchpad_desc()) ? std::optional(std::move(out)) : std::nullopt;
  };
  std::optional<Chosen> found;
  if (suits_winograd(convolution)) {
    try {
      found = by(dnnl::algorithm::convolution_winograd);
    } catch (const dnnl::error&) {  // not on this machine, or not with what follows
    }
  }
  if (!found) found = by(dnnl::algorithm::convolution_direct);
  if (!found) return nullptr;
  const Chosen& chosen = *found;
  auto out = std::make_unique<Primitive>(c, dnnl::convolution_forward(chosen), chosen.scratchpad_desc());
  out->wants[0] = layout_of(chosen.src_desc(), x.shape);
  out->gives[0] = layout_of(chosen.dst_desc(), c.outputs[0].shape);
  out->arguments = {{DNNL_ARG_SRC, chosen.src_desc(), false, 0}, {DNNL_ARG_DST, chosen.dst_desc(), true, 0}};
  out->own.emplace_back(DNNL_ARG_WEIGHTS, prepacked(c, *weights.constant, row_major(kernel), chosen.weights_desc()));
  if (c.has(2)) out->own.emplace_back(DNNL_ARG_BIAS, prepacked(c, *c.inputs[2].constant, row_major(bias), row_major(bias)));
  for (std::size_t i = 1; i < out->reads.size() && i < 3; ++i) out->reads[i] = false;
  if (c.has(3)) {
    out->overwrites = 3;
    out->wants[3] = out->gives[0];
  }
  return out;
}

// ConvTranspose is oneDNN's deconvolution; its weights [C, M / group, ...] are the other way round there.
CompiledPtr conv_transpose(const CompileContext& c) {
  if (!c.all_float() || c.inputs.size() < 2 || c.inputs[1].constant == nullptr || (c.has(2) && c.inputs[2].constant == nullptr)) return nullptr;
  const Operand &x = c.inputs[0], &weights = c.inputs[1], &y = c.outputs[0];
  const std::size_t rank = x.shape.size();
  if (rank < 3 || rank > 5 || weights.shape.size() != rank || x.count() == 0 || weights.count() == 0 || y.count() == 0) return nullptr;
  const std::int64_t groups = c.integer("group", 1);
  if (groups < 1 || weights.shape[0] != x.shape[1] || x.shape[1] % groups != 0) return nullptr;
  const Window w = transposed_window_of(c, spatial(c, x.shape), Shape(weights.shape.begin() + 2, weights.shape.end()));
  const std::int64_t filters = weights.shape[1] * groups;
  Shape shape{x.shape[0], filters};
  shape.insert(shape.end(), w.out.begin(), w.out.end());
  if (shape != y.shape || (c.has(2) && c.inputs[2].shape != Shape{filters})) return nullptr;
  Shape kernel{weights.shape[1], weights.shape[0] / groups}, dilations, end;
  const std::vector<std::int64_t> strides = strides_of(weights.shape);
  memory::dims steps{strides[1], strides[0]};
  if (groups > 1) kernel.insert(kernel.begin(), groups), steps.insert(steps.begin(), strides[0] * kernel[2]);
  for (std::size_t d = 0; d + 2 < rank; ++d) {
    kernel.push_back(w.kernel[d]);
    steps.push_back(strides[d + 2]);
    dilations.push_back(w.dilations[d] - 1);
    // As much as makes the output as long as it is: output_padding and output_shape are in it.
    end.push_back((w.in[d] - 1) * w.strides[d] + (w.kernel[d] - 1) * w.dilations[d] + 1 - w.begin[d] - w.out[d]);
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const Shape bias{filters};
  const dnnl::deconvolution_forward::desc what(dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, any_layout(x.shape), any_layout(kernel), c.has(2) ? row_major(bias) : Desc(),
                                               any_layout(y.shape), dims(w.strides), dims(dilations), dims(w.begin), dims(end));
  const dnnl::deconvolution_forward::primitive_desc chosen(what, attributes, engine());
  if (!in_proportion(c, chosen.weights_desc(), chosen.scratchpad_desc())) return nullptr;
  auto out = std::make_unique<Primitive>(c, dnnl::deconvolution_forward(chosen), chosen.scratchpad_desc());
  out->wants[0] = layout_of(chosen.src_desc(), x.shape);
  out->gives[0] = layout_of(chosen.dst_desc(), y.shape);
  out->arguments = {{DNNL_ARG_SRC, chosen.src_desc(), false, 0}, {DNNL_ARG_DST, chosen.dst_desc(), true, 0}};
  out->own.emplace_back(DNNL_ARG_WEIGHTS, prepacked(c, *weights.constant, Desc(dims(kernel), memory::data_type::f32, steps), chosen.weights_desc()));
  if (c.has(2)) out->own.emplace_back(DNNL_ARG_BIAS, prepacked(c, *c.inputs[2].constant, row_major(bias), row_major(bias)));
  for (std::size_t i = 1; i < out->reads.size(); ++i) out->reads[i] = false;
  return out;
}

CompiledPtr pool_of(const CompileContext& c, dnnl::algorithm algorithm, const Shape& kernel, const Shape& strides, const Shape& begin, const Shape& end) {
  const Operand &x = c.inputs[0], &y = c.outputs[0];
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::pooling_forward::desc what(dnnl::prop_kind::forward_inference, algorithm, desc_of(x.layout, x.shape), any_layout(y.shape), dims(strides), dims(kernel), dims(begin), dims(end));
  const dnnl::pooling_forward::primitive_desc chosen(what, attributes, engine());
  auto out = std::make_unique<Primitive>(c, dnnl::pooling_forward(chosen), chosen.scratchpad_desc());
  out->wants[0] = layout_of(chosen.src_desc(), x.shape);
  out->gives[0] = layout_of(chosen.dst_desc(), y.shape);
  out->arguments = {{DNNL_ARG_SRC, chosen.src_desc(), false, 0}, {DNNL_ARG_DST, chosen.dst_desc(), true, 0}};
  return out;
}

CompiledPtr pool(const CompileContext& c) {
  if (!c.all_float() || c.outputs.size() != 1) return nullptr;
  const Operand& x = c.inputs[0];
  if (x.shape.size() < 3 || x.shape.size() > 5 || x.count() == 0 || c.outputs[0].count() == 0) return nullptr;
  const bool ceil = c.integer("ceil_mode", 0) != 0, with_padding = c.integer("count_include_pad", 0) != 0, average = c.node().op == "AveragePool";
  const Window w = window_of(c, spatial(c, x.shape), {}, ceil);
  if (std::ranges::any_of(w.dilations, [](std::int64_t d) { return d != 1; }) || (average && ceil)) return nullptr;
  Shape end = w.end;
  for (std::size_t d = 0; d < end.size(); ++d) {
    // As much padding behind as the windows reach over, and no more: an average would count it.
    end[d] = (w.out[d] - 1) * w.strides[d] + w.kernel[d] - w.in[d] - w.begin[d];
    if (w.begin[d] >= w.kernel[d] || end[d] >= w.kernel[d]) return nullptr;
  }
  return pool_of(c, !average ? dnnl::algorithm::pooling_max : with_padding ? dnnl::algorithm::pooling_avg_include_padding : dnnl::algorithm::pooling_avg_exclude_padding, w.kernel, w.strides, w.begin, end);
}

CompiledPtr global_average(const CompileContext& c) {
  const Operand& x = c.inputs[0];
  if (!c.all_float() || x.layout == nullptr || x.shape.size() < 3 || x.shape.size() > 5) return nullptr;  // in rows: norms.cc
  const Shape in = spatial(c, x.shape), zeros(in.size(), 0), ones(in.size(), 1);
  return pool_of(c, dnnl::algorithm::pooling_avg_exclude_padding, in, ones, zeros, zeros);
}

CompiledPtr concat(const CompileContext& c) {
  const Shape& shape = c.outputs[0].shape;
  if (!c.all_float() || shape.size() < 3 || c.inputs.size() > 64 || std::ranges::any_of(c.inputs, [](const Operand& o) { return o.layout == nullptr || o.count() == 0; })) return nullptr;
  std::vector<Desc> from;
  for (const Operand& o : c.inputs) from.push_back(o.layout->desc);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::concat::primitive_desc chosen(static_cast<int>(axis_of(c, c.integer("axis"), shape.size())), from, engine(), attributes);
  auto out = std::make_unique<Primitive>(c, dnnl::concat(chosen), chosen.scratchpad_desc());
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    out->wants[i] = c.inputs[i].layout;
    out->arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), from[i], false, i});
  }
  out->gives[0] = layout_of(chosen.dst_desc(), shape);
  out->arguments.push_back({DNNL_ARG_DST, chosen.dst_desc(), true, 0});
  return out;
}

// oneDNN says "unimplemented" with an exception: then another kernel does the node.
template <CompiledPtr (*kCompile)(const CompileContext&)>
CompiledPtr guarded(const CompileContext& c) {
  try {
    return kCompile(c);
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

constexpr CompileEntry kEntries[] = {{"", "Conv", guarded<conv>},        {"decant", "FusedConv", guarded<conv>}, {"", "ConvTranspose", guarded<conv_transpose>},   {"", "MaxPool", guarded<pool>},
                                     {"", "AveragePool", guarded<pool>}, {"", "Concat", guarded<concat>},        {"", "GlobalAveragePool", guarded<global_average>}};

}  // namespace

DECANT_AT_START std::span<const CompileEntry> onednn_entries() { return kEntries; }

bool same_layout(const LayoutPtr& a, const LayoutPtr& b) { return a == b || (a != nullptr && b != nullptr && a->desc == b->desc); }

std::size_t bytes_of(const LayoutPtr& layout, DType dtype, const Shape& shape) { return layout != nullptr ? layout->desc.get_size() : static_cast<std::size_t>(count_of(shape)) * size_of(dtype); }

CompiledPtr compile_reorder(const CompileContext& c, const LayoutPtr& to) {
  const Operand& x = c.inputs[0];
  if (same_layout(x.layout, to)) {
    const std::size_t bytes = bytes_of(to, x.dtype, x.shape);
    auto out = simple(c, [bytes](const Places& p) { std::copy_n(p.in[0], bytes, p.out[0]); });
    out->wants[0] = out->gives[0] = to;
    return out;
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  // Both layouts are oneDNN's own: it can always go from one to the other.
  const Desc from = desc_of(x.layout, x.shape), into = desc_of(to, x.shape);
  const dnnl::reorder::primitive_desc chosen(engine(), from, engine(), into, attributes);
  auto out = std::make_unique<Primitive>(c, dnnl::reorder(chosen), chosen.scratchpad_desc());
  out->wants[0] = x.layout;
  out->gives[0] = to;
  out->arguments = {{DNNL_ARG_FROM, from, false, 0}, {DNNL_ARG_TO, into, true, 0}};
  return out;
}

}  // namespace decant
