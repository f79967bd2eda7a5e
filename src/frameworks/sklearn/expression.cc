// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "frameworks/sklearn/parts.h"

namespace decant::sklearn {
namespace {

class Parser {
 public:
  Parser(const Object& self, std::string_view text, const Table& x) : self_(self), text_(text), x_(x), like_(x.column(0)) {}

  Expr run() {
    const Value out = conditional();
    space();
    if (at_ != text_.size()) refuse();
    if (out.column) return x_.column(*out.column, x_.is_text(*out.column));
    if (varies_) return out.value;
    return each_row(zero_rows(x_), out.value);
  }

 private:
  /// A column of the table keeps open whether it is read as a number or as text until an operator says so.
  struct Value {
    Expr value;
    std::optional<std::size_t> column;
  };

  [[noreturn]] void refuse() const { unsupported(self_, format("decant cannot run the expression \"{}\" (position {})", printable(text_, 200), at_)); }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view token) {
    space();
    if (!text_.substr(at_).starts_with(token)) return false;
    const bool word = std::isalpha(static_cast<unsigned char>(token[0])) != 0 && token.back() != '.' && token.back() != '[';
    const auto after = text_.substr(at_ + token.size());
    if (word && !after.empty() && (std::isalnum(static_cast<unsigned char>(after[0])) != 0 || after[0] == '_')) return false;
    at_ += token.size();
    return true;
  }
  void need(std::string_view token) {
    if (!take(token)) refuse();
  }

  bool is_text(const Value& v) const { return v.column ? x_.is_text(*v.column) : v.value.dtype() == DType::string; }
  Expr number(const Value& v) const {
    if (v.column) return cast(x_.column(*v.column), DType::float64);
    if (is_text(v)) refuse();
    return cast(v.value, DType::float64);
  }
  Expr texts(const Value& v) const {
    const Expr out = v.column ? x_.column(*v.column, true) : v.value;
    if (out.dtype() != DType::string) refuse();
    return out;
  }
  Expr truth(const Value& v) const {
    if (!v.column && v.value.dtype() == DType::boolean) return v.value;
    const Expr n = number(v);
    return logical_not(equal(n, n.scalar(0)));
  }

