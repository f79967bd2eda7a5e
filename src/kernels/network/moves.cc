// SPDX-License-Identifier: Apache-2.0
// Operators that only put elements elsewhere: Transpose, Concat, Split, Slice, Expand and Gather of one index are copies of strided blocks.
#include <algorithm>
#include <cstring>

#include "kernels/network/compiled.h"
#include "kernels/parallel.h"
#include "ops/gemm.h"
#include "ops/kernel.h"

namespace decant {
namespace {

// One block to copy: to[at] = from[at] over `shape`, with strides in elements for both sides.
struct Block {
  Shape shape, from_strides, to_strides;
  std::int64_t from = 0, to = 0;
};

// Drops dimensions of 1 and joins neighbours that both sides walk alike.
Block merged(const Block& b) {
  Block out{{}, {}, {}, b.from, b.to};
  for (std::size_t d = 0; d < b.shape.size(); ++d) {
    if (b.shape[d] == 1) continue;
    if (!out.shape.empty() && out.from_strides.back() == b.from_strides[d] * b.shape[d] && out.to_strides.back() == b.to_strides[d] * b.shape[d]) {
      out.shape.back() *= b.shape[d];
      out.from_strides.back() = b.from_strides[d];
      out.to_strides.back() = b.to_strides[d];
    } else {
      out.shape.push_back(b.shape[d]);
      out.from_strides.push_back(b.from_strides[d]);
      out.to_strides.push_back(b.to_strides[d]);
    }
  }
  return out;
}

void copy_dimension(const Block& b, std::size_t d, std::size_t bytes, const std::byte* from, std::byte* to) {
  const std::int64_t n = b.shape[d], f = b.from_strides[d], t = b.to_strides[d];
  const auto unit = static_cast<std::int64_t>(bytes);
  if (d + 1 == b.shape.size()) {
    if (f == 1 && t == 1) {
      std::memcpy(to, from, static_cast<std::size_t>(n) * bytes);
    } else if (bytes == 4) {
      for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * t * 4, from + i * f * 4, 4);
    } else {
      for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * t * unit, from + i * f * unit, bytes);
    }
    return;
  }
  if (d + 2 == b.shape.size() && bytes == 4 && t > 0 && f == 1 && b.to_strides[d + 1] == 1 && b.from_strides[d + 1] > 0) {
    // The last two axes change places.
    transpose<float>(b.shape[d + 1], n, reinterpret_cast<const float*>(from), b.from_strides[d + 1], reinterpret_cast<float*>(to), t);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) copy_dimension(b, d + 1, bytes, from + i * f * unit, to + i * t * unit);
}

void copy_block(const Block& b, std::size_t bytes, const std::byte* from, std::byte* to) {
  from += b.from * static_cast<std::int64_t>(bytes);
  to += b.to * static_cast<std::int64_t>(bytes);
  if (b.shape.empty()) std::memcpy(to, from, bytes);
  else copy_dimension(b, 0, bytes, from, to);
}

bool movable(const CompileContext& c) {
  return c.inputs[0].dtype != DType::string && size_of(c.inputs[0].dtype) > 0 && c.outputs[0].dtype == c.inputs[0].dtype;
}

// One input, one output, one block.
CompiledPtr one_block(const CompileContext& c, Block block) {
  if (c.outputs[0].count() == 0) return nullptr;
  const std::size_t bytes = size_of(c.inputs[0].dtype);
  auto out = simple(c, [block = merged(block), bytes](const Places& p) { copy_block(block, bytes, p.in[0], p.out[0]); });
  std::fill(out->reads.begin() + 1, out->reads.end(), false);
  return out;
}

CompiledPtr transpose(const CompileContext& c) {
  if (!movable(c)) return nullptr;
  const Shape& shape = c.inputs[0].shape;
  std::vector<std::int64_t> perm = c.integers("perm");
  if (perm.empty()) {
    for (std::size_t i = shape.size(); i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  }
  if (perm.size() != shape.size() || c.outputs[0].shape.size() != shape.size()) return nullptr;
  const auto strides = strides_of(shape);
  Block b{c.outputs[0].shape, {}, strides_of(c.outputs[0].shape)};
  for (const std::int64_t p : perm) b.from_strides.push_back(strides.at(axis_of(c, p, shape.size())));
  return one_block(c, std::move(b));
}

CompiledPtr slice(const CompileContext& c) {
  if (!movable(c) || c.inputs.size() < 3) return nullptr;
  for (std::size_t i = 1; i < c.inputs.size(); ++i) {
    if (c.has(i) && c.inputs[i].constant == nullptr) return nullptr;
  }
  const Shape& shape = c.inputs[0].shape;
  const std::vector<std::int64_t> starts = integers_of(c, *c.inputs[1].constant);
  std::vector<std::int64_t> axes, steps(starts.size(), 1);
  if (c.has(3)) axes = integers_of(c, *c.inputs[3].constant);
  else for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (c.has(4)) steps = integers_of(c, *c.inputs[4].constant);
  if (axes.size() != starts.size() || steps.size() != starts.size()) return nullptr;
  const auto strides = strides_of(shape);
  // How many there are is known from the type; where they begin follows from the start (Slice-13).
  Block b{c.outputs[0].shape, strides, strides_of(c.outputs[0].shape)};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t axis = axis_of(c, axes[i], shape.size());
    const std::int64_t n = shape[axis];
    if (steps[i] == 0 || b.shape[axis] == 0) return nullptr;
    std::int64_t begin = starts[i] < 0 ? std::max<std::int64_t>(starts[i], -n - 1) + n : starts[i];
    begin = steps[i] > 0 ? std::clamp<std::int64_t>(begin, 0, n) : std::clamp<std::int64_t>(begin, 0, n - 1);
    if (steps[i] > n || steps[i] < -n) {
      if (b.shape[axis] != 1) return nullptr;
    } else {
      const std::int64_t last = begin + steps[i] * (b.shape[axis] - 1);
      if (last < 0 || last >= n) return nullptr;
      b.from_strides[axis] *= steps[i];
    }
    if (begin >= n) return nullptr;
    b.from += begin * strides[axis];
  }
  return one_block(c, std::move(b));
}

