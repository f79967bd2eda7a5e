// SPDX-License-Identifier: Apache-2.0
// From the root object to a Model: what goes in (how many columns, of which kind, under which names), every method that the estimator
// has, and the hyper-parameters for people.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

using pickle::Kind;
using pickle::Ref;

/// Calls `visit` for every instance reachable from `root`, once.
template <class Visit>
void each_instance(const Object& root, Visit visit) {
  std::set<Ref> seen;
  std::vector<Ref> todo{&root.node()};
  while (!todo.empty()) {
    const Ref at = todo.back();
    todo.pop_back();
    if (at == nullptr || !seen.insert(at).second) continue;
    const Object object(root.tree(), at);
    if (object.is_instance() && !visit(object)) return;
    for (const Ref item : at->items) todo.push_back(item);
    if (at->extra != nullptr) {
      for (const auto* list : {&at->extra->states, &at->extra->appended, &at->extra->entries}) todo.insert(todo.end(), list->begin(), list->end());
      todo.push_back(at->extra->nested);
    }
  }
}

std::vector<Object> steps_of(const Object& pipeline) {
  std::vector<Object> out;
  for (const Object& step : pipeline["steps"].elements()) out.push_back(step.item(1));
  return out;
}

/// The attributes that hold other fitted estimators which see the same columns.
std::vector<Object> inner_estimators(const Object& self) {
  std::vector<Object> out;
  if (self.has("steps")) return steps_of(self);
  for (const char* attribute : {"best_estimator_", "estimator_", "base_estimator_", "regressor_", "_pca", "init_", "estimator"}) {
    if (self.set(attribute)) out.push_back(self[attribute]);
  }
  for (const char* attribute : {"estimators_", "calibrated_classifiers_"}) {
    if (!self.set(attribute)) continue;
    if (const auto array = self[attribute].array(); array && array->type.kind == 'O') {
      for (const Ref ref : array->objects) out.emplace_back(self.tree(), ref);
    } else if (self[attribute].is_sequence()) {
      for (const Object& e : self[attribute].elements()) out.push_back(e);
    }
  }
  for (const char* attribute : {"transformer_list", "transformers_"}) {
    if (!self.set(attribute)) continue;
    for (const Object& t : self[attribute].elements()) out.push_back(t.item(1));
  }
  return out;
}

/// Those that take one column of labels or numbers, as a vector.
bool takes_vector(const Object& self) { return self.name() == "LabelEncoder" || self.name() == "LabelBinarizer" || self.name() == "IsotonicRegression"; }

/// How many columns `self` takes. Versions before 0.24 did not store it, so the fitted arrays tell.
std::optional<std::int64_t> features_of(const Object& self, std::set<Ref>& seen) {
  if (!self.is_instance() || seen.size() > 10'000 || !seen.insert(&self.node()).second) return std::nullopt;
  if (takes_vector(self)) return 1;
  for (const char* attribute : {"n_features_in_", "n_features_", "_n_features", "n_features", "_n_features_in"}) {
    if (self.set(attribute) && self[attribute].is_number()) return self[attribute].integer();
  }
  const bool several = self.set("transformers_");  // columns are shared out: no part of it knows the whole
  if (!several) {
    for (const Object& inner : inner_estimators(self)) {
      if (const auto n = features_of(inner, seen)) return n;
    }
    for (const char* attribute : {"coef_", "theta_", "means_", "cluster_centers_", "components_", "dictionary", "shape_fit_", "support_vectors_", "_fit_X", "feature_log_prob_", "centroids_",
                                  "mean_", "scale_", "center_", "statistics_", "lambdas_", "quantiles_", "min_", "n_bins_", "categories_", "scores_", "variances_", "coefs_"}) {
      if (!self.set(attribute)) continue;
      const Object value = self[attribute];
      const std::string_view name(attribute);
      if (name == "shape_fit_") return value.item(1).integer();
      if (name == "coefs_") return value.item(0).tensor().dim(0);
      if (name == "categories_" && value.is_sequence()) return static_cast<std::int64_t>(value.elements().size());
      if (const auto array = value.array(); array && !array->shape.empty()) return name == "quantiles_" ? array->shape[1] : array->shape.back();
    }
  } else {
    std::int64_t most = -1;  // old ColumnTransformer: the highest position that it names
    for (const Object& t : self["transformers_"].elements()) {
      const Object which = t.item(2);
      if (which.is_number()) most = std::max(most, which.integer());
      if (which.is_sequence() || which.array()) {
        for (const Object& item : which.is_sequence() ? which.elements() : std::vector<Object>{}) {
          if (item.is_number()) most = std::max(most, item.integer());
        }
      }
    }
    if (most >= 0) return most + 1;
  }
  return std::nullopt;
}

/// The columns that mappers of data frames ask for by name, in the order in which they first do. Only what sees the model's own input counts.
void mapped_names(const Object& self, std::vector<std::string>& out, std::set<Ref>& seen) {
  if (!self.is_instance() || seen.size() > 10'000 || !seen.insert(&self.node()).second) return;
  const auto add = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (std::ranges::find(out, name) == out.end()) out.push_back(name);
    }
  };
  if (self.name() == "DataFrameMapper" && self.has("features")) {
    for (const Object& feature : self["features"].elements()) add(names_in(feature.item(0)));
  } else if (self.has("steps") && self["steps"].is_sequence()) {
    const std::vector<Object> steps = steps_of(self);
    if (!steps.empty()) mapped_names(steps[0], out, seen);
  } else if (self.set("transformer_list")) {
    for (const Object& inner : inner_estimators(self)) mapped_names(inner, out, seen);
  }
}

