// SPDX-License-Identifier: Apache-2.0
// From the root object to a Model: what goes in (how many columns, of which kind, under which names), every method that the estimator
// has, and the hyper-parameters for people.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "frameworks/known.h"
#include "frameworks/python/pandas.h"
#include "frameworks/sklearn/describe.h"
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

/// What a row is that goes in: cells of a table, one label or number, one text, or one record as JSON.
enum class Front : std::uint8_t { table, vector, text, record };

Front front_of(const Object& self, int depth = 0) {
  if (!self.is_instance() || depth > 20 || self.set("transformers_")) return Front::table;  // a ColumnTransformer takes a table
  static constexpr std::string_view kTexts[] = {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer", "WordCountTransformer"}, kRecords[] = {"DictVectorizer", "FeatureHasher", "MultiLabelBinarizer"};
  if (takes_vector(self) && depth == 0) return Front::vector;
  if (std::ranges::find(kTexts, self.name()) != std::end(kTexts)) return Front::text;
  if (std::ranges::find(kRecords, self.name()) != std::end(kRecords)) return Front::record;
  std::vector<Object> inner = inner_estimators(self);
  if (self.has("steps")) {  // what the first step takes that does anything
    std::erase_if(inner, [](const Object& step) { return !step.is_instance(); });
    return inner.empty() ? Front::table : front_of(inner[0], depth + 1);
  }
  for (std::size_t i = 0; i < inner.size() && i < 20; ++i) {
    if (const Front front = front_of(inner[i], depth + 1); front != Front::table) return front;
  }
  return Front::table;
}

/// The fields of records that hold texts, as far as the DictVectorizers in `root` know: what a table's column of that name is taken for.
std::vector<std::string> text_fields(const Object& root) {
  std::vector<std::string> out;
  each_instance(root, [&](const Object& object) {
    if (object.name() != "DictVectorizer" || !object.set("vocabulary_")) return true;
    const std::string separator = object.text("separator", "=");
    std::set<std::string> plain, split;
    for (const auto& [name, position] : object["vocabulary_"].entries()) {
      const std::string text = name.text();
      const std::size_t at = text.find(separator);
      if (at == std::string::npos) plain.insert(text);
      else split.insert(text.substr(0, at));
    }
    for (const std::string& name : split) {
      if (!plain.contains(name)) out.push_back(name);
    }
    return false;
  });
  return out;
}

/// How many columns `self` takes. Versions before 0.24 did not store it, so the fitted arrays tell.
std::optional<std::int64_t> features_of(const Object& self, std::set<Ref>& seen) {
  if (!self.is_instance() || seen.size() > 10'000 || !seen.insert(&self.node()).second) return std::nullopt;
  if (takes_vector(self) || front_of(self) != Front::table) return 1;
  if (const auto known = facts_of(self).features) return known;
  for (const char* attribute : {"n_features_in_", "n_features_", "_n_features", "n_features", "_n_features_in", "_dim"}) {
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
  if (auto known = facts_of(self).names; !known.empty()) return known;
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
    const std::string_view kind = object.name();
    found = found || kind == "CountVectorizer" || kind == "TfidfVectorizer" || kind == "HashingVectorizer" || kind == "DictVectorizer" || kind == "FeatureHasher" || kind == "WordCountTransformer" ||
            object.module().starts_with("category_encoders.") || facts_of(object).text;
    for (const char* attribute : {"categories_", "statistics_", "classes_", "data_values_"}) {
      const std::string_view name(attribute);
      if (!object.set(attribute)) continue;
      if (name == "classes_" && !kind.ends_with("LabelBinarizer") && !kind.ends_with("LabelEncoder")) continue;
      const Object value = object[attribute];
      std::vector<Object> arrays{value};
      if (value.is_sequence() && name == "categories_") arrays = value.elements();
      for (const Object& a : arrays) {
        const auto array = python::labels_of(a).array();
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
  static constexpr std::string_view kPickers[] = {"ColumnTransformer", "DataFrameMapper", "EstimatorChain", "ExpressionClassifier", "ExpressionRegressor", "RuleSetClassifier", "SelectFirstClassifier",
                                                  "SelectFirstRegressor", "SelectFirstTransformer"};
  bool found = false;
  each_instance(root, [&](const Object& object) {
    found = found || std::ranges::find(kPickers, object.name()) != std::end(kPickers);
    return !found;
  });
  return found;
}

/// The classes that name the columns of predict_proba and decision_function: those of the last estimator of a pipeline.
std::vector<std::string> class_names(const Object& self, int depth = 0) {
  if (!self.is_instance() || depth > 20) return {};
  Tensor classes = facts_of(self).classes;
  if (!classes.defined() && self.set("classes_") && self["classes_"].array()) {
    if (self["classes_"].array()->shape.size() != 1) return {};
    classes = self["classes_"].tensor();
  }
  if (classes.defined()) {
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

Table through(Context& context, const std::vector<Object>& steps, Table t) {
  for (const Object& step : steps) {
    if (step.is_instance()) t = context.transform(step, t);
  }
  return t;
}

/// Columns of which some are texts as one matrix of texts: what scikit-learn has as an array of objects.
Expr as_texts(const Table& t) {
  std::vector<Expr> parts;
  for (std::size_t i = 0; i < t.width();) {  // runs of columns of one kind
    const bool text = t.is_text(i);
    std::vector<std::int64_t> run;
    for (; i < t.width() && t.is_text(i) == text; ++i) run.push_back(static_cast<std::int64_t>(i));
    const Table part = t.select(run);
    parts.push_back(text ? part.matrix(DType::string) : apply("decant", "NumberText", {part.matrix()}));
  }
  return concat(parts, 1);
}

/// The value of a transform. `apart`: of columns of open kind that nothing has looked at, nothing is asked.
std::vector<Expr> values_of(const Table& t, bool apart) {
  std::vector<std::int64_t> seen;
  bool any_text = false;
  for (std::size_t i = 0; i < t.width(); ++i) {
    any_text = any_text || t.is_text(i);
    if (!apart || !t.is_open(i)) seen.push_back(static_cast<std::int64_t>(i));
  }
  if (apart && seen.size() < t.width()) return seen.empty() ? std::vector<Expr>{} : std::vector<Expr>{any_text ? as_texts(t.select(seen)) : t.select(seen).matrix()};
  return {any_text ? as_texts(t) : t.matrix()};
}

/// Gives the names of the outputs that are only made on request.
std::vector<std::string> add_outputs(Context& context, const Chain& chain, const Table& in, Signature* signature, const Part& part) {
  std::vector<std::string> on_request;
  const Table x = through(context, chain.before, in);
  const auto add = [&](std::string_view name, const Result& result, const std::vector<std::string>& classes) {
    std::vector<Expr> values = result.values;
    if (result.table) values = values_of(*result.table, part.texts && signature == nullptr);
    if (signature == nullptr) return;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string called = result.is_list ? format("{}[{}]", name, i) : std::string(name);
      context.builder.output(values[i].id(), called);
      const bool by_class = !result.is_list && values[i].type().rank() == 2u && values[i].dim(1) == static_cast<std::int64_t>(classes.size());
      signature->outputs.push_back({called, values[i].type(), by_class ? classes : std::vector<std::string>{}});
    }
  };
  if (!chain.last) return add("transform", x, {}), on_request;
  const std::vector<std::string> classes = class_names(*chain.last);
  for (const Method method : kMethods) {
    if (context.has(*chain.last, method)) add(name_of(method), context.call(*chain.last, method, x), classes);
  }
  for (const Method method : kOnRequest) {
    if (signature == nullptr || !context.has(*chain.last, method)) continue;
    if (std::ranges::find(part.outputs, name_of(method)) != part.outputs.end()) add(name_of(method), context.call(*chain.last, method, x), {});
    else on_request.emplace_back(name_of(method));
  }
  return on_request;
}

/// Adds to the graph whatever uses columns of x. The trees at the end of a pipeline use all that they are given, as numbers: making
/// them twice would double the time to open the model.
void use_columns(Context& context, const Chain& chain, const Table& x, const Part& part) {
  std::vector<Object> steps = chain.all();
  if (steps.size() == 1 && chain.last && steps[0].has("steps") && steps[0]["steps"].is_sequence()) steps = steps_of(steps[0]);
  const Object last = steps.back();
  const bool trees = chain.last && steps.size() > 1 && last.is_instance() && (last.has("tree_") || last.name().starts_with("RandomForest") || last.name().starts_with("ExtraTrees"));
  if (!trees) {
    add_outputs(context, chain, x, nullptr, part);
    return;
  }
  steps.pop_back();
  cast(through(context, steps, x).matrix(), DType::float32);
}

}  // namespace

Model read(const Object& root, const Part& part) {
  if (!root.is_instance()) root.fail(Code::unsupported, "holds no scikit-learn estimator at its top");
  if (find_estimator(root) == nullptr) {
    const Judgement judged = judge(root.module(), root.name());
    if (judged.known == Known::dangerous) {
      root.fail(Code::unsafe, format("to load this file {} is called, which {}; decant called nothing, and `decant scan` tells more", printable(root.full_name()), judged.what));
    }
  }
  Version version;
  std::string version_text;
  each_instance(root, [&](const Object& object) {
    version_text = object.text("_sklearn_version", "");
    return std::sscanf(version_text.c_str(), "%d.%d", &version.major, &version.minor) != 2;
  });
  Model model;
  model.origin.framework = find_estimator(root) != nullptr || !version_text.empty() ? "scikit-learn" : "";
  model.origin.version = version_text;
  model.origin.producer = root.full_name();
  int objects = 100'000;
  model.info = describe(root, "model", objects);
  if (part.look) {
    // What a function made says nothing; an object of an unknown class is one with attributes.
    if (find_estimator(root) == nullptr && root.attributes().empty()) unsupported(root, "is not known to be a model");
    return model;
  }

  const Chain chain = chain_of(root, part);
  refuse_unknown(root, chain);
  const std::vector<Object> all = chain.all();
  std::optional<std::int64_t> features;
  std::vector<std::string> names;
  std::set<Ref> seen_mapper;
  mapped_names(all[0], names, seen_mapper);
  if (root.set("active_fields")) names = names_in(root["active_fields"]);  // sklearn2pmml's, in early versions
  for (std::size_t i = 0; i < all.size() && !features && names.empty(); ++i) {
    std::set<Ref> seen;
    features = features_of(all[i], seen);
  }
  std::set<Ref> seen_names;
  if (!names.empty()) features = static_cast<std::int64_t>(names.size());
  else names = names_of(all[0], seen_names);
  const auto width = features.value_or(static_cast<std::int64_t>(names.size()));
  // A function of each cell (not validated, hence not counted up to 1.1) and what looks at no cell take any number of columns.
  const std::string_view kind = all.size() == 1 ? all[0].name() : std::string_view{};
  const bool images = kind == "PatchExtractor";
  const bool any_width = width == 0 && (images || kind == "FunctionTransformer" || kind == "DummyClassifier" || kind == "DummyRegressor");
  if ((width <= 0 && !any_width) || width > 10'000'000) unsupported(all[0], "cannot tell how many columns it takes; is it fitted?");
  if (names.size() != static_cast<std::size_t>(width)) names.clear();  // names that do not fit the columns name none of them
  const auto any = [&](bool (*holds)(const Object&)) { return std::ranges::any_of(all, holds); };

  // A first pass on columns of open kind finds out which are used as text, and which not at all: those may hold anything.
  const Front front = front_of(all[0]);
  const bool only_texts = front == Front::text || front == Front::record;
  const bool one_by_one = width <= 10'000;
  const std::vector<std::string> shown = names.empty() && (one_by_one || only_texts) ? numbered(width) : names;
  std::vector<bool> text(static_cast<std::size_t>(width), only_texts);
  if (one_by_one && !only_texts && (part.texts || any(sees_text) || (!names.empty() && any(picks_columns)))) {
    Builder b;
    Context context(b, version);
    const Inputs inputs = open_inputs(b, shown);
    use_columns(context, chain, inputs.table, part);
    const Graph graph = b.finish("");
    std::set<ValueId> used;
    for (const Node& node : graph.nodes) used.insert(node.inputs.begin(), node.inputs.end());
    const bool known = !names.empty() || std::ranges::any_of(inputs.texts, [&](ValueId id) { return used.contains(id); }), picks = any(picks_columns);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = used.contains(inputs.texts[i]) || ((part.texts || (known && picks)) && !used.contains(inputs.numbers[i]));
  }

  Builder b;
  Context context(b, version);
  Table x;
  const auto add_input = [&](const std::string& name, const Type& type, const std::vector<std::string>& columns) {
    model.signature.inputs.push_back({name, type, columns, false, {}});
    return Expr(b, b.input(name, type));
  };
  if (only_texts) {
    x = Table(unsqueeze(add_input(shown.size() == 1 && !names.empty() ? shown[0] : "X", Type::tensor(DType::string, {{-1, "N"}}), {}), 1));
    Input& input = model.signature.inputs.back();
    input.json = front == Front::record;
    if (input.json) input.text_fields = text_fields(all[0]);
  } else if (front == Front::vector) {
    const bool labels = std::ranges::any_of(text, [](bool t) { return t; });
    x = Table(unsqueeze(add_input("y", Type::tensor(labels ? DType::string : DType::float64, {{-1, "N"}}), {}), 1));
  } else if (any_width) {
    x = Table::whole(add_input("X", images ? Type{DType::float64, false, {}, DType::undefined} : Type::tensor(DType::float64, {{-1, "N"}, {-1, "columns"}}), {}));
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
  for (const std::string& name : add_outputs(context, chain, x, &model.signature, part)) model.info.children.push_back({"on request", json_text(name), {}});
  if (model.signature.outputs.empty()) no_answers(*chain.last);
  model.graph = b.finish(std::string(root.name()));
  // VotingClassifier.transform can put the members before the rows.
  model.signature.row_wise = context.row_wise && std::ranges::none_of(model.signature.outputs, [](const auto& o) { return !o.type.shape.empty() && o.type.shape[0].value >= 0; });
  return model;
}

}  // namespace decant::sklearn
