// SPDX-License-Identifier: Apache-2.0
#include "frameworks/pickled.h"

#include <algorithm>

#include "base/text.h"
#include "codecs/compress/compress.h"
#include "frameworks/known.h"
#include "frameworks/lightgbm/pickled.h"
#include "frameworks/sklearn/describe.h"
#include "frameworks/xgboost/pickled.h"

namespace decant {
namespace {

using python::Object;

bool is_container(const Object& o) { return o.is_dict() || o.is_sequence(); }

struct Entry {
  std::string key;
  Object object;
};

/// What a dict or list holds, by key or position.
std::vector<Entry> entries_of(const Object& container) {
  std::vector<Entry> out;
  if (container.is_dict()) {
    for (const auto& [key, value] : container.entries()) {
      if (key.is_text()) out.push_back({key.text(), value});
      else if (key.node().kind == pickle::Kind::integer) out.push_back({format("{}", key.integer()), value});
    }
  } else {
    for (const Object& item : container.elements()) out.push_back({format("{}", out.size()), item});
  }
  return out;
}

/// Models in nested containers, with their paths.
void find_models(const Object& at, const std::string& path, int depth, int& left, std::vector<Entry>& out) {
  for (const Entry& e : entries_of(at)) {
    if (--left < 0) return;
    const std::string here = path.empty() ? e.key : path + "/" + e.key;
    if (e.object.is_instance() && !e.object.array() && sklearn::find_estimator(e.object) != nullptr) out.push_back({here, e.object});
    else if (is_container(e.object) && depth < 5) find_models(e.object, here, depth + 1, left, out);
  }
}

std::string list_of(const std::vector<Entry>& models) {
  std::string out;
  for (std::size_t i = 0; i < models.size() && i < 12; ++i) out += format("{}{} ({})", i == 0 ? "" : ", ", printable(models[i].key, 60), models[i].object.name());
  return models.size() > 12 ? out + ", …" : out;
}

/// The entry that `path` names; keys may hold the separator themselves, so that every way to cut the path is tried.
std::optional<Object> entry_at(const Object& container, std::string_view path, int depth = 0) {
  if (!is_container(container) || depth > 10) return std::nullopt;
  for (const Entry& e : entries_of(container)) {
    if (e.key == path) return e.object;
    if (path.size() > e.key.size() && path.starts_with(e.key) && path[e.key.size()] == '/') {
      if (const auto found = entry_at(e.object, path.substr(e.key.size() + 1), depth + 1)) return found;
    }
  }
  return std::nullopt;
}

/// What cannot be run is still described, but not where loading it elsewhere would do harm: there is nothing of a model to see in that.
void refuse_dangerous(const pickle::Tree& tree) {
  for (const pickle::Ref global : tree.globals) {
    const Judgement judgement = judge(global->module(), global->name());
    if (judgement.known != Known::dangerous) continue;
    throw Error(Code::unsafe, tree.where(*global), format("names {}.{}, which {}; see decant scan", printable(global->module(), 100), printable(global->name(), 100), judgement.what));
  }
}

}  // namespace

Model read_object(const Object& top, const Source& file, const Part& part) {
  if (part.look) refuse_dangerous(top.tree());
  Object root = top;
  std::string note;
  if (is_container(root)) {
    std::vector<Entry> models;
    int left = 10'000;
    find_models(root, "", 0, left, models);
    if (!part.entry.empty()) {
      const auto found = entry_at(root, part.entry);
      if (!found) throw Error(Code::usage, file.where(), format("has no entry {}; its models are {}", printable(part.entry, 60), models.empty() ? "none" : list_of(models)));
      root = *found;
      note = format("entry {} of a {}", printable(part.entry, 60), top.is_dict() ? "dict" : "list");
    } else if (part.look && !models.empty()) {
      Model model;
      int objects = 100'000;
      model.info = sklearn::describe(root, "entries", objects);
      model.notes.push_back(format("models: {}; choose one with --entry", list_of(models)));
      return model;
    } else if (models.size() == 1) {
      note = format("entry {}, the only model of a {}", printable(models[0].key, 60), root.is_dict() ? "dict" : "list");
      root = models[0].object;
    } else if (!models.empty()) {
      throw Error(Code::usage, file.where(), format("holds {} models; choose one with --entry: {}", models.size(), list_of(models)));
    }
  } else if (!part.entry.empty()) {
    throw Error(Code::usage, file.where(), "--entry takes an entry of a dict or list, and the file holds one object");
  }
  Model model = xgboost::is_booster(root)    ? xgboost::read(xgboost::booster_of(root), part.outputs)
                : lightgbm::is_booster(root) ? lightgbm::read(lightgbm::booster_of(root), part.outputs)
                                             : sklearn::read(root, part);
  if (!note.empty()) model.notes.push_back(note);
  return model;
}

pickle::Tree pickled_objects(const Source& file) {
  Cursor cursor(compress::recognise(file.bytes()) ? compress::unpack_all(file) : file);
  return pickle::parse(cursor, python::pickle_options());
}

Model read_pickled(const Source& file, const Part& part) {
  Cursor cursor(compress::recognise(file.bytes()) ? compress::unpack_all(file) : file);
  const pickle::Tree tree = pickle::parse(cursor, python::pickle_options());
  Model model = read_object({tree, tree.root}, file, part);
  if (!cursor.at_end()) model.notes.push_back("bytes follow the pickle; they were not read");
  return model;
}

}  // namespace decant
