// SPDX-License-Identifier: Apache-2.0
// TextEdit: texts changed, or asked about, one by one, as Python's str and re do it.
// Where all texts that can come are `known`, the body in standard ONNX looks them up.
#include <algorithm>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "ops/builder.h"
#include "ops/kernel.h"
#include "ops/text/pattern.h"
#include "ops/text/unicode.h"

namespace decant {
namespace {

enum class Edit : std::uint8_t { lower, upper, strip, slice, replace, contains, length };
constexpr std::string_view kNames[] = {"lower", "upper", "strip", "slice", "replace", "contains", "length"};

struct Ready {
  Edit edit = Edit::strip;
  std::optional<Pattern> pattern;
  Points replacement;
  std::size_t begin = 0, end = 0;
};

Edit edit_of(const AttributeView& c) {
  const auto at = std::ranges::find(kNames, c.text("edit"));
  if (at == std::end(kNames)) c.fail(Code::corrupt, format("edit \"{}\"", printable(c.text("edit"))));
  return static_cast<Edit>(at - kNames);
}

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Ready>();
  out->edit = edit_of(c);
  if (out->edit == Edit::replace || out->edit == Edit::contains) out->pattern.emplace(c.text("pattern"));
  if (out->edit == Edit::replace) out->replacement = points_of(c.text("replacement"));
  if (out->edit == Edit::slice) {
    const std::int64_t begin = c.integer("begin"), end = c.integer("end");
    if (begin < 0 || end < begin) c.fail(Code::corrupt, format("texts from {} to {}", begin, end));
    out->begin = static_cast<std::size_t>(begin);
    out->end = static_cast<std::size_t>(end);
  }
  return out;
}

/// str.upper where each letter stays one letter. Those that become several (Unicode's SpecialCasing.txt, unconditional mappings) are refused.
Points upper_text(const KernelContext& c, Points text) {
  static constexpr std::pair<char32_t, char32_t> kSeveral[] = {{0xDF, 0xDF},     {0x149, 0x149},   {0x1F0, 0x1F0},   {0x390, 0x390},   {0x3B0, 0x3B0},
                                                               {0x587, 0x587},   {0x1E96, 0x1E9A}, {0x1F50, 0x1F50}, {0x1F52, 0x1F52}, {0x1F54, 0x1F54},
                                                               {0x1F56, 0x1F56}, {0x1F80, 0x1FAF}, {0x1FB2, 0x1FFC}, {0xFB00, 0xFB06}, {0xFB13, 0xFB17}};
  for (char32_t& point : text) {
    if (std::ranges::any_of(kSeveral, [&](const auto& range) { return range.first <= point && point <= range.second; })) {
      c.fail(Code::unsupported, format("the upper case of U+{:04X} may be several letters", static_cast<std::uint32_t>(point)));
    }
    point = simple_upper(point);
  }
  return text;
}

Points replaced(const Ready& ready, const Points& text) {
  Points out;
  std::size_t kept = 0;
  ready.pattern->each_match(text, [&](std::size_t begin, std::size_t end) {
    out.append(text, kept, begin - kept).append(ready.replacement);
    kept = end;
    return true;
  });
  return out.append(text, kept);
}

Points edited(const KernelContext& c, const Ready& ready, Points text) {
  switch (ready.edit) {
    case Edit::lower: return lower_text(text);
    case Edit::upper: return upper_text(c, std::move(text));
    case Edit::strip: {
      const auto first = std::ranges::find_if_not(text, is_space);
      const auto last = std::find_if_not(text.rbegin(), std::make_reverse_iterator(first), is_space).base();
      return Points(first, last);
    }
    case Edit::slice: return ready.begin >= text.size() ? Points() : text.substr(ready.begin, ready.end - ready.begin);
    default: return replaced(ready, text);
  }
}

void run(KernelContext& c) {
  want(c, 0, DType::string);
  const Ready& ready = c.state<Ready>();
  const std::span<const std::string> in = c.input(0).data<std::string>();
  const Shape& shape = c.input(0).shape();
  if (ready.edit == Edit::length) {
    const std::span<std::int64_t> out = c.output(0, DType::int64, shape).mutable_data<std::int64_t>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<std::int64_t>(points_of(in[i]).size());
  } else if (ready.edit == Edit::contains) {
    const std::span<bool> out = c.output(0, DType::boolean, shape).mutable_data<bool>();
    for (std::size_t i = 0; i < in.size(); ++i) {
      bool found = false;
      ready.pattern->each_match(points_of(in[i]), [&](std::size_t, std::size_t) {
        found = true;
        return false;
      });
      out[i] = found;
    }
  } else {
    const std::span<std::string> out = c.output(0, DType::string, shape).mutable_data<std::string>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = utf8_of(edited(c, ready, points_of(in[i])));
  }
}

void infer(InferContext& c) {
  infer_same(c);
  const Edit edit = edit_of(c);
  c.outputs[0].dtype = edit == Edit::length ? DType::int64 : edit == Edit::contains ? DType::boolean : DType::string;
}

std::vector<ValueId> lower(Builder& b, const Node& node, const std::vector<ValueId>& inputs) {
  const auto known = node.attributes.find("known");
  if (known == node.attributes.end()) return b.node("decant", "TextEdit", inputs, node.attributes, 1);
  std::vector<std::string> texts = std::get<std::vector<std::string>>(known->second);
  std::vector<std::int64_t> places(texts.size());
  std::iota(places.begin(), places.end(), 0);
  const auto last = static_cast<std::int64_t>(texts.size());
  const ValueId place = b.node("ai.onnx.ml", "LabelEncoder", {inputs.at(0)}, {{"keys_strings", texts}, {"values_int64s", places}, {"default_int64", last}}, 1)[0];
  texts.emplace_back();
  const ValueId edited = b.node("decant", "TextEdit", {b.constant(Tensor::of<std::string>({last + 1}, texts))}, node.attributes, 1)[0];  // is folded
  return {b.op("Gather", {edited, place}, {{"axis", std::int64_t{0}}})};
}

constexpr Op kOps[] = {{"decant", "TextEdit",
                        "Each text by `edit`: lower, upper, strip, slice (code points begin to end), replace (every match of `pattern` by `replacement`), contains (whether `pattern` is found: "
                        "boolean) or length (in code points: int64), as Python's str and re.",
                        infer, run, prepare, lower, "texts are looked up among those that the file lists, others become \"\"; where it lists none decant's own operator is written, which other runtimes do not know"}};

}  // namespace

DECANT_AT_START std::span<const Op> text_edit_ops() { return kOps; }

}  // namespace decant
