// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "formats/format.h"
#include "frameworks/sklearn/sklearn.h"
#include "ops/op.h"

namespace decant::cli {
namespace {

std::vector<std::string> methods_of(const sklearn::Estimator& e) {
  std::vector<std::string> out;
  for (const std::span<const sklearn::Method> methods : {std::span<const sklearn::Method>(sklearn::kMethods), std::span<const sklearn::Method>(sklearn::kOnRequest)}) {
    for (const sklearn::Method m : methods) {
      if (e.methods.has(m)) out.emplace_back(sklearn::name_of(m));
    }
  }
  return out;
}

}  // namespace

int formats(const FormatsOptions& options) {
  if (!options.json) {
    for (const Format* f : all_formats()) {
      std::printf("%-12s %s%s%s  %s (%s)\n", std::string(f->name).c_str(), f->read ? "R" : "-", writes(*f) ? "W" : "-", f->scan ? "S" : "-", std::string(f->title).c_str(),
                  std::string(f->extensions).c_str());
    }
    std::printf("\nR reads, W writes, S scans. %zu operators, %zu scikit-learn estimators: decant formats --json\n", all_ops().size(), sklearn::all_estimators().size());
    return kDone;
  }
  nlohmann::ordered_json out;
  for (const Format* f : all_formats()) {
    out["formats"].push_back({{"name", f->name}, {"title", f->title}, {"extensions", f->extensions}, {"read", f->read != nullptr}, {"write", writes(*f)}, {"scan", f->scan != nullptr}});
  }
  for (const Op& op : all_ops()) out["operators"].push_back({{"domain", op.domain.empty() ? "ai.onnx" : op.domain}, {"name", op.name}});
  for (const sklearn::Estimator& e : sklearn::all_estimators()) out["estimators"].push_back({{"framework", "scikit-learn"}, {"name", e.name}, {"methods", methods_of(e)}});
  std::printf("%s\n", out.dump(1).c_str());
  return kDone;
}

}  // namespace decant::cli
