// SPDX-License-Identifier: Apache-2.0
// The machine that runs a pattern's program over a text. Meaning: Python 3.11, Modules/_sre/sre_lib.h.
#include <algorithm>
#include <optional>
#include <span>

#include "ops/text/pattern_program.h"

namespace decant {
namespace {

using pattern::Does, pattern::Kind, pattern::Set, pattern::Step;

bool is_ascii_word(char32_t c) { return c < 0x80 && is_word(c); }

bool holds(Kind kind, char32_t c, bool ascii) {
  const bool in = !ascii || c < 0x80;
  switch (kind) {
    case Kind::word: return in && is_word(c);
    case Kind::not_word: return !(in && is_word(c));
    case Kind::digit: return in && is_digit(c);
    case Kind::not_digit: return !(in && is_digit(c));
    case Kind::space: return in && is_space(c) && !(ascii && c >= 0x1C && c <= 0x1F);
    case Kind::not_space: return !(in && is_space(c) && !(ascii && c >= 0x1C && c <= 0x1F));
  }
  return false;
}

bool contains(const Set& set, char32_t c, bool ascii) {
  for (const auto& [from, to] : set.ranges) {
    if (c >= from && c <= to) return true;
  }
  return std::ranges::any_of(set.kinds, [&](Kind k) { return holds(k, c, ascii); });
}

struct Saves {
  std::size_t start = 0, group_begin = kNone, group_end = kNone;
  static constexpr std::size_t kNone = ~std::size_t{0};
};

/// One run of the machine from `from`; anchored: only matches that begin there.
class Machine {
 public:
  Machine(const Pattern::Program& program, std::span<const Step> steps, PointsView text) : program_(program), steps_(steps), text_(text) {
    for (List* list : {&now_, &next_}) list->mark.resize(steps.size(), 0);
  }

  struct Found {
    Saves saves;
    std::size_t end = 0;
  };

  /// The first match at or after `from`. An empty one at `from` itself does not count where it `must_advance`.
  std::optional<Found> find(std::size_t from, bool anchored, bool must_advance) {
    std::optional<Found> best;
    now_.clear(++generation_);
    for (std::size_t at = from;; ++at) {
      if (!best && (!anchored || at == from)) {
        Saves saves;
        saves.start = at;
        add(now_, 0, at, saves);
      }
      if (now_.threads.empty() && (best || anchored)) break;
      next_.clear(++generation_);
      for (const Thread& t : now_.threads) {
        const Step& step = steps_[t.step];
        if (step.code == Does::match) {
          if (must_advance && at == t.saves.start && at == from) continue;
          best = Found{t.saves, at};
          break;  // those behind have lower priority
        }
        if (at < text_.size() && takes(step, text_[at])) add(next_, t.step + 1, at + 1, t.saves);
      }
      std::swap(now_, next_);
      if (at >= text_.size()) break;
    }
    return best;
  }

 private:
  struct Thread {
    std::size_t step;
    Saves saves;
  };
  struct List {
    std::vector<Thread> threads;
    std::vector<std::uint64_t> mark;
    std::uint64_t generation = 0;
    void clear(std::uint64_t g) {
      threads.clear();
      generation = g;
    }
  };

  bool takes(const Step& step, char32_t c) const {
    switch (step.code) {
      case Does::any: return true;
      case Does::any_but_newline: return c != U'\n';
      case Does::set: {
        const Set& set = program_.sets[step.a];
        bool in = contains(set, c, step.ascii);
        if (!in && step.fold) in = contains(set, simple_lower(c), step.ascii) || contains(set, simple_upper(c), step.ascii);
        return in != set.negated;
      }
      default: return false;
    }
  }

  bool word_at(std::size_t at, bool ascii) const { return at < text_.size() && (ascii ? is_ascii_word(text_[at]) : is_word(text_[at])); }

  bool passes(const Step& step, std::size_t at) const {
    const auto before = [&] { return at > 0 && word_at(at - 1, step.ascii); };
    switch (step.code) {
      case Does::begin: return at == 0;
      case Does::end: return at == text_.size();
      case Does::end_before_newline: return at == text_.size() || (at + 1 == text_.size() && text_[at] == U'\n');
      case Does::line_begin: return at == 0 || text_[at - 1] == U'\n';
      case Does::line_end: return at == text_.size() || text_[at] == U'\n';
      case Does::boundary: return before() != word_at(at, step.ascii);
      case Does::no_boundary: return !text_.empty() && before() == word_at(at, step.ascii);
      case Does::look: {
        bool found = false;
        if (step.back <= at) {
          found = Machine(program_, program_.looks[step.a], text_).find(at - step.back, true, false).has_value();
        }
        return found != step.negated;
      }
      default: return true;
    }
  }

  /// Follows everything that takes no character, in order of priority.
  void add(List& list, std::size_t first, std::size_t at, const Saves& given) {
    todo_.clear();
    todo_.push_back({first, given});
    while (!todo_.empty()) {
      Thread t = todo_.back();
      todo_.pop_back();
      if (list.mark[t.step] == list.generation) continue;
      list.mark[t.step] = list.generation;
      const Step& step = steps_[t.step];
      switch (step.code) {
        case Does::jump: todo_.push_back({t.step + step.a, t.saves}); break;
        case Does::split:
          todo_.push_back({t.step + step.b, t.saves});
          todo_.push_back({t.step + step.a, t.saves});
          break;
        case Does::save:
          (step.a == 0 ? t.saves.group_begin : t.saves.group_end) = at;
          todo_.push_back({t.step + 1, t.saves});
          break;
        case Does::set: case Does::any: case Does::any_but_newline: case Does::match: list.threads.push_back(t); break;
        default:
          if (passes(step, at)) todo_.push_back({t.step + 1, t.saves});
      }
    }
  }

  const Pattern::Program& program_;
  std::span<const Step> steps_;
  PointsView text_;
  List now_, next_;
  std::vector<Thread> todo_;
  std::uint64_t generation_ = 0;
};

/// Every match from left to right, until `found` says false. After an empty match the next one begins later or is not empty.
template <class F>
void each(const Pattern::Program& program, PointsView text, F found) {
  Machine machine(program, program.steps, text);
  bool must_advance = false;
  for (std::size_t at = 0; at <= text.size();) {
    const auto match = machine.find(at, false, must_advance);
    if (!match || !found(*match)) return;
    must_advance = match->end == match->saves.start;
    at = match->end;
  }
}

}  // namespace

void Pattern::find_all(PointsView text, const std::function<void(PointsView)>& found) const {
  if (program_->runs_of_words) {
    for (std::size_t i = 0; i < text.size();) {
      if (!is_word(text[i])) {
        ++i;
        continue;
      }
      const std::size_t begin = i;
      while (i < text.size() && is_word(text[i])) ++i;
      if (i - begin >= program_->least) found(text.substr(begin, i - begin));
    }
    return;
  }
  each(*program_, text, [&](const Machine::Found& match) {
    const Saves& saves = match.saves;
    if (program_->groups == 0) found(text.substr(saves.start, match.end - saves.start));
    else if (saves.group_begin == Saves::kNone || saves.group_end == Saves::kNone || saves.group_end < saves.group_begin) found({});
    else found(text.substr(saves.group_begin, saves.group_end - saves.group_begin));
    return true;
  });
}

void Pattern::each_match(PointsView text, const std::function<bool(std::size_t, std::size_t)>& found) const {
  each(*program_, text, [&](const Machine::Found& match) { return found(match.saves.start, match.end); });
}

}  // namespace decant
