// SPDX-License-Identifier: Apache-2.0
// scikit-learn: an estimator object → a Model. One estimator is one entry in one file of estimators/; the file <family>.cc defines
// `std::span<const Estimator> <family>_estimators()` and CMake makes the list. The version that wrote the file decides what its
// attributes mean.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/startup.h"
#include "frameworks/category_codes.h"
#include "frameworks/part.h"
#include "frameworks/python/object.h"
#include "ir/model.h"
#include "ops/expr.h"

namespace decant::sklearn {

using python::Object;

enum class Method : std::uint8_t { predict, predict_proba, predict_log_proba, decision_function, transform, score_samples, mahalanobis, kneighbors, apply };
inline constexpr Method kMethods[] = {Method::predict,   Method::predict_proba, Method::predict_log_proba, Method::decision_function,
                                      Method::transform, Method::score_samples, Method::mahalanobis,       Method::kneighbors};
/// Not made where nobody asks for it by name: the leaves of a forest are as many numbers as all else together.
inline constexpr Method kOnRequest[] = {Method::apply};
std::string_view name_of(Method method);
/// The method of that name; nothing where decant knows none.
std::optional<Method> method_named(std::string_view name);

/// The methods of an entry, as a set.
class Methods {
 public:
  constexpr Methods(std::initializer_list<Method> methods) {
    for (const Method m : methods) bits_ = static_cast<std::uint16_t>(bits_ | 1u << static_cast<unsigned>(m));
  }
  constexpr bool none() const { return bits_ == 0; }
  constexpr bool has(Method m) const { return (bits_ >> static_cast<unsigned>(m) & 1u) != 0; }

 private:
  std::uint16_t bits_ = 0;
};
inline constexpr Methods kClassifier{Method::predict, Method::predict_proba, Method::predict_log_proba};
inline constexpr Methods kScoringClassifier{Method::predict, Method::predict_proba, Method::predict_log_proba, Method::decision_function};
inline constexpr Methods kRegressor{Method::predict};
inline constexpr Methods kTransformer{Method::transform};

/// Data on its way through a pipeline: columns, possibly of several element types, possibly named. A view over matrices in the graph.
class Table {
 public:
  Table() = default;
  Table(Expr matrix, std::vector<std::string> names = {});  // [N, width]; the width must be known
  static Table joined(const std::vector<Table>& parts);     // side by side
  static Table whole(Expr matrix);                          // of unknown width: only good for matrix()

  bool is_whole() const { return columns_.empty() && !blocks_.empty() && blocks_[0].dim(1) < 0; }
  std::size_t width() const { return columns_.size(); }
  const std::vector<std::string>& names() const { return names_; }
  /// The same columns under `names`: as many as there are columns, or none.
  Table named(std::vector<std::string> names) const;
  Table select(const std::vector<std::int64_t>& which) const;
  /// All columns as one matrix [N, width] of float64 (numbers and booleans are cast, strings parsed).
  Expr matrix() const;
  /// All columns as one matrix of `dtype`.
  Expr matrix(DType dtype) const;
  /// One column [N, 1]. With `text` as strings where it can be; otherwise as numbers.
  Expr column(std::size_t i, bool text = false) const;
  bool is_text(std::size_t i) const;
  /// Whether a column is an input of open kind as it came in.
  bool is_open(std::size_t i) const { return columns_.at(i).text_block != ~std::size_t{0}; }
  std::string key() const;  // tells tables apart

  /// A column of an input whose kind is not known yet: one graph input for either kind; which of them is used tells.
  static Table open_columns(std::vector<Expr> numbers, std::vector<Expr> texts, std::vector<std::string> names);

