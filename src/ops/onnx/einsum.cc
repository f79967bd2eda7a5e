// SPDX-License-Identifier: Apache-2.0
// Einsum (ai.onnx 12): sums of products over named dimensions. Two operands at a time: what the rest does not need is summed away first,
// and a pair is one batched matrix product.
#include <algorithm>
#include <map>
#include <stdexcept>

#include "ops/bounded.h"
#include "ops/gemm.h"
#include "ops/widen.h"
#include "ops/window.h"

namespace decant {
namespace {

// Labels are letters; dimensions under "..." are numbered from the right, below 0.
using Labels = std::vector<int>;

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
};

Labels labels_of(const AttributeView& c, std::string_view term, std::size_t rank, bool is_output, std::size_t dots) {
  Labels out;
  std::size_t letters = 0;
  for (const char ch : term) letters += ch != '.';
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term[i] == '.') {
      if (term.substr(i, 3) != "...") c.fail(Code::corrupt, format("equation \"{}\"", printable(c.text("equation"), 80)));
      i += 2;
      const std::size_t n = is_output ? dots : rank - std::min(rank, letters);
      for (std::size_t k = 0; k < n; ++k) out.push_back(-static_cast<int>(n - k));
    } else if ((term[i] >= 'a' && term[i] <= 'z') || (term[i] >= 'A' && term[i] <= 'Z')) {
      out.push_back(term[i]);
    } else {
      c.fail(Code::corrupt, format("equation \"{}\"", printable(c.text("equation"), 80)));
    }
  }
  if (!is_output && out.size() != rank) c.fail(Code::mismatch, format("\"{}\" for a value of rank {}", printable(term, 40), rank));
  return out;
}

Equation equation_of(const AttributeView& c, const std::vector<std::size_t>& ranks) {
  std::string text;
  for (const char ch : c.text("equation")) {
    if (ch != ' ' && ch != '\t') text += ch;
  }
  const std::size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  Equation out;
  std::size_t dots = 0;
  for (std::size_t begin = 0; begin <= left.size();) {
    const std::size_t end = std::min(left.find(',', begin), left.size());
    if (out.inputs.size() >= ranks.size()) c.fail(Code::corrupt, format("equation \"{}\" for {} inputs", printable(text, 80), ranks.size()));
    out.inputs.push_back(labels_of(c, std::string_view(left).substr(begin, end - begin), ranks[out.inputs.size()], false, 0));
    dots = std::max<std::size_t>(dots, static_cast<std::size_t>(std::ranges::count_if(out.inputs.back(), [](int l) { return l < 0; })));
    begin = end + 1;
  }
  if (out.inputs.size() != ranks.size()) c.fail(Code::corrupt, format("equation \"{}\" for {} inputs", printable(text, 80), ranks.size()));
  if (arrow != std::string::npos) {
    out.output = labels_of(c, std::string_view(text).substr(arrow + 2), 0, true, dots);
    for (std::size_t i = 0; i < out.output.size(); ++i) {
      if (std::ranges::find(out.output.begin() + static_cast<std::ptrdiff_t>(i) + 1, out.output.end(), out.output[i]) != out.output.end()) c.fail(Code::corrupt, "a label is there twice in the result");
    }
  } else {  // what is under "...", then the letters that are there once, in order
    for (std::size_t k = dots; k > 0; --k) out.output.push_back(-static_cast<int>(k));
    std::map<int, int> count;
    for (const Labels& labels : out.inputs) {
      for (const int l : labels) ++count[l];
    }
    for (const auto& [label, n] : count) {
      if (label >= 0 && n == 1) out.output.push_back(label);
    }
  }
  return out;
}

template <class T>
struct Operand {
  Labels labels;
  Shape shape;
  std::vector<T> data;

  std::int64_t length(int label) const {
    const auto at = std::ranges::find(labels, label);
    return at == labels.end() ? 1 : shape[static_cast<std::size_t>(at - labels.begin())];
  }
};

// The operand in the order `order`: labels that are there twice become the diagonal, those that are not in `order` are summed, those that
// the operand has not get the length 1.
template <class T>
Operand<T> arranged(const AttributeView& c, const Operand<T>& in, const Labels& order) {
  Labels all = order;
  for (const int l : in.labels) {
    if (std::ranges::find(all, l) == all.end()) all.push_back(l);
  }
  const std::vector<std::int64_t> own = strides_of(in.shape);
  Shape box(all.size(), 1);
  std::vector<std::int64_t> steps(all.size(), 0);
  for (std::size_t k = 0; k < all.size(); ++k) {
    for (std::size_t i = 0; i < in.labels.size(); ++i) {
      if (in.labels[i] != all[k]) continue;
      if (steps[k] != 0 && box[k] != in.shape[i]) c.fail(Code::mismatch, "a label that is there twice has two lengths");
      box[k] = in.shape[i];
      steps[k] += own[i];
    }
  }
  Operand<T> out{order, Shape(box.begin(), box.begin() + static_cast<std::ptrdiff_t>(order.size())), {}};
  out.data.assign(count_of(out.shape), T{});
  if (count_of(box) == 0) return out;
  const std::vector<std::int64_t> to = strides_of(out.shape);
  Shape at(all.size(), 0);
  do {
    std::int64_t f = 0, t = 0;
    for (std::size_t k = 0; k < all.size(); ++k) {
      f += at[k] * steps[k];
      if (k < order.size()) t += at[k] * to[k];
    }
    out.data[z(t)] += in.data[z(f)];
  } while (next_index(at, box));
  return out;
}

