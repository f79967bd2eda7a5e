// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/describe.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "frameworks/known.h"

namespace decant::sklearn {
namespace {

using pickle::Kind;

bool is_pipeline(const Object& o) { return o.is_instance() && o.has("steps") && o["steps"].is_sequence(); }

struct Step {
  std::string name;
  Object object;
};

std::vector<Step> steps_of(const Object& pipeline) {
  std::vector<Step> out;
  for (const Object& step : pipeline["steps"].elements()) out.push_back({step.item(0).is_text() ? step.item(0).text() : std::string(), step.item(1)});
  if (out.empty()) pipeline.fail(Code::corrupt, "a pipeline without steps");
  return out;
}

std::string names_of(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& s : steps) out += (out.empty() ? "" : ", ") + printable(s.name, 60);
  return out;
}

std::size_t position_of(const std::vector<Step>& steps, const std::string& wanted) {
  const auto at = std::ranges::find(steps, wanted, &Step::name);
  if (at != steps.end()) return static_cast<std::size_t>(at - steps.begin());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error == std::errc() && end == wanted.data() + wanted.size() && number < steps.size()) return number;
  throw Error(Code::usage, format("the pipeline has no step {}; it has {}", printable(wanted, 60), names_of(steps)));
}

/// An unknown class among the parts that run, and where.
struct Stranger {
  Object object;
  std::string place;
  std::vector<Step> steps;  // of the outermost pipeline, where it is one of its own
  std::size_t at = 0;
};

void find_strangers(const Object& object, const std::string& place, int depth, int& left, std::vector<Stranger>& out) {
  if (!object.is_instance() || depth > 30 || --left < 0 || !out.empty()) return;
  if (find_estimator(object) == nullptr) {
    out.push_back({object, place, {}, 0});
    return;
  }
  const auto inside = [&](std::string_view what) { return place.empty() ? std::string(what) : format("{} of {}", what, place); };
  if (is_pipeline(object)) {
    const std::vector<Step> steps = steps_of(object);
    for (std::size_t i = 0; i < steps.size() && out.empty(); ++i) {
      find_strangers(steps[i].object, inside(format("step {} of {} (\"{}\")", i + 1, steps.size(), printable(steps[i].name, 60))), depth + 1, left, out);
      if (!out.empty() && depth == 0 && find_estimator(steps[i].object) == nullptr) out[0].steps = steps, out[0].at = i;
    }
    return;
  }
  for (const char* list : {"transformer_list", "transformers_"}) {
    if (!object.set(list) || !object[list].is_sequence()) continue;
    for (const Object& part : object[list].elements()) {
      find_strangers(part.item(1), inside(format("part \"{}\" of the {}", part.item(0).is_text() ? printable(part.item(0).text(), 60) : "?", object.name())), depth + 1, left, out);
    }
  }
  if (object.set("best_estimator_")) find_strangers(object["best_estimator_"], place.empty() ? std::string() : place, depth, left, out);
}

}  // namespace

Info describe(const Object& object, std::string name, int& left, int depth) {
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
  } else if (object.is_dict()) {
    const auto entries = object.entries();
    for (std::size_t i = 0; i < entries.size() && i < 50; ++i) {
      const Object& key = entries[i].first;
      out.children.push_back(describe(entries[i].second, key.is_text() ? key.text() : key.is_number() ? format("{}", key.real()) : "?", left, depth + 1));
    }
    if (entries.size() > 50) out.children.push_back({"…", json_text(format("{} entries", entries.size())), {}});
    if (out.children.empty()) out.value = "{}";
  } else if (const Estimator* entry = object.is_instance() ? find_estimator(object) : nullptr; entry != nullptr) {
    out.value = json_text(object.name());
    Info fitted{"fitted", {}, {}};
    for (const auto& [key, value] : object.attributes()) {
      if (!key.ends_with('_') && !key.starts_with('_')) out.children.push_back(describe(value, std::string(key), left, depth + 1));
      else if (entry->methods.none() && key.ends_with('_') && !key.starts_with('_')) fitted.children.push_back(describe(value, std::string(key), left, depth + 1));
    }
    if (!fitted.children.empty()) out.children.push_back(std::move(fitted));
  } else if (object.is_instance() && !is_genuine("numpy", object.module(), object.name()) && !is_genuine("scipy", object.module(), object.name())) {
    out.value = json_text(object.full_name());
    const auto attributes = object.attributes();
    for (std::size_t i = 0; i < attributes.size() && i < 100; ++i) out.children.push_back(describe(attributes[i].second, std::string(attributes[i].first), left, depth + 1));
  } else {
    out.value = json_text(object.name().empty() ? std::string("…") : object.full_name());
  }
  return out;
}