  Value conditional() {
    if (++depth_ > 50) refuse();
    Value out = either();
    if (take("if")) {
      const Expr condition = truth(either());
      need("else");
      out = chosen(condition, out, conditional());
    }
    --depth_;
    return out;
  }
  Value chosen(Expr condition, const Value& yes, const Value& no) const {
    if (is_text(yes) || is_text(no)) return {where(condition, texts(yes), texts(no)), {}};
    return {where(condition, number(yes), number(no)), {}};
  }
  Value either() {
    Value out = both();
    while (take("or")) out = {logical_or(truth(out), truth(both())), {}};
    return out;
  }
  Value both() {
    Value out = negated();
    while (take("and")) out = {logical_and(truth(out), truth(negated())), {}};
    return out;
  }
  Value negated() {
    if (++depth_ > 50) refuse();
    const Value out = take("not") ? Value{logical_not(truth(negated())), {}} : comparison();
    --depth_;
    return out;
  }
  Value comparison() {
    Value a = sum();
    std::optional<Expr> all;  // a < b < c: each with the next
    for (;;) {
      std::optional<Expr> holds = membership(a);
      for (const std::string_view op : {"<=", ">=", "==", "!=", "<", ">"}) {
        if (holds || !take(op)) continue;
        const Value b = sum();
        holds = compared(a, op, b);
        a = b;
      }
      if (!holds) return all ? Value{*all, {}} : a;
      all = all ? logical_and(*all, *holds) : *holds;
    }
  }
  Expr compared(const Value& a, std::string_view op, const Value& b) const {
    if (op == "==" || op == "!=") {
      const Expr same = is_text(a) || is_text(b) ? equal(texts(a), texts(b)) : equal(number(a), number(b));
      return op == "==" ? same : logical_not(same);
    }
    const Expr l = number(a), r = number(b);
    return op == "<=" ? less_equal(l, r) : op == ">=" ? greater_equal(l, r) : op == "<" ? less(l, r) : greater(l, r);
  }
  /// `a in [b, c]`, `a not in (b, c)`; nothing where something else follows.
  std::optional<Expr> membership(const Value& a) {
    const std::size_t before = at_;
    const bool negated = take("not");
    if (!take("in")) {
      at_ = before;
      return {};
    }
    const std::string_view close = take("[") ? "]" : take("(") ? ")" : take("{") ? "}" : "";
    if (close.empty()) refuse();
    std::optional<Expr> found;
    while (!take(close)) {
      if (found) need(",");
      if (found && take(close)) break;
      const Expr same = compared(a, "==", sum());
      found = found ? logical_or(*found, same) : same;
    }
    if (!found) refuse();
    return negated ? logical_not(*found) : *found;
  }
  Value sum() {
    Value out = product();
    for (;;) {
      if (take("+")) {
        const Value b = product();
        out = is_text(out) || is_text(b) ? Value{apply("StringConcat", {texts(out), texts(b)}), {}} : Value{number(out) + number(b), {}};
      } else if (take("-")) {
        out = {number(out) - number(product()), {}};
      } else {
        return out;
      }
    }
  }
  Value product() {
    Value out = factor();
    for (;;) {
      if (take("//")) {
        out = {floor(number(out) / number(factor())), {}};
      } else if (text_.substr(at_).starts_with("**")) {
        return out;
      } else if (take("*")) {
        out = {number(out) * number(factor()), {}};
      } else if (take("/")) {
        out = {number(out) / number(factor()), {}};
      } else if (take("%")) {  // the sign of Python's remainder is the divisor's
        const Expr a = number(out), b = number(factor());
        const Expr rest = apply("Mod", {a, b}, {{"fmod", std::int64_t{1}}});
        const Expr other = less(rest * b, rest.scalar(0));
        out = {where(other, rest + b, rest), {}};
      } else {
        return out;
      }
    }
  }
  Value factor() {
    if (++depth_ > 50) refuse();
    Value out;
    if (take("-")) out = {-number(factor()), {}};
    else if (take("+")) out = {number(factor()), {}};
    else out = power();
    --depth_;
    return out;
  }
  Value power() {
    const Value base = atom();
    return take("**") ? Value{pow(number(base), number(factor())), {}} : base;
  }
  Value atom() {
    if (take("(")) {
      const Value out = conditional();
      need(")");
      return out;
    }
    for (const std::string_view name : {"pandas.isnull", "pandas.notnull", "pandas.isna", "pandas.notna", "pd.isnull", "pd.notnull"}) {
      if (!take(name)) continue;
      need("(");
      const Value v = conditional();
      need(")");
      const Expr missing = Missing(Object{}).in(is_text(v) ? texts(v) : number(v));
      return {name.find("not") == name.npos ? missing : logical_not(missing), {}};
    }
    for (const bool truth : {true, false}) {
      if (take(truth ? "True" : "False")) return {cast(like_.constant(Tensor::scalar(truth ? 1.0 : 0.0)), DType::boolean), {}};
    }
    if (take("numpy.where") || take("np.where")) {
      need("(");
      const Expr condition = truth(conditional());
      need(",");
      const Value yes = conditional();
      need(",");
      const Value no = conditional();
      need(")");
      return chosen(condition, yes, no);
    }
    if (const auto applied = function()) return {*applied, {}};
    space();
    const auto begins = [&](char c) { return at_ < text_.size() && text_[at_] == c; };
    if (begins('\'') || begins('"')) return {like_.constant(Tensor::scalar(literal())), {}};
    if (take("X[")) {
      varies_ = true;
      if (take(":")) need(",");
      space();
      std::size_t column = 0;
      if (begins('\'') || begins('"')) {
        const std::string name = literal();
        const auto at = std::ranges::find(x_.names(), name);
        if (at == x_.names().end()) refuse();
        column = static_cast<std::size_t>(at - x_.names().begin());
      } else {
        const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), column);
        if (error != std::errc{} || column >= x_.width()) refuse();
        at_ = static_cast<std::size_t>(end - text_.data());
      }
      need("]");
      return {{}, column};
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) refuse();
    at_ = static_cast<std::size_t>(end - text_.data());
    return {like_.constant(Tensor::scalar(value)), {}};
  }
  /// math.f(a), numpy.f(a) or np.f(a), and abs(a): nothing where something else follows.
  std::optional<Expr> function() {
    struct Known {
      std::string_view name;
      Expr (*of)(Expr);
    };
    static constexpr Known kFunctions[] = {
        {"abs", abs}, {"absolute", abs}, {"fabs", abs}, {"ceil", ceil}, {"floor", floor}, {"exp", exp}, {"expm1", expm1}, {"log", log}, {"log1p", log1p}, {"sqrt", sqrt}, {"tanh", tanh},
        {"log2", [](Expr a) { return log(a) / std::log(2.0); }},
        {"log10", [](Expr a) { return log(a) / std::log(10.0); }},
        {"square", [](Expr a) { return a * a; }},
        {"sign", [](Expr a) { return apply("Sign", {a}); }},
        {"sin", [](Expr a) { return apply("Sin", {a}); }},
        {"cos", [](Expr a) { return apply("Cos", {a}); }},
        {"tan", [](Expr a) { return apply("Tan", {a}); }},
        {"arctan", [](Expr a) { return apply("Atan", {a}); }},
        {"atan", [](Expr a) { return apply("Atan", {a}); }},
        {"rint", [](Expr a) { return apply("Round", {a}); }},
    };
    const std::size_t before = at_;
    const bool of_module = take("math.") || take("numpy.") || take("np.");
    for (const Known& f : kFunctions) {
      if (!of_module && f.name != "abs") continue;
      if (!take(f.name)) continue;
      need("(");
      const Value argument = conditional();
      need(")");
      return f.of(number(argument));
    }
    at_ = before;
    return {};
  }
  std::string literal() {
    const char quote = text_[at_++];
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\\') ++at_;
    if (at_ == text_.size() || text_[at_] == '\\') refuse();
    return std::string(text_.substr(begin, at_++ - begin));
  }

  const Object& self_;
  std::string_view text_;
  const Table& x_;
  Expr like_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool varies_ = false;
};

}  // namespace

std::string expression_text(const Object& parameter) {
  if (parameter.is_text()) return parameter.text();
  if (parameter.set("function_defs") && !parameter["function_defs"].elements().empty()) unsupported(parameter, "an expression with functions of its own");
  return parameter["expr"].text();
}

Expr expression(const Object& self, std::string_view text, const Table& x) {
  if (x.width() == 0) unsupported(self, "an expression over no columns");
  return Parser(self, text, x).run();
}

}  // namespace decant::sklearn
