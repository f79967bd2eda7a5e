// SPDX-License-Identifier: Apache-2.0
// What an object is, for people; and which steps of it are run.
#pragma once

#include <optional>
#include <vector>

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

/// Hyper-parameters (attributes without a trailing or leading underscore) and what is nested in them. Of classes that decant does not
/// run, and of those that answer for no new data, also what they were fitted to: arrays by type and shape.
/// `left` bounds how much is said: an object may hold others many times over.
Info describe(const Object& object, std::string name, int& left, int depth = 0);

/// What is run: transformers one after the other, and a last estimator with all its methods (none: what comes out of the others).
struct Chain {
  std::vector<Object> before;
  std::optional<Object> last;
  std::vector<Object> all() const;  // at least one
};

/// The steps that `part` asks for: of `root` itself, or of the pipeline that it holds as best_estimator_. Throws usage, naming the steps
/// that there are.
Chain chain_of(const Object& root, const Part& part);

/// Throws unsupported where a part that would have to run is of a class that decant does not know: which, where it stands, what it
/// holds, and what can be done.
void refuse_unknown(const Object& root, const Chain& chain);

/// Throws unsupported: the class has no method for new data.
[[noreturn]] void no_answers(const Object& self);

}  // namespace decant::sklearn
