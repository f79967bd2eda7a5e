// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/casts.h"

#include "base/text.h"
#include "frameworks/python/pandas.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {

std::string type_name(const Object& type) {
  if (type.is_none()) return {};
  if (type.is_text()) return type.text();
  if (type.name() == "CategoricalDtype") return "category";
  if (type.name() == "_load_type" && type.args().size() == 1) return type_name(type.args()[0]);
  if (const auto known = python::as_type(type.tree(), type.node())) {
    return known->kind == 'f' ? "float" : known->kind == 'i' || known->kind == 'u' ? "int" : known->kind == 'b' ? "bool" : known->kind == 'U' || known->kind == 'O' ? "str" : known->text();
  }
  return std::string(type.name());
}

Expr as_text(const Object& self, const Table& x, std::size_t column) {
  const Expr out = x.column(column, true);
  if (out.dtype() == DType::string) return out;
  if (out.dtype() == DType::boolean) unsupported(self, "truth values as texts");
  return cast(out, DType::string);  // a whole number without a point
}

Expr converted(const Object& self, const std::string& type, const Table& x, std::size_t column) {
  if (type == "str" || type == "unicode") return as_text(self, x, column);
  if (type.starts_with("datetime64")) {  // as seconds, whatever the unit
    const Expr seconds = apply("decant", "SecondsOfDate", {as_text(self, x, column)});
    if (type == "datetime64[s]") return seconds;
    if (type == "datetime64[D]") return cast(floor(cast(seconds, DType::float64) / 86'400.0) * 86'400.0, DType::int64);
  }
  const Expr number = x.column(column);
  if (type == "Int64" || type == "Int64Dtype") return cast(number, DType::float64);  // whole numbers, or nothing
  if (type.starts_with("int")) return cast(number, DType::int64);
  if (type.starts_with("float")) return cast(number, DType::float64);
  if (type.starts_with("bool")) return cast(cast(number, DType::float64), DType::boolean);
  unsupported(self, format("a cast to {}", printable(type)));
}

std::optional<Expr> category_codes_of(const Context& context, const Table& x, std::size_t column) {
  for (const bool text : {true, false}) {
    const Expr values = x.column(column, text);
    const auto known = context.categories.find(values.id());
    if (known != context.categories.end() && known->second.is_text() == text) return category_codes(values, known->second, "");
  }
  return {};
}

void note_categories(Context& context, const Table& x, const Object& values) {
  const Object labels = python::labels_of(values);
  CategoryList list;
  if (const auto array = labels.array(); array && array->type.kind != 'O' && array->type.kind != 'U') list.numbers = labels.list();
  else list.texts = names_in(labels);
  context.categories[x.column(0, list.is_text()).id()] = std::move(list);
}

}  // namespace decant::sklearn