std::vector<std::string> names_of(const Object& self, std::set<Ref>& seen) {
  if (!self.is_instance() || seen.size() > 10'000 || !seen.insert(&self.node()).second) return {};
  for (const char* attribute : {"feature_names_in_", "_feature_names_in", "_df_columns"}) {
    if (!self.set(attribute)) continue;
    Object value = self[attribute];
    if (!value.array() && !value.is_sequence() && value.is_instance()) {  // a pandas Index: its data is an array inside
      for (const auto& [key, data] : value.args().size() > 1 ? value.args()[1].attributes() : std::vector<std::pair<std::string_view, Object>>{}) {
        if (key == "data") value = data;
      }
    }
    if (!value.array() && !value.is_sequence()) continue;
    const Tensor names = value.tensor();
    if (names.dtype() == DType::string) return {names.data<std::string>().begin(), names.data<std::string>().end()};
  }
  for (const Object& inner : inner_estimators(self)) {
    if (auto names = names_of(inner, seen); !names.empty()) return names;
  }
  return {};
}

/// Whether any encoder or imputer in `root` was fitted on strings: only then can an input column be text.
bool sees_text(const Object& root) {
  bool found = false;
  each_instance(root, [&](const Object& object) {
    for (const char* attribute : {"categories_", "statistics_", "classes_"}) {
      const std::string_view name(attribute);
      if (!object.set(attribute)) continue;
      if (name == "classes_" && object.name() != "LabelBinarizer" && object.name() != "LabelEncoder") continue;
      const Object value = object[attribute];
      std::vector<Object> arrays{value};
      if (value.is_sequence() && name == "categories_") arrays = value.elements();
      for (const Object& a : arrays) {
        const auto array = a.array();
        if (!array) continue;
        found = found || array->type.kind == 'U' || array->type.kind == 'S' ||
                std::ranges::any_of(array->objects, [](Ref ref) { return ref->is_text(); });
      }
    }
    return !found;
  });
  return found;
}

/// Whether anything in `root` chooses among columns by name or position.
bool picks_columns(const Object& root) {
  bool found = false;
  each_instance(root, [&](const Object& object) {
    found = found || object.name() == "ColumnTransformer" || object.name() == "DataFrameMapper";
    return !found;
  });
  return found;
}

/// The classes that name the columns of predict_proba and decision_function: those of the last estimator of a pipeline.
std::vector<std::string> class_names(const Object& self, int depth = 0) {
  if (!self.is_instance() || depth > 20) return {};
  if (self.set("classes_") && (self["classes_"].array())) {
    const auto array = self["classes_"].array();
    if (array->shape.size() != 1) return {};
    const Tensor classes = self["classes_"].tensor();
    std::vector<std::string> out;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      switch (classes.dtype()) {
        case DType::string: out.push_back(classes.data<std::string>()[i]); break;
        case DType::boolean: out.emplace_back(classes.data<bool>()[i] ? "True" : "False"); break;
        case DType::float64: case DType::float32: out.push_back(format("{}", classes.number(i))); break;
        default: out.push_back(format("{}", classes.integer(i)));
      }
    }
    return out;
  }
  if (self.has("steps")) return class_names(steps_of(self).back(), depth + 1);
  for (const char* inner : {"best_estimator_", "estimator_", "estimator", "label_binarizer_"}) {
    if (self.set(inner)) return class_names(self[inner], depth + 1);
  }
  return {};
}

