// SPDX-License-Identifier: Apache-2.0
// EmbeddingEstimates: vectors as the numbers that CatBoost makes of them (catboost/private/libs/embedding_features/{lda,knn}.cpp of 1.2): where they
// lie on a few lines (LDA), or of which classes, or with which mean, those vectors of training are that a search in a graph finds near (KNN).
// The search is approximate; it takes the same steps as CatBoost's (THnswIndexBase::GetNearestNeighbors, library/cpp/hnsw/index/index_base.h),
// in the same arithmetic (L2SqrDistance, library/cpp/l2_distance), and so finds the same.
#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::size_t kSearched = 300;  // vectors that a search keeps in view (TKNNCloud::GetNearestNeighbors)

/// The square of a distance: four sums side by side.
float distance(const float* a, const float* b, std::size_t size) {
  float sums[4] = {0, 0, 0, 0};
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) {
      const float d = a[i + k] - b[i + k];
      sums[k] += d * d;
    }
  }
  for (; i < size; ++i) {
    const float d = b[i] - a[i];
    sums[0] += d * d;
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

struct Found {
  float distance = 0;
  std::uint32_t id = 0;
};

/// A priority queue as libc++ has it, with which CatBoost is built: among vectors equally far, the order in which they leave is that of its heap
/// (std::pop_heap sinks the gap to the bottom, to the left child of two that are equal, and lifts the last element from there).
template <class Less>
class Heap {
 public:
  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  const Found& top() const { return all_.front(); }
  void push(Found v) {
    all_.push_back(v);
    lift(all_.size() - 1);
  }
  void pop() {
    const Found last = all_.back();
    all_.pop_back();
    if (all_.empty()) return;
    std::size_t gap = 0;
    // The last place counts while the gap sinks: it holds the old top there.
    const std::size_t size = all_.size() + 1;
    const auto at = [&](std::size_t i) -> const Found& { return i < all_.size() ? all_[i] : last; };
    while (2 * gap + 1 < size) {
      std::size_t child = 2 * gap + 1;
      if (child + 1 < size && less_(at(child), at(child + 1))) ++child;
      if (child == size - 1) {  // the gap reaches the last place: what stood there stands in the place above
        all_[gap] = last;
        lift(gap);
        return;
      }
      all_[gap] = all_[child];
      gap = child;
    }
    all_[gap] = last;
    lift(gap);
  }

 private:
  void lift(std::size_t i) {
    while (i > 0 && less_(all_[(i - 1) / 2], all_[i])) {
      std::swap(all_[i], all_[(i - 1) / 2]);
      i = (i - 1) / 2;
    }
  }
  std::vector<Found> all_;
  Less less_;
};
struct Nearer {
  bool operator()(const Found& a, const Found& b) const { return a.distance < b.distance; }
};
struct Farther {
  bool operator()(const Found& a, const Found& b) const { return b.distance < a.distance; }
};

struct Level {
  std::size_t size = 0, width = 0;  // vectors in it, and neighbours of each
  const std::int32_t* neighbours = nullptr;
};

/// A graph of vectors in levels: each has neighbours in every level that it is in, and the first ones are in more.
struct Cloud {
  std::span<const float> points;
  std::size_t width = 0;
  std::vector<Level> levels;
  Tensor kept_points, kept_neighbours;

  explicit Cloud(const AttributeView& node) : kept_points(node.tensor("points")), kept_neighbours(node.tensor("neighbours")) {
    points = kept_points.data<float>();
    width = kept_points.rank() == 2 ? static_cast<std::size_t>(kept_points.dim(1)) : 0;
    const std::size_t count = width == 0 ? 0 : points.size() / width;
    const auto all = kept_neighbours.data<std::int32_t>();
    const std::int64_t most = node.integer("max_neighbours");
    std::size_t used = 0;
    for (const std::int64_t size : node.integers("level_sizes")) {
      const std::size_t above = levels.empty() ? count : levels.back().size;
      if (size < 1 || most < 1 || static_cast<std::uint64_t>(size) > above || (levels.empty() && static_cast<std::uint64_t>(size) != count)) node.fail(Code::corrupt, format("a level of {} vectors on one of {}", size, above));
      Level level;
      level.size = static_cast<std::size_t>(size);
      level.width = std::min(static_cast<std::size_t>(most), level.size - 1);
      if (level.width != 0 && level.size > (all.size() - used) / level.width) node.fail(Code::corrupt, format("neighbours of {} vectors, of {}", (all.size() - used) / level.width, level.size));
      level.neighbours = all.data() + used;
      for (const std::int32_t id : all.subspan(used, level.size * level.width)) {
        if (id < 0 || static_cast<std::size_t>(id) >= level.size) node.fail(Code::corrupt, format("neighbour {} of {}", id, level.size));
      }
      used += level.size * level.width;
      levels.push_back(level);
    }
    if (used != all.size()) node.fail(Code::corrupt, format("{} neighbours belong to no level", all.size() - used));
  }

  float to(const float* query, std::uint32_t id) const { return distance(query, points.data() + id * width, width); }
  std::span<const std::int32_t> near(std::size_t level, std::uint32_t id) const { return {levels[level].neighbours + id * levels[level].width, levels[level].width}; }

  /// Those found near, the nearest first.
  std::vector<Found> search(const float* query, std::size_t wanted) const {
    if (levels.empty()) return {};
    Found entry{to(query, 0), 0};
    for (std::size_t level = levels.size(); level-- > 1;) {
      for (bool changed = true; changed;) {
        changed = false;
        for (const std::int32_t n : near(level, entry.id)) {
          const auto id = static_cast<std::uint32_t>(n);
          if (const float d = to(query, id); d < entry.distance) {
            entry = {d, id};
            changed = true;
          }
        }
      }
    }
    Heap<Nearer> nearest;     // the farthest of them on top
    Heap<Farther> candidates;
    std::unordered_set<std::uint32_t> visited{entry.id};
    nearest.push(entry);
    candidates.push(entry);
    while (!candidates.empty()) {
      const Found now = candidates.top();
      candidates.pop();
      if (nearest.top().distance < now.distance) break;
      for (const std::int32_t n : near(0, now.id)) {
        const auto id = static_cast<std::uint32_t>(n);
        if (visited.contains(id)) continue;
        const float d = to(query, id);
        if (nearest.size() >= kSearched && !(d < nearest.top().distance)) continue;
        nearest.push({d, id});
        candidates.push({d, id});
        visited.insert(id);
        if (nearest.size() > kSearched) nearest.pop();
      }
    }
    while (nearest.size() > wanted) nearest.pop();
    std::vector<Found> out;
    for (; !nearest.empty(); nearest.pop()) out.push_back(nearest.top());
    std::ranges::reverse(out);
    return out;
  }
};

struct Known {
  std::vector<std::int64_t> active;
  Tensor projection;  // of LDA: [lines, numbers in a vector]
  std::optional<Cloud> cloud;
  std::size_t wanted = 0;
  std::vector<std::int64_t> classes;  // of each vector
  std::span<const float> targets;     // or this
  Tensor kept_targets;
  std::size_t width = 0, outputs = 0;
};

State prepare(const PrepareContext& c) {
  auto out = std::make_shared<Known>();
  out->active = c.integers("active");
  if (c.text("estimator") == "LDA") {
    out->projection = c.tensor("projection");
    if (out->projection.rank() != 2 || out->projection.dtype() != DType::float32) c.fail(Code::corrupt, "a projection that is no matrix");
    out->outputs = static_cast<std::size_t>(out->projection.dim(0));
    out->width = static_cast<std::size_t>(out->projection.dim(1));
  } else if (c.text("estimator") == "KNN") {
    out->cloud.emplace(c);
    out->width = out->cloud->width;
    out->wanted = static_cast<std::size_t>(std::max<std::int64_t>(c.integer("close"), 0));
    out->outputs = static_cast<std::size_t>(c.integer("outputs"));
    const std::size_t count = out->cloud->levels.empty() ? 0 : out->cloud->levels[0].size;
    if (c.has("targets")) {
      out->kept_targets = c.tensor("targets");
      out->targets = out->kept_targets.data<float>();
    } else {
      out->classes = c.integers("classes");
    }
    if ((c.has("targets") ? out->targets.size() : out->classes.size()) != count) c.fail(Code::corrupt, format("targets of other vectors than {}", count));
    for (const std::int64_t k : out->classes) {
      if (k < 0 || static_cast<std::uint64_t>(k) >= out->outputs) c.fail(Code::corrupt, format("class {} of {}", k, out->outputs));
    }
    if (out->outputs > 1'000'000) c.fail(Code::corrupt, format("{} classes", out->outputs));
    if (c.has("targets") && out->outputs != 1) c.fail(Code::corrupt, format("{} means", out->outputs));
  } else {
    c.fail(Code::unsupported, format("the estimator {}", printable(c.text("estimator"), 40)));
  }
  for (const std::int64_t k : out->active) {
    if (k < 0 || static_cast<std::uint64_t>(k) >= out->outputs) c.fail(Code::corrupt, format("number {} of {}", k, out->outputs));
  }
  return out;
}

void run(KernelContext& c) {
  want(c, 0, DType::float32);
  const Known& known = c.state<Known>();
  const Tensor& x = c.input(0);
  if (x.rank() != 2 || static_cast<std::size_t>(x.dim(1)) != known.width) c.fail(Code::mismatch, format("vectors of shape {}, the model takes {} numbers each", text_of(x.shape()), known.width));
  const auto rows = static_cast<std::size_t>(x.dim(0));
  float* out = c.output(0, DType::float32, {x.dim(0), static_cast<std::int64_t>(known.active.size())}).mutable_data<float>().data();
  std::vector<float> all(known.outputs);
  for (std::size_t n = 0; n < rows; ++n) {
    const float* row = x.data<float>().data() + n * known.width;
    std::ranges::fill(all, 0.0f);
    if (!known.cloud) {
      const float* line = known.projection.data<float>().data();
      for (float& v : all) {
        for (std::size_t i = 0; i < known.width; ++i) v += row[i] * *line++;
      }
    } else {
      const std::vector<Found> found = known.cloud->search(row, known.wanted);
      for (const Found& f : found) {
        if (known.targets.empty()) ++all[static_cast<std::size_t>(known.classes[f.id])];
        else all[0] += known.targets[f.id];
      }
      if (!known.targets.empty() && !found.empty()) all[0] /= static_cast<float>(found.size());
    }
    for (const std::int64_t k : known.active) *out++ = all[static_cast<std::size_t>(k)];
  }
}

void infer(InferContext& c) {
  const Type& in = c.input(0);
  c.outputs[0] = Type::tensor(DType::float32, {in.has_rank && !in.shape.empty() ? in.shape[0] : Dim{}, {static_cast<std::int64_t>(c.integers("active").size()), {}}});
}

constexpr Op kOps[] = {{"decant", "EmbeddingEstimates",
                        "Vectors [N, D] as CatBoost's numbers, float32 [N, active]: estimator LDA (projection [lines, D]) or KNN (the nearest `close` of `points`, as a search in a "
                        "graph of level_sizes, max_neighbours and neighbours finds them: how many are of each of `outputs` classes, or the mean of their targets).",
                        infer, run, prepare, nullptr, "no standard operator searches a graph of neighbours: written as decant's own operator, which other runtimes do not know"}};

}  // namespace

DECANT_AT_START std::span<const Op> embedding_estimates_ops() { return kOps; }

}  // namespace decant
