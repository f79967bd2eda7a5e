// SPDX-License-Identifier: Apache-2.0
// The text of a LightGBM model: a head of key=value lines, a paragraph for each tree, importances, parameters, and a line of JSON that the
// Python package adds. Keys that nothing here needs are skipped.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "codecs/document/document.h"
#include "frameworks/lightgbm/booster.h"

namespace decant::lightgbm {
namespace {

constexpr std::int64_t kMostFeatures = 10'000'000;
constexpr std::string_view kPandas = "pandas_categorical:";

/// Lines of the text, and where the last one began.
class Lines {
 public:
  explicit Lines(const Source& source) : source_(source), text_(as_text(source.bytes())) {}
  bool at_end() const { return at_ >= text_.size(); }
  std::uint64_t offset() const { return at_; }
  std::string_view peek() const {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = text_.substr(at_, end - at_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  std::string_view next() {
    const std::string_view line = peek();
    begin_ = at_;
    at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
    return line;
  }
  [[noreturn]] void fail(Code code, std::string_view what) const { throw Error(code, source_.where(begin_), what); }
  Budget& budget() const { return source_.budget(); }

 private:
  Source source_;
  std::string_view text_;
  std::size_t at_ = 0, begin_ = 0;
};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = text.find_first_not_of(' '); at != std::string_view::npos; at = text.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// The key=value lines of one paragraph.
class Paragraph {
 public:
  Paragraph(const Lines& lines, std::string name) : lines_(&lines), name_(std::move(name)) {}
  void add(std::string_view line) {
    const std::size_t sign = line.find('=');
    values_[line.substr(0, sign)] = sign == std::string_view::npos ? std::string_view() : line.substr(sign + 1);
  }
  bool has(std::string_view key) const { return values_.contains(key); }
  std::string_view text(std::string_view key) const {
    const auto at = values_.find(key);
    if (at == values_.end()) lines_->fail(Code::corrupt, format("{} has no {}", name_, key));
    return at->second;
  }
  std::int64_t integer(std::string_view key) const {
    const auto out = document::number_of<std::int64_t>(text(key));
    if (!out) lines_->fail(Code::corrupt, format("{}: {} is \"{}\"", name_, key, printable(text(key), 40)));
    return *out;
  }
  template <class T>
  std::vector<T> list(std::string_view key, std::size_t count) const {
    const std::string_view all = text(key);
    // A number and its space take two characters at least.
    if (count > (all.size() + 1) / 2) lines_->fail(Code::corrupt, format("{}: {} is too short for {} numbers", name_, key, count));
    lines_->budget().charge(std::uint64_t{count} * sizeof(T), "numbers", Where{});
    std::vector<T> out;
    out.reserve(count);
    for (std::size_t at = all.find_first_not_of(' '); at != std::string_view::npos; at = all.find_first_not_of(' ', at)) {
      const std::size_t end = std::min(all.find(' ', at), all.size());
      const auto number = document::number_of<T>(all.substr(at, end - at));
      if (!number) lines_->fail(Code::corrupt, format("{}: {} holds \"{}\"", name_, key, printable(all.substr(at, end - at), 40)));
      out.push_back(*number);
      at = end;
    }
    if (out.size() != count) lines_->fail(Code::corrupt, format("{}: {} has {} numbers, not {}", name_, key, out.size(), count));
    return out;
  }

 private:
  const Lines* lines_;
  std::string name_;
  std::map<std::string_view, std::string_view> values_;
};

Tree tree_of(const Paragraph& p, const Lines& lines) {
  Tree out;
  // Texts of 2017 and before state no num_cat: a cell goes left where it is at most the threshold, so a missing one goes right.
  const bool old = !p.has("num_cat");
  const std::int64_t leaves = p.integer("num_leaves"), sets = old ? 0 : p.integer("num_cat");
  if (leaves < 1 || leaves > (1 << 30) || sets < 0 || sets >= leaves) lines.fail(Code::corrupt, format("a tree with {} leaves and {} splits by category", leaves, sets));
  const auto n = static_cast<std::size_t>(leaves);
  out.leaf_value = p.list<double>("leaf_value", n);
  out.is_linear = p.has("is_linear") && p.integer("is_linear") != 0;
  if (n > 1) {
    out.left_child = p.list<std::int32_t>("left_child", n - 1);
    out.right_child = p.list<std::int32_t>("right_child", n - 1);
    out.split_feature = p.list<std::int32_t>("split_feature", n - 1);
    out.threshold = p.list<double>("threshold", n - 1);
    out.decision_type = p.has("decision_type") ? p.list<std::int32_t>("decision_type", n - 1) : std::vector<std::int32_t>(n - 1, 0);
    if (old && std::ranges::any_of(out.decision_type, [](std::int32_t type) { return type != 0; })) {
      lines.fail(Code::unsupported, "splits by category of a LightGBM before num_cat: save the model again with 2.1 or newer");
    }
    if (old) std::ranges::fill(out.decision_type, static_cast<std::int32_t>(Missing::nan) << kMissingShift);
  }
  if (sets > 0) {
    out.cat_boundaries = p.list<std::int32_t>("cat_boundaries", static_cast<std::size_t>(sets) + 1);
    if (out.cat_boundaries.front() != 0 || !std::ranges::is_sorted(out.cat_boundaries)) lines.fail(Code::corrupt, "cat_boundaries do not rise from 0");
    out.cat_threshold = p.list<std::uint32_t>("cat_threshold", static_cast<std::size_t>(out.cat_boundaries.back()));
  }
  if (out.is_linear) {
    out.leaf_const = p.has("leaf_const") ? p.list<double>("leaf_const", n) : std::vector<double>(n, 0);
    out.num_features = p.has("num_features") ? p.list<std::int32_t>("num_features", n) : std::vector<std::int32_t>(n, 0);
    std::uint64_t total = 0;
    for (const std::int32_t count : out.num_features) {
      if (count < 0) lines.fail(Code::corrupt, format("a leaf with {} features", count));
      total += static_cast<std::uint64_t>(count);
    }
    if (total > 0) {
      out.leaf_features = p.list<std::int32_t>("leaf_features", total);
      out.leaf_coeff = p.list<double>("leaf_coeff", total);
    }
  }
  return out;
}

std::vector<CategoryList> pandas(const Source& source) {
  const std::string_view text = as_text(source.bytes());
  const std::size_t key = text.rfind(kPandas);
  if (key == std::string_view::npos) return {};
  const std::size_t begin = key + kPandas.size();
  const document::DocumentPtr json = document::parse_json(source.member("pandas_categorical", source.data().slice(begin, text.size() - begin)));
  std::vector<CategoryList> out;
  if (!json->root().is_list()) return out;
  const auto lists = json->root().elements();
  for (const document::Value& list : lists) {
    CategoryList& known = out.emplace_back();
    if (list.kind() == document::Kind::numbers) {
      known.numbers = list.list<double>();
      continue;
    }
    const std::vector<document::Value> items = list.elements();
    // Texts; or numbers beside a text that stands for a missing cell (FLAML's "__NAN__"), which no number equals.
    const bool texts = std::ranges::all_of(items, &document::Value::is_text);
    for (const document::Value& item : items) {
      if (texts) known.texts.emplace_back(item.text());
      else known.numbers.push_back(item.is_text() ? std::nan("") : item.real());
    }
  }
  return out;
}

}  // namespace

bool recognise(Bytes bytes) {
  std::string_view text = as_text(bytes);
  if (!text.starts_with("tree")) return false;
  text.remove_prefix(4);
  if (text.starts_with('\r')) text.remove_prefix(1);
  return text.starts_with("\nversion=") || text.starts_with("\nnum_class=");
}

Booster parse(const Source& source) {
  if (!recognise(source.bytes())) throw Error(Code::unsupported, source.where(0), "is no text of a LightGBM model");
  Booster out;
  out.source = source;
  Lines lines(source);
  lines.next();
  Paragraph head(lines, "the model");
  while (!lines.at_end() && !lines.peek().starts_with("Tree=") && lines.peek() != "end of trees") {
    const std::string_view line = lines.next();
    if (!line.empty()) head.add(line);
  }
  if (head.has("version")) out.version = head.text("version");
  out.num_class = head.integer("num_class");
  out.trees_per_iteration = head.has("num_tree_per_iteration") ? head.integer("num_tree_per_iteration") : out.num_class;
  const std::int64_t last = head.integer("max_feature_idx");
  if (last < 0 || last >= kMostFeatures) lines.fail(Code::corrupt, format("max_feature_idx is {}", last));
  out.num_feature = last + 1;
  if (out.num_class < 1 || out.trees_per_iteration < 1 || out.trees_per_iteration > 1'000'000 || out.num_class > 1'000'000) {
    lines.fail(Code::corrupt, format("{} classes, {} trees an iteration", out.num_class, out.trees_per_iteration));
  }
  out.average_output = head.has("average_output");
  if (head.has("objective")) {
    const auto parts = words(head.text("objective"));
    if (!parts.empty()) out.objective = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) out.options.emplace_back(parts[i]);
  }
  for (const std::string_view name : words(head.text("feature_names"))) out.feature_names.emplace_back(name);
  const auto features = static_cast<std::size_t>(out.num_feature);
  if (out.version.empty() && !head.has("feature_infos")) {  // up to February 2017
    if (out.objective == "binary") {
      lines.fail(Code::unsupported, "probabilities of a LightGBM before feature_infos: some doubled the score and some did not, and the text does not say; save the model again with 2.1 or newer");
    }
    out.feature_infos.assign(features, "none");
  } else {
    for (const std::string_view info : words(head.text("feature_infos"))) out.feature_infos.emplace_back(info);
  }
  if (head.has("sigmoid") && out.options.empty() && out.objective == "binary") out.options.push_back(format("sigmoid:{}", printable(head.text("sigmoid"), 40)));
  if (out.feature_names.size() != features || out.feature_infos.size() != features) {
    lines.fail(Code::corrupt, format("{} feature_names and {} feature_infos for {} features", out.feature_names.size(), out.feature_infos.size(), features));
  }
  bool made_up = true;
  for (std::size_t i = 0; i < features; ++i) made_up = made_up && out.feature_names[i] == format("Column_{}", i);
  if (made_up) out.feature_names.clear();

