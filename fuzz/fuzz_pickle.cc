// SPDX-License-Identifier: Apache-2.0
#include "frameworks/python/numpy.h"
#include "fuzz.h"

using namespace decant;

// The tree's lists agree with each other, and everything in it that looks like an array either is one or throws.
static void check(const pickle::Tree& tree) {
  for (const pickle::Ref global : tree.globals) fuzz::require(global->kind == pickle::Kind::global && global->items.size() == 2);
  for (const pickle::Ref call : tree.calls) {
    fuzz::require(call->kind == pickle::Kind::call && call->items.size() >= 2);
    fuzz::accept([&] {
      if (const auto array = python::as_array(tree, *call)) fuzz::require(array->tensor().size() == array->count());
    });
    fuzz::accept([&] { python::as_scalar(tree, *call); });
    fuzz::accept([&] {
      const auto sparse = python::as_sparse(tree, *call);
      if (sparse) fuzz::require(sparse->indptr.integer(sparse->indptr.size() - 1) == static_cast<std::int64_t>(sparse->indices.size()));
    });
  }
  for (const pickle::Ref id : tree.persistents) fuzz::require(id->kind == pickle::Kind::persistent && id->items.size() == 1);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Source source = fuzz::source(data, size);
  Cursor cursor(source);
  const pickle::Partial partial = pickle::parse_partial(cursor, python::pickle_options());
  fuzz::require(partial.broke.has_value() == (partial.tree.root == nullptr));
  fuzz::require(partial.broke || (partial.tree.end == cursor.offset() && partial.tree.end <= size));
  check(partial.tree);
  return 0;
}