std::vector<Object> Chain::all() const {
  std::vector<Object> out;
  for (const Object& o : before) {
    if (o.is_instance()) out.push_back(o);  // not the steps that pass everything on
  }
  if (last || out.empty()) out.push_back(last ? *last : before.at(0));
  return out;
}

Chain chain_of(const Object& root, const Part& part) {
  if (part.until.empty() && part.from.empty()) return {{}, root};
  Object pipeline = root;
  if (!is_pipeline(pipeline) && pipeline.set("best_estimator_")) pipeline = pipeline["best_estimator_"];
  if (!is_pipeline(pipeline)) throw Error(Code::usage, format("--from and --until take steps of a pipeline, and the model is a {}", printable(root.full_name())));
  const std::vector<Step> steps = steps_of(pipeline);
  const std::size_t begin = part.from.empty() ? 0 : position_of(steps, part.from), end = part.until.empty() ? steps.size() : position_of(steps, part.until);
  if (begin >= end) throw Error(Code::usage, format("no step lies between {} and {}; the pipeline has {}", part.from.empty() ? "the beginning" : printable(part.from, 60), printable(part.until, 60), names_of(steps)));
  Chain out;
  for (std::size_t i = begin; i < end; ++i) out.before.push_back(steps[i].object);
  if (part.until.empty() && out.before.back().is_instance()) {
    out.last = out.before.back();
    out.before.pop_back();
  }
  if (!out.last && std::ranges::none_of(out.before, &Object::is_instance)) throw Error(Code::usage, "the steps that are asked for pass everything through");
  return out;
}

void refuse_unknown(const Object& root, const Chain& chain) {
  std::vector<Stranger> found;
  int left = 10'000;
  const bool whole = chain.before.empty() && chain.last && *chain.last == root;
  for (const Object& step : chain.all()) find_strangers(step, whole ? "" : format("step {}", printable(step.full_name())), whole ? 0 : 1, left, found);
  if (found.empty()) return;
  const Stranger& s = found[0];
  std::string text;
  if (is_genuine("sklearn", s.object.module(), s.object.name())) text = "is a class that decant does not run yet";
  else text = "is a class that decant does not know, and it runs no code out of files";
  if (!s.place.empty()) text += format("; it is {}", s.place);
  const auto attributes = s.object.attributes();
  if (!attributes.empty()) {
    text += "; it holds ";
    for (std::size_t i = 0; i < attributes.size() && i < 8; ++i) text += (i == 0 ? "" : ", ") + printable(attributes[i].first, 40);
    if (attributes.size() > 8) text += ", …";
    text += " (see decant inspect)";
  }
  if (!s.steps.empty()) {
    if (s.at > 0) text += format("; --until {} runs the steps before it", printable(s.steps[s.at].name, 60));
    if (s.at + 1 < s.steps.size()) text += format("{} --from {} those behind it", s.at > 0 ? "," : ";", printable(s.steps[s.at + 1].name, 60));
  }
  s.object.fail(Code::unsupported, format("{} {}", s.object.full_name(), text));
}

void no_answers(const Object& self) {
  Object last = self;
  for (int depth = 0; depth < 20 && is_pipeline(last) && last["steps"].elements().back().item(1).is_instance(); ++depth) last = last["steps"].elements().back().item(1);
  std::string knows;
  for (const char* attribute : {"labels_", "row_labels_", "embedding_"}) {
    if (last.set(attribute)) knows += (knows.empty() ? ", which it keeps in " : " and ") + std::string(attribute);
  }
  unsupported(last, format("has no method for new data: it only answers for the rows that it was fitted on{}", knows));
}

}  // namespace decant::sklearn
