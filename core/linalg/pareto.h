#pragma once
// Fronts of non-dominated points and the volume they dominate. Every objective is minimised; whoever maximises one
// changes its sign.

#include <cstddef>
#include <vector>

namespace thimble::linalg {

using Objectives = std::vector<double>;  // one point, all objectives minimised

/// True when `a` is nowhere worse and somewhere better than `b`. False when either holds a NaN.
bool dominates(const Objectives& a, const Objectives& b);

/// Numbers of the points that no other dominates, ascending. Of equal points only the first is kept; points that hold
/// a NaN never are. Throws Error(shape) for points of different length.
std::vector<std::size_t> pareto_front(const std::vector<Objectives>& points);

/// Area (two objectives) or volume (three) that the points dominate inside the box below `reference`; points that are
/// not below it in every objective add nothing. Throws Error(shape) for another number of objectives. Method: sweep
/// over the last objective, slice by slice (Fonseca, Paquete and Lopez-Ibanez, 2006, for three objectives).
double hypervolume(const std::vector<Objectives>& points, const Objectives& reference);

}  // namespace thimble::linalg