/// Names for columns that have none.
std::vector<std::string> numbered(std::int64_t n) {
  std::vector<std::string> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(format("x{}", i));
  return out;
}

struct Inputs {
  Table table;
  std::vector<ValueId> numbers, texts;  // only for open columns
};

Inputs open_inputs(Builder& b, const std::vector<std::string>& names) {
  Inputs out;
  std::vector<Expr> numbers, texts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto add = [&](const char* kind, DType dtype) { return b.input(format("{}{}", kind, i), Type::tensor(dtype, {{-1, "N"}, {1, {}}})); };
    out.numbers.push_back(add("number", DType::float64));
    out.texts.push_back(add("text", DType::string));
    numbers.emplace_back(b, out.numbers.back());
    texts.emplace_back(b, out.texts.back());
  }
  out.table = Table::open_columns(numbers, texts, names);
  return out;
}

void add_outputs(Context& context, const Object& root, const Table& x, Signature* signature) {
  const std::vector<std::string> classes = class_names(root);
  for (const Method method : kMethods) {
    if (!context.has(root, method)) continue;
    const Result& result = context.call(root, method, x);
    std::vector<Expr> values = result.values;
    std::vector<std::string> columns;
    if (result.table) {
      bool text = result.table->width() > 0;
      for (std::size_t i = 0; i < result.table->width(); ++i) text = text && result.table->is_text(i);
      values = {result.table->matrix(text ? DType::string : DType::float64)};
    }
    if (signature == nullptr) continue;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string name = result.is_list ? format("{}[{}]", name_of(method), i) : std::string(name_of(method));
      context.builder.output(values[i].id(), name);
      if (!result.is_list && values[i].dim(1) == static_cast<std::int64_t>(classes.size()) && values[i].type().rank() == 2u) columns = classes;
      signature->outputs.push_back({name, values[i].type(), columns});
    }
  }
}

/// Adds to the graph whatever uses columns of x. The trees at the end of a pipeline use all that they are given, as numbers: making
/// them twice would double the time to open the model.
void use_columns(Context& context, const Object& root, const Table& x) {
  const std::vector<Object> steps = root.has("steps") && root["steps"].is_sequence() ? steps_of(root) : std::vector<Object>{};
  const bool trees = steps.size() > 1 && steps.back().is_instance() && (steps.back().has("tree_") || steps.back().name().starts_with("RandomForest") || steps.back().name().starts_with("ExtraTrees"));
  if (!trees) return add_outputs(context, root, x, nullptr);
  Table t = x;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    if (steps[i].is_instance()) t = context.transform(steps[i], t);
  }
  cast(t.matrix(), DType::float32);
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text, 400)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Hyper-parameters (attributes without a trailing or leading underscore) and what is nested in them.
/// `left` bounds how much is said: an object may hold others many times over.
Info describe(const Object& object, std::string name, int& left, int depth = 0) {
  Info out{std::move(name), {}, {}};
  if (object.is_none()) out.value = "null";
  else if (object.is_text()) out.value = json_text(object.text());
  else if (object.node().kind == Kind::boolean) out.value = object.boolean() ? "true" : "false";
  else if (object.is_number()) out.value = object.node().kind == Kind::integer ? format("{}", object.integer()) : format("{}", object.real());
  else if (const auto array = object.array()) out.value = json_text(format("array {} {}", array->type.text(), text_of(array->shape)));
  else if (depth > 12 || --left < 0) out.value = json_text("…");
  else if (object.is_sequence()) {
    std::size_t i = 0;
    for (const Object& item : object.elements()) {
      if (i >= 50) break;
      // A named step: ("scale", StandardScaler()) or ("num", Pipeline(), [columns]).
      const bool named = item.is_sequence() && item.elements().size() >= 2 && item.elements()[0].is_text() && item.elements()[1].is_instance();
      out.children.push_back(named ? describe(item.elements()[1], item.elements()[0].text(), left, depth + 1) : describe(item, format("{}", i), left, depth + 1));
      ++i;
    }
    if (out.children.empty()) out.value = "[]";
  } else if (object.is_instance() && find_estimator(object) != nullptr) {
    out.value = json_text(object.name());
    for (const auto& [key, value] : object.attributes()) {
      if (key.ends_with('_') || key.starts_with('_')) continue;
      out.children.push_back(describe(value, std::string(key), left, depth + 1));
    }
  } else {
    out.value = json_text(object.name().empty() ? std::string("…") : object.full_name());
  }
  return out;
}

}  // namespace

