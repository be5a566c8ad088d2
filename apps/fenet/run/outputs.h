#pragma once
// What a network says of a session, as tables.

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/model/network.h"

#include <string>

namespace thimble::fenet {

/// [B, columns] f32: "features" from the filters [B, C * N], "normalised" over the session, "reduced" by PLS
/// [B, C * A] (the same as normalised without PLS), or "predictions" [B, D], each fold by the others.
Tensor session_outputs(const Network& network, const Session& session, const Protocol& protocol,
                       const std::string& what);

}  // namespace thimble::fenet