  // Where each tree begins, by the sizes that the head states: a text cut within a number would else read as another number.
  std::optional<std::vector<std::uint64_t>> begins;
  if (head.has("tree_sizes")) {
    begins = {lines.offset()};
    const std::size_t stated = words(head.text("tree_sizes")).size();
    for (const std::int64_t size : head.list<std::int64_t>("tree_sizes", stated)) {
      if (size < 0 || static_cast<std::uint64_t>(size) > source.size()) lines.fail(Code::corrupt, format("a tree of {} bytes", size));
      begins->push_back(begins->back() + static_cast<std::uint64_t>(size));
    }
  }
  std::uint64_t behind = lines.offset();  // the last line of the tree before; blank ones may follow
  const auto check_place = [&] {
    const std::size_t t = out.trees.size();
    if (begins && t < begins->size() && ((*begins)[t] < behind || (*begins)[t] > lines.offset())) {
      throw Error(Code::truncated, source.where(lines.offset()), format("tree {} ends here, by the stated sizes at {:#x}", t == 0 ? 0 : t - 1, (*begins)[t]));
    }
  };
  while (!lines.at_end() && lines.peek().starts_with("Tree=")) {
    check_place();
    lines.budget().charge_items(1, source.where());
    lines.budget().charge(sizeof(Tree), "a tree", source.where());
    Paragraph p(lines, format("tree {}", out.trees.size()));
    lines.next();
    while (!lines.at_end() && !lines.peek().empty() && !lines.peek().starts_with("Tree=") && lines.peek() != "end of trees") p.add(lines.next());
    out.trees.push_back(tree_of(p, lines));
    behind = lines.offset();
    while (!lines.at_end() && lines.peek().empty()) lines.next();
  }
  if (lines.at_end() || lines.peek() != "end of trees") check_place();
  // Since version 3 of the text both are always there.
  if (out.version != "" && out.version != "v2" && (!begins || lines.peek() != "end of trees")) {
    throw Error(Code::truncated, source.where(lines.offset()), begins ? "the trees have no end" : "has no tree_sizes");
  }
  if (begins && begins->size() != out.trees.size() + 1) lines.fail(Code::truncated, format("states {} trees, has {}", begins->size() - 1, out.trees.size()));
  if (out.trees.size() % static_cast<std::size_t>(out.trees_per_iteration) != 0) {
    lines.fail(Code::corrupt, format("{} trees, {} of them an iteration", out.trees.size(), out.trees_per_iteration));
  }
  out.pandas_categorical = pandas(source);
  return out;
}

// Which columns the lists belong to is not said. Of a categorical feature, feature_infos names the categories ("0:2:1"), of a numeric one
// the range ("[-1:3]"), and "none" of one that was never used.
std::vector<CategoryList> Booster::categories() const {
  std::vector<CategoryList> out(static_cast<std::size_t>(num_feature));
  if (pandas_categorical.empty()) return out;
  std::vector<std::size_t> sure, perhaps;
  for (std::size_t i = 0; i < feature_infos.size(); ++i) {
    if (feature_infos[i].starts_with('[')) continue;
    perhaps.push_back(i);
    if (feature_infos[i] != "none") sure.push_back(i);
  }
  const std::vector<std::size_t>& which = sure.size() == pandas_categorical.size() ? sure : perhaps;
  if (which.size() != pandas_categorical.size()) {
    fail(Code::unsupported, format("cannot tell which columns hold the {} categories of the data frame ({} to {} could)", pandas_categorical.size(), sure.size(), perhaps.size()));
  }
  for (std::size_t i = 0; i < which.size(); ++i) out[which[i]] = pandas_categorical[i];
  return out;
}

}  // namespace decant::lightgbm
