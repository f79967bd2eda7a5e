// SPDX-License-Identifier: Apache-2.0
#include "ops/builder.h"

#include <algorithm>

#include "base/checked.h"
#include "base/text.h"
#include "ops/interpret.h"

namespace decant {
namespace {

// Bytes that tell two constants apart. Large ones are told apart by where they are: comparing megabytes costs more than it saves.
std::string key_of(const Tensor& t) {
  std::string key = format("{}{}:", name_of(t.dtype()), text_of(t.shape()));
  if (t.dtype() == DType::string || t.blob().size() > 4096) {
    key += format("@{}", static_cast<const void*>(t.blob().bytes.data()));
  } else {
    key += as_text(t.blob().bytes);
  }
  return key;
}

struct AttributeKey {
  std::string operator()(std::int64_t v) const { return format("i{}", v); }
  std::string operator()(double v) const { return format("d{}", v); }
  std::string operator()(const std::string& v) const { return "s" + v; }
  std::string operator()(const Tensor& v) const { return "t" + key_of(v); }
  std::string operator()(const GraphPtr& v) const { return format("g{}", static_cast<const void*>(v.get())); }
  template <class T>
  std::string operator()(const std::vector<T>& v) const {
    std::string out = "[";
    for (const T& item : v) out += (*this)(item) + '\x1f';
    return out;
  }
};

std::string key_of(const Node& node, std::size_t outputs) {
  std::string key = format("{}.{}/{}(", node.domain, node.op, outputs);
  for (const ValueId id : node.inputs) key += format("{},", id);
  for (const auto& [name, value] : node.attributes) key += name + '=' + std::visit(AttributeKey{}, value) + '\x1e';
  return key;
}

bool is_random(std::string_view op) { return op.starts_with("Random") || op == "Bernoulli" || op == "Multinomial"; }

// A node with long lists (trees) is hardly ever there twice, and its key would be as long as the lists.
bool is_large(const Node& node) {
  constexpr std::size_t kLong = 256;
  return std::ranges::any_of(node.attributes, [](const auto& entry) {
    return std::visit([](const auto& v) {
      if constexpr (requires { v.capacity(); }) return v.size() > kLong;
      else return false;
    }, entry.second);
  });
}

// What a node of constants computes is a constant, where it is small: the shapes that files compute step by step.
std::vector<Tensor> folded(const Op& op, const Node& node, const std::vector<const Tensor*>& inputs, const std::vector<Type>& outputs) {
  constexpr std::uint64_t kSmall = 4096;
  if (op.run == nullptr || node.inputs.empty() || !node.captures.empty()) return {};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i] != kNoValue && (inputs[i] == nullptr || inputs[i]->size() > kSmall)) return {};
  }
  for (const Type& t : outputs) {
    std::uint64_t count = t.has_rank ? 1 : kSmall + 1;
    for (const Dim& d : t.shape) count = d.known() ? sat_mul(count, static_cast<std::uint64_t>(d.value)) : kSmall + 1;
    if (count > kSmall) return {};
  }
  for (const auto& [name, value] : node.attributes) {
    if (std::holds_alternative<GraphPtr>(value)) return {};
  }
  const State state = op.prepare != nullptr ? op.prepare(PrepareContext(node, std::vector<const Type*>(inputs.size(), nullptr), inputs)) : nullptr;
  std::vector<Tensor> results(outputs.size());
  KernelContext context(node, inputs, results, state.get(), nullptr);
  op.run(context);
  return results;
}

}  // namespace

std::string Builder::unique(std::string_view name) {
  std::string out(name);
  while (taken(out)) out = format("{}_{}", name, ++counters_[std::string(name)]);
  return out;
}

ValueId Builder::add_value(std::string_view name, Type type) {
  const auto id = static_cast<ValueId>(graph_.values.size());
  std::string own = unique(name);
  names_.emplace(own, id);
  used_->insert(own);
  graph_.values.push_back({std::move(own), std::move(type)});
  return id;
}

ValueId Builder::input(std::string_view name, Type type) {
  if (names_.contains(std::string(name))) throw Error(Code::corrupt, format("two inputs are called {}", printable(name)));
  graph_.inputs.push_back(add_value(name, std::move(type)));
  return graph_.inputs.back();
}

ValueId Builder::constant(Tensor tensor, std::string_view name) {
  std::string key = key_of(tensor);
  if (const auto at = constants_.find(key); at != constants_.end()) {
    // Strings and large tensors are keyed by address: the tensor that is kept keeps the address from being used again.
    return at->second;
  }
  const ValueId id = add_value(name.empty() ? "c" : name, Type::of(tensor));
  graph_.constants.emplace(id, std::move(tensor));
  constants_.emplace(std::move(key), id);
  return id;
}