CompiledPtr gather_one(const CompileContext& c) {
  if (!movable(c) || c.inputs.size() != 2 || c.inputs[1].constant == nullptr || c.inputs[1].constant->size() != 1) return nullptr;
  const Shape& shape = c.inputs[0].shape;
  const std::size_t axis = axis_of(c, c.integer("axis", 0), shape.size());
  std::int64_t index = c.inputs[1].constant->integer(0);
  if (index < 0) index += shape[axis];
  if (index < 0 || index >= shape[axis]) return nullptr;
  Shape left = shape;
  left[axis] = 1;
  Block b{left, strides_of(shape), strides_of(left)};
  b.from = index * b.from_strides[axis];
  return one_block(c, std::move(b));
}

CompiledPtr expand(const CompileContext& c) {
  if (!movable(c)) return nullptr;
  const Shape &in = c.inputs[0].shape, &out = c.outputs[0].shape;
  if (in.size() > out.size()) return nullptr;
  const auto strides = strides_of(in);
  Block b{out, Shape(out.size(), 0), strides_of(out)};
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t d = out.size() - in.size() + i;
    if (in[i] != 1 && in[i] != out[d]) return nullptr;
    if (in[i] != 1) b.from_strides[d] = strides[i];
  }
  return one_block(c, std::move(b));
}

CompiledPtr concat(const CompileContext& c) {
  const Shape& shape = c.outputs[0].shape;
  const std::size_t axis = axis_of(c, c.integer("axis"), shape.size());
  std::vector<std::pair<std::size_t, Block>> blocks;
  std::int64_t at = 0;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (!c.has(i) || c.inputs[i].dtype != c.outputs[0].dtype || c.inputs[i].shape.size() != shape.size()) return nullptr;
    const Shape& own = c.inputs[i].shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (d != axis && own[d] != shape[d]) return nullptr;
    }
    Block b{own, strides_of(own), strides_of(shape)};
    b.to = at * b.to_strides[axis];
    at += own[axis];
    if (c.inputs[i].count() > 0) blocks.emplace_back(i, merged(b));
  }
  if (at != shape[axis] || !movable(c)) return nullptr;
  const std::size_t bytes = size_of(c.outputs[0].dtype);
  return simple(c, [blocks = std::move(blocks), bytes](const Places& p) {
    for (const auto& one : blocks) copy_block(one.second, bytes, p.in[one.first], p.out[0]);
  });
}

CompiledPtr split(const CompileContext& c) {
  const Shape& shape = c.inputs[0].shape;
  const std::size_t axis = axis_of(c, c.integer("axis", 0), shape.size());
  std::vector<std::pair<std::size_t, Block>> blocks;
  std::int64_t at = 0;
  for (std::size_t i = 0; i < c.outputs.size(); ++i) {
    const Operand& to = c.outputs[i];
    if (!to.present() || to.shape.size() != shape.size() || to.dtype != c.inputs[0].dtype) return nullptr;
    Block b{to.shape, strides_of(shape), strides_of(to.shape)};
    b.from = at * b.from_strides[axis];
    at += to.shape[axis];
    if (to.count() > 0) blocks.emplace_back(i, merged(b));
  }
  if (at != shape[axis] || !movable(c)) return nullptr;
  const std::size_t bytes = size_of(c.inputs[0].dtype);
  auto out = simple(c, [blocks = std::move(blocks), bytes](const Places& p) {
    for (const auto& one : blocks) copy_block(one.second, bytes, p.in[0], p.out[one.first]);
  });
  std::fill(out->reads.begin() + 1, out->reads.end(), false);
  return out;
}

constexpr CompileEntry kEntries[] = {{"", "Transpose", transpose}, {"", "Slice", slice}, {"", "Gather", gather_one}, {"", "Expand", expand}, {"", "Concat", concat}, {"", "Split", split}};

}  // namespace

DECANT_AT_START std::span<const CompileEntry> moves_entries() { return kEntries; }

}  // namespace decant