 private:
  struct Column {
    std::size_t block = 0;      // index into blocks_
    std::int64_t index = 0;     // column in that block
    std::size_t text_block = ~std::size_t{0};  // open columns: the block of its text form
  };
  std::vector<Expr> blocks_;
  std::vector<Column> columns_;
  std::vector<std::string> names_;
};

/// What a method gives: one value, several (multi-output predict_proba), or a table (transform).
struct Result {
  Result(Expr value) : values{value} {}
  Result(std::vector<Expr> several) : values(std::move(several)), is_list(true) {}
  Result(Table t) : table(std::move(t)) {}
  std::vector<Expr> values;
  bool is_list = false;
  std::optional<Table> table;
};

class Context;

/// Rows of which most numbers are zero: which columns (int64 [N, L]) and what is in them (float64 [N, L]), of `width` columns.
struct SparseTable {
  Expr columns, values;
  std::int64_t width = 0;
};

/// What the usual attributes (n_features_in_, feature_names_in_, classes_) do not tell of an estimator of another library.
struct Facts {
  std::optional<std::int64_t> features;
  std::vector<std::string> names;
  Tensor classes;     // labels [K], where defined
  bool text = false;  // a column may hold texts
};

struct Estimator {
  std::string_view name;  // class name; its modules are the genuine ones of globals.inc
  Methods methods;
  /// Adds the nodes that compute `method` for rows X. Absent, and no methods: a class that only knows the rows it was fitted on.
  Result (*build)(Context&, const Object& self, Method, const Table& x) = nullptr;
  /// Where the class has a method only for some objects (SVC with probability=True). Absent: always.
  bool (*has)(Context&, const Object& self, Method) = nullptr;
  void (*facts)(const Object& self, Facts&) = nullptr;
};

/// Every estimator, sorted by name.
std::span<const Estimator> all_estimators();

/// What its entry says of `self`; empty where it says nothing.
Facts facts_of(const Object& self);

/// The entry for the class of `object`; nothing when the class is not scikit-learn's or is not known.
const Estimator* find_estimator(const Object& object);

struct Version {
  int major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};

/// One conversion: the graph being built, and what may be asked of other estimators on the way.
class Context {
 public:
  Context(Builder& graph, Version version) : builder(graph), version_(version) {}
  Builder& builder;
  std::map<ValueId, std::vector<std::string>> known_texts;  // all that a column of texts [N, 1] can hold, where an estimator says so
  std::map<ValueId, CategoryList> categories;  // pandas' categories of a column [N, 1] that is one: boosters take their codes
  std::map<ValueId, SparseTable> sparse_rows;  // matrices that were made from sparse rows: linear() then skips the zeros
  std::map<pickle::Ref, std::map<std::string, Table, std::less<>>> memories;  // columns that a sklearn2pmml.cross_reference.Memory keeps aside
  bool row_wise = true;  // an estimator whose answers for a row depend on the other rows clears it

  /// scikit-learn's version that wrote `self` (its _sklearn_version, else that of the file).
  Version version(const Object& self) const;

  bool has(const Object& estimator, Method method);
  /// Asks a (nested) estimator; the same question is answered once. Throws unsupported, naming class, module, version and place.
  const Result& call(const Object& estimator, Method method, const Table& x);
  Expr value(const Object& estimator, Method method, const Table& x);   // one value; a table as its float64 matrix
  Table transform(const Object& estimator, const Table& x);
  Expr predict(const Object& estimator, const Table& x) { return value(estimator, Method::predict, x); }

  /// Stands for as long as something asks about a nested estimator. Throws limit where they are nested too deep, or hold themselves.
  class Level {
   public:
    Level(Context& context, const Object& estimator) : context_(&context) {
      if (context.depth_ >= 100) estimator.fail(Code::limit, "estimators nested deeper than 100 levels");
      ++context.depth_;
    }
    ~Level() { --context_->depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Context* context_;
  };

  Expr constant(Tensor tensor) { return {builder, builder.constant(std::move(tensor))}; }

 private:
  std::map<std::string, Result> answers_;
  std::map<std::pair<pickle::Ref, Method>, bool> has_;
  Version version_;
  int depth_ = 0;
};

// What many estimators share.

/// Labels `classes` [K] picked by int64 indices [N].
Expr labels(Context& context, const Tensor& classes, Expr indices);
/// Labels of the largest of scores [N, K], or for [N] / [N, 1] scores of two classes: the second where the score is > 0.
Expr labels_by_score(Context& context, const Tensor& classes, Expr scores);
/// x @ coefᵀ + intercept for coef [F], [1, F] or [K, F]; the result is [N] for one row of coefficients when `squeeze`.
Expr linear(Context& context, Expr x, const Tensor& coef, const Tensor& intercept, bool squeeze);
/// The classes of a classifier (classes_).
Tensor classes_of(const Object& self);
[[noreturn]] void unsupported(const Object& self, std::string_view what);

/// Reads the object at `root`, or the part of it that is asked for, into a model.
Model read(const Object& root, const Part& part = {});

}  // namespace decant::sklearn
