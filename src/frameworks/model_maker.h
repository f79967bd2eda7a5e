// SPDX-License-Identifier: Apache-2.0
// A Model of a boosting library while it is made: inputs and outputs are added to graph and signature together.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "ir/model.h"
#include "ops/expr.h"

namespace decant {

class ModelMaker {
 public:
  Model model;

  /// A table of numbers as one input, [N, width].
  Expr matrix(std::int64_t width, const std::vector<std::string>& columns) {
    return input("X", Type::tensor(DType::float64, {{-1, "N"}, {width, {}}}), columns);
  }
  /// A column that is an input of its own, [N, 1], as one of texts must be.
  Expr column(const std::string& name, bool text) { return input(name, Type::tensor(text ? DType::string : DType::float64, {{-1, "N"}, {1, {}}}), {}); }
  /// A column of vectors, [N, width].
  Expr embedding(const std::string& name, std::int64_t width) { return input(name, Type::tensor(DType::float64, {{-1, "N"}, {width, {}}}), {}); }

  void output(Expr value, const char* name, std::vector<std::string> columns = {}) {
    builder_.output(value.id(), name);
    model.signature.outputs.push_back({name, value.type(), std::move(columns)});
  }

  /// An output that is only made where it is wanted; `make` gives its value. The model's info names it otherwise.
  template <class Make>
  void on_request(const char* name, const std::vector<std::string>& wanted, Make&& make) {
    if (std::ranges::find(wanted, name) != wanted.end()) output(make(), name);
    else left_out_.push_back({"on request", json_text(name), {}});
  }

  Model finish(const char* framework, const char* producer, std::vector<Info> facts) && {
    const std::string name = std::string(producer).substr(std::string_view(producer).rfind('.') + 1);
    model.graph = builder_.finish(name);
    model.signature.row_wise = true;
    model.origin.framework = framework;
    model.origin.producer = producer;
    facts.insert(facts.end(), left_out_.begin(), left_out_.end());
    model.info = {"model", "\"" + name + "\"", std::move(facts)};
    return std::move(model);
  }

 private:
  Expr input(const std::string& name, const Type& type, const std::vector<std::string>& columns) {
    model.signature.inputs.push_back({name, type, columns});
    return {builder_, builder_.input(name, type)};
  }

  Builder builder_;
  std::vector<Info> left_out_;
};

}  // namespace decant
