#pragma once
// What the first 27 inputs say about a track besides z: which super layers have a hit, curvature, transverse momentum.

#include "apps/neurotrigger/data/chamber.h"
#include "apps/neurotrigger/data/dataset.h"

#include <vector>

namespace thimble::neurotrigger {

/// A super layer has a hit unless relID, driftT and alpha are all zero.
bool has_hit(const float* inputs, std::size_t super_layer);
/// Bit s = super layer s has a hit.
unsigned layers_hit(const float* inputs);

/// Curvature of the 2D track, 1/cm, positive for positive charge. Every hit says 2 sin(a) / R with its crossing angle
/// a = 2 alpha, for the radius R of the first or of the second priority layer, which the file does not name; taken is
/// the value on which all super layers agree best. 0 for straight tracks and for tracks without a hit.
double curvature_of(const float* inputs);

/// Transverse momentum in GeV at 1.5 T; infinity for curvature 0, which the 2D finder gives to tracks that are
/// straighter than half a cell.
double transverse_momentum(double curvature);

/// Network for a pattern of hits as the trigger chooses it: all four stereo super layers -> 0, three -> by the missing
/// one, fewer -> -1 = no network, no neural track. Axial hits do not matter here.
int expert_of_stereo(unsigned pattern);
/// Stereo super layers that a track of the expert has: the pattern that expert_of_stereo gives it for.
unsigned stereo_of_expert(int expert);

/// Transverse momenta of all rows, GeV.
std::vector<double> transverse_momenta(const Dataset& data);

}  // namespace thimble::neurotrigger