Model read(const Object& root) {
  if (!root.is_instance()) root.fail(Code::unsupported, "holds no scikit-learn estimator at its top");
  if (find_estimator(root) == nullptr) unsupported(root, "decant does not run this class yet");
  Version version;
  std::string version_text;
  each_instance(root, [&](const Object& object) {
    version_text = object.text("_sklearn_version", "");
    return std::sscanf(version_text.c_str(), "%d.%d", &version.major, &version.minor) != 2;
  });

  std::set<Ref> seen, seen_mapper, seen_names;
  auto features = features_of(root, seen);
  std::vector<std::string> names;
  mapped_names(root, names, seen_mapper);
  if (root.set("active_fields")) names = names_in(root["active_fields"]);  // sklearn2pmml's, in early versions
  if (!names.empty()) features = static_cast<std::int64_t>(names.size());
  else names = names_of(root, seen_names);
  const auto width = features.value_or(static_cast<std::int64_t>(names.size()));
  // A function of each cell (not validated, hence not counted up to 1.1) and what looks at no cell take any number of columns.
  const bool any_width = width == 0 && (root.name() == "FunctionTransformer" || root.name() == "DummyClassifier" || root.name() == "DummyRegressor");
  if ((width <= 0 && !any_width) || width > 10'000'000) unsupported(root, "cannot tell how many columns it takes; is it fitted?");
  if (names.size() != static_cast<std::size_t>(width)) names.clear();  // names that do not fit the columns name none of them

  // A first pass on columns of open kind finds out which are used as text, and which not at all: those may hold anything.
  const bool one_by_one = width <= 10'000;
  const std::vector<std::string> shown = names.empty() && one_by_one ? numbered(width) : names;
  std::vector<bool> text(static_cast<std::size_t>(width), false);
  if (one_by_one && (sees_text(root) || (!names.empty() && picks_columns(root)))) {
    Builder b;
    Context context(b, root.tree(), version);
    const Inputs inputs = open_inputs(b, shown);
    use_columns(context, root, inputs.table);
    const Graph graph = b.finish("");
    std::set<ValueId> used;
    for (const Node& node : graph.nodes) used.insert(node.inputs.begin(), node.inputs.end());
    bool any = !names.empty();
    for (std::size_t i = 0; i < text.size(); ++i) any = any || used.contains(inputs.texts[i]);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = used.contains(inputs.texts[i]) || (any && picks_columns(root) && !used.contains(inputs.numbers[i]));
  }

  Model model;
  Builder b;
  Context context(b, root.tree(), version);
  Table x;
  const auto add_input = [&](const std::string& name, const Type& type, const std::vector<std::string>& columns) {
    model.signature.inputs.push_back({name, type, columns});
    return Expr(b, b.input(name, type));
  };
  if (takes_vector(root)) {
    const bool labels = std::ranges::any_of(text, [](bool t) { return t; });
    x = Table(unsqueeze(add_input("y", Type::tensor(labels ? DType::string : DType::float64, {{-1, "N"}}), {}), 1));
  } else if (any_width) {
    x = Table::whole(add_input("X", Type::tensor(DType::float64, {{-1, "N"}, {-1, "columns"}}), {}));
  } else if (std::ranges::any_of(text, [](bool t) { return t; })) {
    std::vector<Table> columns;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const Type type = Type::tensor(text[i] ? DType::string : DType::float64, {{-1, "N"}, {1, {}}});
      columns.emplace_back(add_input(shown[i], type, {}), std::vector<std::string>{shown[i]});
    }
    x = Table::joined(columns);
  } else {
    x = Table(add_input("X", Type::tensor(DType::float64, {{-1, "N"}, {width, {}}}), names), names);
  }
  add_outputs(context, root, x, &model.signature);
  if (model.signature.outputs.empty()) unsupported(root, "has no method that gives an answer on new data");
  model.graph = b.finish(std::string(root.name()));
  // VotingClassifier.transform can put the members before the rows.
  model.signature.row_wise = context.row_wise && std::ranges::none_of(model.signature.outputs, [](const auto& o) { return !o.type.shape.empty() && o.type.shape[0].value >= 0; });
  model.origin.framework = "scikit-learn";
  model.origin.version = version_text;
  model.origin.producer = root.full_name();
  int objects = 100'000;
  model.info = describe(root, "model", objects);
  return model;
}

}  // namespace decant::sklearn