// Integers wrap around: computed unsigned, small ones in 32 bits.
template <class S>
using Computed = typename std::conditional_t<std::is_integral_v<S>, std::conditional_t<(sizeof(S) < 4), std::type_identity<std::uint32_t>, std::make_unsigned<S>>, std::type_identity<S>>::type;

template <class S>
void einsum_of(KernelContext& c) {
  using T = Computed<S>;
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < c.input_count(); ++i) {
    want_same(c, 0, i);
    ranks.push_back(c.input(i).rank());
  }
  const Equation equation = equation_of(c, ranks);
  std::map<int, std::int64_t> lengths;
  std::vector<Operand<T>> operands;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const Tensor& t = c.input(i);
    operands.push_back({equation.inputs[i], t.shape(), std::vector<T>(t.size())});
    for (std::size_t k = 0; k < t.size(); ++k) operands.back().data[k] = static_cast<T>(t.data<S>()[k]);
    for (std::size_t d = 0; d < t.rank(); ++d) {
      std::int64_t& n = lengths.try_emplace(equation.inputs[i][d], 1).first->second;
      if (t.dim(d) == n || t.dim(d) == 1) continue;
      if (n != 1) c.fail(Code::mismatch, format("a label of length {} and {}", n, t.dim(d)));
      n = t.dim(d);
    }
  }
  for (const int l : equation.output) {
    if (!lengths.contains(l)) c.fail(Code::corrupt, "a label of the result is in no input");
  }
  const auto needed_later = [&](int label, std::size_t from) {
    if (std::ranges::find(equation.output, label) != equation.output.end()) return true;
    for (std::size_t i = from; i < operands.size(); ++i) {
      if (std::ranges::find(operands[i].labels, label) != operands[i].labels.end()) return true;
    }
    return false;
  };
  const auto has = [](const Operand<T>& o, int label) { return std::ranges::find(o.labels, label) != o.labels.end(); };
  Operand<T> now = std::move(operands[0]);
  for (std::size_t i = 1; i < operands.size(); ++i) {
    const Operand<T>& next = operands[i];
    // Of both and needed later: batch; of both and not: summed; of one: rows or columns, where they are needed, else summed beforehand.
    Labels batch, sum, rows, columns;
    for (const auto& [label, n] : lengths) {
      const bool a = has(now, label) && now.length(label) == n, b = has(next, label) && next.length(label) == n, later = needed_later(label, i + 1);
      if (n == 1) continue;  // lengths of 1 say nothing
      if (a && b) (later ? batch : sum).push_back(label);
      else if (a && later) rows.push_back(label);
      else if (b && later) columns.push_back(label);
    }
    const auto chain = [](std::initializer_list<Labels> parts) {
      Labels out;
      for (const Labels& p : parts) out.insert(out.end(), p.begin(), p.end());
      return out;
    };
    const Operand<T> left = arranged(c, now, chain({batch, rows, sum})), right = arranged(c, next, chain({batch, sum, columns}));
    const auto product = [&](const Labels& list) {
      std::uint64_t n = 1;
      for (const int l : list) n = sat_mul(n, static_cast<std::uint64_t>(lengths[l]));
      return n;
    };
    const std::uint64_t b = product(batch), m = product(rows), n = product(columns), k = product(sum), total = sat_mul(sat_mul(b, m), n);
    if (total > (std::uint64_t{1} << 28)) c.fail(Code::limit, format("a product of {} elements", total));
    Operand<T> out{chain({batch, rows, columns}), {}, std::vector<T>(total, T{})};
    for (const int l : out.labels) out.shape.push_back(lengths[l]);
    for (std::uint64_t g = 0; g < b; ++g) {
      multiply<T>(static_cast<std::int64_t>(m), static_cast<std::int64_t>(n), static_cast<std::int64_t>(k), left.data.data() + g * m * k, right.data.data() + g * k * n, out.data.data() + g * m * n);
    }
    now = std::move(out);
  }
  const Operand<T> result = arranged(c, now, equation.output);
  Shape shape;
  for (const int l : equation.output) shape.push_back(lengths[l]);
  if (result.data.size() != count_of(shape)) throw std::logic_error("a product without a label of its result");
  const std::span<S> to = output_by_value(c, 0, dtype_of<S>, shape).template mutable_data<S>();
  for (std::size_t k = 0; k < to.size(); ++k) to[k] = static_cast<S>(result.data[k]);
}

void einsum(KernelContext& c) {
  dispatch(c, c.input(0).dtype(), Join<RealTypes, Types<std::int64_t, std::int32_t, std::uint64_t, std::uint32_t, std::int16_t, std::int8_t, std::uint16_t, std::uint8_t>>{}, [&]<class T>() { einsum_of<T>(c); });
}
void infer_einsum(InferContext& c) {
  c.outputs[0] = unknown_shape(c.input(0).dtype);
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < c.input_count(); ++i) {
    if (!c.input(i).has_rank) return;
    ranks.push_back(c.input(i).shape.size());
  }
  const Equation equation = equation_of(c, ranks);
  c.outputs[0] = ranked(c.input(0).dtype, equation.output.size());
  for (std::size_t k = 0; k < equation.output.size(); ++k) {
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const auto at = std::ranges::find(equation.inputs[i], equation.output[k]);
      if (at == equation.inputs[i].end()) continue;
      const Dim& d = c.input(i).shape[static_cast<std::size_t>(at - equation.inputs[i].begin())];
      if (equation.output[k] >= 0 && d.value != 1) c.outputs[0].shape[k] = d;
    }
  }
}

constexpr Op kOps[] = {{"", "Einsum", "Sums of products over named dimensions (Einsum-12).", infer_einsum, in_float<einsum>}};

}  // namespace

DECANT_AT_START std::span<const Op> einsum_ops() { return kOps; }

}  // namespace decant