ValueId Builder::capture(ValueId outer) {
  if (const auto at = captured_.find(outer); at != captured_.end()) return at->second;
  const Value& value = outer_->graph_.value(outer);
  // Same name as outside: that is how ONNX refers to it.
  const auto id = static_cast<ValueId>(graph_.values.size());
  graph_.values.push_back(value);
  names_.emplace(value.name, id);
  graph_.captures.push_back(id);
  captured_.emplace(outer, id);
  return id;
}

const Tensor* Builder::constant_of(ValueId id) const {
  const auto at = graph_.constants.find(id);
  return at == graph_.constants.end() ? nullptr : &at->second;
}

std::vector<ValueId> Builder::node(std::string_view domain, std::string_view op, std::vector<ValueId> inputs, Attributes attributes,
                                   std::size_t outputs, std::string_view name) {
  Node made{std::string(domain), std::string(op), std::string(name), std::move(inputs), {}, std::move(attributes), {}};
  if (outputs == 0) throw Error(Code::corrupt, format("node {} ({}) has no outputs", printable(name), printable(op)));
  for (const auto& [key, value] : made.attributes) {
    const GraphPtr* body = std::get_if<GraphPtr>(&value);
    if (body == nullptr) continue;
    for (const ValueId id : (*body)->captures) {
      const auto at = names_.find((*body)->value(id).name);
      if (at == names_.end()) throw Error(Code::corrupt, format("attribute {} uses {}, which does not exist outside", key, printable((*body)->value(id).name)));
      made.captures.push_back(at->second);
    }
  }
  const bool shared = !is_random(op) && !is_large(made);
  const std::string key = shared ? key_of(made, outputs) : std::string();
  if (const auto at = known_.find(key); shared && at != known_.end()) return at->second;
  if (made.name.empty()) made.name = unique(op);
  made.outputs.resize(outputs);

  std::vector<const Type*> types;
  std::vector<const Tensor*> constants;
  for (const ValueId id : made.inputs) {
    if (id != kNoValue && (id < 0 || static_cast<std::size_t>(id) >= graph_.values.size())) {
      throw Error(Code::corrupt, format("node {} uses a value that does not exist", printable(made.name)));
    }
    types.push_back(id == kNoValue ? nullptr : &type(id));
    constants.push_back(id == kNoValue ? nullptr : constant_of(id));
  }
  std::vector<Type> result(outputs);
  if (const Op* known = find_op(domain, op); known != nullptr && known->infer != nullptr) {
    InferContext context(made, types, constants);
    known->infer(context);
    result = std::move(context.outputs);
    // Identity stands where a value needs a name of its own.
    if (shared && op != "Identity") {
      if (std::vector<Tensor> values = folded(*known, made, constants, result); !values.empty()) {
        std::vector<ValueId> out;
        for (Tensor& t : values) out.push_back(t.defined() ? constant(std::move(t), made.name) : kNoValue);
        known_.emplace(key, out);
        return out;
      }
    }
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    made.outputs[i] = add_value(outputs == 1 ? made.name : format("{}:{}", made.name, i), std::move(result[i]));
  }
  std::vector<ValueId> out = made.outputs;
  if (shared) known_.emplace(key, out);
  graph_.nodes.push_back(std::move(made));
  return out;
}

void Builder::rename(ValueId id, std::string_view name) {
  Value& value = graph_.values[static_cast<std::size_t>(id)];
  if (value.name == name) return;
  if (names_.contains(std::string(name))) throw Error(Code::corrupt, format("two values are called {}", printable(name)));
  names_.erase(value.name);  // but it stays in used_: a node may be called so
  value.name = name;
  names_.emplace(value.name, id);
  used_->insert(value.name);
}

void Builder::output(ValueId value, std::string_view name) {
  for (const ValueId other : graph_.outputs) {
    if (graph_.value(other).name == name) throw Error(Code::corrupt, format("two outputs are called {}", printable(name)));
  }
  // An output is what a node of this graph makes, under a name of its own: anything else is copied.
  const auto among = [&](const std::vector<ValueId>& list) { return std::ranges::find(list, value) != list.end(); };
  if (among(graph_.outputs) || among(graph_.inputs) || among(graph_.captures) || constant_of(value) != nullptr) {
    known_.clear();  // this copy must not be shared
    value = op("Identity", {value});
  }
  if (graph_.value(value).name != name) {
    if (const auto at = names_.find(std::string(name)); at != names_.end()) {
      const auto fixed = [&](const std::vector<ValueId>& list) { return std::ranges::find(list, at->second) != list.end(); };
      // A value in between makes way; an input or a captured value keeps its name, and the output gets one like it.
      if (!fixed(graph_.inputs) && !fixed(graph_.captures)) rename(at->second, unique(name));
    }
    rename(value, names_.contains(std::string(name)) ? unique(name) : std::string(name));
  }
  graph_.outputs.push_back(value);
}

Graph Builder::finish(std::string_view name) {
  graph_.name = name;
  return std::move(graph_);
}

}  // namespace decant
